"""What the market and tariff keys of a configuration do to the world of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from evaluate.cases import make_case, market_rules
from evaluate.market_terms import described
from grid.rows import ExogenousRows

REPO = Path(__file__).parents[2]


def _rows(*overrides: str, file: Path | None = None) -> ExogenousRows:
    return make_case(load_config(file, [*overrides, "run.days=7"])).rows


@pytest.fixture(scope="module")
def usual() -> ExogenousRows:
    return _rows()


def test_a_reference_price_of_ones_own_holds_for_every_row(usual: ExogenousRows) -> None:
    rows = _rows("market.reference_price_gbp_per_mwh=87.21")
    assert set(rows["reference_price_gbp_per_mwh"]) == {87.21}
    assert np.array_equal(rows["system_gbp_per_mwh"], usual["system_gbp_per_mwh"])


def test_requests_come_from_a_file_where_one_is_named(tmp_path: Path) -> None:
    entry = {
        "id": "mine",
        "published_at": "2023-11-14T10:00:00Z",
        "start": "2023-11-14T16:30:00Z",
        "end": "2023-11-14T18:00:00Z",
        "kw": 300,
        "price_gbp_per_mwh": 3000,
    }
    (tmp_path / "events.json").write_text(json.dumps([entry]))
    rows = _rows(f"market.events={tmp_path / 'events.json'}")
    assert [event.id for event in rows.events] == ["mine"]
    assert rows["event_gbp_per_mwh"].max() == 3000


def test_terms_of_requests_and_system_price_are_keys(usual: ExogenousRows) -> None:
    rows = _rows(
        "market.request_terms.multiple_low=3",
        "market.request_terms.multiple_high=6",
        "market.system_price.sd_gbp_per_mwh=0",
    )
    assert [event.start for event in rows.events] == [event.start for event in usual.events]
    doubled = [event.price_gbp_per_mwh / 2 for event in rows.events]
    assert doubled == pytest.approx([event.price_gbp_per_mwh for event in usual.events], abs=0.01)
    quiet = rows["event_requested_kw"] == 0
    assert np.allclose(rows["system_gbp_per_mwh"][quiet], rows["day_ahead_gbp_per_mwh"][quiet])


def test_the_baseline_rule_reaches_rows_and_rules(usual: ExogenousRows) -> None:
    high = _rows("market.baseline_rule=high")
    assert high["baseline_kw"][:672].mean() > usual["baseline_kw"][:672].mean()
    assert market_rules(load_config(overrides=["market.baseline_rule=high"])).baseline_rule == "high"


@pytest.mark.parametrize(
    ("time", "gbp_per_mwh"),
    [
        ("2023-11-15 03:00", 0.13),
        ("2023-11-15 08:00", 2.83),
        ("2023-11-15 12:00", 33.18),
        ("2023-11-15 17:00", 33.18),
        ("2023-11-15 23:00", 0.13),
        ("2023-11-18 17:00", 0.13),
    ],
)
def test_the_london_bands_charge_by_hour_and_day(time: str, gbp_per_mwh: float) -> None:
    config = load_config(REPO / "configs" / "network_london.yaml")
    from evaluate.cases import tariff_of
    from grid.compile import network_charge

    times = pd.DatetimeIndex([pd.Timestamp(time, tz="Europe/London").tz_convert("UTC")])
    assert network_charge(times, tariff_of(config).network_bands) == pytest.approx(gbp_per_mwh)


def test_the_break_even_of_inflating_ten_days_is_shown_with_the_present_terms() -> None:
    usual = described(load_config())
    inflation = usual["inflation"]
    expected = 10 * inflation["mean_tariff_gbp_per_mwh"] / 0.8
    assert inflation["break_even_one_event_gbp_per_mwh"] == pytest.approx(expected)
    assert inflation["break_even_all_event_days_gbp_per_mwh"] == pytest.approx(expected / usual["request_days"])
    pays = described(load_config(overrides=["market.compensation=vtp_pays", "market.aggregator_share=0.5"]))
    dearer = pays["inflation"]["break_even_one_event_gbp_per_mwh"]
    assert dearer == pytest.approx(10 * inflation["mean_tariff_gbp_per_mwh"] / 0.5 + usual["reference_gbp_per_mwh"])
