"""``deg evaluate`` end to end on synthetic weeks: files, cache, new variants, mistakes, both reports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deg.cli import exit_code
from evaluate.matrix import COLUMNS

SMALL = ["wandb.mode=disabled", "evaluate.weeks=2", "evaluate.seeds=2"]
FILES = [
    "config.yaml", "overrides.csv", "report.html", "report.json", "results.csv", "results.parquet", "sales.csv",
    "tables",
]  # fmt: skip
VARIANTS = "evaluate.variants=[neutral, carbon_threshold]"


def evaluate(folder: Path, name: str, *overrides: str) -> int:
    return exit_code(["evaluate", "--json", f"run.dir={folder}", f"run.name={name}", *SMALL, *overrides])


def blocks(folder: Path) -> dict[str, int]:
    """File name -> when it was written: what the cache holds."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / ".cache").glob("*.parquet")}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small matrix, ``small``."""
    folder = tmp_path_factory.mktemp("runs")
    assert evaluate(folder, "small", VARIANTS) == 0
    return folder


@pytest.fixture(scope="module")
def numbers(runs: Path) -> dict[str, Any]:
    return json.loads((runs / "small" / "report.json").read_text())


def test_it_writes_rows_report_tables_and_numbers(runs: Path, numbers: dict[str, Any]) -> None:
    assert sorted(path.name for path in (runs / "small").iterdir()) == FILES
    rows = pd.read_csv(runs / "small" / "results.csv")
    assert tuple(rows.columns) == COLUMNS
    assert len(rows) == 2 * 2 * 2
    assert not rows.isna().any(axis=None)
    assert [variant["name"] for variant in numbers["variants"]] == ["neutral", "carbon_threshold"]
    neutral, carbon = (
        (part["objective_gbp"] + part["flex_phantom_gbp"]).sum() for _, part in rows.groupby("variant", sort=False)
    )
    shown = numbers["variants"][1]["saving"]["claim_gbp"]["estimate"]
    assert shown == pytest.approx((neutral - carbon) / neutral, rel=1e-9)


def test_it_prints_one_json_object(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(runs, "printed", VARIANTS) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["report"] == str(runs.resolve() / "printed" / "report.html")
    assert len(printed["answers"]) == 1


def test_a_second_run_computes_nothing_and_gives_the_same_rows(runs: Path) -> None:
    before = blocks(runs)
    assert evaluate(runs, "again", VARIANTS) == 0
    assert blocks(runs) == before
    first, second = (pd.read_csv(runs / name / "results.csv") for name in ("small", "again"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    numbers = [json.loads((runs / name / "report.json").read_text()) for name in ("small", "again")]
    assert numbers[0]["variants"] == numbers[1]["variants"]


def test_a_new_variant_computes_only_itself(runs: Path) -> None:
    before = blocks(runs)
    assert evaluate(runs, "wider", "evaluate.variants=[neutral, carbon_threshold, carbon_threshold+rules]") == 0
    after = blocks(runs)
    assert {name: after[name] for name in before} == before
    assert len(after) - len(before) == 2  # a block a seed


def test_the_bound_is_a_number_below_every_controller(runs: Path) -> None:
    assert evaluate(runs, "bound", "evaluate.seeds=1", "evaluate.variants=[neutral, threshold, oracle_bound]") == 0
    rows = pd.read_csv(runs / "bound" / "results.csv").set_index(["variant", "week_start"])
    claim = rows["objective_gbp"] + rows["flex_phantom_gbp"]
    assert (claim["oracle_bound"] < claim["threshold"]).all()
    assert rows.loc["oracle_bound", ["cost_gbp", "carbon_kg", "decisions"]].isna().all(axis=None)
    (share,) = (
        variant["share_of_bound"]["estimate"]
        for variant in json.loads((runs / "bound" / "report.json").read_text())["variants"]
        if variant["name"] == "threshold"
    )
    saved = [claim["neutral"].sum() - claim[name].sum() for name in ("threshold", "oracle_bound")]
    assert share == pytest.approx(saved[0] / saved[1], rel=1e-9)


def test_another_site_shares_no_block(runs: Path) -> None:
    before = blocks(runs)
    assert evaluate(runs, "smaller", VARIANTS, "site.battery_kwh=500") == 0
    assert len(blocks(runs)) == len(before) + 4


def test_the_written_configuration_repeats_the_matrix(runs: Path) -> None:
    config = runs / "small" / "config.yaml"
    assert exit_code(["evaluate", "--config", str(config), "run.name=repeated"]) == 0
    first, second = (pd.read_csv(runs / name / "results.csv") for name in ("small", "repeated"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_the_headroom_page_comes_from_the_same_command(runs: Path) -> None:
    assert evaluate(runs, "room", "evaluate.report=headroom", "evaluate.variants=[neutral, threshold]",
                    "evaluate.seeds=1") == 0  # fmt: skip
    numbers = json.loads((runs / "room" / "report.json").read_text())["headroom"]
    (ladder,) = numbers["ladders"]
    parts = [worth["gbp"]["estimate"] for worth in ladder["flexibilities"].values()]
    assert sum(parts) == pytest.approx(ladder["day_ahead"]["gbp"]["estimate"], rel=1e-9)
    for rule, steps in ladder["by_rule"].items():
        total = sum(parts) + sum(worth["gbp"]["estimate"] for worth in steps.values())
        assert total == pytest.approx(ladder["totals"][rule]["gbp"]["estimate"], rel=1e-9)
    page = (runs / "room" / "report.html").read_text()
    assert "Not in this matrix: mpc, oracle, oracle_bound." in page
    assert not re.search(r"https?:|//\w|@import|@font-face|<script|<img", page)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["evaluate.variants=[neutral, treshold]"], ["treshold", "did you mean threshold?"]),
        (["evaluate.variants=[neutral, threshold+rule]"], ["threshold+rule", "did you mean threshold+rules?"]),
        (["evaluate.variants=[neutral, oracle_bound+rules]"], ["oracle_bound+rules", "a bound acts nowhere"]),
        (["evaluate.variants=[threshold]"], ["neutral is missing", "add it"]),
        (["evaluate.weeks=60"], ["evaluate.weeks", "60"]),
        (["evaluate.weeks=1"], ["evaluate.weeks", "at least 2"]),
        (["evaluate.period=[2023-01-02, 2023-01-09]", "evaluate.weeks=3"], ["evaluate.weeks: 3", "2 Mondays"]),
        (["wandb.mode=online"], ["WANDB_API_KEY", "offline"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path,
    overrides: list[str],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert exit_code(["evaluate", f"run.dir={tmp_path}", "run.name=wrong", *overrides]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    for word in words:
        assert word in shown.err
    assert not (tmp_path / "wrong").exists()


def test_weeks_outside_the_data_are_refused_with_the_date(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = ["signals.source=file", f"signals.path={shared / 'data' / 'train'}"]
    outside += ["evaluate.period=[2030-01-07, 2030-02-04]", "evaluate.weeks=2"]
    assert exit_code(["evaluate", f"run.dir={tmp_path}", *SMALL[:1], *outside]) == 2
    assert re.search(r"20\d\d-\d\d-\d\d", capsys.readouterr().err)


def test_a_tracked_report_lies_in_its_folder(runs: Path) -> None:
    assert evaluate(runs, "tracked", VARIANTS, "wandb.mode=offline") == 0
    assert list((runs / "tracked" / "wandb").glob("offline-run-*/*.wandb"))
