"""Seeded noise that is a pure function of absolute time, so that two runs over one week meet the same world.

Time is cut into calendar weeks (Monday 00:00 London). Each week draws from a generator seeded by a hash of what is
asked for and the week's date; an AR(1) path starts from zero one week earlier, which for correlation times up to a
day leaves less than 0.1 % of the start, and never depends on where the run begins.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from grid.calendar import LONDON, PERIOD, london_midnight_utc

WEEK = timedelta(days=7)


def hashed_generator(*parts: object) -> np.random.Generator:
    """A generator seeded by the SHA-256 of the parts' text: equal in every process and on every machine."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def monday_of(time_utc: pd.Timestamp) -> date:
    """The Monday whose London week holds the instant."""
    day = time_utc.tz_convert(LONDON).date()
    return day - timedelta(days=day.weekday())


def mondays_between(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> list[date]:
    """Mondays of the calendar weeks that [start, end) touches."""
    first, last = monday_of(start_utc), monday_of(end_utc - PERIOD)
    return [first + k * WEEK for k in range((last - first).days // 7 + 1)]


def ar1(key: tuple[object, ...], start_utc: pd.Timestamp, half_hours: int, hourly_correlation: float) -> np.ndarray:
    """float64 (half_hours,): unit-variance AR(1) by half-hour from ``start_utc`` (floored to a half-hour) on."""
    start_utc = start_utc.floor(PERIOD)
    paths = [
        _week_path(key, monday, hourly_correlation)
        for monday in mondays_between(start_utc, start_utc + half_hours * PERIOD)
    ]
    skip = int((start_utc - london_midnight_utc(monday_of(start_utc))) / PERIOD)
    return np.concatenate(paths)[skip : skip + half_hours]


@lru_cache(maxsize=4096)
def _week_path(key: tuple[object, ...], monday: date, hourly_correlation: float) -> np.ndarray:
    phi = np.sqrt(hourly_correlation)
    before, now = _week_normals(key, monday - WEEK), _week_normals(key, monday)
    return lfilter([np.sqrt(1 - phi**2)], [1.0, -phi], np.concatenate([before, now]))[len(before) :]


def _week_normals(key: tuple[object, ...], monday: date) -> np.ndarray:
    half_hours = int((london_midnight_utc(monday + WEEK) - london_midnight_utc(monday)) / PERIOD)
    return hashed_generator(*key, monday).standard_normal(half_hours)
