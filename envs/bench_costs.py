"""What the site costs beside speed: memory left behind by 10,000 steps, and how much of two threads is put to use."""

from __future__ import annotations

import gc
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import gymnasium
import numpy as np
from numba import njit
from numba.core.runtime import _nrt_python, rtsys

from envs.batch import SiteBatch
from envs.case import Case
from envs.state import AGENTS

GROWTH_STEPS = 15 * 672
THREADS_SITES = 4096
_SPINS = 5_000_000


def growth(case: Case, steps: int = GROWTH_STEPS) -> dict[str, int]:
    """Bytes of Python objects and Numba allocations left over after ``steps`` of the Gymnasium face and its resets.

    The interpreter's own caches are emptied before both readings: CPython keeps up to 4,096 names of attributes that
    C code (numpy's) has looked up, each a new string, which fills over some thousand resets and is nobody's leak.
    """
    env = gymnasium.make("deg/UKSite-v0", cases=case).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, len(AGENTS))).astype(np.float32)

    def run() -> None:
        for t in range(steps):
            if env.step(actions[t % 64])[3]:
                env.reset()

    _nrt_python.memsys_enable_stats()
    tracemalloc.start()  # before the warm-up: what a reset replaces has to be known on both sides
    try:
        run()
        _traced_bytes()
        run()
        before, held = _traced_bytes(), rtsys.get_allocation_stats()
        run()
        after, left = _traced_bytes(), rtsys.get_allocation_stats()
    finally:
        tracemalloc.stop()
    return {
        "python_bytes": after - before,
        "numba_allocations": (left.alloc - left.free) - (held.alloc - held.free),
    }


def _traced_bytes() -> int:
    getattr(sys, "_clear_internal_caches", sys._clear_type_cache)()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@njit(nogil=True)
def _spin(n: int) -> float:
    total = 0.0
    for k in range(n):
        total += np.sqrt(k + total)
    return total


def _spin_twice() -> None:
    other = threading.Thread(target=_spin, args=(_SPINS,))
    other.start()
    _spin(_SPINS)
    other.join()


def two_threads(case: Case, rounds: int = 40, steps: int = 20) -> dict[str, float]:
    """Gain of a second thread on 4,096 sites with buffers kept, against what it gains a loop that only spins.

    ``*_gain``: CPU seconds of one thread over those of the busier of two, which is what free cores would show and
    does not depend on who else is at work, medians; ``ratio`` of the two. ``wall_ratio``: the same of wall-clock times,
    median over rounds of four readings each; on a busy machine it says nothing.
    """
    actions = np.random.default_rng(0).uniform(-1, 1, (64, THREADS_SITES, len(AGENTS))).astype(np.float32)

    def runner(threads: int) -> Callable[[], None]:
        batch = SiteBatch([case], np.zeros(THREADS_SITES, dtype=np.int64), threads=threads)

        def run() -> None:
            for t in range(steps):
                if batch.done:
                    batch.reset()
                batch.advance(actions[t % 64], "carbon_aware", copy=False)

        return run

    works = (runner(1), runner(2), lambda: (_spin(_SPINS), _spin(_SPINS)), _spin_twice)
    for work in works:
        work()
    times = np.array([[_busier_and_wall_s(work) for work in works] for _ in range(rounds)])
    one, two, spin, spins = times[..., 0].T
    wall = times[..., 1].T
    sites_gain, spin_gain = median(one / two), median(spin / spins)
    wall_ratio = median((wall[0] / wall[1]) / (wall[2] / wall[3]))
    return {
        "sites_gain": float(sites_gain),
        "spin_gain": float(spin_gain),
        "ratio": float(sites_gain / spin_gain),
        "wall_ratio": float(wall_ratio),
    }


def _busier_and_wall_s(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of the busier of this thread and all others of the process, and wall-clock seconds."""
    process, own, wall = time.process_time(), time.thread_time(), time.perf_counter()
    work()
    own, wall = time.thread_time() - own, time.perf_counter() - wall
    return max(own, time.process_time() - process - own), wall
