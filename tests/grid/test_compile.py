from datetime import date

import numpy as np
import pandas as pd
import pytest

from grid.calendar import london_midnight_utc
from grid.compile import NetworkBand, Tariff, compile_rows
from grid.events import FlexEvent
from grid.rows import COLUMNS
from grid.series import DataRangeError, GridDataError, GridSeries

START = pd.Timestamp("2023-05-05", tz="UTC")


def _rows(series, **changes):
    options = {"start_utc": START, "steps": 192, "events": (), "baseline": None, "tariff": Tariff(), "seed": 0}
    return compile_rows(series, **{**options, **changes})


def _event(start: str, hours: float = 1.0, id: str = "e1") -> FlexEvent:
    begin = pd.Timestamp(start, tz="UTC")
    return FlexEvent(id, begin - pd.Timedelta("5h"), begin, begin + pd.Timedelta(hours=hours), 300.0, 250.0)


def test_columns_hold_the_signals_of_their_row_and_24_h_more(small_series):
    rows = _rows(small_series, tariff=Tariff(adder_gbp_per_mwh=12.0))
    assert rows.values.shape == (192 + 96, len(COLUMNS))
    carbon = small_series.frame["carbon_gco2_per_kwh"].loc[rows.times_utc]
    assert np.array_equal(rows["carbon_gco2_per_kwh"], carbon)
    assert np.array_equal(rows["tariff_gbp_per_mwh"], rows["day_ahead_gbp_per_mwh"] + 12.0)
    assert set(rows["reference_price_gbp_per_mwh"]) == {90.0}
    assert set(rows.provenance) == set(COLUMNS)
    assert rows.provenance["utilisation"] == "synthetic"
    assert rows.provenance["event_gbp_per_mwh"] == "modelled"


def test_requests_fill_their_periods_alone(small_series):
    rows = _rows(small_series, events=[_event("2023-05-06 16:30"), _event("2023-06-20 16:30", id="far")])
    inside = (rows.times_utc >= "2023-05-06 16:30Z") & (rows.times_utc < "2023-05-06 17:30Z")
    assert np.array_equal(rows["event_requested_kw"], np.where(inside, 300.0, 0.0))
    assert np.array_equal(rows["event_gbp_per_mwh"], np.where(inside, 250.0, 0.0))
    assert [event.id for event in rows.events] == ["e1"]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([_event("2023-05-04 23:30")], "e1.*crosses an end of the run"),
        ([_event("2023-05-06 16:30", 2), _event("2023-05-06 18:00", id="e2")], "e2.*before e1 ends"),
    ],
)
def test_requests_across_an_end_or_over_each_other_are_refused(small_series, events, words):
    with pytest.raises(GridDataError, match=words):
        _rows(small_series, events=events)


def test_a_baseline_is_read_by_london_half_hour_and_ends_with_its_days(small_series):
    start = london_midnight_utc(date(2023, 5, 5))  # 23:00 UTC the day before
    kwh = np.arange(96.0).reshape(2, 48)
    rows = _rows(small_series, start_utc=start, baseline=(kwh, date(2023, 5, 5)))
    assert np.array_equal(rows["baseline_kw"][:192], np.repeat(2 * np.arange(96.0), 2))
    assert not rows["baseline_kw"][192:].any()


def test_network_bands_follow_the_london_clock_and_working_days(small_series):
    bands = (NetworkBand(32, 38, 40.0, working_days_only=True), NetworkBand(0, 48, 5.0))
    charge = pd.Series(_rows(small_series, tariff=Tariff(network_bands=bands))["network_gbp_per_mwh"])
    charge.index = pd.date_range(START, periods=288, freq="15min")
    assert charge["2023-05-05 15:00:00+00:00"] == 45.0  # Friday 16:00 London
    assert charge["2023-05-05 18:00:00+00:00"] == 5.0
    assert charge["2023-05-06 15:00:00+00:00"] == 5.0  # Saturday


def test_trailing_means_cover_seven_days_or_what_there_is(small_series):
    rows = _rows(small_series, start_utc=small_series.start_utc, steps=800)
    price = small_series.frame["day_ahead_gbp_per_mwh"].to_numpy()
    assert rows.trailing[0, 1] == price[0]
    assert rows.trailing[100, 1] == pytest.approx(price[:101].mean())
    assert rows.trailing[800, 1] == pytest.approx(price[129:801].mean())


def test_what_is_not_published_changes_nothing_at_or_before_the_row(small_series):
    """The leak test: with the forecast as published, later values and prices not yet auctioned leave no trace."""
    before = _rows(small_series)
    t = 70  # 2023-05-05 17:30 UTC: prices known to 22:00 UTC on the 6th
    unpublished = small_series.position(START) + t + before.published_steps[t]
    frame = small_series.frame.copy()
    price = frame.columns.get_loc("day_ahead_gbp_per_mwh")
    others = [c for c in range(len(frame.columns)) if c != price]
    frame.iloc[unpublished:, price] += 500.0
    frame.iloc[small_series.position(START) + t + 1 :, others] *= 0.5
    changed = GridSeries.validated(frame, dict(small_series.provenance), "changed")
    after = _rows(changed, forecast=before.forecast)
    known = t + before.published_steps[t]
    assert np.array_equal(after.values[: t + 1], before.values[: t + 1])
    assert np.array_equal(after["day_ahead_gbp_per_mwh"][:known], before["day_ahead_gbp_per_mwh"][:known])
    assert np.array_equal(after.trailing[: t + 1], before.trailing[: t + 1])
    assert not np.array_equal(after.values[t + 1 :], before.values[t + 1 :])


def test_missing_columns_short_data_and_misshapen_forecasts_are_refused(small_series):
    frame = small_series.frame.drop(columns="system_gbp_per_mwh")
    with pytest.raises(GridDataError, match="no column system_gbp_per_mwh"):
        _rows(GridSeries(frame, small_series.provenance, "x"))
    with pytest.raises(DataRangeError, match="until 2023-05-12"):
        _rows(small_series, steps=6 * 96)
    with pytest.raises(GridDataError, match=r"forecast has shape \(3,\)"):
        _rows(small_series, forecast=np.zeros(3))
