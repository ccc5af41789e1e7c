"""The ``rules`` supervisor: overrides an agent only where the computed gain is worth it, sells by the shared rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from llm_layer.directive import TEXT_LENGTH, Acceptance, Directive, SetLevel
from llm_layer.policy import Decision
from llm_layer.situation import Finding, Request, Situation
from llm_layer.verbs import word_for

THRESHOLD_GBP = 0.05  # per decision and agent; below it the agents are followed


class RulesPolicy:
    """Decides on the situation's pounds alone; no memory, no randomness.

    threshold_gbp: an override has to gain at least this until the next decision.
    """

    def __init__(self, threshold_gbp: float = THRESHOLD_GBP) -> None:
        self.threshold_gbp = threshold_gbp
        self.policy_id = f"rules-1/threshold={threshold_gbp:g}"

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        return [
            Decision(directive=self._directive(situation), source="rules", policy_id=self.policy_id)
            for situation in situations
        ]

    def _directive(self, situation: Situation) -> Directive:
        asked: dict[str, Any] = {}
        chosen: list[Finding] = []
        for finding in situation.findings:
            if finding.gain_gbp >= self.threshold_gbp:
                asked[finding.agent] = _order(finding)
                chosen.append(finding)
        accept, decline = answer_requests(situation.requests)
        code, text = _why(situation, chosen)
        return Directive(
            **asked,
            accept=accept,
            decline=decline,
            horizon_steps=situation.hold_steps,
            reason_code=code,
            text=text[:TEXT_LENGTH],
        )


def _order(finding: Finding) -> str | SetLevel:
    word = word_for(finding.agent, finding.level)
    return word if word is not None else SetLevel(mode="set", level=finding.level)


def _why(situation: Situation, chosen: list[Finding]) -> tuple[Any, str]:
    """Reason code and text: a sale first, then what gains most."""
    sold = [request for request in situation.requests if request.kw > 0.0]
    if sold:
        return "request", max(sold, key=lambda request: request.value_gbp).text
    if chosen:
        return chosen[0].reason, chosen[0].text
    return "follow", "no conflict or opportunity is worth an override"


def answer_requests(requests: Sequence[Request]) -> tuple[tuple[Acceptance, ...], tuple[str, ...]]:
    """What the shared selling rule accepts, and the ids of what it declines."""
    accept = tuple(Acceptance(event_id=request.event.id, kw=request.kw) for request in requests if request.kw > 0.0)
    return accept, tuple(request.event.id for request in requests if request.kw <= 0.0)
