"""A planner that breaks in one week: named, left out, tried again; nothing else is lost or repeated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.policy import Policy
from deg.cli import exit_code
from envs.view import SiteView
from evaluate.optimal import Mpc, SolverError

PERIOD = "evaluate.period=[2023-05-01, 2023-05-21]"
ASKED = ["wandb.mode=disabled", "evaluate.weeks=2", "evaluate.seeds=1", "evaluate.variants=[neutral, threshold, mpc]"]
SECOND_WEEK = np.datetime64("2023-05-14")


def breaks_in_the_second_week(policy: Policy, obs: object, bounds: np.ndarray, view: SiteView) -> np.ndarray:
    if view.now_utc[0] > SECOND_WEEK:
        raise SolverError("no plan\nin sight")
    return np.zeros((view.batch_size, 3), dtype=np.float32)


def test_one_that_breaks_is_named_where_it_stands_and_a_rerun_tries_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", f"run.dir={tmp_path}", "run.name=matrix", PERIOD, *ASKED]
    folder, cache = tmp_path / "matrix", tmp_path / ".cache"
    with monkeypatch.context() as patched:
        patched.setattr(Mpc, "act", breaks_in_the_second_week)
        assert exit_code(command) == 1
    said = capsys.readouterr()
    assert "failed: mpc, seed 0, 2023-05-15: SolverError: no plan in sight" in said.err
    assert "1 block failed" in said.err
    rows = pd.read_csv(folder / "results.csv")
    assert rows.groupby("variant")["week_start"].count().to_dict() == {"neutral": 2, "threshold": 2, "mpc": 1}
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [variant["name"] for variant in told["variants"]] == ["neutral", "threshold"]
    assert told["failures"] == ["mpc, seed 0, 2023-05-15: SolverError: no plan in sight"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "What could not be run" in page
    assert told["failures"][0] in page

    kept = {path.name: path.stat().st_mtime_ns for path in cache.glob("*.parquet")}
    assert len(kept) == 3
    assert exit_code(command) == 0
    now = {path.name: path.stat().st_mtime_ns for path in cache.glob("*.parquet")}
    assert len(now) == 4
    assert {name: now[name] for name in kept} == kept
    assert "What could not be run" not in (folder / "report.html").read_text(encoding="utf-8")


def test_without_the_neutral_site_there_is_nothing_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("evaluate.block.neutral_rollout", breaks)
    assert exit_code(["evaluate", f"run.dir={tmp_path}", PERIOD, *ASKED[:3], "evaluate.variants=[neutral]"]) == 2
    assert "neutral, seed 0, 2 weeks from 2023-05-01: RuntimeError: out of order" in capsys.readouterr().err
