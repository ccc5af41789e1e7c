"""Which constraints are in force at one site: windows, cancellations, ranks. Readers and the breach meter share it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from llm_layer.notices.notice import BINDING, CANCEL, NONE, Constraint

FOREVER = np.iinfo(np.int64).max


@dataclass
class InForce:
    """One constraint of one notice. start_ns, until_ns: int64 nanoseconds UTC; a cancellation moves the end."""

    notice_id: str
    source: str
    published_ns: int
    constraint: Constraint
    start_ns: int
    until_ns: int

    def active(self, now_ns: int) -> bool:
        """Whether the step that starts now lies in its window."""
        return self.start_ns <= now_ns < self.until_ns

    def over(self, now_ns: int) -> bool:
        return now_ns >= self.until_ns


class Constraints:
    """Constraints of one site, in the order they were read. Noise is none."""

    def __init__(self) -> None:
        self._entries: list[InForce] = []

    def add(self, notice_id: str, source: str, published_at: pd.Timestamp, constraint: Constraint) -> None:
        """Put a constraint in force, or end those that a ``cancel`` refers to: of its kind, published before it; a
        notice from the grid does not end what the operator asks.
        """
        if constraint.bound == NONE:
            return
        start = constraint.starts_at(published_at)
        if constraint.bound == CANCEL:
            for entry in self._entries:
                mine = source == "operator" or entry.source == source
                if mine and entry.constraint.kind == constraint.kind and entry.published_ns <= published_at.value:
                    entry.until_ns = min(entry.until_ns, start.value)
            return
        until_ns = FOREVER if constraint.until is None else constraint.until.value
        self._entries.append(InForce(notice_id, source, published_at.value, constraint, start.value, until_ns))

    def alive(self, now_ns: int) -> tuple[InForce, ...]:
        """What is in force or still to come."""
        self._entries = [entry for entry in self._entries if not entry.over(now_ns)]
        return tuple(self._entries)


def by_rank(entries: tuple[InForce, ...]) -> list[InForce]:
    """Binding ones in the order they are applied, each inside the ones before (contract 7): by rank of the bound, the
    operator's before the grid's, the tightest first.
    """
    binding = [entry for entry in entries if entry.constraint.binds]
    return sorted(binding, key=_rank)


def _rank(entry: InForce) -> tuple[int, bool, float]:
    value = entry.constraint.value or 0.0
    tightest = -value if entry.constraint.bound == "min_soc" else value
    return BINDING.index(entry.constraint.bound), entry.source != "operator", tightest
