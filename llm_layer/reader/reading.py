"""What a reader is, and what comes of reading one notice: a constraint, or the reason why there is none.

Unread or unsure never means noise: such a reading holds no constraint at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pandas as pd

from llm_layer.notices.notice import KINDS, Authored, Constraint, Notice, cancel_of, constraint_of
from llm_layer.notices.phrases import Words
from llm_layer.reader.amounts import UnclearAmount, amount
from llm_layer.reader.clock_words import UnclearTime, resolve

SURE = 0.5  # a reading below this confidence is put before the operator, not in force
SURE_OF_AN_END = 0.8  # to end what is in force takes more than to put something in force
LONGEST_TEXT = 1200  # characters; what lies beyond is not read


@dataclass(frozen=True, slots=True)
class Reading:
    """One notice as read.

    constraint  None: not read, or not surely. error: why, in one line
    failed      nobody answered (an engine that is down), as against an answer that is not sure
    engine      who read. cut: only the beginning was read. energy_kwh: of the inference
    """

    notice_id: str
    constraint: Constraint | None
    engine: str
    confidence: float = 0.0
    cut: bool = False
    failed: bool = False
    error: str = ""
    energy_kwh: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """For the audit trail's body."""
        return {
            "notice": self.notice_id,
            "engine": self.engine,
            "constraint": None if self.constraint is None else self.constraint.as_record(),
            "confidence": round(self.confidence, 4),
            "cut": self.cut,
            "failed": self.failed,
            "energy_kwh": self.energy_kwh,
        }

    def but(self, **changes: Any) -> Reading:
        """The same, changed."""
        return replace(self, **changes)


class Reader(Protocol):
    """Contract 7: notices to typed constraints. engine: named in every record of a reading."""

    engine: str

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        """One reading a notice, in their order. Never raises: a notice that cannot be read has none."""

    def close(self) -> None:
        """End whatever runs for it."""


class TruthReader:
    """Gives each notice the constraint it was written from: the ceiling of any reader, and what planners are given."""

    engine = "truth"

    def __init__(self, authored: Sequence[Authored]) -> None:
        self._meaning: Mapping[str, Constraint] = {one.notice.id: one.meaning for one in authored}

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        return [Reading(notice.id, self._meaning[notice.id], self.engine, 1.0) for notice in notices]

    def close(self) -> None:
        """Nothing runs."""


def shortened(text: str) -> tuple[str, bool]:
    """A notice as readers are given it, on one line and without control characters; whether it was cut."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_TEXT])
    plain = " ".join(plain.split())
    cut = len(plain) > LONGEST_TEXT or len(text) > 4 * LONGEST_TEXT
    return plain[:LONGEST_TEXT], cut


def constrained(kind: str, ends: bool, words: Words, published_at: pd.Timestamp, confidence: float) -> Constraint:
    """The constraint of a kind and the words copied for it.

    Raises:
        UnclearTime, UnclearAmount: what the kind needs is not in the words.
    """
    if kind == "noise":
        return replace(constraint_of("noise"), confidence=confidence)
    if ends:
        return cancel_of(kind, confidence)
    value = amount(kind, words.value)[0] if KINDS[kind].unit is not None else None
    window = resolve(words, published_at)
    return constraint_of(kind, value=value, start=window.start, until=window.until, confidence=confidence)


def judged(
    notice: Notice,
    kind: str,
    ends: bool,
    words: Words,
    confidence: float,
    engine: str,
    cut: bool,
    energy_kwh: float = 0.0,
) -> Reading:
    """A reading from a class and copied words; without a constraint where it is in doubt, or not all was read."""
    unsure = Reading(notice.id, None, engine, confidence, cut, energy_kwh=energy_kwh)
    if confidence < (SURE_OF_AN_END if ends else SURE):
        return replace(unsure, error=f"unsure: {kind} with confidence {confidence:.2f}")
    if cut and kind == "noise":
        return replace(unsure, error="noise so far as it was read, but the notice is too long to be read whole")
    try:
        constraint = constrained(kind, ends, words, notice.published_at, confidence)
    except (UnclearTime, UnclearAmount) as error:
        return replace(unsure, error=f"{kind}: {error}")
    return replace(unsure, constraint=constraint)
