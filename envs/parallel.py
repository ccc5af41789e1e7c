"""The PettingZoo face: one site, three agents, dictionaries in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from envs.actions import code_levels
from envs.batch import SiteBatch
from envs.case import Case
from envs.feasible import code_mask
from envs.layouts import layout, limits
from envs.reward import reward_of
from envs.state import AGENTS, OUTPUTS


class SiteParallelEnv(ParallelEnv):
    """A British data-centre site run by three cooperating agents.

    *Problem*: run the site through one case (a week, say) at the least objective: bill, wear, carbon cost, penalties,
    less what flexibility earns.
    *Agents*: ``load_shift``, ``battery``, ``cooling``; a fixed set, truncated together with a last observation and
    reward; nothing terminates early.
    *Observation*: float32 (d,), the layout of ``information`` (``envs.layouts``), the same vector for every agent.
    *Action*: float32 (1,) in [-1, 1] (meanings in ``envs.actions``), or ``Discrete(n)`` with ``discrete=n``. What a
    site cannot do becomes the nearest that it can.
    *Reward*: GBP, minus the step's share of the objective, the same for all agents.
    *Info*: ``bounds`` float32 (2,), the feasible range of the coming action; ``action_mask`` int8 (n,) of the same
    with ``discrete``; after a step ``outputs`` (name -> value, names and units in ``envs.state.OUTPUTS``) and
    ``executed``, what the actuator did.

    >>> env = parallel_env([case])                                          # doctest: +SKIP
    >>> observations, infos = env.reset(seed=1)                             # doctest: +SKIP
    >>> actions = {agent: env.action_space(agent).sample() for agent in env.agents}      # doctest: +SKIP
    >>> observations, rewards, terminations, truncations, infos = env.step(actions)      # doctest: +SKIP

    Args:
        cases: one or more; ``reset`` draws one of them.
        information: ``site``, ``carbon_aware`` or ``grid_aware``.
        discrete: number of levels (odd), or None for continuous actions.

    Raises:
        ValueError: no case, unknown information set, an even number of levels.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "deg_site_v0", "is_parallelizable": True, "render_modes": []}
    render_mode = None

    def __init__(
        self, cases: Case | Sequence[Case], *, information: str = "carbon_aware", discrete: int | None = None
    ) -> None:
        self.cases = (cases,) if isinstance(cases, Case) else tuple(cases)
        if not self.cases:
            raise ValueError("cases: none given; give at least one Case")
        self.information = information
        self.levels = None if discrete is None else code_levels(discrete)
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        low, high = limits(layout(information)).T
        self.observation_spaces = {agent: spaces.Box(low, high, dtype=np.float32) for agent in AGENTS}
        self.action_spaces: dict[str, spaces.Space] = {
            agent: spaces.Box(-1.0, 1.0, (1,), np.float32) if discrete is None else spaces.Discrete(discrete)
            for agent in AGENTS
        }
        self._batches: dict[int, SiteBatch] = {}
        self._rng = np.random.default_rng()
        self._raw = np.empty((1, len(AGENTS)), dtype=np.float32)
        self.batch = self._batch_of(0)

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Draw a case and start it. All randomness comes from ``seed``."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.batch = self._batch_of(int(self._rng.integers(len(self.cases))))
        self.batch.reset()
        self.agents = list(AGENTS)
        return self._observations(), self._infos()

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance 15 minutes.

        Raises:
            ValueError: a missing agent, an action outside its space, stepping past the end.
        """
        if not self.agents:
            raise ValueError("step: the episode has ended or never began; call reset() first")
        for k, agent in enumerate(AGENTS):
            self._raw[0, k] = self._level(agent, actions)
        result = self.batch.step(self._raw, copy=False)
        values = result.outputs[0].tolist()
        done = self.batch.done
        infos = self._infos()
        outputs = dict(zip(OUTPUTS, values, strict=True))
        for agent, executed in zip(AGENTS, result.executed[0].tolist(), strict=True):
            infos[agent]["outputs"] = outputs
            infos[agent]["executed"] = executed
        if done:
            self.agents = []
        return (
            self._observations(),
            dict.fromkeys(AGENTS, reward_of(values)),
            dict.fromkeys(AGENTS, False),
            dict.fromkeys(AGENTS, done),
            infos,
        )

    def render(self) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing to release."""

    def _batch_of(self, case: int) -> SiteBatch:
        """One batch a case, kept: a case is compiled into arrays once."""
        if case not in self._batches:
            self._batches[case] = SiteBatch([self.cases[case]])
        return self._batches[case]

    def _level(self, agent: str, actions: Mapping[str, Any]) -> float:
        """One agent's action as a number; its range is the kernel's to check."""
        if agent not in actions:
            raise ValueError(f"step: no action for {agent}; give one for each of {', '.join(AGENTS)}")
        action = actions[agent]
        if self.levels is None:
            value = np.asarray(action, dtype=np.float64)
            if value.size != 1:
                raise ValueError(f"step: action {action!r} of {agent} is not one number in [-1, 1]")
            return value.item()
        if not self.action_spaces[agent].contains(action):
            raise ValueError(f"step: action {action!r} of {agent} is not a code from 0 to {len(self.levels) - 1}")
        return float(self.levels[int(action)])

    def _observations(self) -> dict[str, np.ndarray]:
        return {agent: vector[0] for agent, vector in self.batch.observe(self.information).items()}

    def _infos(self) -> dict[str, dict[str, Any]]:
        bounds = self.batch.feasible()
        if self.levels is None:
            return {agent: {"bounds": bounds[0, k]} for k, agent in enumerate(AGENTS)}
        mask = code_mask(bounds, self.levels)[0].astype(np.int8)
        return {agent: {"bounds": bounds[0, k], "action_mask": mask[k]} for k, agent in enumerate(AGENTS)}


def parallel_env(
    cases: Case | Sequence[Case], *, information: str = "carbon_aware", discrete: int | None = None
) -> SiteParallelEnv:
    """The PettingZoo constructor; arguments as in ``SiteParallelEnv``."""
    return SiteParallelEnv(cases, information=information, discrete=discrete)
