"""The hand-worked tables, and what the case runner does with wrong answers and bad files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from grid.market.cases import agrees, check, run_file

OWN_TABLE = Path(__file__).with_name("cases.json")
SHARED_TABLE = Path(os.environ.get("DEG_SHARED", "../shared")) / "fixtures" / "settlement" / "cases.json"
CASES = json.loads(OWN_TABLE.read_text(encoding="utf-8"))
GATE = {
    "kind": "gate",
    "name": "in time",
    "now_utc": "2023-11-14T15:30:00Z",
    "period_start_utc": "2023-11-14T16:30:00Z",
    "expected": {"accepted": True},
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_hand_worked_case_is_met(case: dict[str, Any]) -> None:
    expected, got = check(case)
    for name, value in expected.items():
        assert agrees(name, value, got[name]), f"{name}: expected {value}, got {got[name]}"
    assert case["note"], "every case of the project's table shows its working"


def test_the_shared_table_passes_whole(capsys: pytest.CaptureFixture[str]) -> None:
    if not SHARED_TABLE.exists():
        pytest.skip(f"no shared fixtures at {SHARED_TABLE}; set DEG_SHARED")
    assert run_file(SHARED_TABLE) == 0
    assert "MISS" not in capsys.readouterr().out


def write(folder: Path, cases: Any) -> Path:
    path = folder / "cases.json"
    path.write_text(json.dumps(cases), encoding="utf-8")
    return path


def test_a_wrong_answer_is_a_miss_and_the_others_still_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**GATE, "name": "wrong", "expected": {"accepted": False}}
    assert run_file(write(tmp_path, [wrong, GATE])) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "MISS gate: wrong: accepted expected False, got True"
    assert lines[1].startswith("ok   gate: in time")


def test_a_total_a_penny_off_is_a_miss_and_a_period_a_millionth_off_is_not() -> None:
    assert not agrees("flex_gbp", 24.01, 24.0)
    assert agrees("flex_gbp", 24.0, 24.0049)
    assert agrees("flex_gbp_per_period", [12.0], [12.0 + 5e-7])
    assert not agrees("flex_gbp_per_period", [12.0], [12.004])
    assert not agrees("flex_gbp_per_period", [12.0, 12.0], [12.0])
    assert not agrees("flex_gbp", 24.0, float("nan"))


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([{**GATE, "kind": "gait"}], "kind 'gait'"),
        ([{**GATE, "now_utc": "2023-11-14T15:30:00"}], "naive"),
        ([{key: value for key, value in GATE.items() if key != "now_utc"}], "'now_utc' is missing"),
        ([{**GATE, "expected": {"acepted": True}}], "acepted"),
        ([{**CASES[0], "compensation": "nobody"}], "compensation='nobody'"),
        ([{**CASES[0], "aggregator_share": 1.5}], "aggregator_share=1.5"),
        ({"cases": []}, "no list of cases"),
        (["gate"], "kind None"),
    ],
)
def test_a_case_of_another_form_is_refused_with_its_place(
    cases: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_file(write(tmp_path, cases)) == 2
    assert said in capsys.readouterr().err


def test_a_missing_or_broken_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("[{", encoding="utf-8")
    for path in (broken, tmp_path / "absent.json", tmp_path):
        assert run_file(path) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
