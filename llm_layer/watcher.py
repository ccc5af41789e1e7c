"""A supervisor that remembers what it was shown: situations for trials, labels and benches."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.situation import Situation


class Watcher:
    """Passes decisions through. ``seen``: each situation and what was decided in it, in the order of the run."""

    def __init__(self, inner: HighLevelPolicy) -> None:
        self._inner = inner
        self.policy_id = inner.policy_id
        self.seen: list[tuple[Situation, Decision]] = []

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        decisions = self._inner.decide(situations, now)
        self.seen += zip(situations, decisions, strict=True)
        return decisions
