"""``deg audit`` on a trail written as a run writes it: whole, tampered with, and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deg.cli import exit_code
from llm_layer.audit import AuditWriter
from llm_layer.records import run_body, settlement_bodies, summary_body, when


def decision(time: str, directive: dict[str, Any], sales: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    agents = ("load_shift", "battery", "cooling")
    return {
        "kind": "decision",
        **when(pd.Timestamp(time).value),
        "site": 0,
        "step": 0,
        "wake": "hold over",
        "policy": "rules",
        "answered": True,
        "situation": {},
        "proposals": dict.fromkeys(agents, 0.0),
        "directive": {**dict.fromkeys(agents, "follow"), "reason_code": "follow", "text": "", **directive},
        "bounds": {},
        "clamped": [],
        "sales": list(sales),
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a trail of two days: a quiet one, and one with a request that is settled."""
    keys = {"settlement_date": "2023-11-15", "settlement_period": 35}
    period = {"sold_kwh": 200.0, "baseline_kwh": 300.0, "metered_kwh": 110.0}
    money = {"flex_gbp": 23.2, "flex_real_gbp": 20.0, "flex_phantom_gbp": 3.2}
    term = {"event_id": "request-7", "term": "sale", "volume_mwh": 0.2, "price_gbp_per_mwh": 150.0, "amount_gbp": 30.0}
    settled = settlement_bodies(0, pd.DataFrame([{**keys, **term}]), pd.DataFrame([{**keys, **period, **money}]))
    totals = {"cost_gbp": 4000.0, **money, "objective_gbp": 4300.0, "carbon_kg": 7000.0}
    sale = {"event_id": "request-7", "kw": 400.0, "refused": ""}
    bodies = [
        run_body(config_hash="0" * 64, agents="neutral", supervisor="rules", site={}, data={}, market={}),
        decision("2023-11-14T00:00Z", {}),
        decision("2023-11-14T01:00Z", {}),
        decision("2023-11-15T12:00Z", {"battery": "charge", "reason_code": "request", "text": "Pays GBP 24"}, (sale,)),
        *settled,
        summary_body(totals),
    ]
    with AuditWriter(tmp_path / "audit.jsonl") as trail:
        for body in bodies:
            trail.write(body, {"wall_s": 0.0})
    return tmp_path


def test_a_whole_trail_is_confirmed_by_file_and_by_run_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "verify", str(run)]) == 0
    head = capsys.readouterr().out.split()[-1]
    assert exit_code(["audit", "verify", str(run / "audit.jsonl"), "--head", head]) == 0
    assert exit_code(["audit", "verify", str(run), "--json"]) == 0
    shown = capsys.readouterr().out.split("\n", 1)[1]
    assert json.loads(shown) == {"ok": True, "lines": 6, "head": head, "reason": ""}


def test_tampering_ends_in_exit_code_1_and_names_the_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trail = run / "audit.jsonl"
    trail.write_bytes(trail.read_bytes().replace(b"Pays GBP 24", b"Pays GBP 94"))
    assert exit_code(["audit", "verify", str(run)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "line 4" in shown.err
    assert str(trail) in shown.err
    assert exit_code(["audit", "show", str(run)]) == 0
    assert "do not rely" in capsys.readouterr().err


def test_a_trail_that_was_cut_fails_against_its_head(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code(["audit", "verify", str(run)])
    head = capsys.readouterr().out.split()[-1]
    trail = run / "audit.jsonl"
    trail.write_bytes(b"".join(trail.read_bytes().splitlines(keepends=True)[:-1]))
    assert exit_code(["audit", "verify", str(run)]) == 0
    assert exit_code(["audit", "verify", str(run), "--head", head]) == 1


def test_show_tells_the_reason_and_the_money(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "show", str(run)]) == 0
    told = capsys.readouterr().out
    assert "00:00 to 01:00  2 decisions: the agents are followed" in told
    assert "12:00  battery charge - Pays GBP 24 [request] | request request-7: 400 kW sold" in told
    assert "Wednesday 15 November 2023" in told
    assert "delivered 190.0" in told
    assert "real +20.00, phantom +3.20" in told
    assert "bill GBP 4,000.00" in told


def test_show_of_one_day_holds_that_day_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "show", str(run), "--day", "2023-11-15", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["records"]
    assert [record["kind"] for record in records] == ["decision", "settlement"]


@pytest.mark.parametrize(
    ("day", "words"),
    [("2024-01-01", "covers 2023-11-14 to 2023-11-15"), ("15/11/2023", "not a date; give one like")],
)
def test_a_day_that_is_not_there_is_refused(
    run: Path, day: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["audit", "show", str(run), "--day", day]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert words in shown.err
