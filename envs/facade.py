"""``DataCentreEnv``: the founding README's face of the site. Propose, coordinate, step, log; an hour a decision.

It keeps that README's four-tuple ``step`` and is therefore not a ``gymnasium.Env``; for training use
``envs.parallel`` or ``SiteBatch``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.actions import numbers
from envs.batch import SiteBatch
from envs.case import Case
from envs.case_maker import registered_case_maker
from envs.faces import actions_in_order
from envs.grid_aware import grid_signals
from envs.proposer import Proposer, ThresholdProposer
from envs.reward import step_reward_gbp
from envs.state import AGENTS, OUT, OUTPUTS
from envs.view import SiteView
from grid.rows import STEP_MINUTES

LOCATIONS = ("london",)
NO_REASON = "no supervisor: the actions came without a reason"
_LAYOUT = "carbon_aware"  # what SustainDC's agents see
_STATES = ("inlet_degc", "supply_degc", "soc_kwh", "queued_kwh")
_SUMMED = tuple(name for name in OUTPUTS if name not in _STATES)


class Proposals(dict[str, float]):
    """Agent -> proposed action, with the ``site`` they are proposed for: whoever coordinates them can look at it."""

    def __init__(self, actions: Mapping[str, float], site: SiteBatch) -> None:
        super().__init__(actions)
        self.site = site


class DataCentreEnv:
    """One site, one decision at a time.

    *Problem*: run a data centre near ``location`` through its case, by default the year of the registered case maker.
    *Observation*: agent -> float32 (d,), the ``carbon_aware`` layout. *Action*: agent -> float in [-1, 1] (or float32
    (3,) in the order of ``AGENTS``), held for the whole decision; what the site cannot do becomes the nearest it can.
    *Reward*: GBP, minus the decision's share of the objective. *Done*: at the end of the case; stepping on raises.
    *Info*: ``reasoning`` (the ``reasoning`` of the actions object, where it has one), ``time_utc`` at the start of
    the decision, every energy and money output summed over it, state outputs at its end, ``executed`` of each agent
    in its last step.

    Args:
        location: ``london``.
        workload_file: name of a utilisation trace, handed to the case maker.
        decision_minutes: length of a decision, a multiple of 15.
        proposer: who proposes (any policy of contract 4); a built-in price threshold controller by default.
        case: what to run, in place of asking the case maker.

    Raises:
        ValueError: unknown location, a decision that is not a number of control steps, no case and no case maker.
    """

    def __init__(
        self,
        location: str = "london",
        workload_file: str | None = None,
        decision_minutes: int = 60,
        proposer: Proposer | None = None,
        *,
        case: Case | None = None,
    ) -> None:
        if location not in LOCATIONS:
            raise ValueError(f"location {location!r} is unknown; known: {', '.join(LOCATIONS)}")
        if decision_minutes < STEP_MINUTES or decision_minutes % STEP_MINUTES:
            raise ValueError(f"decision_minutes: {decision_minutes}; give a multiple of {STEP_MINUTES}")
        self.steps_per_decision = decision_minutes // STEP_MINUTES
        self.case = case if case is not None else registered_case_maker()(location, workload_file)
        self.batch = SiteBatch([self.case])
        self.proposer: Proposer = ThresholdProposer() if proposer is None else proposer
        self.reset()

    def reset(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Back to the start of the case. -> observations. ``seed`` is the proposer's; the site draws nothing."""
        self.batch.reset()
        self.proposer.reset(1, np.array([seed], dtype=np.int64))
        return self._observations()

    @property
    def done(self) -> bool:
        """True once the case has ended."""
        return self.batch.done

    def view(self) -> SiteView:
        """State and what is published by now, as a batch of one site."""
        return self.batch.view()

    def fetch_grid_signals(self) -> dict[str, Any]:
        """What the grid has published by now (``envs.grid_aware.grid_signals``)."""
        return grid_signals(self.batch.view(), 0)

    def get_agent_proposals(self) -> Proposals:
        """Agent -> the action it would take now, in [-1, 1]."""
        layout = self.proposer.layout
        obs = {} if layout is None else self.batch.observe(layout)
        actions = self.proposer.act(obs, self.batch.feasible(), self.batch.view())
        return Proposals(dict(zip(AGENTS, actions[0].tolist(), strict=True)), self.batch)

    def step(self, actions: Mapping[str, float] | np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, dict]:
        """Run one decision. -> (observations, reward, done, info).

        Raises:
            ValueError: a missing agent, an action that is not a number in [-1, 1], stepping past the end.
        """
        raw = _raw(actions)
        total = np.zeros(len(OUTPUTS))
        reward = 0.0
        info: dict[str, Any] = {
            "reasoning": getattr(actions, "reasoning", NO_REASON),
            "time_utc": self.batch.view().timestamp(0),
        }
        for _ in range(self.steps_per_decision):
            result = self.batch.step(raw, copy=False)
            total += result.outputs[0]
            reward += float(step_reward_gbp(result.outputs)[0])
            if self.batch.done:
                break
        info.update({name: float(total[OUT[name]]) for name in _SUMMED})
        info.update({name: float(result[name][0]) for name in _STATES})
        info["executed"] = dict(zip(AGENTS, result.executed[0].tolist(), strict=True))
        return self._observations(), reward, self.batch.done, info

    def _observations(self) -> dict[str, np.ndarray]:
        return {agent: vector[0] for agent, vector in self.batch.observe(_LAYOUT).items()}


def _raw(actions: Mapping[str, float] | np.ndarray) -> np.ndarray:
    """(1, 3) in the order of ``AGENTS``; ranges are the kernel's to check."""
    if not isinstance(actions, Mapping):
        return numbers("step: actions", actions).reshape(1, -1)
    return numbers("step: actions", actions_in_order(actions, AGENTS)).reshape(1, -1)
