"""What perfect foresight would still earn from here on: inputs of critics that see the future, in training only.

A critic finds it hard to tell from a row of prices what charge or waiting work is worth. Both follow from true prices
at once: the battery's worth by dynamic programming backwards over an episode, that of work by running each kWh in the
cheapest step before its deadline. Prices do not depend on what a site does, which is what makes hindsight a good guide
(Sinclair et al., Hindsight Learning for MDPs with Exogenous Inputs, ICML 2023). Here it is only looked at: values are
learned, and advantages are those of the policy that acts.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.battery import run_battery
from envs.load_shift import full_work_kwh, may_wait_share
from envs.state import QUEUE_STEPS
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD, UTILISATION
from train.kernel import left_gbp, price_gbp_per_mwh, stock_means

# Earnings still to come, over the price level at the episode's start: of the charge against a half-full battery, of a
# half-full battery, of a whole battery's energy at the present margin, of the work that waits, of that still to arrive.
HINDSIGHT = ("charge", "half_full", "slope", "waiting", "to_arrive")
CHARGES = 41  # grid of the battery's charge
_POWERS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


@njit(cache=True, error_model="numpy")
def cheapest_ahead(params: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float64 (R,): lowest price, GBP/MWh, of each row and those within the longest wait after it."""
    rows = len(values)
    price = np.empty(rows)
    for at in range(rows):
        price[at] = price_gbp_per_mwh(params[0], values[at], False)
    low = np.empty(rows)
    for at in range(rows):
        low[at] = price[at : at + QUEUE_STEPS].min()
    return low


@njit(cache=True, error_model="numpy")
def foresee(
    which: np.ndarray, length: int, hold: int, discount: float, params: np.ndarray, values: np.ndarray,
    sums: np.ndarray, level: np.ndarray, load_kwh: np.ndarray, low: np.ndarray, import_per_it: np.ndarray,
    world: np.ndarray, first: np.ndarray, commitments: np.ndarray, work: np.ndarray, table: np.ndarray,
) -> None:  # fmt: skip
    """Fill the tables of the sites ``which``, whose episodes begin.

    load_kwh float64 (R,): what the neutral site meters; low: ``cheapest_ahead``; work: a state record (1,) to try
    actions on; table float32 (B, choices + 1, CHARGES + 1): by choice, discounted earnings of the battery from each
    charge, stock booked as ``train.kernel.advance`` does, and last those of work that is still to arrive.
    """
    means = np.empty(4)
    choices = length // hold
    for i in which:
        p, a, trial = params[i], first[i], work[0]
        z = a + length
        stock_means(sums, a, z, means)
        empty = p.soc_min * p.battery_kwh
        width = (p.soc_max - p.soc_min) * p.battery_kwh / (CHARGES - 1)
        table[i, choices] = 0.0
        for c in range(choices - 1, -1, -1):
            gain = 0.0
            for at in range(a + c * hold, a + (c + 1) * hold):
                saved = price_gbp_per_mwh(p, values[at], False) - low[at]
                gain += values[at, UTILISATION] * full_work_kwh(p) * may_wait_share(p) * saved / 1000.0
            gain *= import_per_it[world[i]] / level[a]
            table[i, c, CHARGES] = gain + discount * table[i, c + 1, CHARGES]
            if width <= 0.0:
                table[i, c, :CHARGES] = 0.0
                continue
            for g in range(CHARGES):
                start_kwh, best = empty + g * width, -np.inf
                held, _ = left_gbp(p, start_kwh, 0.0, 0.0, means)
                for power in _POWERS:
                    trial.soc_kwh = start_kwh
                    earned = 0.0
                    for at in range(a + c * hold, a + (c + 1) * hold):
                        sold = commitments[i, (at - a) // STEPS_PER_PERIOD] > 0.0
                        price = price_gbp_per_mwh(p, values[at], sold)
                        kwh = run_battery(p, trial, power, load_kwh[at] / STEP_HOURS) * STEP_HOURS
                        earned -= (kwh * price + max(-kwh, 0.0) * p.wear_gbp_per_mwh) / 1000.0
                    left, _ = left_gbp(p, trial.soc_kwh, 0.0, 0.0, means)
                    x = (trial.soc_kwh - empty) / width
                    k = min(max(int(x), 0), CHARGES - 2)
                    after = table[i, c + 1, k] + (x - k) * (table[i, c + 1, k + 1] - table[i, c + 1, k])
                    best = max(best, (earned + held - left) / level[a] + discount * after)
                table[i, c, g] = best


@njit(cache=True, error_model="numpy")
def write_hindsight(
    length: int, hold: int, params: np.ndarray, values: np.ndarray, sums: np.ndarray, level: np.ndarray,
    import_per_it: np.ndarray, world: np.ndarray, first: np.ndarray, state: np.ndarray, queue: np.ndarray,
    table: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Fill float32 (B, HINDSIGHT) for the choice that each site is at."""
    means = np.empty(4)
    for i in range(len(state)):
        p, a, t = params[i], first[i], state[i].step
        worth = table[i, t // hold]
        width = (p.soc_max - p.soc_min) * p.battery_kwh / (CHARGES - 1)
        x = (state[i].soc_kwh - p.soc_min * p.battery_kwh) / width if width > 0.0 else 0.0
        k = min(max(int(x), 0), CHARGES - 2)
        half = worth[CHARGES // 2]
        out[i, 0] = worth[k] + (x - k) * (worth[k + 1] - worth[k]) - half
        out[i, 1] = half
        out[i, 2] = (worth[k + 1] - worth[k]) * (CHARGES - 1)
        stock_means(sums, a, a + length, means)
        booked = means[1] + p.carbon_price_gbp_per_t / 1000.0 * means[3]
        gain, low = 0.0, np.inf
        for ahead in range(QUEUE_STEPS):
            low = min(low, price_gbp_per_mwh(p, values[a + t + ahead], False))
            gain += queue[i, (t + ahead) % QUEUE_STEPS] * (booked - low)
        out[i, 3] = gain * import_per_it[world[i]] / (1000.0 * level[a])
        out[i, 4] = worth[CHARGES]
