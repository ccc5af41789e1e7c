"""What every face has in common: agents that begin and end together, seeds, a chart, and bad calls put into words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from pettingzoo import ParallelEnv

from envs.render import DayChart

RENDER_FPS = 12
NOT_BEGUN = "step: the episode has ended or never began; call reset() first"


def actions_in_order(actions: Mapping[str, Any], agents: Sequence[str]) -> list[Any]:
    """The agents' actions in their order. Raises ValueError naming the first that is missing."""
    if not isinstance(actions, Mapping):
        raise ValueError(f"step: actions {actions!r}; give a dictionary of one for each of {', '.join(agents)}")
    try:
        return [actions[agent] for agent in agents]
    except KeyError as missing:
        raise ValueError(f"step: no action for {missing.args[0]}; give one for each of {', '.join(agents)}") from None


class Drawn:
    """A face with a chart of its last day under ``render_mode="rgb_array"``."""

    _chart: DayChart | None = None

    def _drawn_as(self, render_mode: str | None) -> None:
        """Raise ValueError unless it is a mode that the site has."""
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode {render_mode!r} is unknown; rgb_array is the one there is")
        self.render_mode = render_mode

    def render(self) -> Any:
        """uint8 (H, W, 3) of the last day with ``render_mode="rgb_array"``, else None."""
        return None if self._chart is None else self._chart.draw()


class ParallelFace(Drawn, ParallelEnv):
    """A fixed set of agents, truncated together with a last observation and reward; nothing terminates early."""

    def __init__(
        self,
        observation_spaces: dict[str, spaces.Space],
        action_spaces: dict[str, spaces.Space],
        render_mode: str | None,
    ) -> None:
        self._drawn_as(render_mode)
        self.possible_agents = list(action_spaces)
        self.agents: list[str] = []
        self.observation_spaces = observation_spaces
        self.action_spaces = action_spaces
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def close(self) -> None:
        """Nothing to release."""

    def _seeded(self, seed: int | None) -> np.random.Generator:
        """All randomness of the episodes to come."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        return self._rng

    def _in_order(self, actions: Mapping[str, Any]) -> list[Any]:
        """Actions of a step that may be taken. Raises ValueError past the end and on a missing agent."""
        if not self.agents:
            raise ValueError(NOT_BEGUN)
        return actions_in_order(actions, self.possible_agents)

    def _results(self, observations: dict, rewards: dict, ended: bool, infos: dict) -> tuple:
        """A step's five dictionaries; with the last of an episode no agent is left."""
        if ended:
            self.agents = []
        agents = self.possible_agents
        return observations, rewards, dict.fromkeys(agents, False), dict.fromkeys(agents, ended), infos


class VectorFace(VectorEnv, ABC):
    """B sites whose episodes begin and end together; the step after the end resets, its actions are ignored.

    Raises:
        ValueError: ``num_envs`` below 1.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}  # noqa: RUF012

    def __init__(self, num_envs: int, observation_space: spaces.Space, action_space: spaces.Space) -> None:
        if not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs: {num_envs!r}; give a whole number of sites, at least 1")
        self.num_envs = num_envs
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self._rngs = [np.random.default_rng() for _ in range(num_envs)]
        self._ended: bool | None = None  # None before the first reset

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance every site by 15 minutes, or reset all of them where the last step ended the episode.

        Raises:
            ValueError: no reset yet, actions of a wrong shape or dtype or outside their space.
        """
        if self._ended is None:
            raise ValueError(NOT_BEGUN)
        never = np.zeros(self.num_envs, dtype=bool)
        if self._ended:
            observed, info = self.reset()
            return observed, np.zeros(self.num_envs), never, never.copy(), info
        observed, reward, self._ended, info = self._advanced(actions)
        return observed, reward, never, np.full(self.num_envs, self._ended), info

    @abstractmethod
    def _advanced(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool, dict[str, Any]]:
        """-> observations, rewards, whether the episode has ended, info."""

    def _seeded(self, seed: int | Sequence[int | None] | None) -> list[bool]:
        """Seed site i with ``seed + i``, or ``seed[i]``; -> which sites were seeded. Raises on a wrong count."""
        if seed is None:
            return [False] * self.num_envs
        seeds = [int(seed) + i for i in range(self.num_envs)] if isinstance(seed, (int, np.integer)) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed: {len(seeds)} of them for {self.num_envs} sites")
        for i, one in enumerate(seeds):
            if one is not None:
                self._rngs[i] = np.random.default_rng(one)
        return [one is not None for one in seeds]
