"""The command line as a user meets it: exit codes, one line for each mistake, nothing else on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deg.cli import exit_code

REPO = Path(__file__).parents[2]


def deg(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deg.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=REPO, timeout=60)


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    return shown.err


def test_a_mistake_ends_in_one_line_and_exit_code_2() -> None:
    done = deg("run", "run.dayz=7")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: override run.dayz=7: unknown key run.dayz; did you mean run.days?\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "run.days=0"], ["run.days is 0", "at least 1"]),
        (["run", "run.days=seven"], ["run.days is 'seven'", "whole number"]),
        (["run", "--config", "nope.yaml"], ["nope.yaml", "no such file"]),
        (["run", "--config"], ["--config", "requires an argument", "--help"]),
        (["run", "--jsn"], ["--jsn", "deg run --help"]),
        (["rum"], ["rum", "run"]),
        (["audit", "verify"], ["Missing argument", "deg audit verify --help"]),
        (["audit", "verify", "nope.jsonl"], ["nope.jsonl", "no such file"]),
        (["describe", "config", "run.dayz=7"], ["run.dayz", "run.days"]),
    ],
)
def test_bad_input_says_place_value_and_fix(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(arguments) == 2
    line = one_error(capsys)
    for word in words:
        assert word in line


def test_a_run_folder_that_cannot_be_made_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert exit_code(["run", f"run.dir={tmp_path / 'file'}"]) == 2
    line = one_error(capsys)
    assert str(tmp_path / "file" / "default") in line
    assert "choose another run.dir" in line


def test_a_folder_that_is_no_run_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    assert exit_code(["run", f"run.dir={tmp_path}", "run.name=thesis"]) == 2
    assert "holds no run" in one_error(capsys)
    assert (tmp_path / "thesis" / "chapter.tex").exists()


def test_describe_config_lists_each_key_with_unit_and_source() -> None:
    done = deg("describe", "config", "--json", "site.battery_kwh=900")
    keys = {row["key"]: row for row in json.loads(done.stdout)["keys"]}
    assert (done.returncode, done.stderr) == (0, "")
    battery = keys["site.battery_kwh"]
    assert (battery["value"], battery["unit"], battery["source"]) == (900.0, "kWh", "assumption")
    table = deg("describe", "config").stdout
    assert all(key in table for key in keys)


def test_help_comes_at_once_and_loads_no_heavy_room() -> None:
    check = (
        "import sys, deg.cli; code = deg.cli.exit_code(['--help']);"
        "heavy = {'numpy', 'pandas', 'torch', 'ray', 'numba', 'evaluate', 'envs', 'grid'} & set(sys.modules);"
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    start = time.process_time()
    children = os.times().children_user + os.times().children_system
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=REPO, timeout=60)
    spent = os.times().children_user + os.times().children_system - children + time.process_time() - start
    assert done.returncode == 0, done.stderr
    assert spent < 1.0
    for command in ("run", "evaluate", "audit", "describe"):
        assert command in done.stdout
