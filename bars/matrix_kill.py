"""``deg evaluate`` killed (SIGKILL) at random moments until it is done, against one that was left alone. One JSON.

    python bars/matrix_kill.py [--kills 4] [--seed 0] [KEY=VALUE ...]

Holds where no finished block was run twice (their files stay untouched) and both end with the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SMALL = (
    "wandb.mode=disabled", "evaluate.weeks=2", "evaluate.seeds=2", "run.name=matrix",
    "evaluate.variants=[neutral, neutral+trades, threshold, threshold+rules, threshold+random, event_follower, mpc]",
)  # fmt: skip
LONGEST_S = 1200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    asked, overrides = parser.parse_known_args()
    rng = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder) / "whole", Path(folder) / "broken"
        _wait(_start(whole, overrides))
        blocks = len(_kept(whole))
        # After so many blocks each time: ends drawn in order, so that every start gets further than the last.
        after = sorted(rng.choice(np.arange(1, blocks), size=min(asked.kills, blocks - 1), replace=False).tolist())
        killed, repeated = [], 0
        before: dict[str, int] = {}
        for count in after:
            process = _start(broken, overrides)
            deadline = time.monotonic() + LONGEST_S
            while len(_kept(broken)) < count and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                killed.append(len(_kept(broken)))
            repeated += sum(_kept(broken).get(name) != at for name, at in before.items())
            before = _kept(broken)
        _wait(_start(broken, overrides))
        repeated += sum(_kept(broken).get(name) != at for name, at in before.items())
        same = _rows(whole).equals(_rows(broken))
    print(
        json.dumps(
            {
                "claim": "kill -9 midway and rerun: no finished block repeated, same numbers",
                "holds": bool(killed) and repeated == 0 and same,
                "blocks": blocks,
                "killed_with_blocks_done": killed,
                "finished_blocks_run_again": repeated,
                "same_rows": same,
            },
            indent=1,
        )
    )


def _start(folder: Path, overrides: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "deg.cli", "evaluate", "--json", f"run.dir={folder}", *SMALL, *overrides]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)


def _wait(process: subprocess.Popen[bytes]) -> None:
    code = process.wait(LONGEST_S)
    if code:
        raise SystemExit(f"deg evaluate left with {code}")


def _kept(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / ".cache").glob("[!.]*.parquet")}


def _rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "matrix" / "results.csv")


if __name__ == "__main__":
    main()
