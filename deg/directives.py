"""Directives that training may meet: those of the rules supervisor over weeks of the training signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from agents.policy import Policy
from agents.tunable import make_tuned
from configs.load import load_config
from configs.schema import Config
from envs.batch import SiteBatch
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from evaluate.rollout import rollout
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import Decision
from llm_layer.rules import RulesPolicy
from llm_layer.situation import Situation
from llm_layer.verbs import FOLLOW

WEEKS = (date(2022, 4, 4), date(2022, 9, 5), date(2022, 12, 5))
BASE = "threshold"  # whose proposals the rules read
Card = tuple[float, ...]


def recorded_directives(config: Config) -> list[Card]:
    """Every directive with at least one override that the rules give a tuned controller in ``WEEKS``, synthetic ones.

    -> rows of (lo, hi) of load shift, battery and cooling, then the control steps it was held.
    """
    world = load_config(
        None, ["signals.source=synthetic", "workload.name=generator", f"signals.seed={config.run.seed}"]
    )
    site = {key: getattr(config, key) for key in ("site", "tariff", "market")}
    cases = [make_case(world.model_copy(update=site), start, 7) for start in WEEKS]
    recorder = _Recorder()

    def supervised(policy: Policy, desk: Desk) -> Orchestrator:
        return Orchestrator(recorder, every_steps=config.supervisor.every_steps, accept=desk.accept)

    seeds = np.zeros(len(cases), dtype=np.int64)
    rollout(SiteBatch(cases), make_tuned(BASE), market_rules(config), supervised, seeds=seeds)
    return recorder.cards


class _Recorder:
    """Rules whose overriding directives are kept as cards."""

    def __init__(self) -> None:
        self._inner = RulesPolicy()
        self.policy_id = self._inner.policy_id
        self.cards: list[Card] = []

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        decisions = self._inner.decide(situations, now)
        for situation, decision in zip(situations, decisions, strict=True):
            orders = decision.directive.orders(0.0, 0.0)  # the rules set levels, no word that asks where supply air is
            if any(order.mode != FOLLOW for order in orders):
                edges = (edge for order in orders for edge in (order.lo, order.hi))
                self.cards.append((*edges, float(situation.hold_steps)))
        return decisions
