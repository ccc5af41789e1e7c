"""The boundary meter's money: bill, wear, and the settlement of committed flexibility.

The terms are those of ``grid.market.settle`` (Elexon P415, with its sources), which a test compares to 1e-9.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.state import Record
from grid.rows import DAY_AHEAD, EVENT_KW, EVENT_PRICE, NETWORK, REFERENCE_PRICE, SYSTEM, TARIFF

PERIOD_HOURS = 0.5
KWH_PER_MWH = 1000.0


@njit(cache=True, forceinline=True)
def bill_gbp(p: Record, row: np.ndarray, import_kwh: float, battery_kwh: float) -> tuple[float, float, float]:
    """-> (energy, network, wear): wear is on what the battery discharges, AC side."""
    return (
        import_kwh * row[TARIFF] / KWH_PER_MWH,
        import_kwh * row[NETWORK] / KWH_PER_MWH,
        max(0.0, -battery_kwh) * p.wear_gbp_per_mwh / KWH_PER_MWH,
    )


@njit(cache=True, forceinline=True)
def sale_price_gbp_per_mwh(p: Record, row: np.ndarray, own_trade: bool) -> float:
    """A request's own price inside it, else (and for an own trade) the day-ahead price less the half-spread."""
    if row[EVENT_KW] > 0.0 and not own_trade:
        return row[EVENT_PRICE]
    return row[DAY_AHEAD] - p.half_spread_gbp_per_mwh


@njit(cache=True, forceinline=True)
def settle_period_gbp(
    p: Record, row: np.ndarray, committed_kw: float, own_trade: bool, baseline_kw: float, metered_kwh: float
) -> float:
    """What one settlement period pays the site: sale, imbalance, compensation, less the aggregator's share."""
    sold_kwh = committed_kw * PERIOD_HOURS
    deviation_kwh = baseline_kw * PERIOD_HOURS - metered_kwh
    gain = sold_kwh * sale_price_gbp_per_mwh(p, row, own_trade) + (deviation_kwh - sold_kwh) * row[SYSTEM]
    gain -= p.vtp_pays * row[REFERENCE_PRICE] * max(0.0, deviation_kwh)
    return (1.0 - p.aggregator_share) * gain / KWH_PER_MWH
