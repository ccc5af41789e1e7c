"""Own trades in the plan: one contiguous block of one kW a day (design section 4), settled like any sale (``flex``).

A day has one column for each block it may sell, start and length, at most one of which is taken. That makes
"contiguous" and "one kW for all its periods" exact even for fractions of a block, where the solver spends its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluate.optimal.flex import PERIOD_HOURS, Market, RequestColumns, SalePeriods, settle_reduced
from evaluate.optimal.plan_model import Columns
from evaluate.optimal.program import INFINITY, Program, Term
from grid.market.commitments import OWN_TRADE_MAX_PERIODS

WINDOW_STRIDE = 2  # periods between the windows whose reductions are limited


@dataclass(frozen=True)
class TradeColumns:
    """Own trades of one day: periods, and by period 0/1 and kWh sold."""

    periods: np.ndarray
    on: np.ndarray
    sold_kwh: np.ndarray


@dataclass(frozen=True)
class _Blocks:
    """The blocks a day may sell: their columns, 1 where taken, and first and last period, (m,)."""

    share: np.ndarray
    first: np.ndarray
    last: np.ndarray


def add_own_trades(
    program: Program, site: Columns, market: Market, day: np.ndarray, requests: Sequence[RequestColumns]
) -> TradeColumns | None:
    """Let the plan sell one block on one day (its periods, in order); None where it can never sell."""
    most = np.minimum(market.registered_kwh, market.baseline_kwh[day])
    can = most >= market.min_kwh
    if not can.any():
        return None
    n = len(day)
    on = program.add_columns(n, upper=can.astype(np.float64), integer=True)
    sold = program.add_columns(n, upper=np.maximum(most, 0.0))
    first, last = _spans(can)
    share, level = program.add_columns(len(first), upper=1.0), program.add_columns(len(first))
    top = np.array([most[a : b + 1].min() for a, b in zip(first, last, strict=True)])
    program.add_rows(-INFINITY, 0.0, (level, 1.0), (share, -top))
    program.add_rows(0.0, INFINITY, (level, 1.0), (share, -market.min_kwh))
    program.add_sum(-INFINITY, 1.0, (share, 1.0))

    periods = np.arange(n)
    covered, covering = np.nonzero((periods[:, None] >= first) & (periods[:, None] <= last))
    for total, parts in ((on, share), (sold, level)):
        program.add_sparse(0.0, 0.0, n, (periods, total, 1.0), (covered, parts[covering], -1.0))
    for request in requests:
        _, shared, _ = np.intersect1d(day, request.request.periods, return_indices=True)
        if len(shared):
            program.add_rows(-INFINITY, 1.0, (on[shared], 1.0), (np.repeat(request.accepted, len(shared)), 1.0))
    sale = SalePeriods(day, on, sold, np.maximum(most, 0.0), market.own_gbp_per_mwh[day])
    earns, reduction = settle_reduced(program, site, market, sale)
    _tighten(program, site, market, sale, (earns, reduction), _Blocks(share, first, last))
    return TradeColumns(day, on, sold)


def _spans(can: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last period of every block of at most 4 h that can be sold throughout."""
    pairs = [
        (a, b)
        for a in range(len(can))
        for b in range(a, min(a + OWN_TRADE_MAX_PERIODS, len(can)))
        if can[a : b + 1].all()
    ]
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


def _tighten(
    program: Program,
    site: Columns,
    market: Market,
    sale: SalePeriods,
    reduced: tuple[np.ndarray, np.ndarray],
    block: _Blocks,
) -> None:
    """Rows that no block breaks and fractions of a block would: without them the solver pays for reductions unmade.

    While on, the meter is made of load, charge and discharge while on, each within its own limits.
    """
    at, on = sale.at, sale.on
    n, rating = len(at), market.battery_kw
    load_on = program.add_columns(n)
    charge_on = program.add_columns(n, upper=rating)
    discharge_on = program.add_columns(n, upper=rating)
    least, most = market.least_load_kw[at], market.most_load_kw[at]
    program.add_rows(0.0, INFINITY, (load_on, 1.0), (on, -least))
    program.add_rows(-most, INFINITY, (load_on, 1.0), (site.load_kw[at], -1.0), (on, -most))
    program.add_rows(-rating, INFINITY, (charge_on, 1.0), (site.charge_kw[at], -1.0), (on, -rating))
    program.add_rows(-INFINITY, 0.0, (discharge_on, 1.0), (site.discharge_kw[at], -1.0))
    program.add_rows(-INFINITY, 0.0, (discharge_on, 1.0), (on, -rating))

    def meter_on(i: np.ndarray) -> list[Term]:
        return [(load_on[i], PERIOD_HOURS), (charge_on[i], PERIOD_HOURS), (discharge_on[i], -PERIOD_HOURS)]

    earns, reduction = reduced
    i = np.flatnonzero(earns)
    program.add_rows(-INFINITY, 0.0, (reduction[i], 1.0), (on[i], -market.neutral_kwh[at[i]]), *meter_on(i))
    _limit_windows(program, market, sale, reduction, block)


def _limit_windows(program: Program, market: Market, sale: SalePeriods, reduction: np.ndarray, block: _Blocks) -> None:
    """In any window and the whole day, a block reduces by the battery's energy once and the load shed in its periods.

    A window's part of a block is contiguous, so the battery cannot be refilled elsewhere meanwhile, and charging inside
    it takes as much from the reduction as it gives back at most.
    """
    n = len(sale.at)
    shed = np.maximum(0.0, market.neutral_kwh[sale.at] - market.least_load_kw[sale.at] * PERIOD_HOURS)
    windows = [np.arange(a, min(a + OWN_TRADE_MAX_PERIODS, n)) for a in range(0, n, WINDOW_STRIDE)]
    for window in (np.arange(n), *windows):
        touching = block.share[(block.first <= window[-1]) & (block.last >= window[0])]
        if len(touching) == 0:
            continue
        energy: Term = (touching, -market.battery_kwh)
        on = sale.on[window]
        program.add_sum(-INFINITY, 0.0, (reduction[window], 1.0), (on, -shed[window]), energy)
