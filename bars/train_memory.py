"""Long training keeps its memory flat and its pace. One JSON on stdout.

`python bars/train_memory.py [--steps 10000000]`: default IPPO in this process, checkpoints and metrics as `deg train`
writes them; CPU seconds of the process and its children (Ray's own processes apart), resident memory by step.
Claimed for 10,000,000 environment steps: under 10 CPU minutes and 2.5 GB, flat from the first tenth on.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from configs.load import load_config
from evaluate.cases import params_of
from train.loop import train

CPU_S, RSS_GB = 600.0, 2.5
FLAT_MB_PER_MILLION = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    steps = parser.parse_args().steps
    readings: list[tuple[int, float, float]] = []

    def read(done: int, _total: int) -> None:
        readings.append((done, resident_mb(), time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        overrides = [f"train.env_steps={steps}", "train.algorithm=ippo", "train.evaluate_weeks=0"]
        config = load_config(None, [*overrides, "wandb.mode=disabled"])
        started, wall = time.process_time(), time.monotonic()
        summary = train(config, Path(folder) / "run", params_of(config), on_progress=read)
        cpu_s, wall_s = time.process_time() - started, time.monotonic() - wall
    done, rss_mb, _ = (np.array(column) for column in zip(*readings, strict=True))
    late = done >= steps // 10
    slope = float(np.polyfit(done[late] / 1e6, rss_mb[late], 1)[0])
    print(
        json.dumps(
            {
                "claim": "training takes no more memory as it goes on, and 10 million steps take under 10 CPU minutes",
                "holds": bool(
                    cpu_s < CPU_S * steps / 1e7 + 60.0 and rss_mb.max() < RSS_GB * 1e3 and slope < FLAT_MB_PER_MILLION
                ),
                "env_steps": summary["env_steps"],
                "cpu_s": round(cpu_s, 1),
                "env_steps_per_cpu_s": round(summary["env_steps"] / cpu_s),
                "wall_s": round(wall_s, 1),
                "rss_mb_at_a_tenth": round(float(rss_mb[late][0]), 1),
                "rss_mb_at_the_end": round(float(rss_mb[-1]), 1),
                "rss_mb_most": round(float(rss_mb.max()), 1),
                "rss_slope_mb_per_million_steps": round(slope, 3),
                "saving_share_in_training": summary["training"]["saving_share"],
            },
            indent=2,
        )
    )


def resident_mb() -> float:
    """Of this process, at present (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
