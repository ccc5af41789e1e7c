"""Situations as a supervised run meets them, for benches, labels and trials of supervisors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from agents.policy import Policy
from configs.schema import Config
from llm_layer.policy import HighLevelPolicy
from llm_layer.rules import RulesPolicy
from llm_layer.situation import Situation
from llm_layer.watcher import Watcher


def situations_of(config: Config, agents: str, count: int) -> list[Situation]:
    """The first ``count`` different situations of ``agents`` under the rules, from ``run.start`` of ``config`` on.

    Raises:
        ValueError: the run does not hold as many.
    """
    days = -(-count // 20) + 1  # at least 24 decisions a day
    watched = watched_run(config, agents, (config.run.start,), days, RulesPolicy())
    if len(watched.seen) < count:
        raise ValueError(
            f"{len(watched.seen)} situations in {days} days, {count} are needed; lower the number of rounds"
        )
    return [situation for situation, _ in watched.seen[:count]]


def watched_run(
    config: Config,
    agents: str,
    starts: Sequence[date],
    days: int,
    supervisor: HighLevelPolicy,
    wrap: Callable[[Policy], Policy] = lambda policy: policy,
) -> Watcher:
    """Run ``agents`` under ``supervisor`` over these stretches of time, and remember what it was shown.

    wrap: puts something around the agents.
    """
    from envs.batch import SiteBatch
    from evaluate.cases import make_case, market_rules
    from evaluate.rollout import rollout
    from evaluate.variants import Variant, check_known, make_policy, policy_seeds
    from llm_layer.orchestrator import Orchestrator

    variant = Variant(agents, "")
    check_known([variant])
    cases = [make_case(config, start, days) for start in starts]
    watcher = Watcher(supervisor)
    rollout(
        SiteBatch(cases),
        wrap(make_policy(variant, cases, 0)),
        market_rules(config),
        lambda _, desk: Orchestrator(watcher, every_steps=config.supervisor.every_steps, accept=desk.accept),
        seeds=policy_seeds(0, len(cases)),
    )
    return watcher
