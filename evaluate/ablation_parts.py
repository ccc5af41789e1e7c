"""Why one variant does better or worse than another: their difference in pounds, term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agents.factory import TRAINED
from evaluate.ablation import CLAIM, Ablation, Answer, tables_of
from evaluate.statistics import Interval, paired_difference
from evaluate.variants import CHECKPOINT, Variant

# They add up to ``objective_gbp + flex_phantom_gbp``; what a term is called, and its sign in it.
TERMS = {
    "energy_gbp": ("energy", 1.0),
    "network_gbp": ("network charges", 1.0),
    "wear_gbp": ("battery wear", 1.0),
    "terminal_gbp": ("stock left at the end", 1.0),
    "llm_gbp": ("the supervisor’s electricity", 1.0),
    "flex_real_gbp": ("real flexibility", -1.0),
    "carbon_cost_gbp": ("carbon", 1.0),
    "penalty_gbp": ("penalties", 1.0),
}
RESAMPLES = 2_000
SHOWN_GBP = 0.5  # a week; smaller terms are not worth a word


@dataclass(frozen=True)
class Why:
    """terms: name -> what ``a`` pays more than ``b`` a week, GBP; they add up to ``total``."""

    a: str
    b: str
    verdict: str
    total: Interval
    terms: dict[str, Interval]


def whys(rows: pd.DataFrame, result: Ablation, rng_seed: int = 0) -> list[Why]:
    """Term by term, each question about trained agents or a supervisor that is not answered with a gain."""
    tables = tables_of(rows)
    found = []
    for answer in lost(result.answers):
        a, b = tables[answer.a], tables[answer.b]
        if any(name not in a or name not in b for name in TERMS):
            continue  # a bound has no terms
        terms = {name: _difference(sign * a[name], sign * b[name], rng_seed) for name, (_, sign) in TERMS.items()}
        found.append(Why(answer.a, answer.b, answer.verdict, _difference(a[CLAIM], b[CLAIM], rng_seed), terms))
    return found


def lost(answers: Sequence[Answer]) -> list[Answer]:
    """Where training or supervision was asked about and no gain was found."""
    return [answer for answer in answers if answer.verdict != "better" and _of_interest(answer.a)]


def _of_interest(name: str) -> bool:
    variant = Variant.parse(name)
    return bool(variant.supervisor) or variant.base in (*TRAINED, CHECKPOINT)


def in_words(why: Why) -> str:
    """``energy +£12, real flexibility −£20`` of what ``a`` pays more than ``b``, largest first."""
    from evaluate.page import signed_gbp

    ordered = sorted(why.terms.items(), key=lambda item: -abs(item[1].estimate))
    named = [f"{TERMS[name][0]} {signed_gbp(term.estimate)}" for name, term in ordered if _matters(term)]
    return ", ".join(named) or "no term differs by half a pound"


def _matters(term: Interval) -> bool:
    return abs(term.estimate) >= SHOWN_GBP


def _difference(a: np.ndarray, b: np.ndarray, rng_seed: int) -> Interval:
    return paired_difference(a, b, rng=np.random.default_rng(rng_seed), resamples=RESAMPLES)
