import time
from datetime import date

import numpy as np
import pandas as pd
import pytest

from grid.calendar import london_midnight_utc
from grid.event_source import generate_events, system_prices
from grid.forecast import forecasts, published_steps
from grid.rows import FORECAST_SIGNALS
from grid.series import GridSeries
from grid.sources import synthetic

DAYS = 365
START = london_midnight_utc(date(2023, 1, 2))
ROWS = DAYS * 96
PRICE = FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")


@pytest.fixture(scope="module")
def series() -> GridSeries:
    plain = synthetic.signals(START - pd.Timedelta("60D"), START + pd.Timedelta(days=DAYS + 3), 7)
    events = generate_events(plain.frame["day_ahead_gbp_per_mwh"], plain.start_utc, plain.end_utc, "k")
    frame = plain.frame.assign(system_gbp_per_mwh=system_prices(plain, events, "k"))
    return GridSeries(frame, {**plain.provenance, "system_gbp_per_mwh": "modelled"}, "year")


@pytest.fixture(scope="module")
def year(series) -> np.ndarray:
    return forecasts(series, START, ROWS, 0)


def _row(text: str) -> int:
    return int((pd.Timestamp(text, tz="Europe/London") - START) / pd.Timedelta("15min"))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2023-11-13 10:15", "2023-11-13 23:00"),
        ("2023-11-13 10:30", "2023-11-14 23:00"),
        ("2023-11-13 23:15", "2023-11-14 23:00"),
        ("2023-07-03 00:00", "2023-07-03 23:00"),
        ("2023-03-25 12:00", "2023-03-26 23:00"),
        ("2023-10-29 09:00", "2023-10-29 23:00"),
    ],
)
def test_prices_are_published_at_half_past_ten_to_the_end_of_the_delivery_day(at, until):
    times = pd.date_range(START, periods=ROWS, freq="15min")
    assert published_steps(times)[_row(at)] == _row(until) - _row(at)


def test_auctioned_prices_are_exact_and_later_ones_are_not(series, year):
    price, first = series.frame["day_ahead_gbp_per_mwh"].to_numpy(), series.position(START)
    published = published_steps(pd.date_range(START, periods=ROWS, freq="15min"))
    for row in (_row("2023-06-14 10:15"), _row("2023-06-14 10:30"), _row("2023-11-29 23:00")):
        truth = price[first + row + 2 : first + row + 194 : 2].astype(np.float32)
        exact = year[row, PRICE] == truth
        known = 2 * np.arange(1, 97) < published[row]
        assert exact[known].all()
        assert not exact[~known].any()


@pytest.mark.parametrize("signal", FORECAST_SIGNALS)
def test_errors_grow_with_the_horizon_and_beat_persistence(series, year, signal):
    first, s = series.position(START), FORECAST_SIGNALS.index(signal)
    x = series.frame[signal].to_numpy()[first:]
    error, persistence = [], []
    for lead in (1, 2, 4, 12, 24, 48, 96):
        truth = x[2 * lead : 2 * lead + ROWS]
        error.append((year[:, s, lead - 1] - truth).std())
        persistence.append((truth - x[:ROWS]).std())
    assert (np.diff(error) > -1e-6).all()  # auctioned prices: zero but for float32
    assert (np.array(error) < persistence).all()
    if signal == "carbon_gco2_per_kwh":
        assert error[5] / persistence[5] == pytest.approx(0.6, abs=0.08)


def test_a_forecast_is_revised_in_small_steps(series, year):
    s, first = FORECAST_SIGNALS.index("carbon_gco2_per_kwh"), series.position(START)
    x = series.frame["carbon_gco2_per_kwh"].to_numpy()[first:]
    error = year[::2, s] - np.stack([x[2 * k : 2 * k + ROWS : 2] for k in range(1, 97)], axis=1)
    revision = error[1:, :-1] - error[:-1, 1:]  # same target, issued half an hour later
    assert revision[:, 47].std() < 0.25 * error[:, 47].std()


def test_seeds_change_errors_and_windows_do_not(series, year):
    week = forecasts(series, START + pd.Timedelta("70D"), 672, 0)
    assert np.allclose(week, year[70 * 96 : 70 * 96 + 672], rtol=1e-4, atol=1e-3)
    assert not np.allclose(forecasts(series, START, 96, 1), year[:96])


def test_nothing_beyond_the_horizon_and_no_later_error_scale_enters(series, year):
    row = 40 * 96 + 17
    cut = series.position(START) + row + 193
    frame = series.frame.copy()
    frame.iloc[cut:] = frame.iloc[cut:] * 3 + 5
    again = forecasts(GridSeries(frame, series.provenance, "changed"), START, ROWS, 0)
    assert np.array_equal(again[: row + 1], year[: row + 1])


def test_past_the_end_of_the_data_the_last_day_stands_in(series):
    short = series.between(series.start_utc, START + pd.Timedelta("8D"))
    week = forecasts(short, START, 8 * 96, 0)
    assert np.isfinite(week).all()
    level = short.frame["dry_bulb_degc"].iloc[-96:]
    assert abs(week[-1, FORECAST_SIGNALS.index("dry_bulb_degc")].mean() - level.mean()) < 6


def test_forecasts_stay_physical(year):
    carbon, dry, wet = (
        year[:, FORECAST_SIGNALS.index(s)] for s in ("carbon_gco2_per_kwh", "dry_bulb_degc", "wet_bulb_degc")
    )
    assert carbon.min() >= 0
    assert (wet <= dry).all()


def test_a_year_takes_a_few_seconds_at_most(series):
    before = time.process_time()
    forecasts(series, START, ROWS, 2)
    assert time.process_time() - before < 4
