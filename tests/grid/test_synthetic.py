import time

import numpy as np
import pandas as pd
import pytest

from grid.series import GridDataError
from grid.sources import fit, load_signals, synthetic


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_the_same_seed_and_hour_have_the_same_value_in_any_window():
    year = synthetic.signals(_utc("2022-06-01"), _utc("2024-03-01"), 5).frame
    week = synthetic.signals(_utc("2023-12-28 10:15"), _utc("2024-01-04 00:45"), 5).frame
    held = ["carbon_gco2_per_kwh", "day_ahead_gbp_per_mwh"]
    assert week.index[0] == _utc("2023-12-28 10:15")
    assert week.index[-1] == _utc("2024-01-04 00:30")
    assert year.loc[week.index, held].equals(week[held])
    assert np.allclose(year.loc[week.index[:-4]], week.iloc[:-4])  # weather of the last hour is held, not interpolated
    assert not synthetic.signals(week.index[0], week.index[-1], 6).frame.iloc[0].equals(week.iloc[0])


def test_years_join_without_a_jump():
    price = synthetic.signals(_utc("2018-06-01"), _utc("2021-06-01"), 1).frame["carbon_gco2_per_kwh"].iloc[::4]
    change = price.diff().abs()
    joints = [change[_utc(f"{year}-01-01")] for year in (2019, 2020, 2021)]
    assert max(joints) < change.quantile(0.999)


@pytest.mark.parametrize("start", ["2015-01-01", "2035-12-01"])
def test_any_start_from_2015_to_2035_is_served(start):
    series = load_signals("synthetic", None, _utc(start), _utc(start) + pd.Timedelta("7D"), 0)
    assert series.end_utc == _utc(start) + pd.Timedelta("10D")
    assert set(series.provenance.values()) == {"synthetic"}


def test_other_years_are_refused_with_the_range():
    with pytest.raises(GridDataError, match="2015-2035"):
        load_signals("synthetic", None, _utc("2040-01-01"), _utc("2040-01-08"), 0)


def test_a_year_takes_under_a_second_of_cpu():
    before = time.process_time()
    synthetic.signals(_utc("2027-01-01"), _utc("2028-01-01"), 987)
    assert time.process_time() - before < 1.0


def test_prices_turn_negative_and_spike_as_rarely_as_in_life():
    price = np.concatenate([synthetic._year(seed, 2023)[synthetic.SIGNALS.index("price")] for seed in range(10)])
    assert 0.0002 < (price < 0).mean() < 0.02
    assert 0.005 < (price > 500).mean() < 0.04
    assert (price > 1500).mean() < 0.001
    assert price.max() < 4000


def test_lulls_last_days_and_lift_carbon_and_price_together():
    carbon, price = synthetic._year(0, 2023)[:2].reshape(2, -1, 24).mean(axis=2)
    months = np.arange(len(carbon)) // 30
    carbon, price = (x - np.bincount(months, x)[months] / np.bincount(months)[months] for x in (carbon, price))
    assert np.corrcoef(carbon[1:], carbon[:-1])[0, 1] > 0.4
    assert np.corrcoef(carbon, price)[0, 1] > 0.35


@pytest.fixture(scope="module")
def observed(train_folder) -> pd.DataFrame:
    return fit.observed(train_folder)


@pytest.fixture(scope="module")
def simulated(observed) -> list[pd.DataFrame]:
    """Twenty years of seeds that nothing was fitted on, February to December, as the source serves them."""
    years = []
    for seed in np.random.default_rng(2022).choice(2**31, 20, replace=False):
        frame = synthetic.signals(observed.index[0], observed.index[-1] + pd.Timedelta("1h"), int(seed)).frame.iloc[::4]
        frame = frame[["carbon_gco2_per_kwh", "day_ahead_gbp_per_mwh", "dry_bulb_degc", "wet_bulb_degc"]]
        years.append(frame.set_axis(list(synthetic.SIGNALS), axis=1))
    return years


def _lag(x: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(x[lag:], x[:-lag])[0, 1])


def _spread(x: np.ndarray) -> float:
    return float(np.ptp(x.reshape(-1, 24), axis=1).mean())


@pytest.mark.parametrize("signal", synthetic.SIGNALS)
def test_years_look_like_2022(observed, simulated, signal):
    real, years = observed[signal].to_numpy(), [year[signal].to_numpy() for year in simulated]
    for lag in (1, 24):
        assert np.mean([_lag(x, lag) for x in years]) == pytest.approx(_lag(real, lag), abs=0.04)
    assert np.mean([_spread(x) for x in years]) == pytest.approx(_spread(real), rel=0.08)
    for level in (5, 50, 95):
        off = np.mean([np.percentile(x, level) for x in years]) - np.percentile(real, level)
        assert abs(off) < 0.08 * real.std(), level


@pytest.mark.parametrize("signal", synthetic.SIGNALS)
def test_month_by_hour_means_are_those_of_2022(observed, simulated, signal):
    cells = [observed.index.month, observed.index.hour]
    real = observed[signal].groupby(cells).agg(["mean", "std", "size"])
    mean = sum(year[signal].groupby(cells).mean() for year in simulated) / len(simulated)
    error = real["std"] / np.sqrt(real["size"])
    assert ((mean - real["mean"]).abs() < 3 * error).all()


def test_years_still_differ_from_each_other(simulated):
    """Real years differ: the coldest twentieth of the hours by half a degree or more, dear ones by several pounds."""
    price = np.array([np.percentile(year["price"], 95) for year in simulated])
    cold = np.array([np.percentile(year["dry_bulb"], 5) for year in simulated])
    july = np.array([year.loc[year.index.month == 7, "price"].mean() for year in simulated])
    assert price.std() > 4
    assert cold.std() > 0.25
    assert july.std() > 8
    assert np.corrcoef(simulated[0]["carbon"], simulated[1]["carbon"])[0, 1] < 0.6


def test_carbon_and_price_correlate_as_in_2022(observed, simulated):
    correlation = np.mean([year["carbon"].corr(year["price"]) for year in simulated])
    assert correlation == pytest.approx(observed["carbon"].corr(observed["price"]), abs=0.1)


def test_randomised_worlds_range_from_wild_to_much_calmer_than_2022():
    """2023 had a price of GBP 94/MWh with a deviation of 36, and 128 g/kWh: years like it lie well inside."""
    hours = pd.date_range("2023-01-01", "2024-01-01", freq="h", inclusive="left", tz="UTC")
    found = []
    for seed in range(24):
        frame = synthetic.signals(hours[0], hours[-1] + pd.Timedelta("1h"), seed, randomise=True).frame.iloc[::4]
        price, carbon = frame["day_ahead_gbp_per_mwh"], frame["carbon_gco2_per_kwh"]
        found.append((price.mean(), price.std(), price.std() / price.mean(), carbon.mean(), carbon.std()))
    low, high = np.percentile(found, [10, 90], axis=0)
    for year_2023, year_2022, lowest, highest in zip(
        (94, 36, 0.385, 128, 59), (204, 112, 0.55, 156, 61), low, high, strict=True
    ):
        assert lowest < year_2023 < highest
        assert lowest < year_2022 < 1.25 * highest


def test_a_randomised_world_is_the_same_in_any_window_and_another_than_the_fitted_one():
    year = synthetic.signals(_utc("2023-01-01"), _utc("2024-01-01"), 5, randomise=True).frame
    week = synthetic.signals(_utc("2023-06-01"), _utc("2023-06-08"), 5, randomise=True).frame
    plain = synthetic.signals(_utc("2023-06-01"), _utc("2023-06-08"), 5).frame
    price = "day_ahead_gbp_per_mwh"
    assert year.loc[week.index, price].equals(week[price])
    assert not plain[price].equals(week[price])
    assert plain["dry_bulb_degc"].equals(week["dry_bulb_degc"])
