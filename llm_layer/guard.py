"""Physical and service limits that no directive, tracker or agent gets past: inlet temperature and deadlines.

The battery's limits are physics and already in the feasible range. Safety stays in code: small models do not see it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.state import COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.rows import STEP_HOURS, UTILISATION

NEAR_K = 0.5  # contract 7: an inlet this close to its limit is near it
MARGIN_K = 0.05  # supply air is held this much further off, so that the guard does not trip on its own cap


def guard(view: SiteView, feasible: np.ndarray) -> np.ndarray:
    """``feasible`` float32 (B, 3, 2) narrowed to what is safe.

    Cooling: never warmer than keeps the inlet ``NEAR_K`` off its limit; once it is nearer (a plant at its capacity),
    as cold as the plant can follow, and no queued work is started that can still wait. Load shift: nothing more is
    put off while queued work could miss its deadline.
    """
    safe = feasible.copy()
    _narrow(view.params, view.state, view.row, view.queue_kwh, safe)
    return safe


@njit(cache=True, error_model="numpy")
def _narrow(params: np.ndarray, state: np.ndarray, row: np.ndarray, queue_kwh: np.ndarray, bounds: np.ndarray) -> None:
    for i in range(len(params)):
        p, s = params[i], state[i]
        low, high = bounds[i, COOLING, 0], bounds[i, COOLING, 1]
        at_risk = _at_risk(p, s, row[i, UTILISATION], queue_kwh[i])
        if s.inlet_degc >= p.overheat_limit_degc - NEAR_K:
            high = low
            if not at_risk:
                bounds[i, LOAD_SHIFT, 1] = min(bounds[i, LOAD_SHIFT, 1], max(np.float32(0.0), bounds[i, LOAD_SHIFT, 0]))
        else:
            warmest = p.overheat_limit_degc - NEAR_K - MARGIN_K - p.recirculation_k
            level = 2.0 * (warmest - p.supply_min_degc) / (p.supply_max_degc - p.supply_min_degc) - 1.0
            high = min(high, max(np.float32(level), low))
        bounds[i, COOLING, 1] = high
        if at_risk:
            bounds[i, LOAD_SHIFT, 0] = max(bounds[i, LOAD_SHIFT, 0], min(np.float32(0.0), bounds[i, LOAD_SHIFT, 1]))


@njit(cache=True)
def _at_risk(p: Any, s: Any, utilisation: float, queue_kwh: np.ndarray) -> bool:
    """Work is overdue, or more is due within some horizon than the capacity left by arriving work can run by then."""
    if s.overdue_kwh > 1e-9:
        return True
    room = p.it_capacity_kw * (1.0 - p.idle_share) * STEP_HOURS * max(0.0, 1.0 - utilisation)
    if s.queued_kwh <= room:
        return False
    due = 0.0
    for k in range(len(queue_kwh)):
        due += queue_kwh[k]
        if due > room * (k + 1):
            return True
    return False


class NearLimits:
    """Notices a site coming near a limit: the inlet, a full battery, an empty one.

    Only the moment of coming near wakes the supervisor; staying near does not.
    """

    def __init__(self, view: SiteView) -> None:
        self._near = np.zeros((view.batch_size, 3), dtype=np.bool_)
        self._edge = np.zeros(view.batch_size, dtype=np.bool_)
        self.edges(view)

    def edges(self, view: SiteView) -> np.ndarray:
        """bool (B,), overwritten by the next call: a limit has come near since the last call."""
        _edges(view.params, view.state, self._near, self._edge)
        return self._edge


@njit(cache=True)
def _edges(params: np.ndarray, state: np.ndarray, near: np.ndarray, edge: np.ndarray) -> None:
    """near (B, 3): inlet within ``NEAR_K``; SoC within one full-power step of its upper and of its lower limit."""
    for i in range(len(params)):
        p, s = params[i], state[i]
        step_kwh = p.battery_kw * STEP_HOURS
        now = (
            s.inlet_degc >= p.overheat_limit_degc - NEAR_K,
            s.soc_kwh + step_kwh * p.charge_efficiency >= p.soc_max * p.battery_kwh,
            s.soc_kwh - step_kwh / p.discharge_efficiency <= p.soc_min * p.battery_kwh,
        )
        edge[i] = False
        for k in range(3):
            edge[i] = edge[i] or (now[k] and not near[i, k])
            near[i, k] = now[k]
