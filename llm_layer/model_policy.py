"""A language model as a supervisor: situations to prompts to answers to decisions, each site for itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from llm_layer.engine import SAMPLING, Answer, Engine, EngineFailure
from llm_layer.policy import Decision, fallback
from llm_layer.prompt import PROMPT_VERSION, build_prompt
from llm_layer.schema import UnusableAnswer, parse, schema_hash
from llm_layer.situation import Situation

JOULES_PER_KWH = 3.6e6


class ModelPolicy:
    """``HighLevelPolicy`` over any engine.

    An answer that cannot be used, or none, is that site's fallback; the others' answers stand.

    Args:
        power_w: power stated for the engine while it answers; W x s of a batch is shared equally over its sites.
        show_proposals: see ``prompt.build_prompt``.
    """

    def __init__(self, engine: Engine, *, power_w: float, show_proposals: bool = False) -> None:
        self.engine = engine
        self._power_w, self._show_proposals = power_w, show_proposals
        shown = "+proposals" if show_proposals else ""
        self.policy_id = f"{engine.model_id}/prompt={PROMPT_VERSION}{shown}/schema={schema_hash()}/{SAMPLING}"

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        prompts = [build_prompt(situation, self._show_proposals) for situation in situations]
        start = time.monotonic()
        answers = self.engine.generate(prompts)
        spent_kwh = self._power_w * (time.monotonic() - start) / JOULES_PER_KWH / max(1, len(prompts))
        return [
            replace(self._decision(answer, situation), energy_kwh=spent_kwh)
            for answer, situation in zip(answers, situations, strict=True)
        ]

    def _decision(self, answer: Answer | EngineFailure, situation: Situation) -> Decision:
        if isinstance(answer, EngineFailure):
            return fallback(self.policy_id, answer.error)
        try:
            decision = Decision(parse(answer.text, situation), "engine", self.policy_id)
        except UnusableAnswer as error:
            decision = fallback(self.policy_id, f"unusable answer: {error}")
        # What came of it was paid for either way.
        return replace(decision, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, latency_s=answer.latency_s)

    def close(self) -> None:
        self.engine.close()
