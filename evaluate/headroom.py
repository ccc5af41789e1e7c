"""What there is to win: each flexibility's worth to each controller, from the rows of ``headroom_plan``'s scenarios.

Load, battery and cooling help and hinder each other, so the worth of one depends on the order in which they are added.
It is given as the mean over all orders (Shapley 1953; the three sum exactly to the site's day-ahead saving), with the
two ends: alone, and last. Requests, then own trades, come on top. Money is ``objective_gbp + flex_phantom_gbp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from evaluate.ablation import CLAIM, EARNED, IDLE_TRADES, NEUTRAL, tables_of
from evaluate.headroom_compare import Comparison, compare
from evaluate.headroom_plan import (
    BASE,
    CARBON_PRICES_GBP_PER_T,
    FLEXIBILITIES,
    REQUESTS,
    RULES,
    TRADES,
    Scenario,
    frontier_key,
    key_of,
    market_key,
)
from evaluate.statistics import Interval, paired_difference, ratio_of_sums
from evaluate.variants import BOUND

CARBON = "carbon_kg"
DAY_AHEAD = key_of(FLEXIBILITIES)
Saved = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]  # scenario -> controller -> name -> saved (S, W)


@dataclass(frozen=True)
class Worth:
    """Means a week, saved against the neutral site: GBP net of phantom money, kg (None for a bound, which has none).

    alone, last: GBP of a flexibility as the only one, and added to all others; None for anything else
    """

    gbp: Interval
    kg: Interval | None
    alone: float | None = None
    last: float | None = None


@dataclass(frozen=True)
class Ladder:
    """From the neutral site up, for one controller. by_rule: rule -> origin (requests, trades) -> its worth.

    day_ahead   all three flexibilities, day-ahead prices alone; flexibilities sum to it, where there are any: parts
                of the site are left out for controllers that plan every hour
    share       day-ahead saving and, by rule, that with everything, as shares of the neutral objective
    """

    controller: str
    flexibilities: dict[str, Worth]
    day_ahead: Worth
    by_rule: dict[str, dict[str, Worth]]
    totals: dict[str, Worth]
    share: dict[str, Interval]


@dataclass(frozen=True)
class FrontierPoint:
    """Money (net cost without phantom) and carbon saved at one carbon price, shares of the neutral site's."""

    price_gbp_per_t: float
    money: Interval
    carbon: Interval


@dataclass(frozen=True)
class Sensitivity:
    """One thing changed: each controller's saving as a share of the neutral objective, and its change in GBP a week."""

    label: str
    saving: dict[str, Interval]
    change_gbp: dict[str, Interval]


@dataclass(frozen=True)
class Headroom:
    """All numbers of the page.

    comparisons   day-ahead only, then with requests and with own trades under each rule
    phantom_gbp   rule -> what an idle site's own trades were paid for nothing, a week
    """

    neutral_gbp: float
    neutral_kg: float
    ladders: tuple[Ladder, ...]
    comparisons: tuple[Comparison, ...]
    frontier: dict[str, tuple[FrontierPoint, ...]]
    sensitivities: tuple[Sensitivity, ...]
    phantom_gbp: dict[str, float]
    weeks: tuple[str, ...]
    few_weeks: tuple[str, ...]
    seeds: int

    def comparison(self, key: str) -> Comparison | None:
        return next((one for one in self.comparisons if one.key == key), None)


def headroom(planned: list[Scenario], rows: Mapping[str, pd.DataFrame]) -> Headroom:
    """Numbers from each scenario's rows. Raises ValueError: a run is missing, or fewer than two weeks."""
    tables = {key: tables_of(part) for key, part in rows.items()}
    saved = {key: _saved(found) for key, found in tables.items()}
    neutral = tables[DAY_AHEAD][NEUTRAL]
    controllers = list(saved[DAY_AHEAD])
    return Headroom(
        neutral_gbp=float(neutral[CLAIM].mean()),
        neutral_kg=float(neutral[CARBON].mean()),
        ladders=tuple(_ladder(saved, name, neutral) for name in controllers),
        comparisons=tuple(compare(key, saved[key], tables[key][NEUTRAL][CLAIM]) for key in _markets(saved)),
        frontier={name: points for name in controllers if (points := _frontier(tables, name))},
        sensitivities=tuple(_sensitivity(tables, saved, one) for one in planned if one.kind == "sensitivity"),
        phantom_gbp=_phantom(tables),
        weeks=_weeks(rows[DAY_AHEAD]),
        few_weeks=_weeks(rows[BASE]),
        seeds=int(rows[DAY_AHEAD]["seed"].nunique()),
    )


def _saved(tables: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """Controller -> name -> neutral - controller; a trading twin goes by its controller's name."""
    neutral = tables[NEUTRAL]
    return {
        name.removesuffix("+trades"): {q: neutral[q] - mine[q] for q in (CLAIM, CARBON) if q in mine}
        for name, mine in tables.items()
        if name not in (NEUTRAL, IDLE_TRADES)
    }


def _ladder(saved: Saved, name: str, neutral: Mapping[str, np.ndarray]) -> Ladder:
    day_ahead = saved[DAY_AHEAD][name]
    by_rule: dict[str, dict[str, Worth]] = {}
    totals: dict[str, Worth] = {}
    share = {DAY_AHEAD: ratio_of_sums(day_ahead[CLAIM], neutral[CLAIM], rng=_rng())}
    for rule in RULES:
        below, steps = day_ahead, {}
        for origin in (REQUESTS, TRADES):
            above = saved.get(market_key(origin, rule), {}).get(name)
            if above is None:
                continue
            steps[origin] = _worth({q: above[q] - below[q] for q in above if q in below})
            below = above
        by_rule[rule], totals[rule] = steps, _worth(below)
        share[rule] = ratio_of_sums(below[CLAIM], neutral[CLAIM], rng=_rng())
    return Ladder(
        controller=name,
        flexibilities={
            flexibility: _flexibility(saved, name, flexibility)
            for flexibility in FLEXIBILITIES
            if name in saved[key_of((flexibility,))]
        },
        day_ahead=_worth(day_ahead),
        by_rule=by_rule,
        totals=totals,
        share=share,
    )


def _markets(saved: Saved) -> list[str]:
    """Scenarios of the whole site on all weeks, from least to most market."""
    known = [DAY_AHEAD, *(market_key(origin, rule) for rule in RULES for origin in (REQUESTS, TRADES))]
    return [key for key in known if key in saved]


def _flexibility(saved: Saved, name: str, flexibility: str) -> Worth:
    others = [other for other in FLEXIBILITIES if other != flexibility]
    mean: dict[str, np.ndarray] = {}
    for quantity, everything in saved[DAY_AHEAD][name].items():
        mean[quantity] = np.zeros_like(everything)
        for size in range(len(others) + 1):
            for before in combinations(others, size):
                mean[quantity] += _orders(size) * _gain(saved, name, quantity, before, flexibility)
    worth = _worth(mean)
    alone, last = (float(_gain(saved, name, CLAIM, before, flexibility).mean()) for before in ((), tuple(others)))
    return Worth(worth.gbp, worth.kg, alone, last)


def _gain(saved: Saved, name: str, quantity: str, before: tuple[str, ...], added: str) -> np.ndarray:
    """What a flexibility adds to a set of others."""
    above = saved[key_of((*before, added))][name][quantity]
    return above - saved[key_of(before)][name][quantity] if before else above


def _orders(before: int) -> float:
    """Share of all orders in which exactly ``before`` given others come first."""
    count = len(FLEXIBILITIES)
    return factorial(before) * factorial(count - before - 1) / factorial(count)


def _worth(saved: Mapping[str, np.ndarray]) -> Worth:
    intervals = {name: paired_difference(table, np.zeros_like(table), rng=_rng()) for name, table in saved.items()}
    return Worth(intervals[CLAIM], intervals.get(CARBON))


def _frontier(tables: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], name: str) -> tuple[FrontierPoint, ...]:
    """Empty for a controller without bill or carbon (the bound)."""
    points = []
    for price in CARBON_PRICES_GBP_PER_T:
        found = tables[frontier_key(price)]
        mine, neutral = found[name], found[NEUTRAL]
        if EARNED not in mine or CARBON not in mine or name == BOUND:
            return ()
        money, carbon = (ratio_of_sums(neutral[q] - mine[q], neutral[q], rng=_rng()) for q in (EARNED, CARBON))
        points.append(FrontierPoint(price, money, carbon))
    return tuple(points)


def _sensitivity(
    tables: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], saved: Saved, scenario: Scenario
) -> Sensitivity:
    neutral = tables[scenario.key][NEUTRAL][CLAIM]
    mine, base = saved[scenario.key], saved[BASE]
    return Sensitivity(
        label=scenario.label,
        saving={name: ratio_of_sums(mine[name][CLAIM], neutral, rng=_rng()) for name in mine},
        change_gbp={name: paired_difference(mine[name][CLAIM], base[name][CLAIM], rng=_rng()) for name in mine},
    )


def _phantom(tables: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> dict[str, float]:
    idle = {rule: tables.get(market_key(REQUESTS, rule), {}).get(IDLE_TRADES) for rule in RULES}
    return {rule: float(mine["flex_phantom_gbp"].mean()) for rule, mine in idle.items() if mine is not None}


def _weeks(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(rows["week_start"].astype(str).unique()))


def _rng() -> np.random.Generator:
    """The same resamples for every number: parts of a sum are resampled together."""
    return np.random.default_rng(0)
