"""Set-points of a plan: the cheapest of a settled room, then moved block by block on the kernel itself."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.case import Case
from evaluate.optimal.envelope import site_power_kw
from evaluate.optimal.tracking import improve_supply
from grid.rows import WET_BULB
from llm_layer.guard import MARGIN_K, NEAR_K

# Sweeps: steps moved together, and by how many kelvin.
SWEEPS = ((8, (0.0, -2.0, 2.0, -1.0, 1.0)), (4, (0.0, -1.0, 1.0, -0.4, 0.4)), (4, (0.0, -0.5, 0.5, -0.2, 0.2)))
LOOK_STEPS = 16  # 4 h: the mass's time constant is about one


def warmest_supply_degc(p: np.void) -> float:
    """Warmest set-point the guard lets a controller have."""
    return float(min(p["supply_max_degc"], p["overheat_limit_degc"] - NEAR_K - MARGIN_K - p["recirculation_k"]))


def settled_supply(params: np.ndarray, work: np.ndarray, wet_bulb_degc: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Set-points float64 (n,) of least power in a settled room, by share of work; of most where ``sign`` < 0."""
    supplies = np.linspace(params["supply_min_degc"][0], warmest_supply_degc(params[0]), 39)
    best = np.empty(len(work))
    _settled(params, np.ascontiguousarray(work), np.ascontiguousarray(wet_bulb_degc), sign, supplies, best)
    return best


def plan_supply(
    case: Case, shifts: np.ndarray, soc_kwh: np.ndarray, work: np.ndarray, gbp_per_kwh: np.ndarray
) -> np.ndarray:
    """Set-points of a whole plan, float64 (steps,).

    Args:
        shifts: load-shift actions by step. soc_kwh: targets by step, as in ``Plan``. work: share of full work by step.
        gbp_per_kwh: what a metered kWh costs in each step.
    """
    values = np.ascontiguousarray(case.rows.values[: case.rows.steps])
    supply = settled_supply(case.params, work, values[:, WET_BULB], gbp_per_kwh)
    warmest = warmest_supply_degc(case.params[0])
    for block, changes in SWEEPS:
        improve_supply(
            case.params, values, case.state.copy(), case.queue_kwh.copy(), shifts, soc_kwh, supply,
            gbp_per_kwh, np.array(changes), block, LOOK_STEPS, warmest,
        )  # fmt: skip
    return supply


@njit(cache=True)
def _settled(
    params: np.ndarray,
    work: np.ndarray,
    wet_bulb: np.ndarray,
    sign: np.ndarray,
    supplies: np.ndarray,
    best: np.ndarray,
) -> None:
    p = params[0]
    for t in range(len(work)):
        least = np.inf
        for supply in supplies:
            power = site_power_kw(p, work[t], 0.0, supply, supply + p.recirculation_k, wet_bulb[t])
            power = power if sign[t] >= 0.0 else -power
            if power < least:
                least, best[t] = power, supply
