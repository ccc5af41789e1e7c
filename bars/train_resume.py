"""Training broken at random moments and resumed ends at an unbroken run's weights, bit for bit. One JSON on stdout.

`python bars/train_resume.py [--breaks 10] [--seed 0] [--ray-address HOST:PORT]`: the same `deg train` twice on one CPU
runner, once left alone, once ended by SIGKILL and SIGTERM in turn at drawn environment steps, a drawn fraction of a
second later (in a rollout, an update or a save), and started again each time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[1]
STEPS = 409_600
SMALL = (
    "train.worlds=2", "train.world_days=25", "train.sites=64", "train.fragment_steps=32", "train.minibatch=512",
    f"train.env_steps={STEPS}", "train.evaluate_weeks=0", "train.checkpoint_every_s=1", "wandb.mode=disabled",
    "signals.path=no-such-folder",
)  # fmt: skip
PATIENCE_S = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--breaks", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray-address", default="null")
    asked = parser.parse_args()
    draws = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = finish(start(folder, "whole", asked.ray_address))
        moments = sorted(draws.randrange(STEPS // 20, STEPS * 19 // 20) for _ in range(asked.breaks))
        breaks = []
        for k, moment in enumerate(moments):
            kind = (signal.SIGKILL, signal.SIGTERM)[k % 2]
            breaks.append(break_off(folder, asked.ray_address, moment, kind, draws.uniform(0.0, 0.5)))
        resumed = finish(start(folder, "broken", asked.ray_address))
        weights = [digest(whole), digest(resumed)]
    print(
        json.dumps(
            {
                "claim": f"broken at {asked.breaks} random moments and resumed, training ends at the same weights",
                "holds": weights[0] == weights[1] and all(b["broken"] for b in breaks) and resumed["resumed_at"] > 0,
                "env_steps": STEPS,
                "weights": weights,
                "breaks": breaks,
                "last_resumed_at": resumed["resumed_at"],
            },
            indent=2,
        )
    )


def start(folder: str, name: str, ray_address: str) -> subprocess.Popen[str]:
    overrides = (*SMALL, f"run.dir={folder}", f"run.name={name}", f"train.ray_address={ray_address}")
    return subprocess.Popen(
        [sys.executable, "-m", "deg.cli", "train", "--json", *overrides],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, error = process.communicate(timeout=PATIENCE_S)
    if process.returncode:
        raise SystemExit(f"deg train ended with {process.returncode}: {error[-800:]}")
    return dict(json.loads(out))


def break_off(folder: str, ray_address: str, moment: int, kind: signal.Signals, delay_s: float) -> dict[str, Any]:
    """Start, wait until ``moment`` is logged and a little longer, end it."""
    process = start(folder, "broken", ray_address)
    metrics = Path(folder) / "broken" / "metrics.csv"
    begun = time.monotonic()
    while process.poll() is None and steps_logged(metrics) < moment:
        if time.monotonic() - begun > PATIENCE_S:
            process.kill()
            raise SystemExit(f"step {moment} was not reached in {PATIENCE_S:g} s")
        time.sleep(0.01)
    time.sleep(delay_s)
    at = steps_logged(metrics)
    process.send_signal(kind)
    process.communicate(timeout=PATIENCE_S)
    return {"signal": kind.name, "asked_at": moment, "ended_at": at, "broken": process.returncode != 0}


def steps_logged(metrics: Path) -> int:
    try:
        line = metrics.read_text().rstrip("\n").rpartition("\n")[2]
        return int(line.split(",")[0])
    except (OSError, ValueError):
        return 0


def digest(summary: dict[str, Any]) -> str:
    return hashlib.sha256((Path(summary["policy"]) / "policy.safetensors").read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    main()
