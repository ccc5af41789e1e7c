"""The GB settlement calendar: Europe/London dates, half-hourly periods, working days.

A settlement date is a London calendar date; period 1 starts at its local midnight and each lasts 30 minutes, so a
date has 48 periods, 46 on the spring clock change and 50 on the autumn one (BSC settlement calendar). Times come in
and go out as tz-aware UTC; naive times are refused, because a guess would be an hour wrong for half the year.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np
import pandas as pd

LONDON = "Europe/London"
PERIOD = pd.Timedelta(minutes=30)
HALF_HOURS_PER_DAY = 48

_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")


def settlement_index(times_utc: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Settlement date (object array of datetime.date) and period (int64, from 1) of each instant, both (n,)."""
    local = _london(times_utc)
    # Subtracting instants, not wall clocks, is what makes 46 and 50 come out right.
    since_midnight = local - local.normalize()
    return local.date, np.asarray(since_midnight // PERIOD, dtype=np.int64) + 1


def clock_half_hour(times_utc: pd.DatetimeIndex) -> np.ndarray:
    """Local wall-clock half-hour 0..47 of each instant, int64 (n,); the repeated autumn hour repeats 2 and 3."""
    local = _london(times_utc)
    return np.asarray(local.hour * 2 + local.minute // 30, dtype=np.int64)


def london_midnight_utc(day: date) -> pd.Timestamp:
    """The UTC instant at which the London date ``day`` begins."""
    return pd.Timestamp(day).tz_localize(LONDON).tz_convert("UTC")


@lru_cache(maxsize=4096)
def periods_in_day(day: date) -> int:
    """Settlement periods of a London date: 46, 48 or 50."""
    return int((london_midnight_utc(day + timedelta(days=1)) - london_midnight_utc(day)) / PERIOD)


def is_clock_change(day: date) -> bool:
    """Whether the London clocks go forward or back on ``day``."""
    return periods_in_day(day) != HALF_HOURS_PER_DAY


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Monday to Friday and not a bank holiday in England, special ones (coronation, state funeral) included."""
    return day.weekday() < 5 and day not in _BANK_HOLIDAYS


def weeks(year: int) -> list[date]:
    """Mondays of ``year`` whose week, and the 24 h after it, lie inside the year; 2023: 2 January .. 18 December.

    The extra day prices what a week leaves queued (design section 4).
    """
    first = date(year, 1, 1)
    monday = first + timedelta(days=-first.weekday() % 7)
    mondays = []
    while monday + timedelta(days=8) <= date(year + 1, 1, 1):
        mondays.append(monday)
        monday += timedelta(days=7)
    return mondays


def day_ahead_published_at(times_utc: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """When the day-ahead price of each instant becomes known, UTC (contract 6).

    The GB delivery day D is 00-24 CET, that is 23:00-23:00 London; its auction results appear on D-1 at 10:30 London.
    """
    delivery_day = (_london(times_utc).tz_localize(None) + pd.Timedelta(hours=1)).normalize()
    results = delivery_day - pd.Timedelta(days=1) + pd.Timedelta(hours=10, minutes=30)
    return results.tz_localize(LONDON).tz_convert("UTC")


def _london(times_utc: pd.DatetimeIndex) -> pd.DatetimeIndex:
    if times_utc.tz is None:
        first = times_utc[0] if len(times_utc) else "an empty index"
        raise ValueError(
            f"times_utc is naive (first: {first}); localise it to UTC before asking for settlement periods"
        )
    return times_utc.tz_convert(LONDON)
