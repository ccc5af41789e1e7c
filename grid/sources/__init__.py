"""Where weather, carbon and prices come from: one face over every source."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from grid.calendar import LONDON, london_midnight_utc
from grid.rows import FORECAST_HALF_HOURS, RUN_IN_DAYS, STEP_MINUTES, TAIL_STEPS
from grid.series import GridDataError, GridSeries
from grid.sources import file, parquet, synthetic

if TYPE_CHECKING:
    from grid.http import Client, Terms
    from grid.sources.live import Fetched, Place

SOURCES = ("synthetic", "file", "live")
TAIL = TAIL_STEPS * pd.Timedelta(minutes=STEP_MINUTES)
OUTLOOK = FORECAST_HALF_HOURS * pd.Timedelta(minutes=30)


@dataclass(frozen=True)
class Services:
    """How the ``live`` source is reached, and the folder in which its answers are kept.

    region: of the carbon service (13: London), None for Great Britain. base_urls: of services that are asked elsewhere
    than at their public address, by the names of ``grid.sources.live.BASE_URLS``. terms: how patiently they are asked,
    None for the client's own. clock: seconds since 1970.
    """

    cache_folder: str
    region: int | None = None
    base_urls: Mapping[str, str] = field(default_factory=dict)
    terms: Terms | None = None
    clock: Callable[[], float] = time.time

    # The HTTP stack is imported where a run is live, not in every process that reads a file.

    def client(self) -> Client:
        """A client for them; use it as a context manager."""
        from grid.http import Client

        return Client(self.cache_folder, self.terms, self.clock)

    @property
    def place(self) -> Place:
        from grid.sources import live

        return live.Place(self.region, {**live.BASE_URLS, **self.base_urls})


def load_signals(
    source: str,
    path: str | None,
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    seed: int,
    services: Services | None = None,
) -> GridSeries:
    """Weather, carbon and day-ahead price for a run of [start, end): 60 London days before it, 24 h after it.

    The quarter before, and another 48 h after, are added where the source has them (reference price, forecasts).
    ``path`` is the folder, or the Parquet, of the ``file`` source; ``seed`` picks the world of the ``synthetic`` one,
    nothing else; ``services`` serve ``live``.

    Raises:
        GridDataError: unknown source, no path, bad data. DataRangeError: the data do not reach that far.
    """
    if source == "synthetic":
        return synthetic.signals(*needed(start_utc, end_utc), seed)
    if source == "file":
        if path is None:
            raise GridDataError("signals.path is empty; give the folder of the signal files for source 'file'")
        whole = parquet.signals(path) if path.endswith(parquet.SUFFIX) else file.signals(path)
        return reach(whole, start_utc, end_utc)
    if source == "live" and services is not None:
        return reach(fetched(services, start_utc, end_utc).series, start_utc, end_utc)
    raise GridDataError(f"signals.source {source!r} is unknown; use one of {', '.join(SOURCES)}")


def fetched(
    services: Services,
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    on_progress: Callable[[int, int], None] | None = None,
) -> Fetched:
    """What the live services say of a run's stretch, once per process; what lies after now is left out."""
    first, last = needed(start_utc, end_utc)
    key = (services.cache_folder, services.region, tuple(services.base_urls.items()), first, last)
    if key not in _FETCHED:
        _FETCHED[key] = fetch(services, first, last, on_progress)
    return _FETCHED[key]


def fetch(
    services: Services,
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    on_progress: Callable[[int, int], None] | None = None,
) -> Fetched:
    """What the live services say of [start, end) up to now. GridDataError, RefusedError: ``grid.sources.live``."""
    from grid.sources import live

    with services.client() as client:
        now = pd.Timestamp(client.clock(), unit="s", tz="UTC").floor(live.STEP)
        return live.fetch(client, services.place, start_utc, min(end_utc, now), on_progress)


_FETCHED: dict[tuple[object, ...], Fetched] = {}


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
