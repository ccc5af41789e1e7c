"""Notices with what they mean, drawn from the wordings of one split, seeded: ``examples`` to score readers on, every
kind alike and as they are written, and ``lessons`` to learn from, the train split's with more of what is dear to
misread, and worn.

Windows and amounts are drawn at random here; notices of a run are written from its rows instead
(``llm_layer.notices.generator``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from llm_layer.notices.compose import compose, compose_injection
from llm_layer.notices.notice import CANCEL, KINDS, NOISE, NONE, Constraint, Notice, Source, cancel_of, constraint_of
from llm_layer.notices.phrases import Words
from llm_layer.notices.surface import worn
from llm_layer.notices.wordings import Split

FIRST, DAYS = pd.Timestamp("2022-01-03T00:00Z"), 360
STEP, HALF_HOUR = pd.Timedelta(minutes=15), pd.Timedelta(minutes=30)
OPEN_SHARE = 0.03  # of windows that have no end
GRID_KINDS = ("price_warning", "margin_notice", "maintenance_window")
# Steps of a value and its lowest and highest multiple: a percent of charge, kg, GBP/MWh, kW.
_VALUES = {
    "battery_reserve": (0.05, 4, 19),
    "carbon_cap": (10.0, 8, 220),
    "price_warning": (10.0, 8, 90),
    "maintenance_window": (10.0, 25, 140),
}


@dataclass(frozen=True, slots=True)
class Example:
    """One notice, what it means, and what it says in its own words (``words``: what a model should copy)."""

    notice: Notice
    meaning: Constraint
    words: Words
    wording: str
    injection: bool = False

    @property
    def text(self) -> str:
        return self.notice.text

    @property
    def kind(self) -> str:
        return self.meaning.kind

    @property
    def ends(self) -> bool:
        return self.meaning.bound == "cancel"


@dataclass(frozen=True, slots=True)
class _Mixture:
    """kinds: in turn. cancels, injections: share of a kind's notices that end one, of noise that gives orders."""

    kinds: tuple[str, ...]
    cancels: float
    injections: float
    worn: bool


_EVEN = _Mixture(tuple(KINDS), 0.08, 0.64, worn=False)
_WORN = replace(_EVEN, worn=True)
# Readers learn from more of what is dear to misread: what ends a constraint, and what asks for nothing.
_LESSONS = _Mixture((*KINDS, "noise", "noise"), 0.2, 0.4, worn=True)


def examples(count: int, seed: int, split: Split, worn: bool = False) -> Iterator[Example]:
    """``count`` notices of a split, kinds in turn; the same seed gives the same ones.

    worn: as they may arrive (``llm_layer.notices.surface``).
    """
    return _drawn(count, seed, split, _WORN if worn else _EVEN)


def lessons(count: int, seed: int) -> Iterator[Example]:
    """``count`` notices of the train split to learn from; the same seed gives the same ones."""
    return _drawn(count, seed, "train", _LESSONS)


def _drawn(count: int, seed: int, split: Split, mixture: _Mixture) -> Iterator[Example]:
    rng = np.random.default_rng([seed, *split.encode()])
    for number in range(count):
        yield _example(rng, f"{split}-{number}", mixture.kinds[number % len(mixture.kinds)], split, mixture)


def _example(rng: np.random.Generator, name: str, kind: str, split: Split, mixture: _Mixture) -> Example:
    published_at = FIRST + int(rng.integers(DAYS * 96)) * STEP
    source: Source = "operator" if kind not in GRID_KINDS or rng.random() < 0.2 else "grid"
    injection = kind == "noise" and rng.random() < mixture.injections
    if injection:
        meaning, composed = NOISE, compose_injection(rng, published_at, split)
    else:
        meaning = _drawn_meaning(rng, kind, published_at, mixture.cancels)
        composed = compose(rng, meaning, published_at, split)
    text, words = composed.text, composed.words
    if mixture.worn:
        text, words = worn(rng, text, words, published_at, meaning.bound not in (CANCEL, NONE))
    return Example(Notice(name, published_at, source, text), meaning, words, composed.wording.name, injection)


def _drawn_meaning(rng: np.random.Generator, kind: str, published_at: pd.Timestamp, cancel_share: float) -> Constraint:
    """A constraint of a kind with a random value and window, or its cancellation."""
    if kind == "noise":
        return NOISE
    if rng.random() < cancel_share:
        return cancel_of(kind)
    value = None
    if kind in _VALUES:
        step, low, high = _VALUES[kind]
        value = round(step * int(rng.integers(low, high)), 2)
    if kind not in GRID_KINDS and rng.random() < OPEN_SHARE:
        return constraint_of(kind, value=value)
    start = None
    if rng.random() < 0.6:
        start = (published_at + int(rng.integers(1, 64)) * HALF_HOUR).ceil("30min")
    until = ((start or published_at) + int(rng.integers(1, 18)) * HALF_HOUR).ceil("30min")
    return constraint_of(kind, value=value, start=start, until=until)
