"""Notices with what they mean, for training and testing readers: drawn from the wordings of one split, seeded.

Windows and amounts are drawn at random here; notices of a run are written from its rows instead
(``llm_layer.notices.generator``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from llm_layer.notices.compose import Composed, compose, compose_injection
from llm_layer.notices.notice import CANCEL, KINDS, NOISE, NONE, Constraint, Notice, Source, cancel_of, constraint_of
from llm_layer.notices.phrases import Words
from llm_layer.notices.surface import worn
from llm_layer.notices.wordings import Split

FIRST, DAYS = pd.Timestamp("2022-01-03T00:00Z"), 360
STEP, HALF_HOUR = pd.Timedelta(minutes=15), pd.Timedelta(minutes=30)
CANCEL_SHARE, INJECTION_SHARE, OPEN_SHARE = 0.08, 0.08, 0.03
# Readers learn from more of what is dear to misread: what ends a constraint, and what asks for nothing.
TRAIN_KINDS, TRAIN_CANCEL_SHARE, TRAIN_INJECTIONS_OF_NOISE = (*KINDS, "noise", "noise"), 0.2, 0.4
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


def examples(count: int, seed: int, split: Split) -> Iterator[Example]:
    """``count`` notices of a split, kinds in turn; the same seed gives the same ones."""
    rng = np.random.default_rng([seed, *split.encode()])
    kinds = TRAIN_KINDS if split == "train" else tuple(KINDS)
    for number in range(count):
        yield _example(rng, f"{split}-{number}", kinds[number % len(kinds)], split)


def _example(rng: np.random.Generator, name: str, kind: str, split: Split) -> Example:
    published_at = FIRST + int(rng.integers(DAYS * 96)) * STEP
    source: Source = "operator" if kind not in GRID_KINDS or rng.random() < 0.2 else "grid"
    injections = TRAIN_INJECTIONS_OF_NOISE if split == "train" else INJECTION_SHARE * len(KINDS)
    if kind == "noise" and rng.random() < injections:
        return _told(rng, name, source, NOISE, compose_injection(rng, published_at, split), published_at, split, True)
    share = TRAIN_CANCEL_SHARE if split == "train" else CANCEL_SHARE
    meaning = drawn_meaning(rng, kind, published_at, share)
    return _told(rng, name, source, meaning, compose(rng, meaning, published_at, split), published_at, split)


def _told(
    rng: np.random.Generator,
    name: str,
    source: Source,
    meaning: Constraint,
    composed: Composed,
    published_at: pd.Timestamp,
    split: Split,
    injection: bool = False,
) -> Example:
    text, words = composed.text, composed.words
    if split == "train":
        text, words = worn(rng, text, words, published_at, meaning.bound not in (CANCEL, NONE))
    return Example(Notice(name, published_at, source, text), meaning, words, composed.wording.name, injection)


def drawn_meaning(
    rng: np.random.Generator, kind: str, published_at: pd.Timestamp, cancel_share: float = CANCEL_SHARE
) -> Constraint:
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
