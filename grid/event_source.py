"""Flexibility requests and system prices, both modelled: pure functions of (source, calendar week).

Scarcity model. Each London day in turn, the grid side looks at the day-ahead price of 16:00-20:00 against the mean of
the seven days before it (both published by then). The dearer, the likelier a request: probability
``slope x (ratio - ratio_floor)``, at most ``most_probable``. A week has at most three requests; one with none by its
fallback day (Wednesday to Friday, drawn) gets one there, so every full week has at least one. A request lasts 1 to
2 h at a random half-hour in that window, asks 200-500 kW, pays 1.5-3 times the mean day-ahead price of its hours and
never below GBP 30/MWh, and is published the evening before or on the day, at least 4 h ahead. These numbers are the
defaults of ``RequestTerms``.

What a request pays thus follows the day-ahead price, and so does its tail: at the prices of 2023 none pays GBP 1,000
a MWh; in years like 2022 every sixth does, and GBP 3,000 takes a day-ahead spike that comes less than once a year.

System price = day-ahead + AR(1) (sd GBP 21/MWh, 0.9 an hour), raised by half the premium during requests
(``SystemTerms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from grid.calendar import LONDON, PERIOD
from grid.events import FlexEvent
from grid.noise import ar1, hashed_generator, mondays_between
from grid.rows import STEPS_PER_PERIOD
from grid.series import STEP, GridSeries

HALF_HOURS_LONG = (2, 3, 4)
FALLBACK_WEEKDAYS = (2, 3, 4)
KW_STEP = 25
STEPS_PER_HOUR = 4
LEVEL_WINDOW = pd.Timedelta(days=7)
EVENING_BEFORE = (16, 20)  # London hours in which requests for the next day are published
FIRST_PUBLICATION_HOUR = 6  # of those published on the day


@dataclass(frozen=True)
class RequestTerms:
    """How often, when and for how much the grid side asks. All assumptions of the design, none sourced."""

    most_per_week: int = 3
    slope: float = 0.6  # of the chance of a request in price ratio: about two in a week of ordinary prices
    ratio_floor: float = 0.9
    most_probable: float = 0.6
    first_hour: int = 16  # London clock
    last_hour: int = 20
    kw_low: int = 200
    kw_high: int = 500
    multiple_low: float = 1.5  # of the mean day-ahead price of its hours
    multiple_high: float = 3.0
    price_floor_gbp_per_mwh: float = 30.0
    lead_hours: float = 4.0  # from publication to start, at least

    def __post_init__(self) -> None:
        for low, high in (("kw_low", "kw_high"), ("multiple_low", "multiple_high")):
            if not 0 < getattr(self, low) <= getattr(self, high):
                raise ValueError(
                    f"{low} {getattr(self, low):g} to {high} {getattr(self, high):g}: give 0 < low <= high"
                )
        if self.last_hour - self.first_hour < max(HALF_HOURS_LONG) / 2:
            raise ValueError(
                f"request terms: first_hour {self.first_hour} to last_hour {self.last_hour}: "
                f"a request lasts up to {max(HALF_HOURS_LONG) / 2:g} h; widen the window"
            )
        if self.first_hour - self.lead_hours < FIRST_PUBLICATION_HOUR or self.lead_hours < 1:
            raise ValueError(
                f"request terms: lead_hours {self.lead_hours:g}: gates close an hour ahead, requests appear from "
                f"{FIRST_PUBLICATION_HOUR}:00 on; give 1 to {self.first_hour - FIRST_PUBLICATION_HOUR}"
            )


@dataclass(frozen=True)
class SystemTerms:
    """How the modelled system price strays from day-ahead. Assumptions of the design."""

    sd_gbp_per_mwh: float = 21.0
    hourly_correlation: float = 0.9
    premium_share: float = 0.5  # of a request's premium over day-ahead, while it lasts


ORDINARY_REQUESTS, ORDINARY_SYSTEM = RequestTerms(), SystemTerms()


def generate_events(
    day_ahead: pd.Series,
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    source_key: str,
    terms: RequestTerms = ORDINARY_REQUESTS,
) -> tuple[FlexEvent, ...]:
    """Requests that lie wholly inside [start, end), by time.

    ``day_ahead`` in GBP/MWh by 15-min UTC step should reach back to seven days before the Monday of the first week:
    then any run that covers a week sees the same requests in it.
    """
    events: list[FlexEvent] = []
    for monday in mondays_between(start_utc, end_utc):
        events += _week_events(day_ahead, monday, source_key, terms)
    return tuple(event for event in events if event.start >= start_utc and event.end <= end_utc)


def system_prices(
    series: GridSeries, events: Sequence[FlexEvent], source_key: str, terms: SystemTerms = ORDINARY_SYSTEM
) -> np.ndarray:
    """Modelled system price, GBP/MWh, float64 per row of ``series``; ``events`` raise it while they last."""
    day_ahead = series.frame["day_ahead_gbp_per_mwh"].to_numpy()
    start, rows = series.start_utc, len(day_ahead)
    noise = ar1(("system", source_key), start, rows // STEPS_PER_PERIOD + 2, terms.hourly_correlation)
    skip = series.position(start) - series.position(start.floor(PERIOD))
    prices = day_ahead + terms.sd_gbp_per_mwh * np.repeat(noise, STEPS_PER_PERIOD)[skip : skip + rows]
    for event in events:
        inside = slice(max(series.position(event.start), 0), max(series.position(event.end), 0))
        prices[inside] += terms.premium_share * np.maximum(event.price_gbp_per_mwh - day_ahead[inside], 0.0)
    return prices


def _week_events(day_ahead: pd.Series, monday: date, source_key: str, terms: RequestTerms) -> list[FlexEvent]:
    rng = hashed_generator("events", source_key, monday)
    fallback = int(rng.choice(FALLBACK_WEEKDAYS))
    events: list[FlexEvent] = []
    for weekday in range(7):
        draws = rng.random(6)  # always six, so that a day's request does not depend on the days before it
        day = monday + timedelta(days=weekday)
        probability = _probability(day_ahead, day, terms)
        if probability is None or len(events) == terms.most_per_week:
            continue
        if draws[0] < probability or (weekday == fallback and not events):
            events.append(_request(day_ahead, day, draws[1:], terms))
    return events


def _probability(day_ahead: pd.Series, day: date, terms: RequestTerms) -> float | None:
    """Chance of a request on a London day; None where the evening's prices are not in the series."""
    opens, closes = _london(day, terms.first_hour), _london(day, terms.last_hour)
    evening = _prices(day_ahead, opens, closes)
    if len(evening) < (terms.last_hour - terms.first_hour) * STEPS_PER_HOUR:
        return None
    midnight = _london(day, 0)
    before = _prices(day_ahead, midnight - LEVEL_WINDOW, midnight)
    level = max(float(before.mean()) if len(before) else float(evening.mean()), 1.0)
    return float(np.clip(terms.slope * (evening.mean() / level - terms.ratio_floor), 0.0, terms.most_probable))


def _request(day_ahead: pd.Series, day: date, draws: np.ndarray, terms: RequestTerms) -> FlexEvent:
    """draws float64 (5,) in [0, 1): length, start, kW, price multiple, publication."""
    long = HALF_HOURS_LONG[int(draws[0] * len(HALF_HOURS_LONG))]
    slots = (terms.last_hour - terms.first_hour) * 2 - long + 1
    start = _london(day, terms.first_hour) + int(draws[1] * slots) * PERIOD
    end = start + long * PERIOD
    multiple = terms.multiple_low + (terms.multiple_high - terms.multiple_low) * draws[3]
    price = max(multiple * float(_prices(day_ahead, start, end).mean()), terms.price_floor_gbp_per_mwh)
    return FlexEvent(
        id=f"req-{day:%Y%m%d}",
        published_at=_published_at(day, start, draws[4], terms),
        start=start,
        end=end,
        kw=float(terms.kw_low + KW_STEP * int(draws[2] * ((terms.kw_high - terms.kw_low) // KW_STEP + 1))),
        price_gbp_per_mwh=round(price, 2),
    )


def _published_at(day: date, start: pd.Timestamp, draw: float, terms: RequestTerms) -> pd.Timestamp:
    """Half of them the evening before, half from 06:00 on the day to the least lead before the start."""
    if draw < 0.5:
        opens, closes = (_london(day - timedelta(days=1), hour) for hour in EVENING_BEFORE)
    else:
        opens, closes = _london(day, FIRST_PUBLICATION_HOUR), start - pd.Timedelta(hours=terms.lead_hours)
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
