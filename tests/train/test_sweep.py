"""``deg train sweep``: trials are drawn, compared, kept in a table; the same command goes on; mistakes are one line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from agents.exported import load_policy
from deg.cli import exit_code
from deg.sweep import SPACE as SHIPPED
from tests.train.conftest import SMALL
from train.sweep import TABLE, corners, read_space

SPACE = """
trials: 2
at_once: 1
first_rung: 0.5
keep: 2
set: {train.env_steps: 4096}
space:
  train.lr: {choice: [0.001, 0.002]}
"""


def run(folder: Path, space: Path, *overrides: str) -> int:
    tiny = [text for text in SMALL if not text.startswith("train.env_steps")]
    names = [f"run.dir={folder}", "run.name=sweep"]
    return exit_code(["train", "sweep", "--space", str(space), *tiny, *names, *overrides])


@pytest.mark.usefixtures("cluster")
def test_two_trials_give_a_table_and_are_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(SPACE)
    assert run(tmp_path, space) == 0
    with (tmp_path / "sweep" / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {row["train.lr"] for row in rows} <= {"0.001", "0.002"}
    whole = [row for row in rows if row["ended"] == "whole"]
    assert whole
    assert rows[0] == whole[0], "what was ended early comes last"
    assert load_policy(whole[0]["policy"]).card["env_steps"] == 4096
    assert "2 trials, best first" in capsys.readouterr().out

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "sweep" / "trials").rglob("metrics.csv")}
    assert before
    assert run(tmp_path, space) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before, "done is done"

    space.write_text(SPACE.replace("0.002", "0.003"))
    assert run(tmp_path, space) == 2
    assert "holds a sweep of another space" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("first_rung: 0", "first_rung 0; give a share above 0"),
        ("trials: 0", "trials 0; give a whole number from 1 on"),
        ("space: {train.lr: {normal: [0, 1]}}", "space.train.lr {'normal': [0, 1]}; give one of choice"),
        ("space: {train.lr: {log_uniform: [0, 1]}}", "log_uniform: [low, high], both above 0"),
        ("space: {}", "space is empty"),
        ("rungs: 3", "rungs; give exactly at_once, first_rung, keep, set, space, trials"),
    ],
)
def test_a_space_that_cannot_be_read_is_one_line(tmp_path: Path, changed: str, said: str) -> None:
    path = tmp_path / "space.yaml"
    name = changed.partition(":")[0]
    kept = [
        line for line in SPACE.strip().splitlines() if not line.startswith((name, "  " if name == "space" else "-"))
    ]
    path.write_text("\n".join([*kept, changed]))
    with pytest.raises(ValueError, match="give") as error:
        read_space(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_shipped_space_is_of_real_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = read_space(SHIPPED)
    assert len(corners(shipped)) > len(shipped.keys)
    space = tmp_path / "space.yaml"
    space.write_text(SPACE.replace("train.lr", "train.learning_rate"))
    assert run(tmp_path, space) == 2
    assert "unknown key train.learning_rate" in capsys.readouterr().err
