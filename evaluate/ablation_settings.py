"""A matrix's other settings: what each variant saves when one thing about site, market or supervisor is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from configs.axes import Setting
from evaluate.ablation import CLAIM, EARNED, NEUTRAL, tables_of
from evaluate.matrix import SETTING
from evaluate.matrix_figures import Path
from evaluate.names import COUNTERS
from evaluate.statistics import Interval, paired_difference, ratio_of_sums

CARBON_PRICE = "site.carbon_price_gbp_per_t"
RESAMPLES = 2_000
TINTS = ("better", "worse", "carbon", "price", "battery", "system", "inlet")


@dataclass(frozen=True)
class Outcome:
    """One variant in one setting.

    saving, money, carbon   shares of the neutral site's in the same setting
    points      saving less the saving in the matrix's own setting, in shares, weeks and seeds paired; None without one
    penalty_gbp, counters   means a week
    """

    variant: str
    saving: Interval
    money: Interval | None
    carbon: Interval | None
    points: Interval | None
    penalty_gbp: float
    counters: dict[str, float]


@dataclass(frozen=True)
class Axis:
    """One grid. settings: (value in words, outcomes), in the order configured."""

    name: str
    settings: tuple[tuple[str, tuple[Outcome, ...]], ...]


def axes_of(rows: pd.DataFrame, found: Sequence[Setting], rng_seed: int = 0) -> list[Axis]:
    """Every grid of a matrix. rows: with the column ``SETTING``."""
    if len(found) < 2:
        return []
    own = tables_of(rows[rows[SETTING] == ""])
    grouped: dict[str, list[tuple[str, tuple[Outcome, ...]]]] = {}
    for setting in found[1:]:
        tables = tables_of(rows[rows[SETTING] == setting.name])
        outcomes = tuple(_outcome(name, tables, own, rng_seed) for name in tables if name != NEUTRAL)
        value = setting.name if " x " in setting.axis else setting.name.partition("=")[2]
        grouped.setdefault(setting.axis, []).append((value, outcomes))
    return [Axis(name, tuple(settings)) for name, settings in grouped.items()]


def frontiers(axes: Sequence[Axis]) -> list[Path]:
    """Money saved against carbon saved, in per cent, along the carbon prices of a matrix: a path a variant."""
    axis = next((axis for axis in axes if axis.name == CARBON_PRICE), None)
    if axis is None:
        return []
    corners: dict[str, list[tuple[float, float, str]]] = {}
    for value, outcomes in axis.settings:
        for outcome in outcomes:
            if outcome.money and outcome.carbon:
                point = (100 * outcome.money.estimate, 100 * outcome.carbon.estimate, f"£{value}")
                corners.setdefault(outcome.variant, []).append(point)
    moved = {name: points for name, points in corners.items() if len({point[:2] for point in points}) > 1}
    return [Path(name, TINTS[k % len(TINTS)], points) for k, (name, points) in enumerate(moved.items())]


def _outcome(name: str, tables: Any, own: Any, rng_seed: int) -> Outcome:
    mine, neutral = tables[name], tables[NEUTRAL]

    def share(quantity: str) -> Interval | None:
        if quantity not in mine or neutral[quantity].sum() == 0.0:
            return None
        rng = np.random.default_rng(rng_seed)
        return ratio_of_sums(neutral[quantity] - mine[quantity], neutral[quantity], rng=rng, resamples=RESAMPLES)

    saving = share(CLAIM)
    assert saving is not None, "the neutral site's objective is never zero"
    return Outcome(
        variant=name,
        saving=saving,
        money=share(EARNED),
        carbon=share("carbon_kg"),
        points=_points(tables, own, name, rng_seed) if name in own else None,
        penalty_gbp=float(mine["penalty_gbp"].mean()) if "penalty_gbp" in mine else 0.0,
        counters={counter: float(mine[counter].mean()) for counter in COUNTERS if counter in mine},
    )


def _points(tables: Any, own: Any, name: str, rng_seed: int) -> Interval:
    """Change of the saving share from the matrix's own setting, weeks and seeds paired."""
    here, there = (
        (t[NEUTRAL][CLAIM] - t[name][CLAIM]) / t[NEUTRAL][CLAIM].mean() for t in (tables, own)
    )  # fmt: skip
    return paired_difference(here, there, rng=np.random.default_rng(rng_seed), resamples=RESAMPLES)
