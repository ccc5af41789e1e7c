"""The control that any supervisor has to beat: another supervisor's own directives, at the wrong moments.

Rate of overrides, agents, modes, levels and holding times are those of the supervisor it was recorded from, exactly,
because its directives are dealt out again in random order. Requests are answered by the shared selling rule, as the
rules do, so that only the overrides differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from llm_layer.directive import Directive
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.rules import answer_requests
from llm_layer.situation import Situation


class Recorder:
    """Passes decisions through and keeps each site's directives."""

    def __init__(self, inner: HighLevelPolicy) -> None:
        self._inner = inner
        self.policy_id = inner.policy_id
        self.directives: dict[int, list[Directive]] = {}

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        decisions = self._inner.decide(situations, now)
        for situation, decision in zip(situations, decisions, strict=True):
            self.directives.setdefault(situation.site, []).append(decision.directive)
        return decisions


class RandomPolicy:
    """Deals each site the directives recorded for it, shuffled; once they are used up, from the start again.

    Args:
        recorded: site -> directives of the matched supervisor, at least one each.
        seed: of the shuffles.
    """

    reads_findings = False

    def __init__(self, recorded: dict[int, list[Directive]], seed: int) -> None:
        self.policy_id = f"random-1/matched/seed={seed}"
        self._decks = {
            site: [directives[i] for i in np.random.default_rng([seed, site]).permutation(len(directives))]
            for site, directives in recorded.items()
        }
        self._dealt = dict.fromkeys(recorded, 0)

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        return [
            Decision(directive=self._deal(situation), source="rules", policy_id=self.policy_id)
            for situation in situations
        ]

    def _deal(self, situation: Situation) -> Directive:
        deck = self._decks[situation.site]
        card = deck[self._dealt[situation.site] % len(deck)]
        self._dealt[situation.site] += 1
        accept, decline = answer_requests(situation.requests)
        return card.model_copy(
            update={
                "accept": accept,
                "decline": decline,
                "offers": (),
                "text": "drawn at random",
                "reason_code": "follow",
            }
        )
