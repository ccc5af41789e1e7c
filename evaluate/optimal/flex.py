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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluate.optimal.plan_model import KWH_PER_MWH, Columns
from evaluate.optimal.program import INFINITY, Program
from grid.market.commitments import OWN_TRADE_MAX_PERIODS

PERIOD_HOURS = 0.5


@dataclass(frozen=True)
class Market:
    """Settlement periods of a plan whose slots are periods, float64 (n,) each unless said.

    neutral_kwh, baseline_kwh; least_kwh, most_kwh: between what the meter can be
    own_gbp_per_mwh     price of an own trade; system_gbp_per_mwh; reference_gbp_per_mwh: 0 where it is mutualised
    keep                1 - aggregator share
    min_kwh, registered_kwh: least and most that can be sold, per period
    """

    neutral_kwh: np.ndarray
    baseline_kwh: np.ndarray
    least_kwh: np.ndarray
    most_kwh: np.ndarray
    own_gbp_per_mwh: np.ndarray
    system_gbp_per_mwh: np.ndarray
    reference_gbp_per_mwh: np.ndarray
    keep: float
    min_kwh: float
    registered_kwh: float


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


@dataclass(frozen=True)
class TradeColumns:
    """Own trades of one day: periods, and by period 0/1 and kWh sold."""

    periods: np.ndarray
    on: np.ndarray
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
    price = np.full(len(at), request.gbp_per_mwh)
    _settle(
        program, site, market, at, np.repeat(accepted, len(at)), np.repeat(sold, len(at)), np.full(len(at), most), price
    )
    return RequestColumns(request, accepted, sold)


def add_own_trades(
    program: Program, site: Columns, market: Market, day: np.ndarray, requests: Sequence[RequestColumns]
) -> TradeColumns | None:
    """Let the plan sell one contiguous block of one kW on one day (its periods, in order)."""
    most = np.minimum(market.registered_kwh, market.baseline_kwh[day])
    can = most >= market.min_kwh
    if not can.any():
        return None
    n = len(day)
    on = program.add_columns(n, upper=can.astype(np.float64), integer=True)
    starts = program.add_columns(n, upper=1.0)
    level = program.add_columns(1, upper=market.registered_kwh)
    sold = program.add_columns(n, upper=np.maximum(most, 0.0))

    program.add_rows(0.0, INFINITY, (starts[:1], 1.0), (on[:1], -1.0))
    program.add_rows(0.0, INFINITY, (starts[1:], 1.0), (on[1:], -1.0), (on[:-1], 1.0))
    program.add_sum(-INFINITY, 1.0, (starts, 1.0))
    program.add_sum(-INFINITY, OWN_TRADE_MAX_PERIODS, (on, 1.0))
    levels = np.repeat(level, n)
    program.add_rows(-INFINITY, 0.0, (sold, 1.0), (levels, -1.0))
    program.add_rows(-INFINITY, 0.0, (sold, 1.0), (on, -most))
    program.add_rows(0.0, INFINITY, (sold, 1.0), (on, -market.min_kwh))
    # On: sold is the level of the day; off: the row says nothing.
    top = market.registered_kwh
    program.add_rows(-top, INFINITY, (sold, 1.0), (levels, -1.0), (on, -top))
    for request in requests:
        _, shared, _ = np.intersect1d(day, request.request.periods, return_indices=True)
        if len(shared):
            program.add_rows(-INFINITY, 1.0, (on[shared], 1.0), (np.repeat(request.accepted, len(shared)), 1.0))
    _settle(program, site, market, day, on, sold, np.maximum(most, 0.0), market.own_gbp_per_mwh[day])
    return TradeColumns(day, on, sold)


def _settle(
    program: Program,
    site: Columns,
    market: Market,
    at: np.ndarray,
    on: np.ndarray,
    sold: np.ndarray,
    most_sold: np.ndarray,
    price: np.ndarray,
) -> None:
    """Money net of phantom of the periods ``at``: columns ``on`` (0/1) and ``sold`` (kWh) by period."""
    keep = market.keep / KWH_PER_MWH
    premium = price - market.system_gbp_per_mwh[at]
    gains = premium >= 0.0
    for column, cost in zip(sold[~gains], -keep * premium[~gains], strict=True):
        program.add_cost(np.array([column]), cost)
    _sell_real_reduction(
        program, site, market, at[gains], on[gains], sold[gains], most_sold[gains], keep * premium[gains]
    )
    _value_reduction(program, site, market, at, on, keep)


def _meter(site: Columns, at: np.ndarray, sign: float) -> list[tuple[np.ndarray, float]]:
    """Terms of sign x metered kWh."""
    hours = sign * PERIOD_HOURS
    return [(site.load_kw[at], hours), (site.charge_kw[at], hours), (site.discharge_kw[at], -hours)]


def _sell_real_reduction(
    program: Program,
    site: Columns,
    market: Market,
    at: np.ndarray,
    on: np.ndarray,
    sold: np.ndarray,
    most_sold: np.ndarray,
    gain: np.ndarray,
) -> None:
    """v <= sold, v <= max(0, neutral - metered), earning ``gain`` GBP/kWh."""
    n = len(at)
    if n == 0:
        return
    real = program.add_columns(n, upper=most_sold, cost=-gain)
    reduces = program.add_columns(n, upper=1.0, integer=True)
    program.add_rows(-INFINITY, 0.0, (reduces, 1.0), (on, -1.0))
    program.add_rows(-INFINITY, 0.0, (real, 1.0), (sold, -1.0))
    program.add_rows(-INFINITY, 0.0, (real, 1.0), (reduces, -most_sold))
    above = np.maximum(0.0, market.most_kwh[at] - market.neutral_kwh[at])
    program.add_rows(-INFINITY, market.neutral_kwh[at] + above, (real, 1.0), (reduces, above), *_meter(site, at, 1.0))


def _value_reduction(
    program: Program, site: Columns, market: Market, at: np.ndarray, on: np.ndarray, keep: float
) -> None:
    """While on, the reduction N - M earns system - ref', and import above the baseline costs ref' more."""
    n = len(at)
    neutral, reference = market.neutral_kwh[at], market.reference_gbp_per_mwh[at]
    value = keep * (market.system_gbp_per_mwh[at] - reference)
    low, high = neutral - market.most_kwh[at], neutral - market.least_kwh[at]
    reduction = program.add_columns(n, lower=np.minimum(low, 0.0), upper=np.maximum(high, 0.0), cost=-value)
    # reduction = on x (N - M): upper rows where it earns, lower rows where it costs.
    earns = value >= 0.0
    for here, bounds in ((earns, (-INFINITY, 0.0)), (~earns, (0.0, INFINITY))):
        big_off, big_on = (low, high) if bounds[1] == 0.0 else (high, low)
        i = np.flatnonzero(here)
        if len(i) == 0:
            continue
        program.add_rows(*bounds, (reduction[i], 1.0), (on[i], -big_on[i]))
        side = neutral[i] - big_off[i]
        limits = (-INFINITY, side) if bounds[1] == 0.0 else (side, INFINITY)
        program.add_rows(*limits, (reduction[i], 1.0), (on[i], -big_off[i]), *_meter(site, at[i], 1.0))
    paid = np.flatnonzero(reference > 0.0)
    if len(paid):
        baseline = market.baseline_kwh[at[paid]]
        above = np.maximum(0.0, market.most_kwh[at[paid]] - baseline)
        excess = program.add_columns(len(paid), cost=keep * reference[paid])
        program.add_rows(-above - baseline, INFINITY, (excess, 1.0), (on[paid], -above), *_meter(site, at[paid], -1.0))
