"""Flexibility requests and system prices, both modelled: pure functions of (source, calendar week).

Scarcity model. Each London day in turn, the grid side looks at the day-ahead price of 16:00-20:00 against the mean of
the seven days before it (both published by then). The dearer, the likelier a request: probability
``SLOPE x (ratio - RATIO_FLOOR)``, at most ``MOST_PROBABLE``. A week has at most three requests; one with none by its
fallback day (Wednesday to Friday, drawn) gets one there, so every full week has at least one. A request lasts 1 to
2 h at a random half-hour in that window, asks 200-500 kW, pays 1.5-3 times the mean day-ahead price of its hours and
never below ``PRICE_FLOOR_GBP_PER_MWH``, and is published the evening before or on the day, at least 4 h ahead.

System price = day-ahead + AR(1) (sd GBP 21/MWh, 0.9 an hour), raised by half the premium during requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from grid.calendar import LONDON, PERIOD
from grid.events import FlexEvent
from grid.noise import ar1, hashed_generator, mondays_between
from grid.rows import STEPS_PER_PERIOD
from grid.series import STEP, GridSeries

FIRST_HOUR, LAST_HOUR = 16, 20
HALF_HOURS_LONG = (2, 3, 4)
MOST_PER_WEEK = 3
FALLBACK_WEEKDAYS = (2, 3, 4)
SLOPE, RATIO_FLOOR, MOST_PROBABLE = 0.6, 0.9, 0.6  # assumption: about two requests in a week of ordinary prices
KW_LOW, KW_HIGH, KW_STEP = 200, 500, 25
MULTIPLE_LOW, MULTIPLE_HIGH = 1.5, 3.0
PRICE_FLOOR_GBP_PER_MWH = 30.0
STEPS_PER_HOUR = 4
LEAD = pd.Timedelta(hours=4)
LEVEL_WINDOW = pd.Timedelta(days=7)
SYSTEM_SD_GBP_PER_MWH, SYSTEM_HOURLY_CORRELATION = 21.0, 0.9
PREMIUM_SHARE = 0.5


def generate_events(
    day_ahead: pd.Series, start_utc: pd.Timestamp, end_utc: pd.Timestamp, source_key: str
) -> tuple[FlexEvent, ...]:
    """Requests that lie wholly inside [start, end), by time.

    ``day_ahead`` in GBP/MWh by 15-min UTC step should reach back to seven days before the Monday of the first week:
    then any run that covers a week sees the same requests in it.
    """
    events: list[FlexEvent] = []
    for monday in mondays_between(start_utc, end_utc):
        events += _week_events(day_ahead, monday, source_key)
    return tuple(event for event in events if event.start >= start_utc and event.end <= end_utc)


def system_prices(series: GridSeries, events: Sequence[FlexEvent], source_key: str) -> np.ndarray:
    """Modelled system price, GBP/MWh, float64 per row of ``series``; ``events`` raise it while they last."""
    day_ahead = series.frame["day_ahead_gbp_per_mwh"].to_numpy()
    start, rows = series.start_utc, len(day_ahead)
    noise = ar1(("system", source_key), start, rows // STEPS_PER_PERIOD + 2, SYSTEM_HOURLY_CORRELATION)
    skip = series.position(start) - series.position(start.floor(PERIOD))
    prices = day_ahead + SYSTEM_SD_GBP_PER_MWH * np.repeat(noise, STEPS_PER_PERIOD)[skip : skip + rows]
    for event in events:
        inside = slice(max(series.position(event.start), 0), max(series.position(event.end), 0))
        prices[inside] += PREMIUM_SHARE * np.maximum(event.price_gbp_per_mwh - day_ahead[inside], 0.0)
    return prices


def _week_events(day_ahead: pd.Series, monday: date, source_key: str) -> list[FlexEvent]:
    rng = hashed_generator("events", source_key, monday)
    fallback = int(rng.choice(FALLBACK_WEEKDAYS))
    events: list[FlexEvent] = []
    for weekday in range(7):
        draws = rng.random(6)  # always six, so that a day's request does not depend on the days before it
        day = monday + timedelta(days=weekday)
        probability = _probability(day_ahead, day)
        if probability is None or len(events) == MOST_PER_WEEK:
            continue
        if draws[0] < probability or (weekday == fallback and not events):
            events.append(_request(day_ahead, day, draws[1:]))
    return events


def _probability(day_ahead: pd.Series, day: date) -> float | None:
    """Chance of a request on a London day; None where the evening's prices are not in the series."""
    opens, closes = _london(day, FIRST_HOUR), _london(day, LAST_HOUR)
    evening = _prices(day_ahead, opens, closes)
    if len(evening) < (LAST_HOUR - FIRST_HOUR) * STEPS_PER_HOUR:
        return None
    midnight = _london(day, 0)
    before = _prices(day_ahead, midnight - LEVEL_WINDOW, midnight)
    level = max(float(before.mean()) if len(before) else float(evening.mean()), 1.0)
    return float(np.clip(SLOPE * (evening.mean() / level - RATIO_FLOOR), 0.0, MOST_PROBABLE))


def _request(day_ahead: pd.Series, day: date, draws: np.ndarray) -> FlexEvent:
    """draws float64 (5,) in [0, 1): length, start, kW, price multiple, publication."""
    long = HALF_HOURS_LONG[int(draws[0] * len(HALF_HOURS_LONG))]
    slots = (LAST_HOUR - FIRST_HOUR) * 2 - long + 1
    start = _london(day, FIRST_HOUR) + int(draws[1] * slots) * PERIOD
    end = start + long * PERIOD
    multiple = MULTIPLE_LOW + (MULTIPLE_HIGH - MULTIPLE_LOW) * draws[3]
    price = max(multiple * float(_prices(day_ahead, start, end).mean()), PRICE_FLOOR_GBP_PER_MWH)
    return FlexEvent(
        id=f"req-{day:%Y%m%d}",
        published_at=_published_at(day, start, draws[4]),
        start=start,
        end=end,
        kw=float(KW_LOW + KW_STEP * int(draws[2] * ((KW_HIGH - KW_LOW) // KW_STEP + 1))),
        price_gbp_per_mwh=round(price, 2),
    )


def _published_at(day: date, start: pd.Timestamp, draw: float) -> pd.Timestamp:
    """Half of them 16:00-20:00 the evening before, half from 06:00 on the day to 4 h before the start."""
    if draw < 0.5:
        opens, closes = _london(day - timedelta(days=1), FIRST_HOUR), _london(day - timedelta(days=1), LAST_HOUR)
    else:
        opens, closes = _london(day, 6), start - LEAD
    return opens + int((2 * draw % 1.0) * ((closes - opens) / PERIOD + 1)) * PERIOD


@lru_cache(maxsize=8192)
def _london(day: date, hour: int) -> pd.Timestamp:
    """UTC instant of a London wall-clock hour; none of the hours used here is skipped or repeated."""
    return (pd.Timestamp(day) + pd.Timedelta(hours=hour)).tz_localize(LONDON).tz_convert("UTC")


def _prices(day_ahead: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
    """Values of [start, end), what there is of them; the index is regular, so positions are arithmetic."""
    origin = day_ahead.index[0].value
    first, last = ((at.value - origin) // STEP.value for at in (start, end))
    return day_ahead.to_numpy()[max(first, 0) : max(last, 0)]
