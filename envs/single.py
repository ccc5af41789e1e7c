"""The Gymnasium face: one site under one joint action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from envs.actions import code_levels, numbers
from envs.batch import SiteBatch
from envs.case import Case
from envs.episodes import episodes
from envs.faces import RENDER_FPS, Drawn
from envs.feasible import code_mask
from envs.layouts import layout, limits
from envs.randomise import Ranges
from envs.render import DayChart, site_strips
from envs.state import AGENTS, OUTPUTS


class SiteEnv(Drawn, gymnasium.Env):
    """A British data-centre site run by one controller of all three actuators.

    *Problem*: run the site through an episode at the least objective: bill, wear, carbon cost, penalties, less what
    flexibility earns.
    *Observation*: float32 (d,), the layout of ``information`` (``envs.layouts``).
    *Action*: float32 (3,) in [-1, 1], in the order load_shift, battery, cooling (``envs.actions``), or
    ``MultiDiscrete([n, n, n])`` with ``discrete=n``. What the site cannot do becomes the nearest that it can.
    *Reward*: GBP, minus the step's share of the objective.
    *Termination*: never; truncated at the end of the episode.
    *State*: a ``SiteBatch`` of one, ``batch``.
    *Info*: ``bounds`` float32 (3, 2), the feasible range of the coming action; ``action_mask`` int8 (3, n) of the same
    with ``discrete``; after a step ``outputs`` (name -> value, names and units in ``envs.state.OUTPUTS``) and
    ``executed`` float32 (3,), what the actuators did.

    >>> env = gymnasium.make("deg/UKSite-v0")                               # doctest: +SKIP
    >>> observation, info = env.reset(seed=1)                               # doctest: +SKIP
    >>> observation, reward, terminated, truncated, info = env.step(env.action_space.sample())  # doctest: +SKIP

    Args:
        cases: what episodes are drawn from; the registered case maker's year if left out.
        information: ``site``, ``carbon_aware`` or ``grid_aware``.
        discrete: number of levels (odd), or None for continuous actions.
        episode_steps: control steps of an episode, begun on any day of a case; None plays cases whole.
        ranges: site parameter -> (low, high), drawn for each episode.
        render_mode: ``rgb_array`` draws the last day, see ``envs.render``.

    Raises:
        ValueError: unknown information set or render mode, an even number of levels, a case that is too short.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": RENDER_FPS}  # noqa: RUF012

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
        self._drawn_as(render_mode)
        self.information = information
        self.levels = None if discrete is None else code_levels(discrete)
        low, high = limits(layout(information)).T
        self.observation_space = spaces.Box(low, high, dtype=np.float32)
        self.action_space = (
            spaces.Box(-1.0, 1.0, (len(AGENTS),), np.float32)
            if discrete is None
            else spaces.MultiDiscrete([discrete] * len(AGENTS))
        )
        self._episodes = episodes(cases, episode_steps, ranges)
        self.batch = SiteBatch(self._episodes.cases, [0], episode_steps=episode_steps)
        self._raw = np.empty((1, len(AGENTS)), dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        super().reset(seed=seed)
        case, first, params = self._episodes.draw(self.np_random)
        self.batch.reset(site_case=[case], start_steps=[first], params=params)
        if self.render_mode is not None:
            self._chart = DayChart(site_strips(self.batch.params))
        return self.batch.observe(self.information)[AGENTS[0]][0], self._info(self.batch.feasible())

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance 15 minutes.

        Raises:
            ValueError: an action outside its space, stepping past the end.
        """
        self._raw[0] = self._levels_of(action)
        result = self.batch.advance(self._raw, self.information, copy=False)
        info = self._info(result.bounds.copy())
        info["outputs"] = dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True))
        info["executed"] = result.executed[0].copy()
        if self._chart is not None:
            self._chart.add(result.outputs[0])
        return result.observed[0].copy(), result.reward.item(), False, self.batch.done, info

    def _info(self, bounds: np.ndarray) -> dict[str, Any]:
        info: dict[str, Any] = {"bounds": bounds[0]}
        if self.levels is not None:
            info["action_mask"] = code_mask(bounds, self.levels)[0].astype(np.int8)
        return info

    def _levels_of(self, action: np.ndarray) -> np.ndarray:
        """Numbers (3,), whose range is the kernel's to check; the level of each code with ``discrete``."""
        given = numbers("step: action", action)
        if self.levels is None:
            if given.shape != (len(AGENTS),):
                raise ValueError(f"step: action {action!r}; give {len(AGENTS)} numbers in [-1, 1] for {AGENTS}")
            return given
        if not self.action_space.contains(given):
            raise ValueError(f"step: action {action!r}; give {len(AGENTS)} codes from 0 to {len(self.levels) - 1}")
        return self.levels[given]
