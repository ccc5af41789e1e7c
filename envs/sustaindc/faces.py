"""SustainDC as PettingZoo and Gymnasium know it: native action codes, its own observations and rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from envs.case import Case
from envs.faces import RENDER_FPS, Drawn, ParallelFace
from envs.render import DayChart, Strip
from envs.sustaindc.constants import AGENTS, OUT, OUTPUTS
from envs.sustaindc.episodes import Sites
from envs.sustaindc.observations import SIZES
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site

CODES = 3


class SustainDCParallelEnv(ParallelFace):
    """SustainDC with three agents. Defects and all: ``docs/sustaindc.md``.

    *Agents*: ``agent_ls``, ``agent_dc``, ``agent_bat``; truncated together, nothing terminates early.
    *Observation*: float32 (26,), (14,), (13,), SustainDC's; two entries are unbounded. *Action*: codes 0, 1, 2.
    *Reward*: SustainDC's three. *Info*: ``outputs`` after a step (names and units in ``envs.sustaindc.constants``).

    Args:
        series: what episodes are drawn from; left out, weeks of ``cases``, by default the registered case maker's.
        site: ``size_site("ny")`` if left out. episode_steps: of weeks drawn from cases.
        render_mode: ``rgb_array`` or None.

    Raises:
        ValueError: series and cases together, series of unequal length, an unknown render mode, a case that is too
            short.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "deg_sustaindc_v0",
        "is_parallelizable": True,
        "render_modes": ["rgb_array"],
        "render_fps": RENDER_FPS,
    }

    def __init__(
        self,
        series: Series | Sequence[Series] | None = None,
        site: Site | None = None,
        *,
        cases: Case | Sequence[Case] | None = None,
        episode_steps: int = 672,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(
            {agent: spaces.Box(-np.inf, np.inf, (SIZES[agent],), np.float32) for agent in AGENTS},
            {agent: spaces.Discrete(CODES) for agent in AGENTS},
            render_mode,
        )
        self.sites = Sites(series, site, cases, episode_steps)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        observations = self.sites.reset([self._seeded(seed)], [seed is not None])
        self.agents = list(AGENTS)
        if self.render_mode is not None:
            self._chart = _chart(self.sites.site)
        return {agent: observations[agent][0] for agent in AGENTS}, {agent: {} for agent in AGENTS}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance 15 minutes.

        Raises:
            ValueError: a missing agent, a code other than 0, 1, 2, stepping past the end.
        """
        result = self.sites.step([self._in_order(actions)])
        if self._chart is not None:
            self._chart.add(result.outputs[0])
        outputs = dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True))
        return self._results(
            {agent: result.observations[agent][0] for agent in AGENTS},
            dict(zip(AGENTS, result.rewards[0].tolist(), strict=True)),
            result.truncated,
            {agent: {"outputs": outputs} for agent in AGENTS},
        )


class SustainDCEnv(Drawn, gymnasium.Env):
    """SustainDC under one joint action. Arguments as ``SustainDCParallelEnv``.

    *Observation*: float32 (53,), those of agent_ls, agent_dc and agent_bat end to end. *Action*:
    ``MultiDiscrete([3, 3, 3])`` in that order. *Reward*: the sum of the three. *Info*: ``outputs``, ``rewards`` (3,).
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": RENDER_FPS}  # noqa: RUF012

    def __init__(
        self,
        series: Series | Sequence[Series] | None = None,
        site: Site | None = None,
        *,
        cases: Case | Sequence[Case] | None = None,
        episode_steps: int = 672,
        render_mode: str | None = None,
    ) -> None:
        self._drawn_as(render_mode)
        self.observation_space, self.action_space = joint_spaces()
        self.sites = Sites(series, site, cases, episode_steps)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        super().reset(seed=seed)
        observations = self.sites.reset([self.np_random], [seed is not None])
        if self.render_mode is not None:
            self._chart = _chart(self.sites.site)
        return end_to_end(observations)[0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance 15 minutes. Raises ValueError on codes other than 0, 1, 2 and past the end."""
        result = self.sites.step([action])
        if self._chart is not None:
            self._chart.add(result.outputs[0])
        info = {
            "outputs": dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True)),
            "rewards": result.rewards[0],
        }
        return end_to_end(result.observations)[0], float(result.rewards[0].sum()), False, result.truncated, info


def joint_spaces() -> tuple[spaces.Box, spaces.MultiDiscrete]:
    """Observations and actions of the three agents as one."""
    size = sum(SIZES[agent] for agent in AGENTS)
    return spaces.Box(-np.inf, np.inf, (size,), np.float32), spaces.MultiDiscrete([CODES] * len(AGENTS))


def end_to_end(observations: dict[str, np.ndarray]) -> np.ndarray:
    """float32 (B, 53) of float32 (B, size) per agent."""
    return np.concatenate([observations[agent] for agent in AGENTS], axis=1)


def _chart(site: Site) -> DayChart:
    """Metered energy (kW), charge (share), utilisation, set-point (degC)."""
    peak_kw = float(site.params["battery_mwh"][0]) * 1000.0
    strips = (
        Strip("net_kwh", 0.0, peak_kw, (31, 78, 121), 4.0),
        Strip("soc", 0.0, 1.0, (84, 130, 53)),
        Strip("utilisation", 0.0, 1.0, (191, 144, 0)),
        Strip("setpoint_degc", 14.0, 23.0, (46, 117, 182)),
    )
    return DayChart(strips, tuple(OUT[strip.output] for strip in strips))
