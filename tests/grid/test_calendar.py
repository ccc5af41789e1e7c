from datetime import date

import numpy as np
import pandas as pd
import pytest

from grid.calendar import (
    clock_half_hour,
    day_ahead_published_at,
    is_clock_change,
    is_working_day,
    london_midnight_utc,
    periods_in_day,
    settlement_index,
    weeks,
)
from grid.forecast import published_steps


@pytest.mark.parametrize(
    ("day", "periods"),
    [(date(2023, 3, 26), 46), (date(2023, 10, 29), 50), (date(2023, 6, 1), 48), (date(2024, 3, 31), 46)],
)
def test_a_day_has_as_many_periods_as_the_clock_gives_it(day: date, periods: int) -> None:
    start = london_midnight_utc(day)
    times = pd.date_range(start, periods=2 * periods, freq="15min")
    dates, numbers = settlement_index(times)
    assert periods_in_day(day) == periods
    assert is_clock_change(day) == (periods != 48)
    assert set(dates) == {day}
    np.testing.assert_array_equal(numbers, np.repeat(np.arange(1, periods + 1), 2))


def test_summer_days_start_at_eleven_the_evening_before_in_utc() -> None:
    assert london_midnight_utc(date(2023, 7, 1)) == pd.Timestamp("2023-06-30T23:00Z")
    dates, numbers = settlement_index(pd.DatetimeIndex(["2023-06-30T22:45Z", "2023-06-30T23:00Z"]))
    assert list(dates) == [date(2023, 6, 30), date(2023, 7, 1)]
    assert list(numbers) == [48, 1]


def test_the_wall_clock_repeats_an_hour_in_autumn_and_skips_one_in_spring() -> None:
    autumn = clock_half_hour(pd.date_range("2023-10-29T00:00Z", periods=4, freq="30min"))
    assert list(autumn) == [2, 3, 2, 3]  # 01:00 and 01:30, first in BST, then in GMT
    spring = clock_half_hour(pd.date_range("2023-03-26T00:00Z", periods=4, freq="30min"))
    assert list(spring) == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2023, 11, 15), True),
        (date(2023, 11, 18), False),
        (date(2023, 5, 8), False),  # coronation
        (date(2022, 9, 19), False),  # state funeral
        (date(2023, 8, 7), True),  # summer bank holiday of Scotland, not of England
        (date(2023, 12, 26), False),
    ],
)
def test_working_days_follow_the_english_bank_holidays(day: date, working: bool) -> None:
    assert is_working_day(day) is working


def test_weeks_of_the_report_year_are_the_51_of_the_design() -> None:
    mondays = weeks(2023)
    assert (len(mondays), mondays[0], mondays[-1]) == (51, date(2023, 1, 2), date(2023, 12, 18))
    assert all(day.weekday() == 0 for day in mondays)


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        settlement_index(pd.date_range("2023-01-01", periods=2, freq="15min"))


@pytest.mark.parametrize("start", ["2023-03-25T00:00Z", "2023-10-28T00:00Z", "2023-11-13T00:00Z"])
def test_the_auction_is_known_at_half_past_ten_the_day_before(start: str) -> None:
    """The market's clock and the forecasts' agree on what is published, clock changes included."""
    now = pd.date_range(start, periods=2 * 96, freq="15min")
    last = now + published_steps(now) * pd.Timedelta(minutes=15) - pd.Timedelta(minutes=15)
    assert (day_ahead_published_at(last) <= now).all()
    assert (day_ahead_published_at(last + pd.Timedelta(minutes=15)) > now).all()
