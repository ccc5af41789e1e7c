"""What the battery's charge is worth on the outlook, by backward induction over its energy."""

from __future__ import annotations

import numpy as np
from numba import njit

from grid.rows import STEP_HOURS
from llm_layer.lookahead import LEVELS, best_of, held_stages, mean_price, on_nodes

SOC_NODES = 25
Battery = tuple[float, float, float, float, float, float]


@njit(cache=True)
def _battery_step(
    energy: float, level: float, hours: float, battery: Battery, price: float
) -> tuple[float, float, float]:
    """-> (energy after, AC kWh, cost): one stage at a constant action, cut off where the battery is full or empty."""
    usable, charge_kw, discharge_kw, charge_eff, discharge_eff, wear = battery
    if level >= 0.0:
        ac = min(level * charge_kw * hours, (usable - energy) / charge_eff)
        return energy + ac * charge_eff, ac, ac * price
    ac = min(-level * discharge_kw * hours, energy * discharge_eff)
    return energy - ac / discharge_eff, -ac, ac * (wear - price)


@njit(cache=True)
def battery_costs(
    steps: np.ndarray, price: np.ndarray, hold: int, energy: float, battery: Battery, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What holding each of ``levels`` until the next decision costs, with the best course after it.

    Args:
        energy: kWh in the battery above its lower limit.
        battery: usable kWh between its limits, most kW in, most kW out (AC), efficiencies in and out, wear in GBP/kWh
            discharged (AC).

    Returns:
        costs in GBP, and AC kWh until the next decision (positive: charged), float64 (len(levels),) each. What is left
        at the end of the outlook is worth what it would discharge, at the outlook's mean price.
    """
    usable, discharge_eff, wear = battery[0], battery[4], battery[5]
    mean = mean_price(steps, price)
    nodes = np.linspace(0.0, max(usable, 1e-9), SOC_NODES)
    after = np.empty(SOC_NODES)
    for i in range(SOC_NODES):
        after[i] = -nodes[i] * discharge_eff * max(0.0, mean - wear)
    now = np.empty(SOC_NODES)
    held = held_stages(steps, hold)
    for j in range(len(steps) - 1, held - 1, -1):
        hours = steps[j] * STEP_HOURS
        for i in range(SOC_NODES):
            best = np.inf
            for level in (-1.0, -0.5, 0.0, 0.5, 1.0):
                left, _, cost = _battery_step(nodes[i], level, hours, battery, price[j])
                best = min(best, cost + on_nodes(after, left, usable))
            now[i] = best
        after, now = now, after
    costs = np.empty(len(levels))
    moved = np.zeros(len(levels))
    for n in range(len(levels)):
        left, total = energy, 0.0
        for j in range(held):
            left, ac, cost = _battery_step(left, levels[n], steps[j] * STEP_HOURS, battery, price[j])
            total += cost
            moved[n] += ac
        costs[n] = total + on_nodes(after, left, usable)
    return costs, moved


@njit(cache=True)
def best_battery(
    steps: np.ndarray, price: np.ndarray, hold: np.ndarray, energy: np.ndarray, battery: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """float64 (n, 3): of each site the level that does best, GBP it gains on ``asked``, AC kWh it charges more.

    Args:
        steps, price: (n, stages). hold int64, energy float64 (n,). battery: float64 (n, 6), ordered as ``Battery``.
        asked: float64 (n,), the levels proposed.
    """
    found = np.empty((len(hold), 3))
    levels = np.append(LEVELS, 0.0)
    for i in range(len(hold)):
        b = battery[i]
        levels[-1] = asked[i]
        costs, moved = battery_costs(
            steps[i], price[i], hold[i], energy[i], (b[0], b[1], b[2], b[3], b[4], b[5]), levels
        )
        found[i, 0], found[i, 1], found[i, 2] = best_of(len(LEVELS), levels, costs, moved)
    return found
