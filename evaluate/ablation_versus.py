"""Each supervisor against what it has to beat, in each setting of a matrix: intervals, weeks and seeds paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
# What a supervised variant has to beat, in words and by name.
RIVALS = {
    "its agents alone": "{base}",
    "rules": "{base}+rules",
    "a tree": "{base}+tree",
    "wrong moments": f"{{base}}+{RANDOM}",
    "threshold alone": RULE,
    "the reader alone": f"{{base}}+{READER}",
    "reader and rules": f"{{base}}+{READER}+rules",
}


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


Row = tuple[Versus, list[Interval | None]]


def versus_of(rows: pd.DataFrame, rng_seed: int = 0) -> list[Versus]:
    """Every supervised or reading variant of a matrix; rows with the column ``SETTING`` where it has settings."""
    named = rows if SETTING in rows else rows.assign(**{SETTING: ""})
    return [
        one for setting, part in named.groupby(SETTING, sort=False) for one in _in_setting(str(setting), part, rng_seed)
    ]


def rivals(name: str) -> dict[str, str]:
    """What a variant has to beat, in words -> its name; nothing for one that neither supervises nor reads."""
    variant = Variant.parse(name)
    if not (variant.supervisor or variant.reads) or variant.supervisor == RANDOM:
        return {}
    known = {words: other.format(base=variant.base) for words, other in RIVALS.items()}
    return {words: other for words, other in known.items() if other != name and (variant.reads or READER not in other)}


def table_of(found: Sequence[Versus]) -> tuple[list[str], list[tuple[str, list[Row]]]]:
    """-> rivals in words that any has, and by setting each supervised variant with its intervals in their order."""
    told = [
        {words: one.against[other] for words, other in rivals(one.variant).items() if other in one.against}
        for one in found
    ]
    heads = [words for words in RIVALS if any(words in each for each in told)]
    settings: dict[str, list[Row]] = {}
    for one, each in zip(found, told, strict=True):
        settings.setdefault(one.setting, []).append((one, [each.get(words) for words in heads]))
    return heads, list(settings.items())


def _in_setting(setting: str, rows: pd.DataFrame, rng_seed: int) -> Iterator[Versus]:
    tables = tables_of(rows)
    for name in tables:
        others = [other for other in rivals(name).values() if other in tables]
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
