"""Agents in SustainDC's own site, by the fast path, and what they are worth beside leaving the set-point down.

The profile is a reference, quirks and all: its rewards, its three codes, each agent its own observation. Nothing of it
is exported or checkpointed; a run is a minute or two and ends in a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from configs.schema import Config
from envs.state import AGENTS
from envs.sustaindc.batch import SustainDCBatch
from envs.sustaindc.constants import OUT
from envs.sustaindc.observations import SIZES
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site, size_site
from grid.compile import Tariff
from train.algorithm import rllib_config
from train.columns import INPUT_SEEN
from train.kernel import TERMS
from train.machine import ray_cluster
from train.modules import scores
from train.setup import Setup, normalised
from train.sight import Sight
from train.sites import WorldSet

CODES = 3
NEUTRAL, DOWN = (1, 2, 1), (1, 2, 0)  # nothing shifted, battery idle; set-point held, or a degree down each step
PARTS = (SIZES["agent_ls"], SIZES["agent_bat"], SIZES["agent_dc"])  # of a row, in the order of ``AGENTS``
SEEN = sum(PARTS)
GROUPS, SERIES_PER_GROUP = 4, 8
_ORDER = [0, 2, 1]  # between our order of agents and SustainDC's, either way
_BATTERY_CODE = np.array([1, 2, 0])  # level -1, 0, 1 -> discharge, idle, charge
_CARBON_NOW, _CARBON_AHEAD = 2, 5  # of agent_ls: carbon now, and its mean over the next two hours

Choose = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SustainDCSight(Sight):
    """Everything the three see, end to end; no frames, no bounds, no unpublished prices."""

    @property
    def own(self) -> int:
        return SEEN

    @property
    def critic(self) -> int:
        return SEEN

    @property
    def width(self) -> int:
        return SEEN


@dataclass(frozen=True)
class SustainDCSetup(Setup):
    """series: of the training episodes, all of one length."""

    site: Site | None = None
    series: tuple[Series, ...] = ()

    def sites(self, size: int, seed: int) -> Any:
        assert self.site is not None
        return SustainDCSites(self.site, self.series, size, seed)

    def actor_scale(self, agent: int | None) -> tuple[float, ...]:
        """Of its own part of a row; an agent does not see what another one does."""
        if agent is None:
            return self.input_scale
        own = np.repeat(np.arange(len(PARTS)), PARTS) == agent
        return tuple(np.where(own, self.input_scale, 0.0).tolist())


class SustainDCSites:
    """B sites with the face of ``TrainingSites``, in groups at staggered points of their episodes.

    As in SustainDC, set-point and reward normaliser outlive an episode.
    """

    hold_steps = 1

    def __init__(self, site: Site, series: Sequence[Series], size: int, seed: int) -> None:
        groups = GROUPS if size % GROUPS == 0 else 1
        each = size // groups
        self.size, self._series = size, tuple(series)
        self._draws = np.random.default_rng([seed, 3])
        self._distinct = min(SERIES_PER_GROUP, each)
        index, which = np.zeros(each, dtype=np.int64), np.arange(each) % self._distinct
        self._batches = [SustainDCBatch([site], self._drawn(), index, which) for _ in range(groups)]
        self._parts = [slice(k * each, (k + 1) * each) for k in range(groups)]
        self._seen = np.zeros((size, SEEN), dtype=np.float32)
        self.bounds = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (size, len(AGENTS), 1))
        self.reward, self.done = np.zeros((size, len(AGENTS))), np.zeros(size, dtype=bool)
        for k, (batch, part) in enumerate(zip(self._batches, self._parts, strict=True)):
            self._fill(part, batch.reset())
            for _ in range(batch.steps * k // groups):
                self._fill(part, batch.step(np.tile(np.array(NEUTRAL)[_ORDER], (each, 1))).observations)

    def _drawn(self) -> list[Series]:
        return [self._series[k] for k in self._draws.integers(0, len(self._series), self._distinct)]

    def _fill(self, part: slice, observations: dict[str, np.ndarray]) -> None:
        self._seen[part] = end_to_end(observations)

    def hold(self, actions: np.ndarray) -> np.ndarray:
        """One step by float32 (B, 3) levels -1, 0, 1. -> no terms: pounds are not SustainDC's."""
        codes = codes_of(actions)
        for batch, part in zip(self._batches, self._parts, strict=True):
            result = batch.step(codes[part][:, _ORDER])
            self.reward[part] = result.rewards[:, _ORDER]
            self.done[part] = result.truncated
            self._fill(part, batch.reset(self._drawn()) if result.truncated else result.observations)
        return np.zeros((0, len(TERMS)))

    def observe(self, out: np.ndarray) -> None:
        out[:] = self._seen


def end_to_end(observations: dict[str, np.ndarray]) -> np.ndarray:
    """float32 (B, SEEN): load shift, battery, cooling."""
    return np.concatenate([observations[name] for name in ("agent_ls", "agent_bat", "agent_dc")], axis=1)


def codes_of(levels: np.ndarray) -> np.ndarray:
    """SustainDC's codes int64 (B, 3), in our order of agents, of levels -1, 0, 1."""
    steps = np.rint(levels).astype(np.int64) + 1
    return np.stack([steps[:, 0], _BATTERY_CODE[steps[:, 1]], steps[:, 2]], axis=1)


def train_sustaindc(
    config: Config, training: Sequence[Series], held_out: Sequence[Series], *, location: str = "ny",
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train on some episodes, then run agents and fixed policies over others. -> summary with ``table``."""
    t = config.train.model_copy(update={"num_env_runners": 0, "num_learners": 0, "hold_steps": 1, "discrete": CODES})
    site = size_site(location, config.site.it_capacity_mw)
    with ray_cluster(t):
        setup = _setup(config, site, tuple(training))
        algorithm: Any = rllib_config(setup, t).build_algo()
        cpu, wall, done = time.process_time(), time.monotonic(), 0
        while done < t.env_steps:
            algorithm.train()
            done += t.sites * t.fragment_steps
            if on_progress is not None:
                on_progress(done, t.env_steps)
        spent = {"trained_cpu_s": time.process_time() - cpu, "trained_wall_s": time.monotonic() - wall}
        modules = dict(algorithm.env_runner.module.items())
        table = compare(site, held_out, greedy(modules), np.random.default_rng(config.run.seed))
        algorithm.stop()
    return {"location": location, "env_steps": done, "episodes": len(held_out), **spent, "table": table}


def _setup(config: Config, site: Site, series: tuple[Series, ...]) -> Setup:
    t = config.train
    setup = SustainDCSetup(
        worlds=WorldSet((), (), Tariff(0.0, ()), None),
        algorithm=t.algorithm,
        sight=SustainDCSight("carbon_aware"),
        levels=(CODES,) * len(AGENTS),
        discounts=(t.gamma,) * len(AGENTS),
        individual_reward=t.reward == "individual",
        stock_each_step=False,
        sale_share=0.0,
        hold_steps=1,
        seed=config.run.seed,
        site=site,
        series=series,
    )
    sites = setup.sites(SERIES_PER_GROUP * GROUPS, setup.seed)
    draws = np.random.default_rng(setup.seed)
    seen = np.empty((sites._batches[0].steps // 2, sites.size, SEEN), dtype=np.float32)
    for row in seen:
        sites.hold(draws.integers(-1, 2, (sites.size, len(AGENTS))))
        sites.observe(row)
    mean, scale = normalised(seen.reshape(-1, SEEN))
    return replace(setup, input_mean=mean, input_scale=scale)


def greedy(modules: dict[str, Any]) -> Choose:
    """The best scored code of each agent, as levels."""

    def choose(seen: np.ndarray) -> np.ndarray:
        rows = torch.zeros((len(seen), INPUT_SEEN.start + SEEN))
        rows[:, INPUT_SEEN] = torch.from_numpy(seen)
        with torch.no_grad():
            return scores(modules, rows).argmax(dim=2).numpy() - 1

    return choose


def compare(site: Site, series: Sequence[Series], agents: Choose, draws: np.random.Generator) -> list[dict[str, Any]]:
    """Each policy over every episode: mean CO2, energy, water, late tasks an episode, and CO2 against neutral's."""

    def fixed(codes: tuple[int, int, int]) -> Choose:
        return lambda seen: np.tile(np.array(codes), (len(seen), 1))

    def rules(seen: np.ndarray) -> np.ndarray:
        rising = seen[:, _CARBON_AHEAD] > seen[:, _CARBON_NOW]
        return np.stack([np.where(rising, 2, 0), np.where(rising, 0, 1), np.zeros(len(seen), dtype=np.int64)], axis=1)

    by_codes: dict[str, Choose] = {
        "neutral": fixed(NEUTRAL),
        "set-point always down": fixed(DOWN),
        "rules on carbon, set-point down": rules,
        "random": lambda seen: draws.integers(0, CODES, (len(seen), len(AGENTS))),
        "trained agents": lambda seen: codes_of(agents(seen)),
        "trained load and battery, set-point down": lambda seen: codes_of(agents(seen)) * [1, 1, 0],
    }
    results = {name: _run(site, series, choose) for name, choose in by_codes.items()}
    kg = results["neutral"]["co2_kg"]
    return [{"policy": name, **row, "co2_vs_neutral": row["co2_kg"] / kg - 1.0} for name, row in results.items()]


def _run(site: Site, series: Sequence[Series], choose: Choose) -> dict[str, float]:
    size = len(series)
    batch = SustainDCBatch([site], series, np.zeros(size, dtype=np.int64), np.arange(size))
    seen, total = end_to_end(batch.reset()), np.zeros((size, len(OUT)))
    for _ in range(batch.steps):
        result = batch.step(choose(seen)[:, _ORDER])
        total += result.outputs
        seen = end_to_end(result.observations)
    mean = dict(zip(OUT, total.mean(axis=0).tolist(), strict=True))
    return {
        "co2_kg": mean["co2_g"] / 1000.0,
        "net_kwh": mean["net_kwh"],
        "it_kwh": mean["it_kw"] / 4.0,
        "hvac_kwh": mean["hvac_kw"] / 4.0,
        "water_m3": mean["water_l"] / 1000.0,
        "overdue_task_steps": mean["overdue_found"],
    }
