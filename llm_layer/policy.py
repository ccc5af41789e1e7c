"""Contract 7: what every supervisor is, whether rules, a tree or a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pandas as pd

from llm_layer.directive import FOLLOW_ALL, Directive
from llm_layer.situation import Situation

Source = Literal["engine", "cache", "fallback", "rules"]


class SupervisorError(RuntimeError):
    """No answer for any site this time: the orchestrator lets the agents go on and asks again at the next step."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One site's answer and what it took.

    source      where it came from; ``fallback``: there is no usable answer, agents follow
    policy_id   who decided: for a model its revision, prompt version, schema hash and sampling
    energy_kwh  electricity of the inference, charged to the site
    """

    directive: Directive
    source: Source
    policy_id: str
    tokens_in: int = 0
    tokens_out: int = 0
    latency_s: float = 0.0
    energy_kwh: float = 0.0
    error: str = ""


def fallback(policy_id: str, error: str) -> Decision:
    """No usable answer: the agents' own proposals go through, and why is recorded."""
    return Decision(directive=FOLLOW_ALL, source="fallback", policy_id=policy_id, error=error)


class HighLevelPolicy(Protocol):
    """Reads situations and answers with directives.

    policy_id: named in every audit record of a decision. One that looks at requests alone may say so by an attribute
    ``reads_findings`` that is False: it is then shown nothing else, and what nobody reads is not computed.
    """

    policy_id: str

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        """One decision a situation, in their order. A site without a usable answer gets ``fallback(...)``.

        Raises:
            SupervisorError: nothing can be decided for any of them.
        """
