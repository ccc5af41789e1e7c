"""SustainDC as PettingZoo and Gymnasium know it: native action codes, its own observations and rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from envs.case import Case
from envs.episodes import episodes
from envs.render import DayChart, Strip
from envs.single import RENDER_FPS, check_render_mode
from envs.sustaindc.batch import StepResult, SustainDCBatch
from envs.sustaindc.constants import AGENTS, OUT, OUTPUTS
from envs.sustaindc.from_rows import series_of_rows
from envs.sustaindc.observations import SIZES
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site, size_site

CODES = 3
_INDEX = np.zeros(1, dtype=np.int64)


class _Site:
    """One SustainDC site and what its episodes are drawn from, behind both faces.

    As in SustainDC the set-point and the reward's normaliser outlive a reset (defects 15 and 6 of the profile). A reset
    with a seed begins anew, as a new process of SustainDC would: so one seed is one trajectory.
    """

    def __init__(
        self,
        series: Series | Sequence[Series] | None,
        site: Site | None,
        cases: Case | Sequence[Case] | None,
        episode_steps: int,
        render_mode: str | None,
    ) -> None:
        check_render_mode(render_mode)
        if series is not None and cases is not None:
            raise ValueError("series and cases: give one of them")
        self.site = size_site("ny") if site is None else site
        self._series = () if series is None else (series,) if isinstance(series, Series) else tuple(series)
        self._episodes = episodes(cases, episode_steps) if series is None else None
        self._render = render_mode is not None
        self.batch: SustainDCBatch | None = None
        self.chart: DayChart | None = None

    def reset(self, rng: np.random.Generator, seeded: bool) -> dict[str, np.ndarray]:
        """Draw an episode, start it, -> observations (1, size) per agent."""
        series = self._drawn(rng)
        if self.batch is None or seeded:
            self.batch = SustainDCBatch([self.site], [series], _INDEX, _INDEX)
            observations = self.batch.reset()
        else:
            observations = self.batch.reset([series])
        if self._render:
            self.chart = DayChart(_strips(self.site), tuple(OUT[strip.output] for strip in _strips(self.site)))
        return observations

    def step(self, codes: Sequence[int]) -> StepResult:
        """One step. Raises ValueError before the first reset and as ``SustainDCBatch.step``."""
        if self.batch is None:
            raise ValueError("step: the episode has ended or never began; call reset() first")
        result = self.batch.step(np.array([codes]))
        if self.chart is not None:
            self.chart.add(result.outputs[0])
        return result

    def _drawn(self, rng: np.random.Generator) -> Series:
        if self._episodes is None:
            return self._series[int(rng.integers(len(self._series)))]
        case, first, _ = self._episodes.draw(rng)
        assert self._episodes.steps is not None
        return series_of_rows(self._episodes.cases[case].rows, first, self._episodes.steps)


class SustainDCParallelEnv(ParallelEnv):
    """SustainDC with three agents. Defects and all: ``docs/sustaindc.md``.

    *Agents*: ``agent_ls``, ``agent_dc``, ``agent_bat``; truncated together, nothing terminates early.
    *Observation*: float32 (26,), (14,), (13,), SustainDC's; two entries are unbounded. *Action*: codes 0, 1, 2.
    *Reward*: SustainDC's three. *Info*: ``outputs`` after a step (names and units in ``envs.sustaindc.constants``).

    Args:
        series: what episodes are drawn from; left out, weeks of ``cases``, by default the registered case maker's.
        site: ``size_site("ny")`` if left out. episode_steps: of weeks drawn from cases.
        render_mode: ``rgb_array`` or None.

    Raises:
        ValueError: series and cases together, an unknown render mode, a case that is too short.
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
        self.site = _Site(series, site, cases, episode_steps, render_mode)
        self.render_mode = render_mode
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.observation_spaces = {a: spaces.Box(-np.inf, np.inf, (SIZES[a],), np.float32) for a in AGENTS}
        self.action_spaces: dict[str, spaces.Space] = {a: spaces.Discrete(CODES) for a in AGENTS}
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        observations = self.site.reset(self._rng, seed is not None)
        self.agents = list(AGENTS)
        return {agent: observations[agent][0] for agent in AGENTS}, {agent: {} for agent in AGENTS}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance 15 minutes.

        Raises:
            ValueError: a missing agent, a code other than 0, 1, 2, stepping past the end.
        """
        if not self.agents:
            raise ValueError("step: the episode has ended or never began; call reset() first")
        missing = [agent for agent in AGENTS if agent not in actions]
        if missing:
            raise ValueError(f"step: no action for {missing[0]}; give one for each of {', '.join(AGENTS)}")
        result = self.site.step([actions[agent] for agent in AGENTS])
        outputs = dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True))
        if result.truncated:
            self.agents = []
        return (
            {agent: result.observations[agent][0] for agent in AGENTS},
            dict(zip(AGENTS, result.rewards[0].tolist(), strict=True)),
            dict.fromkeys(AGENTS, False),
            dict.fromkeys(AGENTS, result.truncated),
            {agent: {"outputs": outputs} for agent in AGENTS},
        )

    def render(self) -> np.ndarray | None:
        """uint8 (H, W, 3) of the last day with ``render_mode="rgb_array"``, else None."""
        return None if self.site.chart is None else self.site.chart.draw()

    def close(self) -> None:
        """Nothing to release."""


class SustainDCEnv(gymnasium.Env):
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
        self.site = _Site(series, site, cases, episode_steps, render_mode)
        self.render_mode = render_mode
        self.observation_space = spaces.Box(-np.inf, np.inf, (sum(SIZES[a] for a in AGENTS),), np.float32)
        self.action_space = spaces.MultiDiscrete([CODES] * len(AGENTS))

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw an episode and start it. All randomness comes from ``seed``."""
        super().reset(seed=seed)
        return _end_to_end(self.site.reset(self.np_random, seed is not None)), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance 15 minutes. Raises ValueError on codes other than 0, 1, 2 and past the end."""
        result = self.site.step(np.asarray(action).tolist())
        info = {
            "outputs": dict(zip(OUTPUTS, result.outputs[0].tolist(), strict=True)),
            "rewards": result.rewards[0],
        }
        return _end_to_end(result.observations), float(result.rewards[0].sum()), False, result.truncated, info

    def render(self) -> Any:
        """uint8 (H, W, 3) of the last day with ``render_mode="rgb_array"``, else None."""
        return None if self.site.chart is None else self.site.chart.draw()


def _end_to_end(observations: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([observations[agent][0] for agent in AGENTS])


def _strips(site: Site) -> tuple[Strip, ...]:
    """Metered energy (kW), charge (share), utilisation, set-point (degC)."""
    peak_kw = float(site.params["battery_mwh"][0]) * 1000.0
    return (
        Strip("net_kwh", 0.0, peak_kw, (31, 78, 121), 4.0),
        Strip("soc", 0.0, 1.0, (84, 130, 53)),
        Strip("utilisation", 0.0, 1.0, (191, 144, 0)),
        Strip("setpoint_degc", 14.0, 23.0, (46, 117, 182)),
    )
