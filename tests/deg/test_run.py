"""``deg run`` end to end: the files, the one JSON object, the same result twice, Ctrl-C, data that is not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from deg.cli import exit_code

REPO = Path(__file__).parents[2]
SHARED = Path(os.environ.get("DEG_SHARED") or "../shared")
FILES = ["audit.jsonl", "config.yaml", "report.html", "settlement.parquet", "steps.parquet", "summary.json"]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deg.cli", "run", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run of two synthetic days, ``two``, and what the command printed, ``two.json``."""
    folder = tmp_path_factory.mktemp("runs")
    job = start("--json", f"run.dir={folder}", "run.name=two", "run.days=2")
    out, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    (folder / "two.json").write_text(out)
    return folder


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The folder of a long run that got a Ctrl-C once it was under way."""
    job = start(f"run.dir={tmp_path}", "run.name=long", "run.days=60")
    trail = tmp_path / ".long.partial" / "audit.jsonl"
    deadline = time.monotonic() + 120
    while not (trail.exists() and trail.read_bytes().count(b"\n") > 20):
        assert job.poll() is None, job.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    job.send_signal(signal.SIGINT)
    _, err = job.communicate(timeout=120)
    assert job.returncode == 1, err
    assert "Traceback" not in err
    assert "what ran is in" in err
    return tmp_path / "long"


def test_a_run_writes_its_files_and_prints_one_json_object(runs: Path) -> None:
    printed = json.loads((runs / "two.json").read_text())
    assert sorted(path.name for path in (runs / "two").iterdir()) == FILES
    assert printed["report"] == str(runs / "two" / "report.html")
    summary = json.loads((runs / "two" / "summary.json").read_text())
    assert printed["objective_gbp"] == summary["objective_gbp"]
    assert printed["decisions"] > 0


def test_its_trail_verifies_and_reads(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "verify", str(runs / "two")]) == 0
    head = capsys.readouterr().out.split()[-1]
    assert head == json.loads((runs / "two" / "summary.json").read_text())["audit_head"]
    assert exit_code(["audit", "show", str(runs / "two"), "--day", "2023-11-14"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Tuesday 14 November 2023\n")
    assert len(told.splitlines()) > 5


def test_the_written_configuration_repeats_the_run(runs: Path) -> None:
    config = runs / "two" / "config.yaml"
    assert exit_code(["run", "--config", str(config), f"run.dir={runs}", "run.name=again"]) == 0
    first, second = (pd.read_parquet(runs / name / "steps.parquet") for name in ("two", "again"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)

    def bodies(name: str) -> list[object]:
        lines = (runs / name / "audit.jsonl").read_bytes().split(b"\n")
        return [json.loads(line)["body"] for line in lines if line]

    assert bodies("two") == bodies("again")


def test_ctrl_c_leaves_a_readable_run_of_what_ran(stopped: Path) -> None:
    assert sorted(path.name for path in stopped.iterdir()) == FILES
    assert [path.name for path in stopped.parent.iterdir()] == ["long"]
    steps = pd.read_parquet(stopped / "steps.parquet")
    summary = json.loads((stopped / "summary.json").read_text())
    assert 0 < len(steps) < 60 * 96
    assert steps["objective_gbp"].sum() == pytest.approx(summary["objective_gbp"], abs=1e-6)
    assert exit_code(["audit", "verify", str(stopped)]) == 0


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *overrides: str) -> str:
    assert exit_code(["run", f"run.dir={folder}", *overrides]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    errors = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in shown.err
    assert list(folder.iterdir()) == []
    return errors[0]


def test_missing_signal_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = tmp_path / "nowhere"
    (tmp_path / "runs").mkdir()
    line = refused(capsys, tmp_path / "runs", "signals.source=file", f"signals.path={nowhere}")
    assert str(nowhere) in line


@pytest.mark.skipif(not (SHARED / "data" / "train").is_dir(), reason="needs the data pack: set DEG_SHARED")
@pytest.mark.parametrize("first_day", ["2023-12-30", "2021-01-15", "2031-01-01"])
def test_a_run_beyond_the_data_is_refused_with_the_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first_day: str
) -> None:
    line = refused(capsys, tmp_path, "signals.source=file", f"run.start={first_day}", "run.days=7")
    assert any(year in line for year in ("2020-", "2021-", "2023-", "2024-", "2031-"))
