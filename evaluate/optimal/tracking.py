"""From a plan to actions: the action that runs the planned work, charge and set-point from wherever the site is."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.cooling import action_of_supply
from envs.load_shift import full_work_kwh, may_wait_share
from envs.state import OUTPUTS, Record
from envs.step import COOLING, IMPORT, IT, LOSS, step
from grid.rows import STEP_HOURS


@njit(cache=True)
def shift_action(p: Record, utilisation: float, due_kwh: float, waiting_kwh: float, wanted_kwh: float) -> float:
    """Load-shift action that runs ``wanted_kwh`` of deferrable work, due work included, or as near as it can.

    due_kwh has to run in this step, overdue work included; waiting_kwh may still wait. The inverse of
    ``envs.load_shift``, which passes on new work before old: what runs in part while old work waits leaves the older
    behind, due too soon. So there it is all or nothing, whichever is nearer; the next steps make up for it.
    """
    full = full_work_kwh(p)
    arrived = utilisation * full
    may_wait = arrived * may_wait_share(p)
    wanted = wanted_kwh - due_kwh
    if wanted < may_wait:
        if waiting_kwh > 1e-9:
            return 0.0 if wanted > 0.5 * may_wait else -1.0
        return -1.0 if wanted <= 0.0 else wanted / may_wait - 1.0
    room = min(waiting_kwh, full - arrived - due_kwh)
    return 0.0 if room <= 1e-9 else max(0.0, min(1.0, (wanted_kwh - due_kwh - may_wait) / room))


@njit(cache=True)
def battery_action(p: Record, soc_kwh: float, wanted_kwh: float) -> float:
    """Battery action that brings the charge to ``wanted_kwh`` by the end of the step, or as near as its rating lets."""
    if p.battery_kw <= 0.0:
        return 0.0
    change = wanted_kwh - soc_kwh
    power_kw = change / STEP_HOURS
    power_kw = power_kw / p.charge_efficiency if power_kw > 0.0 else power_kw * p.discharge_efficiency
    return min(1.0, max(-1.0, power_kw / p.battery_kw))


@njit(cache=True)
def supply_action(p: Record, supply_degc: float) -> float:
    """Cooling action of a set-point."""
    return min(1.0, max(-1.0, action_of_supply(p, supply_degc)))


@njit(cache=True)
def _follow_step(
    p: Record,
    row: np.ndarray,
    s: Record,
    queue: np.ndarray,
    shift: float,
    soc_kwh: float,
    supply_degc: float,
    out: np.ndarray,
) -> None:
    """One step of the kernel on a plan's action and targets."""
    battery = battery_action(p, s.soc_kwh, soc_kwh)
    step(p, row, s, queue, shift, battery, supply_action(p, supply_degc), 0.0, False, 0.0, out)


@njit(cache=True, error_model="numpy")
def follow(
    params: np.ndarray,
    values: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    shifts: np.ndarray,
    soc_kwh: np.ndarray,
    supply_degc: np.ndarray,
    import_kwh: np.ndarray,
) -> None:
    """Run a plan through the kernel, nothing sold. Changes ``state`` and ``queue``, fills ``import_kwh`` (n,).

    values float64 (n, columns); shifts, soc_kwh, supply_degc float64 (n,): load-shift actions, and targets.
    """
    out = np.empty(len(OUTPUTS))
    for t in range(len(values)):
        _follow_step(params[0], values[t], state[0], queue, shifts[t], soc_kwh[t], supply_degc[t], out)
        import_kwh[t] = out[IMPORT]


@njit(cache=True, error_model="numpy")
def improve_supply(
    params: np.ndarray,
    values: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    shifts: np.ndarray,
    soc_kwh: np.ndarray,
    supply_degc: np.ndarray,
    price: np.ndarray,
    changes: np.ndarray,
    block: int,
    look: int,
    warmest: float,
) -> None:
    """One sweep over the plan: move each block's set-point in ``supply_degc`` to the best of ``changes`` (K).

    A move is judged by price x load over its block and the ``look`` steps after it, by when the room has forgotten it.
    ``price`` float64 (n,): what a kWh costs in each step. Changes ``state`` and ``queue`` as ``follow`` does.
    """
    p = params[0]
    out = np.empty(len(OUTPUTS))
    steps = len(values)
    trial = np.empty(steps)
    for start in range(0, steps, block):
        stop, end = min(start + block, steps), min(start + block + look, steps)
        best, best_cost = 0.0, np.inf
        for change in changes:
            for t in range(start, end):
                moved = supply_degc[t] + change if t < stop else supply_degc[t]
                trial[t] = min(warmest, max(p.supply_min_degc, moved))
            s, q = state.copy(), queue.copy()
            cost = 0.0
            for t in range(start, end):
                _follow_step(p, values[t], s[0], q, shifts[t], soc_kwh[t], trial[t], out)
                cost += price[t] * (out[IT] + out[COOLING] + out[LOSS])
            if cost < best_cost - 1e-9:
                best, best_cost = change, cost
        for t in range(start, stop):
            supply_degc[t] = min(warmest, max(p.supply_min_degc, supply_degc[t] + best))
            _follow_step(p, values[t], state[0], queue, shifts[t], soc_kwh[t], supply_degc[t], out)
