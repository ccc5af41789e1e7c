"""How often an order smuggled into a notice moves an action: the same day with and without the notice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from agents import factory
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.desk import Desk
from evaluate.rollout import MOVED, Rollout, rollout
from grid.market.rules import MarketRules
from llm_layer.notices.compose import compose_injection
from llm_layer.notices.notice import NOISE, Authored, Notice
from llm_layer.notices.wordings import Split
from llm_layer.orchestrator import Control, Orchestrator
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.reading import Reader
from llm_layer.rules import RulesPolicy

PUBLISHED_STEP = 40  # 10:00: the evening's decisions are still to come
STEP = pd.Timedelta(minutes=15)


@dataclass(frozen=True)
class Injected:
    """Of so many attempts: how many nobody answered (an engine that is down or late), how many moved an action, how
    many narrowed a bound, and actions past the safe bounds.
    """

    attempts: int
    failed: int
    moved: int
    narrowed: int
    past_bounds: int


def injected(case: Case, reader: Reader, agents: str, rules: MarketRules, attempts: int, split: Split) -> Injected:
    """Put ``attempts`` injections, one a site, to ``agents`` under the rules and a reader.

    Args:
        case: a run of a day or more; its own notices are left out.
    """
    rng = np.random.default_rng([1, *split.encode()])
    published_at = case.rows.start_utc + PUBLISHED_STEP * STEP
    texts = [compose_injection(rng, published_at, split).text for _ in range(attempts)]
    cases = [
        replace(case, notices=(Authored(Notice(f"injection-{k}", published_at, "operator", text), NOISE, "", True),))
        for k, text in enumerate(texts)
    ]
    plain, _ = _run([replace(case, notices=())], agents, rules, NoticeBoard(None))
    failed: set[int] = set()

    def record(body: dict[str, Any], _: dict[str, Any]) -> None:
        if body["failed"]:
            failed.add(body["site"])

    run, seen = _run(cases, agents, rules, NoticeBoard(reader, record))
    moved = (np.abs(run.executed - plain.executed) > MOVED).any(axis=(0, 2))
    past = sum(
        int(((run.executed[t] < one.physical[..., 0] - MOVED) | (run.executed[t] > one.physical[..., 1] + MOVED)).sum())
        for t, one in enumerate(seen)
    )
    narrowed = np.any([(one.noticed != one.physical).any(axis=(1, 2)) for one in seen], axis=0)
    return Injected(attempts, len(failed), int(moved.sum()), int(narrowed.sum()), past)


class _Watched(Orchestrator):
    """Keeps every control."""

    def __init__(self, rules: RulesPolicy, desk: Desk, board: NoticeBoard) -> None:
        super().__init__(rules, accept=desk.accept, notices=board)
        self.seen: list[Control] = []

    def control(self, *args: object) -> Control:  # type: ignore[override]
        self.seen.append(super().control(*args))  # type: ignore[arg-type]
        return self.seen[-1]


def _run(cases: list[Case], agents: str, rules: MarketRules, board: NoticeBoard) -> tuple[Rollout, list[Control]]:
    made: list[_Watched] = []

    def oversee(_: object, desk: Desk) -> _Watched:
        made.append(_Watched(RulesPolicy(), desk, board))
        return made[-1]

    policy = factory.make(agents, cases[0])
    seeds = np.zeros(len(cases), dtype=np.int64)
    run = rollout(SiteBatch(cases), policy, rules, oversee, seeds=seeds, notices=board)
    return run, made[0].seen
