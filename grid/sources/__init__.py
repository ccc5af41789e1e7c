"""Where weather, carbon and prices come from: one face over every source."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from grid.calendar import LONDON, london_midnight_utc
from grid.rows import FORECAST_HALF_HOURS, RUN_IN_DAYS, STEP_MINUTES, TAIL_STEPS
from grid.series import GridDataError, GridSeries
from grid.sources import file, synthetic

SOURCES = ("synthetic", "file")
TAIL = TAIL_STEPS * pd.Timedelta(minutes=STEP_MINUTES)
OUTLOOK = FORECAST_HALF_HOURS * pd.Timedelta(minutes=30)


def load_signals(
    source: str, path: str | None, start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int
) -> GridSeries:
    """Weather, carbon and day-ahead price for a run of [start, end): 60 London days before it, 24 h after it.

    The quarter before, and another 48 h after, are added where the source has them (reference price, forecasts).
    ``path`` is the folder of the ``file`` source; ``seed`` picks the world of the ``synthetic`` source, nothing else.

    Raises:
        GridDataError: unknown source, no path, bad data. DataRangeError: the data do not reach that far.
    """
    if source == "synthetic":
        return synthetic.signals(*needed(start_utc, end_utc), seed)
    if source == "file":
        if path is None:
            raise GridDataError("signals.path is empty; give the folder of the signal files for source 'file'")
        return reach(file.signals(path), start_utc, end_utc)
    raise GridDataError(f"signals.source {source!r} is unknown; use one of {', '.join(SOURCES)}")


def needed(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The stretch a run of [start, end) reads at most.

    It begins with the London quarter before the run (its mean may be the reference price) or the 60 days of history,
    whichever is earlier, and ends with the tail and the outlook beyond.
    """
    quarter = pd.Timestamp(start_utc.tz_convert(LONDON).date()).to_period("Q")
    previous = london_midnight_utc((quarter - 1).start_time.date())
    return min(previous, _history_start(start_utc)), end_utc + TAIL + OUTLOOK


def reach(series: GridSeries, start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> GridSeries:
    """The part of a longer series that a run of [start, end) reads, if it has the history and the tail.

    Raises:
        DataRangeError: the 60 days before or the 24 h after are not all there.
    """
    first, last = needed(start_utc, end_utc)
    return series.between(
        min(max(first, series.start_utc), _history_start(start_utc)), max(min(last, series.end_utc), end_utc + TAIL)
    )


def _history_start(start_utc: pd.Timestamp) -> pd.Timestamp:
    return london_midnight_utc(start_utc.tz_convert(LONDON).date() - timedelta(days=RUN_IN_DAYS))
