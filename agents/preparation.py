"""Getting ready for what was sold: keep the battery full enough for the next committed block.

This is a controller's own decision, ahead of the block; inside it the delivery tracker steers.
"""

from __future__ import annotations

import numpy as np

from envs.state import BATTERY
from envs.view import SiteView
from grid.rows import STEP_HOURS

PERIOD_HOURS = 0.5
# The load may lie above the baseline that the reduction is measured from: BL01 misses by 32-42 kWh a period (standard
# deviation at 1 MW, design section 4), so twice that is kept ready. Assumption: in proportion to IT capacity.
LOAD_MARGIN_SHARE = 0.15


def prepare(view: SiteView, actions: np.ndarray, margin_share: float = LOAD_MARGIN_SHARE) -> np.ndarray:
    """Raise the battery actions where a sale lies ahead, in place.

    Charges in the cheapest half-hours left before the block, as many as it takes, and lets the battery go below what
    the block needs only while enough cheaper half-hours remain to refill it.

    Args:
        actions: float32 (B, 3), what the controller would do otherwise.
        margin_share: kept ready beyond what was sold, share of the IT capacity.

    Returns:
        float32 (B, 3): the same array.
    """
    ahead = view.commitments_kw[:, view.period + 1 : view.period + view.baseline_kw.shape[1]]
    if not ahead.any():
        return actions
    p, soc_kwh = view.params, view.state["soc_kwh"]
    first, need_kwh = _next_block(ahead, p, margin_share)
    rating_kw = np.maximum(p["battery_kw"], 1e-9)
    efficiency = p["charge_efficiency"] * p["discharge_efficiency"]
    refill_kwh = rating_kw * p["charge_efficiency"] * PERIOD_HOURS  # per half-hour

    price = view.tariff_outlook_gbp_per_mwh()
    now, later = price[:, :1], price[:, 1 : ahead.shape[1] + 1]
    before = np.arange(ahead.shape[1]) < first[:, None]  # half-hours after the present one and before the block
    cheaper = (before & (later < now)).sum(axis=1)
    pays = (before & (later < now * efficiency[:, None] - p["wear_gbp_per_mwh"][:, None])).sum(axis=1)

    # Charging: the present half-hour is among the cheapest that are needed.
    missing_kwh = need_kwh - soc_kwh
    charge = (missing_kwh > 1e-6) & (cheaper < np.ceil(missing_kwh / refill_kwh))
    level = np.minimum(1.0, missing_kwh / (rating_kw * p["charge_efficiency"] * STEP_HOURS))
    # Discharging: below the need only if it can be bought back for less.
    step_kwh = np.maximum(0.0, -actions[:, BATTERY]) * rating_kw * STEP_HOURS / p["discharge_efficiency"]
    short = (missing_kwh + step_kwh > 1e-6) & (pays < np.ceil((missing_kwh + step_kwh) / refill_kwh))
    spare_kwh = np.maximum(0.0, soc_kwh - need_kwh)
    floor = np.where(short, -spare_kwh * p["discharge_efficiency"] / (rating_kw * STEP_HOURS), -1.0)
    floor = np.where(charge, level, floor)
    floor = np.where(need_kwh > 0.0, floor, -1.0)
    actions[:, BATTERY] = np.maximum(actions[:, BATTERY], floor)
    return actions


def _next_block(ahead_kw: np.ndarray, p: np.ndarray, margin_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the next committed block starts, in half-hours after the present one, and the charge it needs.

    Args:
        ahead_kw: float64 (B, n), sold in the periods after the present one.

    Returns:
        first int64 (B,) and the state of charge to start it with, float64 (B,) kWh; 0 where nothing is sold.
    """
    sold = ahead_kw > 0.0
    first = np.argmax(sold, axis=1)
    started = np.arange(ahead_kw.shape[1]) >= first[:, None]
    block = started & (np.cumsum(started & ~sold, axis=1) == 0)
    ready_kw = ahead_kw + margin_share * p["it_capacity_kw"][:, None]
    given_kwh = (np.minimum(ready_kw, p["battery_kw"][:, None]) * block).sum(axis=1) * PERIOD_HOURS
    need = p["soc_min"] * p["battery_kwh"] + given_kwh / p["discharge_efficiency"]
    return first, np.where(sold.any(axis=1), np.minimum(need, p["soc_max"] * p["battery_kwh"]), 0.0)
