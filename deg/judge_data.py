"""Situations with labels, from rollouts: for fitting the judge's controls, for tuning a model, for scoring either.

To learn from: synthetic worlds, with plants that fail and demand that surges in some of them, so that every cause is
met. To score on: other worlds, and real weeks of 2022. Years after that are for reports and are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from agents.policy import Offer, Policy
from configs.load import load_config, shared_data_folder
from configs.schema import Config
from envs.view import SiteView
from llm_layer.judge.classes import Classes, classes_of, classes_of_actions
from llm_layer.judge.labelled import Labelled
from llm_layer.policy import Decision
from llm_layer.rules import RulesPolicy
from llm_layer.situation import Situation

Labels = Literal["rules", "mpc"]
Progress = Callable[[int, int], None]

AGENTS = "carbon_threshold"  # whose proposals are judged, unless others are named
LAST_YEAR = 2022
FIRST_WEEK = date(2022, 2, 7)
TRAINING_SEEDS, TEST_SEED = range(100, 104), 200
# What goes wrong in the course of a week, hours after its start. Quiet weeks come first.
SCENARIOS: tuple[str, ...] = (
    "[]",
    "[{kind: chiller_loss, start_hour: 20, hours: 40, severity: 0.8}]",
    "[{kind: demand_surge, start_hour: 30, hours: 90, severity: 0.5}]",
    "[{kind: battery_outage, start_hour: 60, hours: 24, severity: 0.5}]",
)


@dataclass(frozen=True)
class Stretch:
    """A configuration and the weeks of it to run."""

    config: Config
    weeks: tuple[date, ...]


def training(base: Config, weeks: int) -> list[Stretch]:
    """``weeks`` synthetic weeks, spread over worlds, seasons and things that go wrong."""
    return list(_synthetic(base, weeks, TRAINING_SEEDS))


def testing(base: Config, weeks: int) -> list[Stretch]:
    """As many weeks of a world that training does not hold, and, where the data pack is there, of 2022."""
    found = list(_synthetic(base, weeks, (TEST_SEED,)))
    if (shared_data_folder() / "gb_price.csv.gz").is_file():
        found.append(real_weeks(base, weeks))
    return found


def real_weeks(base: Config, weeks: int) -> Stretch:
    """Weeks of 2022 as they were, with the workload that methods are selected on."""
    return Stretch(_with(base, "signals.source=file", "workload.name=alibaba_1"), _spread(weeks))


def labelled(
    stretches: Sequence[Stretch], labels: Labels, agents: str = AGENTS, on_progress: Progress | None = None
) -> list[Labelled]:
    """Every situation that ``agents`` meet under the rules, with the answer that ``labels`` would give.

    Raises:
        ValueError: weeks after 2022, an unknown controller.
    """
    if any(week.year > LAST_YEAR for stretch in stretches for week in stretch.weeks):
        raise ValueError(f"labels are made of weeks up to {LAST_YEAR}; later ones are for reports")
    found: list[Labelled] = []
    for number, stretch in enumerate(stretches):
        if on_progress is not None:
            on_progress(number, len(stretches))
        found += _by_rules(stretch, agents) if labels == "rules" else _by_mpc(stretch, agents)
    return found


def _by_rules(stretch: Stretch, agents: str) -> list[Labelled]:
    from deg.situations import watched_run

    seen = watched_run(stretch.config, agents, stretch.weeks, 7, RulesPolicy()).seen
    return [Labelled(situation, classes_of(decision.directive, situation)) for situation, decision in seen]


def _by_mpc(stretch: Stretch, agents: str) -> list[Labelled]:
    """Beside the rules, which steer, a planner is asked at every decision what it would do until the next."""
    from deg.situations import watched_run

    found: list[Labelled] = []
    for week in stretch.weeks:
        beside = Beside()
        asks = _Asks(beside)
        watched_run(stretch.config, agents, (week,), 7, asks, wrap=beside.around)
        found += asks.found
    return found


class _Asks(RulesPolicy):
    """The rules, that take down what the planner does at each of their decisions."""

    def __init__(self, beside: Beside) -> None:
        super().__init__()
        self._beside = beside
        self.found: list[Labelled] = []

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        self.found += [Labelled(situation, self._beside.classes(situation)) for situation in situations]
        return super().decide(situations, now)


class Beside:
    """A planner beside the agents: sees what they see of the run, moves nothing, and says what it would do."""

    def __init__(self) -> None:
        from evaluate.optimal.mpc import Mpc

        self._planner = Mpc()

    def around(self, agents: Policy) -> Policy:
        self._agents = agents
        self.name, self.layout, self.accepts_events = agents.name, agents.layout, agents.accepts_events
        return self

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._agents.reset(batch_size, seeds)
        self._planner.reset(batch_size, seeds)
        self._free = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (batch_size, 3, 1))

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        self._view = view
        self._planner.act({}, self._free, view)  # keeps its books of what was seen
        return self._agents.act(obs, bounds, view)

    def classes(self, situation: Situation) -> Classes:
        """What it would do until the next decision, free of the directive held so far, which is what is judged."""
        actions = self._planner.held(self._view, situation.site, self._free[situation.site], situation.hold_steps)
        return classes_of_actions(np.array(actions), situation.proposals)

    def offers(self, view: SiteView) -> list[Offer]:
        return self._agents.offers(view)


def _synthetic(base: Config, weeks: int, seeds: Sequence[int]) -> Iterator[Stretch]:
    kinds = [(seed, scenario) for scenario in SCENARIOS for seed in seeds]
    every = _spread(weeks)
    for number, (seed, scenario) in enumerate(kinds):
        mine = every[number :: len(kinds)]
        if mine:
            changes = ("signals.source=synthetic", f"signals.seed={seed}", "workload.name=generator")
            yield Stretch(_with(base, *changes, f"site.scenario={scenario}"), mine)


def _spread(weeks: int) -> tuple[date, ...]:
    """Mondays spread over 2022."""
    return tuple(FIRST_WEEK + timedelta(weeks=(7 * k) % 45) for k in range(weeks))


def _with(base: Config, *overrides: str) -> Config:
    """The site and supervisor of ``base`` in another world."""
    other = load_config(None, [*overrides, "signals.path=null", "workload.path=null"])
    site = base.site.model_copy(update={"scenario": other.site.scenario})
    return other.model_copy(update={"site": site, "supervisor": base.supervisor, "market": base.market})
