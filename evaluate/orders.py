"""What a supervisor ordered, and when: kept with a block, dealt out again by its random twin, taken back one by one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from envs.case import Case
from llm_layer.directive import Directive
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.situation import Situation

COLUMNS = (
    "week_start",
    "position",
    "step",
    "wake",
    "source",
    "directive",
    "tokens_in",
    "tokens_out",
    "latency_s",
    "energy_kwh",
)


class OrderBook:
    """Writes down each decision of one block; ``position`` is a site's place in the block's batch."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._weeks = [case.keys["week_start"] for case in cases]
        self._rows: list[tuple[object, ...]] = []

    def listen(self, supervisor: HighLevelPolicy) -> HighLevelPolicy:
        """``supervisor``, overheard."""
        return _Overheard(supervisor, self)

    def write(self, situation: Situation, decision: Decision) -> None:
        self._rows.append(
            (
                self._weeks[situation.site], situation.site, situation.step, situation.wake, decision.source,
                decision.directive.model_dump_json(exclude_defaults=True), decision.tokens_in, decision.tokens_out,
                decision.latency_s, decision.energy_kwh,
            )
        )  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """A row a decision, columns ``COLUMNS``, in the order they were made."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))


class _Overheard:
    def __init__(self, inner: HighLevelPolicy, book: OrderBook) -> None:
        self._inner, self._book = inner, book
        self.policy_id = inner.policy_id
        self.reads_findings: bool = getattr(inner, "reads_findings", True)

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        decisions = self._inner.decide(situations, now)
        for situation, decision in zip(situations, decisions, strict=True):
            self._book.write(situation, decision)
        return decisions


def no_orders() -> pd.DataFrame:
    """What nobody ordered."""
    return pd.DataFrame(columns=list(COLUMNS))


def directives_of(orders: pd.DataFrame) -> dict[int, list[Directive]]:
    """Position -> its directives in order."""
    found: dict[int, list[Directive]] = {}
    for position, text in zip(orders["position"].tolist(), orders["directive"], strict=True):
        found.setdefault(position, []).append(Directive.model_validate_json(text))
    return found
