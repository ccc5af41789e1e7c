"""What deferred work costs on the outlook, by backward induction over the queue."""

from __future__ import annotations

import numpy as np
from numba import njit

from llm_layer.lookahead import LEVELS, STAGES, best_of, held_stages, mean_price, on_nodes

QUEUE_NODES = 33  # on 26 weeks of 2022, 25 earn 0.18 points of the objective less and 49 earn 0.08 more
CURVE_POINTS = 5  # utilisation 0, 1/4, ..., 1


@njit(cache=True)
def stage_work(
    profile: np.ndarray,
    utilisation: float,
    hour: int,
    quarter: int,
    steps: np.ndarray,
    deferrable_share: float,
    full_kwh: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Expected work of each stage, IT kWh per step -> (may wait, may not), float64 (STAGES,) each.

    profile: float64 (24,), utilisation by UTC hour of day. utilisation: of the present row. hour, quarter: of the
    present step, UTC.
    """
    arriving = np.empty(STAGES)
    fixed = np.empty(STAGES)
    at = quarter
    for j in range(STAGES):
        share = utilisation if j == 0 else profile[(hour + at // 4) % 24]
        arriving[j] = share * full_kwh * deferrable_share
        fixed[j] = share * full_kwh - arriving[j]
        at += steps[j]
    return arriving, fixed


@njit(cache=True)
def work_costs(
    steps: np.ndarray,
    price: np.ndarray,
    hold: int,
    queue: np.ndarray,
    arriving: np.ndarray,
    fixed: np.ndarray,
    curve: np.ndarray,
    full_kwh: float,
    deadline: int,
    levels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What holding each load-shift action until the next decision costs, with the best course after it.

    Work runs earliest deadline first, so the queue's total alone decides, as long as it never exceeds what is still
    within its deadline. Energies are IT kWh per step.

    Args:
        queue: float64 (96,), by steps left. deadline: steps work may wait.
        arriving, fixed: float64 (STAGES,), work per step that may and may not wait.
        curve: float64 (CURVE_POINTS,), site import per step by utilisation.

    Returns:
        costs in GBP, and site kWh that flexible work takes until the next decision, float64 (len(levels),) each.
    """
    held = held_stages(steps, hold)
    most = _most_waiting(steps, queue, arriving, deadline)
    top = max(most.max(), 1e-9)
    after = _after_hold(steps, price, held, arriving, fixed, curve, full_kwh, most, top)
    costs = np.empty(len(levels))
    moved = np.zeros(len(levels))
    for n in range(len(levels)):
        have = queue.sum()
        cost = 0.0
        due_at = 0
        for j in range(held):
            base = on_nodes(curve, fixed[j], full_kwh)
            room = max(0.0, full_kwh - fixed[j])
            for _ in range(steps[j]):
                forced = min(queue[due_at] if due_at < len(queue) else 0.0, have)
                due_at += 1
                run = min(room, forced + arriving[j] * (1.0 - max(0.0, -levels[n])))
                have += arriving[j] - run
                if levels[n] > 0.0:
                    drained = levels[n] * min(have, room - run)
                    have -= drained
                    run += drained
                extra = on_nodes(curve, fixed[j] + run, full_kwh) - base
                moved[n] += extra
                cost += price[j] * extra
        costs[n] = cost + on_nodes(after, have, top)
    return costs, moved


@njit(cache=True)
def best_work(
    steps: np.ndarray,
    price: np.ndarray,
    hold: np.ndarray,
    hour: np.ndarray,
    quarter: np.ndarray,
    profile: np.ndarray,
    utilisation: np.ndarray,
    queue: np.ndarray,
    curve: np.ndarray,
    deferrable_share: np.ndarray,
    full_kwh: np.ndarray,
    deadline: np.ndarray,
    asked: np.ndarray,
) -> np.ndarray:
    """float64 (n, 3): of each site the level that does best, GBP it gains on ``asked``, site kWh it takes more.

    Args: those of ``stage_work`` and ``work_costs``, a row a site. asked: float64 (n,), the levels proposed.
    """
    found = np.empty((len(hold), 3))
    levels = np.append(LEVELS, 0.0)
    for i in range(len(hold)):
        levels[-1] = asked[i]
        arriving, fixed = stage_work(
            profile[i], utilisation[i], hour[i], quarter[i], steps[i], deferrable_share[i], full_kwh[i]
        )
        costs, moved = work_costs(
            steps[i], price[i], hold[i], queue[i], arriving, fixed, curve[i], full_kwh[i], deadline[i], levels
        )
        found[i, 0], found[i, 1], found[i, 2] = best_of(len(LEVELS), levels, costs, moved)
    return found


@njit(cache=True)
def _most_waiting(steps: np.ndarray, queue: np.ndarray, arriving: np.ndarray, deadline: int) -> np.ndarray:
    """float64 (STAGES + 1,): most that may wait before each stage: old work not due, new work within its deadline."""
    start = np.zeros(len(steps) + 1, dtype=np.int64)
    for j in range(len(steps)):
        start[j + 1] = start[j] + steps[j]
    most = np.zeros(len(steps) + 1)
    for j in range(len(most)):
        for k in range(start[j], len(queue)):
            most[j] += queue[k]
        for i in range(j):
            if start[j] - start[i] <= deadline:
                most[j] += arriving[i] * steps[i]
    return most


@njit(cache=True)
def _after_hold(
    steps: np.ndarray,
    price: np.ndarray,
    held: int,
    arriving: np.ndarray,
    fixed: np.ndarray,
    curve: np.ndarray,
    full_kwh: float,
    most: np.ndarray,
    top: float,
) -> np.ndarray:
    """float64 (QUEUE_NODES,): cost of the best course after the held stages, by what then waits, 0 to ``top``.

    What waits at the end of the outlook runs at its mean price.
    """
    nodes = np.linspace(0.0, top, QUEUE_NODES)
    gap = nodes[1]
    after = nodes * (curve[-1] - curve[0]) / full_kwh * mean_price(steps, price)
    now = np.empty(QUEUE_NODES)
    for j in range(len(steps) - 1, held - 1, -1):
        base = on_nodes(curve, fixed[j], full_kwh)
        room = max(0.0, full_kwh - fixed[j]) * steps[j]
        came = arriving[j] * steps[j]
        for i in range(QUEUE_NODES):
            have = nodes[i] + came
            low = min(int(np.ceil(max(0.0, have - room) / gap - 1e-9)), QUEUE_NODES - 1)
            high = min(max(int(np.floor(min(have, most[j + 1]) / gap + 1e-9)), low), QUEUE_NODES - 1)
            best = np.inf
            for to in range(low, high + 1):
                run = max(0.0, have - nodes[to]) / steps[j]
                cost = price[j] * steps[j] * (on_nodes(curve, fixed[j] + run, full_kwh) - base)
                best = min(best, cost + after[to])
            now[i] = best
        after, now = now, after
    return after
