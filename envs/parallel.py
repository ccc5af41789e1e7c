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
from envs.episodes import episodes
from envs.faces import RENDER_FPS, ParallelFace
from envs.feasible import code_mask
from envs.layouts import layout, limits
from envs.randomise import Ranges
from envs.render import DayChart, site_strips
from envs.state import AGENTS, OUTPUTS


class SiteParallelEnv(ParallelFace):
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
        cases: what episodes are drawn from; the registered case maker's year if left out.
        information: ``site``, ``carbon_aware`` or ``grid_aware``.
        discrete: number of levels (odd), or None for continuous actions.
        episode_steps: control steps of an episode, begun on any day of a case; None plays cases whole.
        ranges: site parameter -> (low, high), drawn for each episode.
        render_mode: ``rgb_array`` draws the last day, see ``envs.render``.

    Raises:
        ValueError: no case, unknown information set or render mode, an even number of levels, a case that is too short.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "deg_site_v0",
        "is_parallelizable": True,
        "render_modes": ["rgb_array"],
        "render_fps": RENDER_FPS,
    }

    def __init__(
        self,
        cases: Case | Sequence[Case] | None = None,
        *,
        information: str = "carbon_aware",
        discrete: int | None = None,
        episode_steps: int | None = None,
        ranges: Ranges | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.information = information
        self.levels = None if discrete is None else code_levels(discrete)
        low, high = limits(layout(information)).T
        super().__init__(
            {agent: spaces.Box(low, high, dtype=np.float32) for agent in AGENTS},
            {
                agent: spaces.Box(-1.0, 1.0, (1,), np.float32) if discrete is None else spaces.Discrete(discrete)
                for agent in AGENTS
            },
            render_mode,
        )
        self._episodes = episodes(cases, episode_steps, ranges)
        self.batch = SiteBatch(self._episodes.cases, [0], episode_steps=episode_steps)
        self._raw = np.empty((1, len(AGENTS)), dtype=np.float32)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        case, first, params = self._episodes.draw(self._seeded(seed))
        self.batch.reset(site_case=[case], start_steps=[first], params=params)
        self.agents = list(AGENTS)
        if self.render_mode is not None:
            self._chart = DayChart(site_strips(self.batch.params))
        observed = self.batch.observe(self.information)
        return {agent: vector[0] for agent, vector in observed.items()}, self._infos(self.batch.feasible())

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance 15 minutes.

        Raises:
            ValueError: a missing agent, an action outside its space, stepping past the end.
        """
        for k, action in enumerate(self._in_order(actions)):
            self._raw[0, k] = self._level(AGENTS[k], action)
        result = self.batch.advance(self._raw, self.information, copy=False)
        infos = self._infos(result.bounds.copy())
        outputs = dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True))
        for agent, executed in zip(AGENTS, result.executed[0].tolist(), strict=True):
            infos[agent]["outputs"] = outputs
            infos[agent]["executed"] = executed
        if self._chart is not None:
            self._chart.add(result.outputs[0])
        observations = dict.fromkeys(AGENTS, result.observed[0].copy())
        return self._results(observations, dict.fromkeys(AGENTS, result.reward.item()), self.batch.done, infos)

    def _level(self, agent: str, action: Any) -> float:
        """One agent's action as a number; its range is the kernel's to check."""
        if self.levels is None:
            try:
                number = action.item() if hasattr(action, "item") else action
            except ValueError:  # an array of several
                number = None
            if not isinstance(number, (float, int, np.floating)):
                raise ValueError(f"step: action {action!r} of {agent} is not one number in [-1, 1]")
            return float(number)
        if not self.action_spaces[agent].contains(action):
            raise ValueError(f"step: action {action!r} of {agent} is not a code from 0 to {len(self.levels) - 1}")
        return float(self.levels[int(action)])

    def _infos(self, bounds: np.ndarray) -> dict[str, dict[str, Any]]:
        if self.levels is None:
            return {agent: {"bounds": bounds[0, k]} for k, agent in enumerate(AGENTS)}
        mask = code_mask(bounds, self.levels)[0].astype(np.int8)
        return {agent: {"bounds": bounds[0, k], "action_mask": mask[k]} for k, agent in enumerate(AGENTS)}


def parallel_env(what: str | Case | Sequence[Case] | None = None, **options: Any) -> ParallelEnv:
    """The PettingZoo constructor.

    Args:
        what: a registered id such as ``deg/UKSite-v0``, or the cases of a ``SiteParallelEnv``.
        options: arguments of that environment.

    Raises:
        ValueError: an unknown id, and what the environment itself refuses.
    """
    if isinstance(what, str):
        from envs.registry import make_parallel

        return make_parallel(what, **options)
    return SiteParallelEnv(what, **options)
