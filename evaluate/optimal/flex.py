"""Sold flexibility in the plan: design section 4 net of phantom money, written as linear rows.

Per sold period, with k = 1 - aggregator share, s sold, N neutral, M metered, B baseline, ref' the reference price where
the trader pays the compensation (else 0), flex minus phantom is

    k x [ s x (price - system) - max(0, (s - v) x (price - system)) + (N - M) x (system - ref') - ref' x max(0, M - B) ]

with v = min(s, max(0, N - M)), what is sold and really reduced. (From B - M = (B - N) + (N - M) and
max(0, x) = x + max(0, -x).) So a sale above the system price earns v x (price - system), one below it costs
s x (system - price), and the real reduction earns the system price whoever sold how much. v <= N - M needs a switch,
because M may exceed N in one period of a request while others deliver: controllers do that, so the bound must allow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluate.optimal.plan_model import KWH_PER_MWH, Columns
from evaluate.optimal.program import INFINITY, Program, Term

PERIOD_HOURS = 0.5


@dataclass(frozen=True)
class Market:
    """Settlement periods of a plan whose slots are periods, float64 (n,) each unless said.

    neutral_kwh, baseline_kwh
    least_load_kw, most_load_kw   between what the site without its battery can be
    import_limit_kw, battery_kw; battery_kwh: AC energy a full battery gives; round_trip: its efficiency
    own_gbp_per_mwh     price of an own trade; system_gbp_per_mwh; reference_gbp_per_mwh: 0 where it is mutualised
    keep                1 - aggregator share
    min_kwh, registered_kwh: least and most that can be sold, per period
    """

    neutral_kwh: np.ndarray
    baseline_kwh: np.ndarray
    least_load_kw: np.ndarray
    most_load_kw: np.ndarray
    import_limit_kw: float
    battery_kw: float
    battery_kwh: float
    round_trip: float
    own_gbp_per_mwh: np.ndarray
    system_gbp_per_mwh: np.ndarray
    reference_gbp_per_mwh: np.ndarray
    keep: float
    min_kwh: float
    registered_kwh: float

    @property
    def least_kwh(self) -> np.ndarray:
        """Least the meter can show in a period; there is no export."""
        return np.maximum(0.0, self.least_load_kw - self.battery_kw) * PERIOD_HOURS

    @property
    def most_kwh(self) -> np.ndarray:
        """Most the meter can show in a period."""
        return np.minimum(self.import_limit_kw, self.most_load_kw + self.battery_kw) * PERIOD_HOURS


@dataclass(frozen=True)
class Request:
    """A request that can still be accepted: its periods (numbers of the run), kW and price."""

    id: str
    periods: np.ndarray
    kw: float
    gbp_per_mwh: float


@dataclass(frozen=True)
class RequestColumns:
    """accepted: one 0/1 column; sold_kwh: one column, the same in all periods."""

    request: Request
    accepted: np.ndarray
    sold_kwh: np.ndarray


def add_request(program: Program, site: Columns, market: Market, request: Request) -> RequestColumns | None:
    """Let the plan accept one request, or None where it can never be sold (the baseline is too low)."""
    at = request.periods
    most = min(market.registered_kwh, request.kw * PERIOD_HOURS, float(market.baseline_kwh[at].min()))
    if most < market.min_kwh:
        return None
    accepted = program.add_columns(1, upper=1.0, integer=True)
    sold = program.add_columns(1, upper=most)
    program.add_rows(-INFINITY, 0.0, (sold, 1.0), (accepted, -most))
    program.add_rows(0.0, INFINITY, (sold, 1.0), (accepted, -market.min_kwh))
    n = len(at)
    sale = SalePeriods(
        at, np.repeat(accepted, n), np.repeat(sold, n), np.full(n, most), np.full(n, request.gbp_per_mwh)
    )
    settle(program, site, market, sale)
    return RequestColumns(request, accepted, sold)


@dataclass(frozen=True)
class SalePeriods:
    """Periods that may be sold: their numbers, columns 0/1 and kWh sold, the most that can be, and the price. (n,)"""

    at: np.ndarray
    on: np.ndarray
    sold: np.ndarray
    most_sold: np.ndarray
    price: np.ndarray


def settle(program: Program, site: Columns, market: Market, sale: SalePeriods) -> None:
    """Money net of phantom of a sale that may be more than is reduced."""
    keep = market.keep / KWH_PER_MWH
    premium = sale.price - market.system_gbp_per_mwh[sale.at]
    gains = premium >= 0.0
    for column, cost in zip(sale.sold[~gains], -keep * premium[~gains], strict=True):
        program.add_cost(np.array([column]), cost)
    _sell_real_reduction(program, site, market, sale, gains, keep * premium)
    _value_reduction(program, site, market, sale, keep)


def settle_reduced(program: Program, site: Columns, market: Market, sale: SalePeriods) -> tuple[np.ndarray, np.ndarray]:
    """Money net of phantom of a sale that is really reduced in each period, which is made a condition of it.

    -> where the reduction earns (bool), and the columns of on x (neutral - metered).
    """
    keep = market.keep / KWH_PER_MWH
    program.add_cost(sale.sold, -keep * (sale.price - market.system_gbp_per_mwh[sale.at]))
    earns, reduction = _value_reduction(program, site, market, sale, keep)
    program.add_rows(0.0, INFINITY, (reduction, 1.0), (sale.sold, -1.0))
    return earns, reduction


def _meter(site: Columns, at: np.ndarray, sign: float) -> list[Term]:
    """Terms of sign x metered kWh."""
    hours = sign * PERIOD_HOURS
    return [(site.load_kw[at], hours), (site.charge_kw[at], hours), (site.discharge_kw[at], -hours)]


def _sell_real_reduction(
    program: Program, site: Columns, market: Market, sale: SalePeriods, gains: np.ndarray, gain: np.ndarray
) -> None:
    """v <= sold, v <= max(0, neutral - metered), earning ``gain`` GBP/kWh where ``gains``."""
    at, on, most = sale.at[gains], sale.on[gains], sale.most_sold[gains]
    n = len(at)
    real = program.add_columns(n, upper=most, cost=-gain[gains])
    reduces = program.add_columns(n, upper=1.0, integer=True)
    if n:
        above = np.maximum(0.0, market.most_kwh[at] - market.neutral_kwh[at])
        program.add_rows(-INFINITY, 0.0, (reduces, 1.0), (on, -1.0))
        program.add_rows(-INFINITY, 0.0, (real, 1.0), (sale.sold[gains], -1.0))
        program.add_rows(-INFINITY, 0.0, (real, 1.0), (reduces, -most))
        program.add_rows(
            -INFINITY, market.neutral_kwh[at] + above, (real, 1.0), (reduces, above), *_meter(site, at, 1.0)
        )


def _value_reduction(
    program: Program, site: Columns, market: Market, sale: SalePeriods, keep: float
) -> tuple[np.ndarray, np.ndarray]:
    """While on, the reduction N - M earns system - ref', and import above the baseline costs ref' more.

    -> where it earns (bool), and the columns of on x (N - M).
    """
    at, on = sale.at, sale.on
    neutral, reference = market.neutral_kwh[at], market.reference_gbp_per_mwh[at]
    value = keep * (market.system_gbp_per_mwh[at] - reference)
    low, high = np.minimum(0.0, neutral - market.most_kwh[at]), np.maximum(0.0, neutral - market.least_kwh[at])
    reduction = program.add_columns(len(at), lower=low, upper=high, cost=-value)
    program.add_rows(-INFINITY, 0.0, (reduction, 1.0), (on, -high))
    program.add_rows(0.0, INFINITY, (reduction, 1.0), (on, -low))
    meter = _meter(site, at, 1.0)
    program.add_rows(-INFINITY, neutral - low, (reduction, 1.0), (on, -low), *meter)
    program.add_rows(neutral - high, INFINITY, (reduction, 1.0), (on, -high), *meter)
    paid = np.flatnonzero(reference > 0.0)
    if len(paid):
        baseline = market.baseline_kwh[at[paid]]
        above = np.maximum(0.0, market.most_kwh[at[paid]] - baseline)
        excess = program.add_columns(len(paid), cost=keep * reference[paid])
        program.add_rows(-above - baseline, INFINITY, (excess, 1.0), (on[paid], -above), *_meter(site, at[paid], -1.0))
    return value >= 0.0, reduction
