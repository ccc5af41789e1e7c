"""What a judge that always gave the labelled answer would earn: the most that learning from these labels can bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agents.policy import Policy
from configs.schema import Config
from deg.judge_data import Beside, Progress, real_weeks
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.ablation import NEUTRAL
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.rollout import rollout
from evaluate.variants import Variant, check_known, make_policy, policy_seeds
from llm_layer.judge.classes import Classes, classes_of, decision_of
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.rules import RulesPolicy
from llm_layer.situation import Situation

PLANNER = "mpc"


class _Obeys:
    """``HighLevelPolicy`` that gives each situation its label."""

    def __init__(self, labels: str, label: Callable[[Situation], Classes]) -> None:
        self.policy_id, self._label = f"labels={labels}", label

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        return [decision_of(self._label(one), one, "rules", self.policy_id) for one in situations]


def label_worth(base: Config, agents: str, weeks: int, on_progress: Progress | None = None) -> dict[str, Any]:
    """Savings against the neutral site, by who decides above ``agents``, on real weeks of 2022; weekly costs too.

    -> ``saving_percent``: ratios of sums of ``objective_gbp + flex_phantom_gbp``; ``weekly_gbp``: its parts.

    Raises:
        ValueError: the data pack is not there, an unknown controller.
    """
    check_known([Variant(agents, ""), Variant(PLANNER, "")])
    stretch = real_weeks(base, weeks)
    found: dict[str, list[float]] = {}
    for number, week in enumerate(stretch.weeks):
        if on_progress is not None:
            on_progress(number, len(stretch.weeks))
        for name, cost in _week(stretch.config, agents, week).items():
            found.setdefault(name, []).append(cost)
    neutral = sum(found[NEUTRAL])
    saved = {name: 100.0 * (1.0 - sum(costs) / neutral) for name, costs in found.items() if name != NEUTRAL}
    return {"weeks": [str(week) for week in stretch.weeks], "saving_percent": saved, "weekly_gbp": found}


def _week(config: Config, agents: str, week: date) -> dict[str, float]:
    case, rules, beside = make_case(config, week, 7), RulesPolicy(), Beside()

    def as_rules(situation: Situation) -> Classes:
        return classes_of(rules.decide([situation], pd.Timestamp(0))[0].directive, situation)

    def cost(who: str, above: HighLevelPolicy | None = None, wrap: Callable[[Policy], Policy] | None = None) -> float:
        return _cost(config, case, who, above, wrap)

    return {
        NEUTRAL: cost(NEUTRAL),
        agents: cost(agents),
        f"{agents}+rules": cost(agents, rules),
        f"{agents}, labels of rules obeyed": cost(agents, _Obeys("rules", as_rules)),
        f"{agents}, labels of mpc obeyed": cost(agents, _Obeys("mpc", beside.classes), beside.around),
        PLANNER: cost(PLANNER),
    }


def _cost(
    config: Config,
    case: Case,
    who: str,
    above: HighLevelPolicy | None,
    wrap: Callable[[Policy], Policy] | None,
) -> float:
    """GBP of one week."""
    policy = make_policy(Variant(who, ""), [case], 0)

    def overseer(acting: Policy, desk: Any) -> Any:
        if above is None:
            return Alone(acting, desk)
        return Orchestrator(above, every_steps=config.supervisor.every_steps, accept=desk.accept)

    run = rollout(
        SiteBatch([case]),
        policy if wrap is None else wrap(policy),
        market_rules(config),
        overseer,
        seeds=np.asarray(policy_seeds(0, 1)),
    )
    totals = keep_books(run).totals(0)
    return float(totals["objective_gbp"] + totals["flex_phantom_gbp"])
