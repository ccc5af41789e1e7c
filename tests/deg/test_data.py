"""``deg data``: fetched from loopback services, made, described, and run."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deg.cli import exit_code
from grid.sources import parquet

SERVER = runpy.run_path(str(Path(__file__).parents[1] / "grid" / "live" / "server.py"))
MAY = ["--from", "2023-05-01", "--to", "2023-05-03"]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = SERVER["GridServices"]("2023-05-22 12:10")
    yield running
    running.stop()


@pytest.fixture
def live(services: Any, tmp_path: Path) -> list[str]:
    """Overrides that send the command to the loopback services."""
    urls = [f"signals.base_urls.{name}={url}" for name, url in services.base_urls.items()]
    return [*urls, f"signals.cache_dir={tmp_path / 'cache'}"]


def test_fetch_writes_one_parquet_and_does_not_ask_twice(
    services: Any, live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "may.parquet"
    assert exit_code(["data", "fetch", *MAY, "--out", str(out), "--json", *live]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rows"] == 288
    assert printed["provenance"]["day_ahead_gbp_per_mwh"] == "modelled"
    assert printed["provenance"]["system_gbp_per_mwh"] == "real"
    series = parquet.signals(str(out))
    assert series.start_utc == pd.Timestamp("2023-04-30 23:00", tz="UTC")
    assert series.frame["carbon_gco2_per_kwh"].iloc[4 * 9] == 100 + 4 * 8 + 1
    asked = len(services.asked)
    assert exit_code(["data", "fetch", *MAY, "--out", str(out), *live]) == 0
    shown = capsys.readouterr().out
    assert "Elexon" in shown
    assert "too short for a run" in shown
    assert len(services.asked) == asked


def test_a_dead_service_is_one_line_and_no_file(
    services: Any, live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services.fail("429-long", times=9, path="/elexon")
    assert exit_code(["data", "fetch", *MAY, "--out", str(tmp_path / "may.parquet"), *live]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    errors = [line for line in shown.err.splitlines() if not line.startswith("fetching")]
    assert len(errors) == 1
    assert "no day-ahead price" in errors[0]
    assert "slow down" in errors[0]
    assert list(tmp_path.glob("*.parquet")) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fetch", "--from", "2023-05-04", "--to", "2023-05-01", "--out", "x.parquet"], ["--to 2023-05-01", "swap"]),
        (["fetch", "--from", "May", "--to", "2023-05-01", "--out", "x.parquet"], ["May", "--help"]),
        (["fetch", *MAY, "--out", "x.csv"], ["x.csv", "ends in .parquet"]),
        (["fetch", *MAY, "--out", "nowhere/x.parquet"], ["no folder nowhere"]),
        (["synth", "--years", "99", "--out", "x.parquet"], ["--years is 99", "1 to 21"]),
        (["describe", "nope.parquet"], ["nope.parquet"]),
        (["describe", "setup.py"], ["setup.py", "no folder"]),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["data", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    for word in words:
        assert word in shown.err


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("signals") / "year.parquet"
    assert exit_code(["data", "synth", "--years", "1", "--seed", "4", "--out", str(out), "--randomise"]) == 0
    return out


def test_a_made_year_is_described_beside_another(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.parquet"
    assert exit_code(["data", "synth", "--seed", "4", "--out", str(other)]) == 0
    capsys.readouterr()
    picture = tmp_path / "picture.png"
    assert exit_code(["data", "describe", str(year), "--compare", str(other), "--plot", str(picture), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    prices = [each["statistics"]["day_ahead_gbp_per_mwh"]["mean"] for each in (found, found["compare"])]
    frames = [pd.read_parquet(path) for path in (year, other)]
    assert prices == pytest.approx([frame["day_ahead_gbp_per_mwh"].mean() for frame in frames])
    assert found["gaps"] == []
    assert found["coverage"]["carbon_gco2_per_kwh"] == 1.0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert exit_code(["data", "describe", str(year), "--compare", str(other)]) == 0
    assert "mean daily range" in capsys.readouterr().out


def test_gaps_are_named_with_their_length(year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_parquet(year).iloc[:960]
    frame.loc[100:103, "carbon_gco2_per_kwh"] = float("nan")
    frame.drop(index=range(500, 508)).to_parquet(tmp_path / "holes.parquet")
    assert exit_code(["data", "describe", str(tmp_path / "holes.parquet"), "--json"]) == 0
    gaps = json.loads(capsys.readouterr().out)["gaps"]
    carbon = [gap for gap in gaps if gap["column"] == "carbon_gco2_per_kwh"]
    assert [gap["steps"] for gap in carbon] == [4, 8]
    assert carbon[0]["first"] == "2023-01-02T01:00:00+00:00"
    assert len(gaps) == 3 + 2


def test_a_parquet_can_be_run(year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = ["signals.source=file", f"signals.path={year}", f"run.dir={tmp_path}", "run.days=1"]
    assert exit_code(["run", "--json", *signals]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["provenance"]["day_ahead_gbp_per_mwh"] == "synthetic"
    assert summary["workload"] == "generator"
    assert exit_code(["run", *signals, "run.start=2023-02-01"]) == 2
    assert "from 2022-12-03 00:00 UTC" in capsys.readouterr().err


def test_describe_market_states_the_price_at_which_gaming_pays(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["describe", "market"]) == 0
    shown = capsys.readouterr().out
    assert "moves its baseline by 0 kWh" in shown
    assert "pays above GBP" in shown
