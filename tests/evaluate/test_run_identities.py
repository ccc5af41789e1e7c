"""A real week, run and recomputed from its own files and the source data: what is claimed is what the files say."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from evaluate.names import ADDITIVE, COUNTERS
from evaluate.run import run_site
from llm_layer.audit import read_lines

WEEKS = ("2023-11-13", "2023-03-20", "2023-10-23")  # a plain week, and the two of the clock changes


@pytest.fixture(scope="module", params=WEEKS)
def week(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run_site(_config(request.param, shared), folder)
    return folder


def _config(start: str, shared: Path):
    path = shared / "data" / "train"
    return load_config(None, ["signals.source=file", f"signals.path={path}", f"run.start={start}", "run.days=7"])


def _read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    summary = json.loads((folder / "summary.json").read_text())
    return pd.read_parquet(folder / "steps.parquet"), pd.read_parquet(folder / "settlement.parquet"), summary


def test_column_sums_are_the_totals(week: Path) -> None:
    steps, _, summary = _read(week)
    for name in ADDITIVE:
        assert steps[name].sum() == pytest.approx(summary[name], abs=1e-6), name
    assert all(isinstance(summary[name], int) for name in COUNTERS)


def test_totals_are_the_sums_they_claim(week: Path) -> None:
    _, settlement, s = _read(week)
    cost = s["energy_gbp"] + s["network_gbp"] + s["wear_gbp"] + s["terminal_gbp"] + s["llm_gbp"]
    assert s["cost_gbp"] == pytest.approx(cost, abs=1e-6)
    assert s["flex_gbp"] == pytest.approx(s["flex_real_gbp"] + s["flex_phantom_gbp"], abs=1e-6)
    assert s["net_gbp"] == pytest.approx(s["cost_gbp"] - s["flex_gbp"], abs=1e-6)
    assert s["objective_gbp"] == pytest.approx(s["net_gbp"] + s["carbon_cost_gbp"] + s["penalty_gbp"], abs=1e-6)
    assert settlement["amount_gbp"].sum() == pytest.approx(s["flex_gbp"], abs=1e-6)


def test_energy_and_work_balance_at_the_meter(week: Path) -> None:
    steps, _, _ = _read(week)
    parts = steps["it_kwh"] + steps["cooling_kwh"] + steps["loss_kwh"] + steps["battery_kwh"]
    np.testing.assert_allclose(steps["import_kwh"], parts, rtol=1e-9, atol=1e-9)
    assert (steps["import_kwh"] >= 0.0).all()
    assert steps["soc_kwh"].between(50.0 - 1e-9, 950.0 + 1e-9).all()


def test_carbon_is_the_meter_times_the_source_files_intensity(week: Path, shared: Path) -> None:
    steps, _, summary = _read(week)
    source = pd.read_csv(shared / "data" / "train" / "gb_carbon_intensity.csv.gz", index_col="timestamp_utc")
    source.index = pd.to_datetime(source.index, utc=True)
    intensity = source["ci_direct_g_per_kwh"].reindex(steps["time_utc"].dt.floor("h")).to_numpy()
    metered_kg = (steps["import_kwh"] * intensity).sum() / 1000.0
    assert summary["carbon_kg"] == pytest.approx(
        metered_kg + summary["terminal_kg"] + summary["llm_carbon_kg"], rel=1e-9
    )


def test_bill_is_the_meter_times_the_source_files_price(week: Path, shared: Path) -> None:
    steps, _, summary = _read(week)
    source = pd.read_csv(shared / "data" / "train" / "gb_price.csv.gz", index_col="timestamp_utc")
    source.index = pd.to_datetime(source.index, utc=True)
    price = source["price_gbp_per_mwh"].reindex(steps["time_utc"].dt.floor("h")).to_numpy()
    assert summary["energy_gbp"] == pytest.approx((steps["import_kwh"] * price).sum() / 1000.0, rel=1e-9)


def test_settlement_days_follow_the_london_clock(week: Path) -> None:
    steps, _, _ = _read(week)
    periods = steps.groupby("settlement_date")["settlement_period"].nunique()
    assert set(periods) <= {46, 48, 50}
    expected = {"2023-11-13": 48 * 7, "2023-03-20": 48 * 7 - 2, "2023-10-23": 48 * 7 + 2}
    assert periods.sum() == expected[str(steps["settlement_date"].iloc[0])]


def test_the_trail_tells_the_same_decisions_and_money(week: Path) -> None:
    _, _, summary = _read(week)
    bodies = [line["body"] for line in read_lines(week)]
    kinds = pd.Series([body["kind"] for body in bodies]).value_counts()
    assert kinds["decision"] == summary["decisions"]
    settled = sum(body["flex_gbp"] for body in bodies if body["kind"] == "settlement")
    assert settled == pytest.approx(summary["flex_gbp"], abs=1e-4)
    assert summary["decisions"] >= summary["overrides"] > 0
    assert summary["events_accepted"] >= 1


def test_twice_the_same_command_gives_equal_steps_and_audit_bodies(shared: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run_site(_config(WEEKS[0], shared), tmp_path / name)
    pd.testing.assert_frame_equal(_read(tmp_path / "one")[0], _read(tmp_path / "two")[0], check_exact=True)
    first, second = ([line["body"] for line in read_lines(tmp_path / name)] for name in ("one", "two"))
    assert first == second
