"""Each supervisor against what it has to beat, in each setting of a matrix: intervals, weeks and seeds paired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.fields import READER
from evaluate.ablation import CLAIM, NEUTRAL, Tables, tables_of
from evaluate.matrix import SETTING
from evaluate.statistics import Interval, ratio_of_sums
from evaluate.supervisors import RANDOM
from evaluate.variants import Variant

RESAMPLES = 4_000
RULE = "threshold"  # a rule alone that sees the same prices


@dataclass(frozen=True)
class Versus:
    """One supervised variant in one setting (``""``: the configuration itself).

    against     name of the other -> share of the neutral site's sum that this one saves more
    overrides, fallbacks, llm_kwh, llm_gbp, breaches    means a week
    """

    setting: str
    variant: str
    saving: Interval
    against: dict[str, Interval]
    decisions: float
    overrides: float
    fallbacks: float
    llm_kwh: float
    llm_gbp: float
    breaches: float


def versus_of(rows: pd.DataFrame, rng_seed: int = 0) -> list[Versus]:
    """Every supervised or reading variant of a matrix; rows with the column ``SETTING`` where it has settings."""
    named = rows if SETTING in rows else rows.assign(**{SETTING: ""})
    return [
        one for setting, part in named.groupby(SETTING, sort=False) for one in _in_setting(str(setting), part, rng_seed)
    ]


def rivals(name: str) -> list[str]:
    """What a variant has to beat: its agents alone, rules and random above them, a rule alone; with a reader, what
    stands above the same agents with the same reader, too.
    """
    variant = Variant.parse(name)
    if not (variant.supervisor or variant.reads) or variant.supervisor == RANDOM:
        return []
    read = [f"{variant.base}+{READER}", f"{variant.base}+{READER}+rules"] if variant.reads else []
    found = [*read, variant.base, f"{variant.base}+rules", f"{variant.base}+tree", f"{variant.base}+{RANDOM}", RULE]
    return [other for other in found if other != name]


def _in_setting(setting: str, rows: pd.DataFrame, rng_seed: int) -> Iterator[Versus]:
    tables = tables_of(rows)
    for name in tables:
        others = [other for other in rivals(name) if other in tables]
        if not others:
            continue
        mine = tables[name]
        yield Versus(
            setting=setting,
            variant=name,
            saving=_more(tables, name, NEUTRAL, rng_seed),
            against={other: _more(tables, name, other, rng_seed) for other in others},
            decisions=float(mine["decisions"].mean()),
            overrides=float(mine["overrides"].mean()),
            fallbacks=float(mine["fallbacks"].mean()),
            llm_kwh=float(mine["llm_kwh"].mean()),
            llm_gbp=float(mine["llm_gbp"].mean()),
            breaches=float(mine["notice_breach_steps"].mean()),
        )


def _more(tables: Tables, a: str, b: str, rng_seed: int) -> Interval:
    part, whole = tables[b][CLAIM] - tables[a][CLAIM], tables[NEUTRAL][CLAIM]
    return ratio_of_sums(part, whole, rng=np.random.default_rng(rng_seed), resamples=RESAMPLES)
