"""The published outlook in stages, for the two small dynamic programmes that price an action.

They answer: what would this action, held until the next decision, cost from here on if everything after it went as well
as the outlook allows? Differences are the pounds that conflicts and opportunities are stated in. Nothing unpublished
enters: prices, carbon and system prices beyond now are the view's forecasts.

Stages are clock hours (prices are hourly), split where the hold ends and where a sale begins or ends. Prices are in
GBP/kWh of the objective: tariff, network and carbon at the site's carbon price, and in hours already sold what an
imported kWh takes away from the settlement.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from grid.rows import CARBON, DAY_AHEAD, FORECAST_SIGNALS, NETWORK, SYSTEM, TARIFF

HOURS = 36  # as far ahead as a day-ahead price is ever published
STAGES = HOURS + 1
LEVELS = np.linspace(-1.0, 1.0, 9)  # actions tried

_CARBON_F = FORECAST_SIGNALS.index("carbon_gco2_per_kwh")
_PRICE_F = FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")
_SYSTEM_F = FORECAST_SIGNALS.index("system_gbp_per_mwh")


@njit(cache=True)
def stage_signals(
    row: np.ndarray,
    forecast: np.ndarray,
    sold_kw: np.ndarray,
    quarter: int,
    hold: int,
    carbon_gbp_per_kg: float,
    kept_share: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stages of the outlook.

    Args:
        row float64 (columns,), forecast float32 (signals, 96): one site's, as in ``SiteView``.
        sold_kw: float64 (n,), sold in the coming settlement periods, the present one first.
        quarter: 0-3, the quarter of the clock hour that the present step is. hold: steps until the next decision.
        kept_share: 1 - aggregator share.

    Returns:
        steps int64 (STAGES,); price, bill float64 (STAGES,) GBP/kWh, of the objective and as metered energy is billed;
        carbon float64 (STAGES,) kg/kWh.
    """
    steps = np.zeros(STAGES, dtype=np.int64)
    price = np.zeros(STAGES)
    bill = np.zeros(STAGES)
    carbon = np.zeros(STAGES)
    adder = row[TARIFF] - row[DAY_AHEAD] + row[NETWORK]
    at = 0
    for j in range(STAGES):
        most = 4 - (quarter + at) % 4
        if at < hold:
            most = min(most, hold - at)
        steps[j] = 1
        while steps[j] < most and _sold(sold_kw, quarter, at + steps[j]) == _sold(sold_kw, quarter, at):
            steps[j] += 1
        for k in range(at, at + steps[j]):
            # Forecast i stands 30 (i + 1) minutes after now: the latest by step k, unless the hour has changed since.
            ahead = k // 2 - 1
            if k % 2 == 1 and (quarter + k) % 4 == 0:
                ahead += 1
            if ahead < 0:
                g, p, system = row[CARBON], row[DAY_AHEAD], row[SYSTEM]
            else:
                ahead = min(ahead, forecast.shape[1] - 1)
                g, p, system = forecast[_CARBON_F, ahead], forecast[_PRICE_F, ahead], forecast[_SYSTEM_F, ahead]
            lost = kept_share * system if _sold(sold_kw, quarter, k) else 0.0
            bill[j] += (p + adder) / 1000.0 / steps[j]
            price[j] += (p + adder + lost + carbon_gbp_per_kg * g) / 1000.0 / steps[j]
            carbon[j] += g / 1000.0 / steps[j]
        at += steps[j]
    return steps, price, bill, carbon


@njit(cache=True)
def _sold(sold_kw: np.ndarray, quarter: int, step: int) -> bool:
    period = (quarter % 2 + step) // 2
    return period < len(sold_kw) and sold_kw[period] > 0.0


@njit(cache=True)
def on_nodes(values: np.ndarray, x: float, top: float) -> float:
    """Linear interpolation on nodes evenly spread over [0, top]."""
    if top <= 0.0:
        return values[0]
    at = min(max(x / top, 0.0), 1.0) * (len(values) - 1)
    low = min(int(at), len(values) - 2)
    return values[low] + (at - low) * (values[low + 1] - values[low])


@njit(cache=True)
def held_stages(steps: np.ndarray, hold: int) -> int:
    """Number of stages until the next decision."""
    held, at = 0, 0
    while held < len(steps) and at < hold:
        at += steps[held]
        held += 1
    return held


@njit(cache=True)
def mean_price(steps: np.ndarray, price: np.ndarray) -> float:
    """Mean over the outlook, GBP/kWh."""
    total = 0.0
    for j in range(len(steps)):
        total += price[j] * steps[j]
    return total / steps.sum()


@njit(cache=True)
def best_of(tried: int, levels: np.ndarray, costs: np.ndarray, moved: np.ndarray) -> tuple[float, float, float]:
    """The cheapest of the first ``tried`` levels against the last, the proposal. -> level, GBP gained, kWh more.

    Of those that cost the same it is the one nearest to doing nothing.
    """
    least = costs[:tried].min()
    best = -1
    for n in range(tried):
        if costs[n] <= least + 1e-6 and (best < 0 or abs(levels[n]) < abs(levels[best])):
            best = n
    return levels[best], costs[-1] - costs[best], moved[best] - moved[-1]
