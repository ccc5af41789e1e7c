"""What the site costs beside speed: growth over 10,000 steps, two threads, memory of 65,536 sites. One JSON on stdout.

Targets: less than 1 KiB of Python objects and no Numba allocation left over; a second thread within 15 % of what it
gains a loop that only spins; a process that runs 65,536 sites below 1 GB. The exit code is 1 where one is missed.
"""

from __future__ import annotations

import json
import resource
import sys

import envs  # noqa: F401  registers the ids
from configs.load import load_config
from envs.bench import site_runner
from envs.bench_costs import growth, two_threads
from evaluate.cases import make_case


def main() -> int:
    case = make_case(load_config(None, ["signals.source=synthetic", "workload.name=generator"]))
    left, threads = growth(case), two_threads(case)
    site_runner(case, 65_536, "carbon_aware")(20)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    passed = left["python_bytes"] < 1024 and left["numba_allocations"] == 0 and threads["ratio"] >= 0.85
    passed &= peak_mb < 1000.0
    result = {"growth_10000_steps": left, "threads_b4096": threads, "peak_mb_b65536": peak_mb}
    print(json.dumps({"passed": passed, **result}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
