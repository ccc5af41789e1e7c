"""Load-shift actions of a plan: those that follow its work, then moved one by one on the kernel's own queue.

The plan runs old work in the measure that it passes on new; the kernel drains the oldest first, and only in steps that
pass on everything new. So what follows the plan step by step can be left with work that falls due at a bad hour, a day
later. A move is judged by the power of a settled room over all that is left of the run.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.case import Case
from envs.load_shift import full_work_kwh, may_wait_share, shift_load
from envs.state import QUEUE_STEPS
from evaluate.optimal.envelope import site_power_kw
from evaluate.optimal.tracking import shift_action
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD, UTILISATION, WET_BULB

LEVELS = 21  # of work, at which power is tabulated
SUPPLIES = 21
BLOCKS = (1, STEPS_PER_PERIOD, 4, 8)  # steps moved together
VALUES = np.array([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0])
SWEEPS = 3
LEAST_GAIN_GBP = 1e-4


def plan_shifts(
    case: Case, run_kwh: np.ndarray, gbp_per_kwh: np.ndarray, queued_gbp_per_kwh: float, kept: np.ndarray
) -> np.ndarray:
    """Load-shift actions of a whole plan, float64 (steps,).

    Args:
        run_kwh: deferrable work run since the start, by step, as in ``Plan``.
        gbp_per_kwh: what a metered kWh costs in each step. queued_gbp_per_kwh: what an IT kWh costs that is still
            queued at the end.
        kept: bool (steps,), steps whose action stays as the plan has it.
    """
    values = np.ascontiguousarray(case.rows.values[: case.rows.steps])
    utilisation = np.ascontiguousarray(values[:, UTILISATION])
    power = np.empty((len(values), LEVELS))
    _tabulate(case.params, np.ascontiguousarray(values[:, WET_BULB]), gbp_per_kwh, power)
    actions = np.empty(len(values))
    _first_actions(case.params, case.state.copy(), case.queue_kwh.copy(), utilisation, run_kwh, actions)
    gbp = power * (gbp_per_kwh * STEP_HOURS)[:, None]
    for _ in range(SWEEPS):
        before = actions.copy()
        _sweep(
            case.params, case.state.copy(), case.queue_kwh.copy(), utilisation, gbp, queued_gbp_per_kwh, kept,
            np.array(BLOCKS), VALUES, actions,
        )  # fmt: skip
        if np.array_equal(before, actions):
            break
    return actions


def work_of(case: Case, actions: np.ndarray) -> np.ndarray:
    """Share of full work that runs in each step under load-shift actions, float64 (steps,)."""
    work = np.empty(len(actions))
    utilisation = np.ascontiguousarray(case.rows.values[: len(actions), UTILISATION])
    _run(case.params, case.state.copy(), case.queue_kwh.copy(), utilisation, actions, work)
    return work


@njit(cache=True)
def _tabulate(params: np.ndarray, wet_bulb: np.ndarray, gbp_per_kwh: np.ndarray, power: np.ndarray) -> None:
    """Power of a settled room by step and level of work, kW, at the set-point that costs least."""
    p = params[0]
    for t in range(len(wet_bulb)):
        for k in range(power.shape[1]):
            work = k / (power.shape[1] - 1)
            best = np.inf
            for j in range(SUPPLIES):
                supply = p.supply_min_degc + (p.supply_max_degc - p.supply_min_degc) * j / (SUPPLIES - 1)
                inlet = supply + p.recirculation_k
                at = site_power_kw(p, work, 0.0, supply, inlet, wet_bulb[t])
                best = min(best, at if gbp_per_kwh[t] >= 0.0 else -at)
            power[t, k] = best if gbp_per_kwh[t] >= 0.0 else -best


@njit(cache=True)
def _first_actions(
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    utilisation: np.ndarray,
    run_kwh: np.ndarray,
    actions: np.ndarray,
) -> None:
    p, s = params[0], state[0]
    run = 0.0
    for t in range(len(utilisation)):
        due = queue[s.step % QUEUE_STEPS] + s.overdue_kwh
        actions[t] = shift_action(p, utilisation[t], due, s.queued_kwh - due, run_kwh[t] - run)
        arrived, executed, _ = shift_load(p, s, queue, utilisation[t], actions[t], 1.0)
        s.step += 1
        run += executed - arrived * (1.0 - may_wait_share(p))


@njit(cache=True)
def _run(
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    utilisation: np.ndarray,
    actions: np.ndarray,
    work: np.ndarray,
) -> None:
    p, s = params[0], state[0]
    full = full_work_kwh(p)
    for t in range(len(utilisation)):
        _, executed, _ = shift_load(p, s, queue, utilisation[t], actions[t], 1.0)
        s.step += 1
        work[t] = executed / full


@njit(cache=True)
def _sweep(
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    utilisation: np.ndarray,
    gbp: np.ndarray,
    queued_gbp_per_kwh: float,
    kept: np.ndarray,
    blocks: np.ndarray,
    values: np.ndarray,
    actions: np.ndarray,
) -> None:
    """One pass over the run: at each step the best of its moves, if it gains, and then one step on."""
    p, s = params[0], state[0]
    steps = len(utilisation)
    trial, trial_queue = state.copy(), queue.copy()
    tried = np.empty(steps)
    for t in range(steps):
        if not kept[t]:
            tried[t:] = actions[t:]
            best = _cost_to_go(params, state, queue, trial, trial_queue, utilisation, gbp, queued_gbp_per_kwh, tried, t)
            best -= LEAST_GAIN_GBP
            best_block, best_value = 0, 0.0
            for block in blocks:
                end = min(t + block, steps)
                if t % block != 0 or kept[t:end].any():
                    continue
                for value in values:
                    if np.all(actions[t:end] == value):
                        continue
                    tried[t:end] = value
                    cost = _cost_to_go(
                        params, state, queue, trial, trial_queue, utilisation, gbp, queued_gbp_per_kwh, tried, t
                    )
                    if cost < best:
                        best, best_block, best_value = cost, end - t, value
                tried[t:end] = actions[t:end]
            actions[t : t + best_block] = best_value
        shift_load(p, s, queue, utilisation[t], actions[t], 1.0)
        s.step += 1


@njit(cache=True)
def _cost_to_go(
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    trial: np.ndarray,
    trial_queue: np.ndarray,
    utilisation: np.ndarray,
    gbp: np.ndarray,
    queued_gbp_per_kwh: float,
    actions: np.ndarray,
    start: int,
) -> float:
    """GBP from ``start`` to the end of the run. Overwrites ``trial`` and ``trial_queue``."""
    trial[:] = state
    trial_queue[:] = queue
    p, s = params[0], trial[0]
    levels = gbp.shape[1] - 1
    per_level = levels / full_work_kwh(p)
    cost = 0.0
    for t in range(start, len(utilisation)):
        _, executed, late = shift_load(p, s, trial_queue, utilisation[t], actions[t], 1.0)
        s.step += 1
        at = executed * per_level
        k = min(int(at), levels - 1)
        cost += gbp[t, k] + (at - k) * (gbp[t, k + 1] - gbp[t, k]) + late * p.late_gbp_per_kwh
    return cost + s.queued_kwh * queued_gbp_per_kwh
