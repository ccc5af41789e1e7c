"""The delivery tracker: in committed periods, narrow the bounds so that the meter meets baseline minus sold.

The same under every supervisor and for every controller that sells. Battery first, then the queue. It acts in
committed periods only, never widens what it is given, and aims at exactly what was sold: a shortfall is bought at the
system price, and what is delivered beyond the sale is paid at that price only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.state import BATTERY, LOAD_SHIFT
from envs.view import SiteView
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD

if TYPE_CHECKING:
    from envs.batch import SiteBatch

PERIOD_HOURS = 0.5
LOOK_AHEAD_PERIODS = 16  # a committed block is at most 4 h; twice that covers two in a row


def track(view: SiteView, batch: SiteBatch, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that deliver what was sold in the present period.

    Args:
        bounds: float32 (B, 3, 2), already inside the feasible range.

    Returns:
        Bounds float32 (B, 3, 2) inside the given ones (the same array where nothing is committed), and bool (B,):
        whose period is committed.
    """
    sold_kw = view.commitments_kw[:, view.period]
    active = sold_kw > 0.0
    if not active.any():
        return bounds, active
    steered = bounds.copy()
    for site in np.flatnonzero(active):
        _steer(view, batch, int(site), steered[site])
    return steered, active


def _steer(view: SiteView, batch: SiteBatch, site: int, bounds: np.ndarray) -> None:
    """Narrow one site's bounds (3, 2) in place."""
    p = view.params[site]
    steps_left = STEPS_PER_PERIOD - view.step % STEPS_PER_PERIOD
    sold_kw = view.commitments_kw[site, view.period]
    period_target_kwh = (view.baseline_kw[site, 0] - sold_kw) * PERIOD_HOURS - view.state["period_kwh"][site]
    target_kwh = period_target_kwh / steps_left

    defer_most, pass_work = bounds[LOAD_SHIFT, 0], min(bounds[LOAD_SHIFT, 1], max(bounds[LOAD_SHIFT, 0], 0.0))
    load_kwh = _load_kwh(view, batch, site, pass_work)
    rating_kwh = max(p["battery_kw"], 1e-9) * STEP_HOURS
    stored_kwh = max(0.0, view.state["soc_kwh"][site] - p["soc_min"] * p["battery_kwh"]) * p["discharge_efficiency"]
    later_kwh = _later_need_kwh(view, site, load_kwh) + (steps_left - 1) * max(0.0, load_kwh - target_kwh)

    give_kwh = _battery_share_kwh(load_kwh - target_kwh, stored_kwh, later_kwh)
    give_kwh = min(give_kwh, -bounds[BATTERY, 0] * rating_kwh)
    shift = pass_work
    if load_kwh - give_kwh > target_kwh + 1e-9:
        shift = _shift_to(view, batch, site, target_kwh + give_kwh, load_kwh, pass_work, defer_most)
        load_kwh = _load_kwh(view, batch, site, shift)
    bounds[LOAD_SHIFT, 1] = shift

    # What deferring leaves short the battery gives now, beyond its share: a later shortfall may never come.
    most = np.clip((target_kwh - load_kwh) / rating_kwh, bounds[BATTERY, 0], bounds[BATTERY, 1])
    # An agent may give more than was sold, but not the energy the rest of the block needs.
    spare = -max(0.0, stored_kwh - later_kwh) / rating_kwh
    bounds[BATTERY, 0] = min(most, max(bounds[BATTERY, 0], spare))
    bounds[BATTERY, 1] = most


def _load_kwh(view: SiteView, batch: SiteBatch, site: int, load_shift: float) -> float:
    """Import of the coming step with the battery at rest and the cooling set-point held, by the site's own kernel."""
    p = view.params[site]
    span = p["supply_max_degc"] - p["supply_min_degc"]
    hold = 2.0 * (view.state["supply_degc"][site] - p["supply_min_degc"]) / span - 1.0
    action = np.array([[load_shift, 0.0, np.clip(hold, -1.0, 1.0)]])
    return float(batch.simulate(site, view.row[site : site + 1], action)[0])


def _later_need_kwh(view: SiteView, site: int, load_kwh: float) -> float:
    """Battery energy (AC) the rest of the committed block takes if the load stays as it is."""
    sold_kw = view.commitments_kw[site, view.period + 1 : view.period + 1 + LOOK_AHEAD_PERIODS]
    gaps = np.flatnonzero(sold_kw <= 0.0)
    length = int(gaps[0]) if len(gaps) else len(sold_kw)
    target_kw = view.baseline_kw[site, 1 : 1 + length] - sold_kw[:length]
    return float(np.maximum(0.0, load_kwh / STEP_HOURS - target_kw).sum() * PERIOD_HOURS)


def _battery_share_kwh(need_kwh: float, stored_kwh: float, later_kwh: float) -> float:
    """What the battery gives now: all that is needed, or its share of a charge too small for the whole block."""
    need_kwh = max(0.0, need_kwh)
    total_kwh = need_kwh + later_kwh
    return need_kwh if total_kwh <= stored_kwh else need_kwh * stored_kwh / total_kwh


def _shift_to(
    view: SiteView, batch: SiteBatch, site: int, wanted_kwh: float, load_kwh: float, high: float, low: float
) -> float:
    """Load-shift action between ``low`` and ``high`` whose load is ``wanted_kwh``, by one secant step."""
    least_kwh = _load_kwh(view, batch, site, low)
    if load_kwh - least_kwh < 1e-9:
        return high
    return high - (high - low) * min(1.0, (load_kwh - wanted_kwh) / (load_kwh - least_kwh))
