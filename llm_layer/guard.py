"""Physical and service limits that no directive, tracker or agent gets past: inlet temperature and deadlines.

The battery's limits are physics and already in the feasible range. Safety stays in code: small models do not see it.
"""

from __future__ import annotations

import numpy as np

from envs.state import COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.rows import STEP_HOURS, UTILISATION

NEAR_K = 0.5  # contract 7: an inlet this close to its limit is near it
MARGIN_K = 0.05  # supply air is held this much further off, so that the guard does not trip on its own cap


def guard(view: SiteView, feasible: np.ndarray) -> np.ndarray:
    """``feasible`` float32 (B, 3, 2) narrowed to what is safe; the same array where nothing has to be.

    Cooling: never warmer than keeps the inlet ``NEAR_K`` off its limit; once it is nearer (a plant at its capacity),
    as cold as the plant can follow. Load shift: nothing more is put off while queued work could miss its deadline.
    """
    p, state = view.params, view.state
    span = p["supply_max_degc"] - p["supply_min_degc"]
    warmest_degc = p["overheat_limit_degc"] - NEAR_K - MARGIN_K - p["recirculation_k"]
    cap = np.maximum(2.0 * (warmest_degc - p["supply_min_degc"]) / span - 1.0, -1.0)
    hot = state["inlet_degc"] >= p["overheat_limit_degc"] - NEAR_K
    low, high = feasible[:, COOLING, 0], feasible[:, COOLING, 1]
    limit = np.where(hot, low, np.maximum(cap, low))
    pressed = _deadlines_at_risk(view)
    warm = limit < high
    if not (warm.any() or pressed.any()):
        return feasible
    safe = feasible.copy()
    safe[warm, COOLING, 1] = limit[warm]
    safe[pressed, LOAD_SHIFT, 0] = np.clip(0.0, safe[pressed, LOAD_SHIFT, 0], safe[pressed, LOAD_SHIFT, 1])
    return safe


def _deadlines_at_risk(view: SiteView) -> np.ndarray:
    """bool (B,): work is overdue, or more is due within some horizon than free capacity can run until then."""
    state, p = view.state, view.params
    late = state["overdue_kwh"] > 1e-9
    full = p["it_capacity_kw"] * (1.0 - p["idle_share"]) * STEP_HOURS
    room = full * np.maximum(0.0, 1.0 - view.row[:, UTILISATION])
    crowded = state["queued_kwh"] > room
    if not crowded.any():
        return late
    due = np.cumsum(view.queue_kwh[crowded], axis=1)
    steps = np.arange(1, due.shape[1] + 1)
    late = late.copy()
    late[crowded] |= (due > room[crowded, None] * steps).any(axis=1)
    return late


class NearLimits:
    """Notices a site coming near a limit, once each time: the inlet, a full battery, an empty one.

    Only the moment of coming near wakes the supervisor; staying near does not.
    """

    def __init__(self, view: SiteView) -> None:
        self._near = self._now(view)

    def edges(self, view: SiteView) -> np.ndarray:
        """bool (B,): a limit has come near since the last call."""
        near = self._now(view)
        edge = (near & ~self._near).any(axis=0)
        self._near = near
        return edge

    @staticmethod
    def _now(view: SiteView) -> np.ndarray:
        """bool (3, B): inlet within ``NEAR_K``; SoC within one full-power step of its upper and of its lower limit."""
        p, soc_kwh = view.params, view.state["soc_kwh"]
        step_kwh = p["battery_kw"] * STEP_HOURS
        return np.stack(
            (
                view.state["inlet_degc"] >= p["overheat_limit_degc"] - NEAR_K,
                soc_kwh + step_kwh * p["charge_efficiency"] >= p["soc_max"] * p["battery_kwh"],
                soc_kwh - step_kwh / p["discharge_efficiency"] <= p["soc_min"] * p["battery_kwh"],
            )
        )


