"""A language model as a supervisor: situations to prompts to answers to decisions, each site for itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from llm_layer.answers import AnswerCache, Stored, answer_key
from llm_layer.directive import FOLLOW_ALL
from llm_layer.engine import SAMPLING, Answer, Engine, EngineFailure
from llm_layer.ledger import FALLBACK, JUDGE, Entry, Ledger, Use
from llm_layer.policy import Decision, Source, fallback
from llm_layer.prompt import PROMPT_VERSION, Form, Prompt, build_prompt
from llm_layer.schema import UnusableAnswer, parse, schema_hash
from llm_layer.situation import Situation

JOULES_PER_KWH = 3.6e6


class ModelPolicy:
    """``HighLevelPolicy`` over any engine.

    An answer that cannot be used, or none, is that site's fallback; the others' answers stand. What the cache holds is
    not asked, and sites with the same prompt are asked for once.

    Args:
        power_w: power stated for the engine while it answers.
        show_proposals, form: see ``prompt.build_prompt``.
        cache: answers given before; None: every prompt is put to the engine.
        ledger: where each use of an answer is noted.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        power_w: float,
        show_proposals: bool = False,
        form: Form = "short",
        cache: AnswerCache | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.engine = engine
        self._power_w, self._show_proposals, self._form = power_w, show_proposals, form
        self._cache, self._ledger = cache, ledger
        self._latency_s = 0.0  # of the last batch
        self.policy_id = policy_id_of(engine.model_id, show_proposals, form)

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        prompts = [build_prompt(situation, self._show_proposals, self._form) for situation in situations]
        keys = [answer_key(self.policy_id, self._power_w, prompt) for prompt in prompts]
        known = {} if self._cache is None else self._cache.get(keys)
        # Sites that are asked the same are one question.
        open_ = dict(zip(keys, zip(prompts, situations, strict=True), strict=True))
        fresh, failed = self._ask({key: asked for key, asked in open_.items() if key not in known})
        decisions = []
        for key, situation in zip(keys, situations, strict=True):
            use = (situation.site, situation.step, JUDGE)
            if key in failed:
                decision = failed[key]
                if self._ledger is not None:
                    self._ledger.fell_back(use, entry_of(decision))
            elif key in known:
                decision = decision_of(known[key], situation, "cache", self.policy_id)
                self._used(use, key, known[key])
            else:
                decision = decision_of(fresh[key], situation, "engine", self.policy_id, self._latency_s)
                self._used(use, key, fresh[key])
            decisions.append(decision)
        return decisions

    def close(self) -> None:
        """End the engine, close what answers are kept in."""
        self.engine.close()
        for kept in (self._cache, self._ledger):
            if kept is not None:
                kept.close()

    def _ask(
        self, asked: Mapping[str, tuple[Prompt, Situation]]
    ) -> tuple[Mapping[str, Stored], Mapping[str, Decision]]:
        """-> by key the answers that can be used, and the fallbacks of the others."""
        if not asked:
            return {}, {}
        start = time.monotonic()
        answers = self.engine.generate([prompt for prompt, _ in asked.values()])
        self._latency_s = time.monotonic() - start
        fresh: dict[str, Stored] = {}
        failed: dict[str, Decision] = {}
        for (key, (_, situation)), answer in zip(asked.items(), answers, strict=True):
            error = _unusable(answer, situation)
            # What came of it is paid for either way.
            spent_kwh = self._power_w * answer.busy_s / JOULES_PER_KWH
            if isinstance(answer, EngineFailure):
                failed[key] = replace(fallback(self.policy_id, error), energy_kwh=spent_kwh)
            elif error:
                spent = (answer.tokens_in, answer.tokens_out, answer.latency_s, spent_kwh)
                failed[key] = Decision(FOLLOW_ALL, "fallback", self.policy_id, *spent, error)
            else:
                fresh[key] = Stored(answer.text, answer.tokens_in, answer.tokens_out, spent_kwh)
        return fresh if self._cache is None else self._cache.put(fresh), failed

    def _used(self, use: Use, key: str, stored: Stored) -> None:
        if self._ledger is not None:
            self._ledger.used(use, key, stored)


def policy_id_of(model_id: str, show_proposals: bool, form: Form) -> str:
    """Who decides: model and revision, prompt version, schemas, sampling."""
    asked = PROMPT_VERSION + ("" if form == "short" else f"+{form}") + ("+proposals" if show_proposals else "")
    return f"{model_id}/prompt={asked}/schema={schema_hash()}/{SAMPLING}"


def decision_of(
    stored: Stored, situation: Situation, source: Source, policy_id: str, latency_s: float = 0.0
) -> Decision:
    """The decision that a kept answer stands for.

    Raises:
        UnusableAnswer: it was given to another question.
    """
    spent = (stored.tokens_in, stored.tokens_out, latency_s, stored.energy_kwh)
    return Decision(parse(stored.text, situation), source, policy_id, *spent)


def entry_of(failed: Decision) -> Entry:
    """A fallback as the ledger keeps it."""
    return Entry(FALLBACK, failed.error, failed.tokens_in, failed.tokens_out, failed.energy_kwh)


def _unusable(answer: Answer | EngineFailure, situation: Situation) -> str:
    """Why there is no directive in it; empty where there is one."""
    if isinstance(answer, EngineFailure):
        return answer.error
    try:
        parse(answer.text, situation)
    except UnusableAnswer as error:
        return f"unusable answer: {error}"
    return ""
