"""``deg bench env``: steps per CPU second of every face of the site."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from deg.options import AsJson, print_json, stdout_kept

SUSTAINDC_STEPS_PER_S = 640.0  # the fastest that SustainDC itself was measured at, rewards included
LOOP = 3_000_000

Reference = Annotated[
    float,
    typer.Option(
        "--sustaindc-reference-steps-per-s", min=1e-9, help="What SustainDC itself does here; speeds are its multiple."
    ),
]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Rounds of each measurement; speeds are their medians.")]


def env(reference: Reference = SUSTAINDC_STEPS_PER_S, rounds: Rounds = 5, as_json: AsJson = False) -> None:
    """The site: a week of it in batches and through PettingZoo and Gymnasium. About a minute."""
    from deg.progress import Reporter

    with stdout_kept(as_json), Reporter("bench env", "measurement") as reporter:
        from configs.load import load_config
        from envs.bench import bench
        from envs.bench_costs import growth, two_threads
        from evaluate.cases import make_case

        case = make_case(load_config(None, ["signals.source=synthetic", "workload.name=generator"]))
        before = calibration_s()
        result = bench(case, rounds=rounds, on_progress=reporter)
        result["growth_10000_steps"] = growth(case)
        result["threads_b4096"] = two_threads(case)
    speeds = {**result["batch_env_steps_per_s"], **result["single_env_steps_per_s"]}
    result["ratio_to_sustaindc"] = {name: speed / reference for name, speed in speeds.items()}
    result["sustaindc_reference_steps_per_s"] = reference
    result["calibration_s"] = (before + calibration_s()) / 2.0
    if as_json:
        print_json(result)
    else:
        _print(result, speeds)


def calibration_s() -> float:
    """CPU seconds of a fixed loop in pure Python: how fast this machine is at present."""
    start = time.process_time()
    total = 0
    for k in range(LOOP):
        total += k & 3
    return time.process_time() - start


def _print(result: dict[str, Any], speeds: dict[str, float]) -> None:
    for name, speed in speeds.items():
        ratio = result["ratio_to_sustaindc"][name]
        print(f"{name:<22}{speed:>12,.0f} steps per CPU second, {ratio:>8,.0f} x SustainDC")
    left, threads = result["growth_10000_steps"], result["threads_b4096"]
    print(
        f"10,000 steps leave {left['python_bytes']} bytes and {left['numba_allocations']} Numba allocations; "
        f"a second thread gains {threads['sites_gain']:.2f}, a spinning one {threads['spin_gain']:.2f}"
    )
    print(
        f"SustainDC taken at {result['sustaindc_reference_steps_per_s']:g}; calibration {result['calibration_s']:.3f} s"
    )
