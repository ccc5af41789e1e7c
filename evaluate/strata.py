"""The weeks of a matrix: spread evenly over its period, or in proportion to what the weeks are like.

Few weeks that happen to be calm, or to bring many requests, say little of a year. Stratified weeks are drawn without
chance: Mondays are put in order of their requests and, within as many, of their price spread, and every k-th is taken
(systematic sampling from an ordered list). Requests and prices are looked at, no result is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from configs.schema import Config
from evaluate.cases import series_of, world_of
from evaluate.weeks import mondays_of, spread_weeks
from grid.calendar import LONDON, london_midnight_utc
from grid.series import GridSeries


def weeks_of(config: Config) -> list[date]:
    """The Mondays that ``config.evaluate`` asks for, in order.

    Raises:
        ValueError: the period holds fewer than asked for, or its signals are not there.
    """
    asked = config.evaluate
    evenly = spread_weeks(asked.weeks, asked.period)
    return evenly if asked.draw == "spread" else _stratified(config, len(evenly))


def week_traits(config: Config, mondays: Sequence[date]) -> pd.DataFrame:
    """A row a Monday: ``requests`` that start in its week; ``spread_gbp_per_mwh``, the mean over its days of highest
    less lowest day-ahead price.
    """
    first, last = mondays[0], mondays[-1] + timedelta(days=7)
    series = series_of(config, first, (last - first).days)
    starts = [event.start for event in world_of(config, series)[0]]
    spreads = _daily_spread(series)
    rows = []
    for monday in mondays:
        begin, end = london_midnight_utc(monday), london_midnight_utc(monday + timedelta(days=7))
        days = [monday + timedelta(days=k) for k in range(7)]
        rows.append((sum(begin <= start < end for start in starts), float(spreads.reindex(days).mean())))
    return pd.DataFrame(rows, columns=["requests", "spread_gbp_per_mwh"], index=pd.Index(mondays, name="week_start"))


def _stratified(config: Config, count: int) -> list[date]:
    traits = week_traits(config, mondays_of(config.evaluate.period))
    # Up the spreads of one number of requests and down those of the next: neighbours in the list are alike.
    ordered: list[date] = []
    for number, (_, weeks) in enumerate(traits.groupby("requests")):
        by_spread = weeks.sort_values("spread_gbp_per_mwh", kind="stable", ascending=number % 2 == 0)
        ordered += list(by_spread.index)
    places = (np.arange(count) + 0.5) * len(ordered) / count
    return sorted(ordered[int(place)] for place in places)


def _daily_spread(series: GridSeries) -> pd.Series:
    """GBP/MWh by London date."""
    price = series.frame["day_ahead_gbp_per_mwh"]
    by_day = price.groupby(pd.DatetimeIndex(price.index).tz_convert(LONDON).date)
    return by_day.max() - by_day.min()
