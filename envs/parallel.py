"""The PettingZoo face: one site, three agents, dictionaries in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from grid.week import Case
from gymnasium import spaces
from pettingzoo import ParallelEnv

from envs.actions import AGENTS, code_levels
from envs.batch import SiteBatch
from envs.bounds import clip_to, code_mask
from envs.layouts import Observer, layout
from envs.reward import episode_end_gbp, step_gbp

CaseSource = Callable[[np.random.Generator], Case]


class SiteParallelEnv(ParallelEnv):
    """A British data-centre site for three cooperating agents.

    *Problem*: run the site for one case (a week by default) at the least ``objective_gbp``.
    *Agents*: ``load_shift``, ``battery``, ``cooling``; a fixed set, truncated together, with a last observation and
    reward. *Observation*: float32 (d,), the layout of ``information`` (``envs.layouts``), the same for all agents.
    *Action*: float32 (1,) in [-1, 1], or ``Discrete(n)`` with ``discrete=n``; meanings in ``envs.actions``. What lies
    outside the feasible range is clipped to it. *Reward*: the negative pounds of the step, the same for all agents;
    its terms in ``info["terms"]``. *State*: ``info["state"]`` names the physical quantities with their units.

    >>> env = SiteParallelEnv(params=site_params(), case_source=synthetic_weeks())
    >>> observations, infos = env.reset(seed=1)
    >>> observations, rewards, terminations, truncations, infos = env.step(
    ...     {agent: env.action_space(agent).sample() for agent in env.agents})
    """

    metadata = {"name": "deg_site_v0", "is_parallelizable": True, "render_modes": []}  # noqa: RUF012
    render_mode = None

    def __init__(
        self,
        params: np.ndarray,
        case_source: CaseSource,
        *,
        information: str = "carbon_aware",
        discrete: int | None = None,
    ) -> None:
        self.params = params
        self.information = information
        self.levels = None if discrete is None else code_levels(discrete)
        self._case_source = case_source
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        size = len(layout(information))
        self._observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self._action_space: spaces.Space = (
            spaces.Box(-1.0, 1.0, (1,), np.float32) if discrete is None else spaces.Discrete(discrete)
        )
        self._observation_spaces = dict.fromkeys(AGENTS, self._observation_space)
        self._action_spaces = {agent: _own(self._action_space) for agent in AGENTS}
        self.np_random = np.random.default_rng()
        self.batch: SiteBatch | None = None

    def observation_space(self, agent: str) -> spaces.Space:
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self._action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Draw a case and start it. All randomness comes from ``seed``."""
        if seed is not None:
            self.np_random = np.random.default_rng(seed)
        self.case = self._case_source(self.np_random)
        self.batch = SiteBatch(self.params, [self.case])
        self._observer = Observer(self.information, [self.case.rows], self.batch.case_index)
        self.agents = list(AGENTS)
        view = self.batch.view()
        return self._split(self._observer.observe(view)), self._infos(view, None)

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance 15 minutes. Raises ValueError on a missing agent, a bad action, or stepping past the end."""
        if self.batch is None or not self.agents:
            raise ValueError("step: the episode has ended or never began; call reset() first")
        raw = np.array([[self._decode(agent, actions) for agent in AGENTS]], dtype=np.float32)
        out = self.batch.step(clip_to(raw, self.batch.feasible()))
        terms = step_gbp(out, self.params)
        done = self.batch.done
        view = self.batch.view()
        reward = -float(sum(values[0] for values in terms.values()))
        if done:
            terms["terminal_gbp"] = episode_end_gbp(self.case, view)
            reward -= float(terms["terminal_gbp"][0])
        observations = self._split(self._observer.observe(view))
        infos = self._infos(view, terms)
        rewards = dict.fromkeys(AGENTS, reward)
        terminations = dict.fromkeys(AGENTS, False)
        truncations = dict.fromkeys(AGENTS, done)
        if done:
            self.agents = []
        return observations, rewards, terminations, truncations, infos

    def _decode(self, agent: str, actions: dict[str, Any]) -> float:
        if agent not in actions:
            raise ValueError(f"step: no action for agent {agent!r}; give one for each of {', '.join(AGENTS)}")
        action = actions[agent]
        if self.levels is not None:
            code = np.asarray(action)
            if code.size != 1 or not 0 <= int(code.reshape(-1)[0]) < len(self.levels):
                raise ValueError(f"step: action {action!r} of {agent} is not a code from 0 to {len(self.levels) - 1}")
            return float(self.levels[int(code.reshape(-1)[0])])
        value = np.asarray(action, dtype=np.float64).reshape(-1)
        if value.size != 1 or not abs(value[0]) <= 1.0 + 1e-6:
            raise ValueError(f"step: action {action!r} of {agent} is not one number in [-1, 1]")
        return float(value[0])

    def _split(self, observed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {agent: observed[agent][0] for agent in AGENTS}

    def _infos(self, view: Any, terms: dict[str, np.ndarray] | None) -> dict[str, dict]:
        assert self.batch is not None
        bounds = self.batch.feasible()
        shared: dict[str, Any] = {"time_utc": str(view.now_utc[0]), "state": _named(view.state[0])}
        if terms is not None:
            shared["terms"] = {name: float(values[0]) for name, values in terms.items()}
        infos = {}
        for i, agent in enumerate(AGENTS):
            infos[agent] = {**shared, "bounds": bounds[0, i].copy()}
            if self.levels is not None:
                infos[agent]["action_mask"] = code_mask(bounds, self.levels)[0, i].astype(np.int8)
        return infos

    def render(self) -> None:
        return None

    def close(self) -> None:
        self.batch = None


def _own(space: spaces.Space) -> spaces.Space:
    """A space with a generator of its own, so that seeding one agent's leaves the others alone."""
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    return spaces.Box(-1.0, 1.0, (1,), np.float32)


def _named(record: np.void) -> dict[str, float]:
    assert record.dtype.names is not None
    return {name: float(record[name]) for name in record.dtype.names}
