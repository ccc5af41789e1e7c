import numpy as np
import pandas as pd
import pytest

from grid.series import DataRangeError, GridDataError, GridSeries, to_steps


def _broken(series: GridSeries, change) -> GridSeries:
    frame = series.frame.copy()
    frame = change(frame)
    return GridSeries.validated(frame, dict(series.provenance), "my.csv")


def _set(column: str, row: int, value: float):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.iloc[row, frame.columns.get_loc(column)] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(f.index[[10, 11, 500]]), ["first missing time 2023-05-01 02:30:00+00:00"]),
        (lambda f: pd.concat([f.iloc[:6], f.iloc[5:]]), ["2023-05-01 01:15:00+00:00", "twice"]),
        (lambda f: f.iloc[[0, 2, 1, *range(3, 960)]], ["not sorted", "2023-05-01 00:15:00+00:00"]),
        (lambda f: f.set_index(f.index.tz_localize(None)), ["naive", "+00:00"]),
        (lambda f: f.set_index(f.index.tz_convert("Europe/Paris")), ["Europe/Paris", "UTC"]),
        (lambda f: f.iloc[::2], ["first missing time 2023-05-01 00:15:00+00:00"]),
        (_set("carbon_gco2_per_kwh", 7, -3.0), ["carbon_gco2_per_kwh is -3", "2023-05-01 01:45:00+00:00"]),
        (_set("utilisation", 8, 1.2), ["utilisation is 1.2", "from 0 to 1"]),
        (_set("wet_bulb_degc", 9, np.nan), ["wet_bulb_degc is nan", "2023-05-01 02:15:00+00:00"]),
        (lambda f: f.assign(day_ahead_gbp_per_mwh=f["day_ahead_gbp_per_mwh"] / 10), ["p/kWh", "multiply by 10 "]),
        (lambda f: f.assign(day_ahead_gbp_per_mwh=f["day_ahead_gbp_per_mwh"] / 1000), ["GBP/kWh", "1,000"]),
        (lambda f: f.assign(humidity=1.0), ["humidity", "unknown column"]),
    ],
)
def test_bad_data_is_refused_with_place_value_and_fix(small_series, change, words):
    with pytest.raises(GridDataError) as error:
        _broken(small_series, change)
    for word in ["my.csv", *words]:
        assert word in str(error.value)


def test_negative_prices_are_valid(small_series):
    series = _broken(small_series, _set("day_ahead_gbp_per_mwh", 3, -40.0))
    assert series.frame["day_ahead_gbp_per_mwh"].iloc[3] == -40.0


def test_a_cut_outside_the_data_names_the_date_asked_and_the_last_one(small_series):
    with pytest.raises(DataRangeError, match=r"until 2023-05-12 00:00 .* to 2023-05-10"):
        small_series.between(small_series.start_utc, pd.Timestamp("2023-05-12", tz="UTC"))


def test_a_column_is_filled_only_where_the_cut_holds_filled_steps(small_series):
    mask = np.zeros(960, dtype=bool)
    mask[:4] = True
    series = GridSeries.validated(small_series.frame, {**small_series.provenance}, "x", {"day_ahead_gbp_per_mwh": mask})
    start = series.start_utc
    assert series.between(start, start + pd.Timedelta("1D")).provenance["day_ahead_gbp_per_mwh"] == "filled"
    later = series.between(start + pd.Timedelta("1h"), start + pd.Timedelta("1D"))
    assert later.provenance["day_ahead_gbp_per_mwh"] == "real"


def test_joining_keeps_the_common_time_and_both_provenances(small_series):
    first = small_series.between(small_series.start_utc, pd.Timestamp("2023-05-06", tz="UTC"))
    second = GridSeries.validated(small_series.frame[["utilisation"]].iloc[96:], {"utilisation": "real"}, "trace")
    joined = first.with_columns(second)
    assert (joined.start_utc, joined.end_utc) == (second.start_utc, first.end_utc)
    assert joined.provenance["utilisation"] == "real"
    assert joined.provenance["carbon_gco2_per_kwh"] == "synthetic"


def test_hours_become_quarters_weather_linear_and_all_else_held():
    hours = pd.date_range("2023-05-01", periods=3, freq="h", tz="UTC")
    steps = to_steps(pd.DataFrame({"dry_bulb_degc": [10.0, 14.0, 6.0], "carbon_gco2_per_kwh": [1.0, 2.0, 3.0]}, hours))
    assert steps["dry_bulb_degc"].tolist() == [10, 11, 12, 13, 14, 12, 10, 8, 6, 6, 6, 6]
    assert steps["carbon_gco2_per_kwh"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
