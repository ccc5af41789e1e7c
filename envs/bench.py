"""How fast the site is: environment steps per CPU second of one core, resets, rewards and observations included.

Actions are random and drawn beforehand; every speed is the median over rounds after a warm-up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import gymnasium
import numpy as np

from envs.batch import SiteBatch
from envs.case import Case
from envs.parallel import parallel_env
from envs.state import AGENTS
from envs.sustaindc import SustainDCBatch, size_site
from envs.sustaindc.from_rows import series_of_rows

ROUNDS = 5
ROUND_STEPS = {"uk_site_b1024": 1344, "uk_site_b64": 13440, "uk_grid_aware_b1024": 1344, "sustaindc_b1024": 336}
SINGLE_STEPS = 13440
DRAWN = 64  # different actions, met again and again

Progress = Callable[[int, int], None]


def bench(case: Case, *, rounds: int = ROUNDS, on_progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """-> ``batch_env_steps_per_s`` and ``single_env_steps_per_s``, by name. ``case`` is what every site runs."""
    batches = {
        "uk_site_b1024": site_runner(case, 1024, "carbon_aware"),
        "uk_site_b64": site_runner(case, 64, "carbon_aware"),
        "uk_grid_aware_b1024": site_runner(case, 1024, "grid_aware"),
        "sustaindc_b1024": sustaindc_runner(case, 1024),
    }
    singles = {"pettingzoo": pettingzoo_runner(case), "gymnasium": gymnasium_runner(case)}
    total = len(batches) + len(singles)
    result: dict[str, Any] = {"batch_env_steps_per_s": {}, "single_env_steps_per_s": {}}
    for k, (name, run) in enumerate(batches.items()):
        on_progress(k, total)
        sites = int(name.rsplit("b", 1)[1])
        result["batch_env_steps_per_s"][name] = sites * steps_per_s(run, ROUND_STEPS[name], rounds)
    for k, (name, run) in enumerate(singles.items(), len(batches)):
        on_progress(k, total)
        result["single_env_steps_per_s"][name] = steps_per_s(run, SINGLE_STEPS, rounds)
    on_progress(total, total)
    return result


def steps_per_s(run: Callable[[int], None], steps: int, rounds: int) -> float:
    """Median steps per CPU second of this process over rounds of ``run(steps)``, after one to warm up."""
    run(steps)
    speeds = []
    for _ in range(rounds):
        start = time.process_time()
        run(steps)
        speeds.append(steps / (time.process_time() - start))
    return median(speeds)


def site_runner(case: Case, sites: int, information: str, threads: int = 1) -> Callable[[int], None]:
    """``run(steps)`` of a batch of British sites."""
    batch = SiteBatch([case], np.zeros(sites, dtype=np.int64), threads=threads)
    actions = np.random.default_rng(0).uniform(-1, 1, (DRAWN, sites, len(AGENTS))).astype(np.float32)

    def run(steps: int) -> None:
        for t in range(steps):
            if batch.done:
                batch.reset()
                batch.observe(information)
            batch.advance(actions[t % DRAWN], information)

    return run


def sustaindc_runner(case: Case, sites: int) -> Callable[[int], None]:
    """``run(steps)`` of a batch of SustainDC sites."""
    series = series_of_rows(case.rows, 0, case.rows.steps)
    index = np.zeros(sites, dtype=np.int64)
    batch = SustainDCBatch([size_site("ny")], [series], index, index)
    codes = np.random.default_rng(0).integers(0, 3, (DRAWN, sites, 3))
    ended = False

    def run(steps: int) -> None:
        nonlocal ended
        for t in range(steps):
            if ended:
                batch.reset()
            ended = batch.step(codes[t % DRAWN]).truncated

    return run


def pettingzoo_runner(case: Case) -> Callable[[int], None]:
    """``run(steps)`` of the PettingZoo face, dictionaries in and out."""
    env = parallel_env(case)
    env.reset(seed=0)
    drawn = np.random.default_rng(0).uniform(-1, 1, (DRAWN, len(AGENTS), 1)).astype(np.float32)
    actions = [dict(zip(AGENTS, row, strict=True)) for row in drawn]

    def run(steps: int) -> None:
        for t in range(steps):
            if not env.agents:
                env.reset()
            env.step(actions[t % DRAWN])

    return run


def gymnasium_runner(case: Case) -> Callable[[int], None]:
    """``run(steps)`` of the Gymnasium face, without Gymnasium's own wrappers."""
    env = gymnasium.make("deg/UKSite-v0", cases=case).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (DRAWN, len(AGENTS))).astype(np.float32)

    def run(steps: int) -> None:
        for t in range(steps):
            *_, truncated, _ = env.step(actions[t % DRAWN])
            if truncated:
                env.reset()

    return run
