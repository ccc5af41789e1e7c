"""What the site costs beside speed: growth over 10,000 steps, memory of a large batch, two threads. One JSON on stdout.

Net Python growth (tracemalloc) and Numba's own allocations over 10,000 steps of the Gymnasium face; peak memory of a
process that runs 65,536 sites; how much a second thread gains on 4,096 sites, against what it gains a loop that only
spins. On a shared machine the last two vary: they are medians of interleaved rounds.
"""

from __future__ import annotations

import gc
import json
import resource
import threading
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import gymnasium
import numpy as np
from numba import njit
from numba.core.runtime import _nrt_python, rtsys

import envs  # noqa: F401  registers the ids
from configs.load import load_config
from envs.bench import site_runner
from envs.case import Case
from evaluate.cases import make_case

STEPS = 15 * 672  # whole episodes: both readings at the same place of one
ROUNDS = 9


def growth(case: Case) -> dict[str, int]:
    """Bytes of Python objects and Numba allocations left over after 10,000 steps, resets among them."""
    env = gymnasium.make("deg/UKSite-v0", cases=case).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, 3)).astype(np.float32)

    def run() -> None:
        for t in range(STEPS):
            if env.step(actions[t % 64])[3]:
                env.reset()

    _nrt_python.memsys_enable_stats()
    tracemalloc.start()  # before the warm-up: what a reset replaces has to be known on both sides
    run()
    run()
    gc.collect()
    before, held = tracemalloc.get_traced_memory()[0], rtsys.get_allocation_stats()
    run()
    gc.collect()
    after, left = tracemalloc.get_traced_memory()[0], rtsys.get_allocation_stats()
    tracemalloc.stop()
    return {
        "python_bytes": after - before,
        "numba_allocations": (left.alloc - left.free) - (held.alloc - held.free),
    }


@njit(nogil=True)
def _spin(n: int) -> float:
    total = 0.0
    for k in range(n):
        total += np.sqrt(k + total)
    return total


def _wall_s(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _spin_twice_s(n: int) -> float:
    def both() -> None:
        other = threading.Thread(target=_spin, args=(n,))
        other.start()
        _spin(n)
        other.join()

    return _wall_s(both)


def threads(case: Case) -> dict[str, float]:
    """Gain of two threads over one: of 4,096 sites, and of spinning."""
    one, two = (site_runner(case, 4096, "carbon_aware", threads=n) for n in (1, 2))
    n, steps = 20_000_000, 40
    one(steps)
    two(steps)
    _spin(10)
    sites, spin = [], []
    for _ in range(ROUNDS):
        sites.append(_wall_s(lambda: one(steps)) / _wall_s(lambda: two(steps)))
        spin.append(2.0 * _wall_s(lambda: _spin(n)) / _spin_twice_s(n))
    return {"sites_gain": median(sites), "spin_gain": median(spin), "ratio": median(sites) / median(spin)}


def main() -> None:
    case = make_case(load_config(None, ["signals.source=synthetic", "workload.name=generator"]))
    result: dict[str, object] = {"growth_10000_steps": growth(case), "threads_b4096": threads(case)}
    site_runner(case, 65_536, "carbon_aware")(20)
    result["peak_mb_b65536"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
