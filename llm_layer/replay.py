"""A run repeated from its ledger, without an engine; or gone on with where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from llm_layer.answers import answer_key
from llm_layer.directive import FOLLOW_ALL
from llm_layer.engine import Engine
from llm_layer.ledger import FALLBACK, JUDGE, Entry, Record
from llm_layer.model_policy import ModelPolicy, decision_of
from llm_layer.policy import Decision
from llm_layer.prompt import Prompt
from llm_layer.situation import Situation

Item = TypeVar("Item")
Kept = TypeVar("Kept")
Given = TypeVar("Given")


def given_or_asked(
    items: Sequence[Item],
    kept: Sequence[Kept | None],
    again: Callable[[Kept, Item], Given],
    ask: Callable[[list[Item]], Sequence[Given]],
) -> list[Given]:
    """One result an item, in their order: what was kept is given again, the rest is asked for together."""
    left = [item for item, there in zip(items, kept, strict=True) if there is None]
    fresh = iter(ask(left) if left else ())
    return [next(fresh) if there is None else again(there, item) for item, there in zip(items, kept, strict=True)]


class ReplayPolicy:
    """``HighLevelPolicy`` that gives again what a record says was given, at the same site and step.

    Args:
        record, folder: what was read, and from where.
        prompt_of: the prompt of a situation; an entry whose prompt was another is refused, because the run is another.
        power_w: as configured; part of what an answer is found by.
        otherwise: asked for what the record does not hold (a run that goes on); None: that is an error.
    """

    def __init__(
        self,
        record: Record,
        folder: Path,
        *,
        prompt_of: Callable[[Situation], Prompt],
        power_w: float,
        otherwise: ModelPolicy | None = None,
    ) -> None:
        self._record, self._folder = record, folder
        self._prompt_of, self._power_w, self._otherwise = prompt_of, power_w, otherwise
        self.policy_id = record.policy_id

    @property
    def engine(self) -> Engine | None:
        """What is asked for the rest of a run that goes on; a reader of the same model shares it."""
        return None if self._otherwise is None else self._otherwise.engine

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        """See ``HighLevelPolicy``. Raises ValueError where this run is not the one that was recorded."""
        entries = [self._record.uses.get((one.site, one.step, JUDGE)) for one in situations]
        return given_or_asked(situations, entries, self._again, lambda left: self._ask(left, now))

    def close(self) -> None:
        if self._otherwise is not None:
            self._otherwise.close()

    def _ask(self, situations: list[Situation], now: pd.Timestamp) -> list[Decision]:
        if self._otherwise is None:
            raise ValueError(f"{self._place(situations[0])} was not decided there{_DIFFERS}")
        return self._otherwise.decide(situations, now)

    def _again(self, entry: Entry, situation: Situation) -> Decision:
        if entry.key == FALLBACK:
            return fallback_again(entry, self.policy_id)
        if entry.key != answer_key(self.policy_id, self._power_w, self._prompt_of(situation)):
            raise ValueError(f"{self._place(situation)} was put to the model in other words{_DIFFERS}")
        stored = self._record.answers.get(entry.key)
        if stored is None:
            raise ValueError(f"{self._place(situation)}: its answer is not in the folder; take a whole one")
        return decision_of(stored, situation, "cache", self.policy_id)

    def _place(self, situation: Situation) -> str:
        return f"replay of {self._folder}: step {situation.step} of site {situation.site}"


_DIFFERS = ": configuration, data or code are not those of that run; take its config.yaml"


def fallback_again(entry: Entry, policy_id: str) -> Decision:
    """A fallback that costs again what it cost."""
    spent = (entry.tokens_in, entry.tokens_out, 0.0, entry.energy_kwh)
    return Decision(FOLLOW_ALL, "fallback", policy_id, *spent, entry.error)
