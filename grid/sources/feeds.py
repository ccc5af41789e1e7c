"""The one face of live sources: a feed says what to ask and how to read the answer, ``read`` does the rest.

A feed is data: the calls that cover a stretch of time, and a parser from JSON to a table. Fetching, splitting, keeping,
ageing and gaps are the same for all. A value nobody gave is NaN: an explicit gap, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from grid.http import Client, SourceError

FRESH_S = 300.0  # an answer that may still change is asked for again after this long
HALF_HOUR = pd.Timedelta(minutes=30)
HOUR = pd.Timedelta(hours=1)
EPOCH = pd.Timestamp(0, tz="UTC")

OnCall = Callable[[], None]


@dataclass(frozen=True)
class Call:
    """One request: what it asks, and the stretch of time its answer covers."""

    path: str
    start_utc: pd.Timestamp
    end_utc: pd.Timestamp
    params: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None  # where the URL changes with the hour but the last answer may stand in


@dataclass(frozen=True)
class Feed:
    """One kind of value of one source.

    columns       of the table that ``parse`` gives, units in their names; its index is the start of each step, UTC
    settled_after how long after its end a stretch may still change at the source
    calls         (start, end) -> the calls that cover it, in time order
    """

    name: str
    base_url: str
    attribution: str
    columns: tuple[str, ...]
    step: pd.Timedelta
    settled_after: pd.Timedelta
    calls: Callable[[pd.Timestamp, pd.Timestamp], list[Call]]
    parse: Callable[[Any], pd.DataFrame]


@dataclass(frozen=True)
class Reading:
    """What a feed says about a stretch, on the regular axis of its step.

    frame     index ``time_utc``, float64 columns; NaN where there is no value
    heard_at  datetime64 UTC (T,): when each row's answer was received; NaT where there was none
    stale     bool (T,): the source did not answer, its last good answer stands in
    problems  one line for each call that went wrong
    """

    feed: Feed
    frame: pd.DataFrame
    heard_at: pd.Series
    stale: np.ndarray
    problems: tuple[str, ...]

    def age(self, now_utc: pd.Timestamp) -> pd.Series:
        """Timedelta (T,) since each row was heard; NaT where there is none."""
        return now_utc - self.heard_at


def read(
    client: Client, feed: Feed, start_utc: pd.Timestamp, end_utc: pd.Timestamp, on_call: OnCall | None = None
) -> Reading:
    """The feed's values of [start, end); ``on_call`` is told after each call.

    Raises RefusedError where a source refuses a request for good; a source that is down leaves gaps instead.
    """
    index = pd.date_range(start_utc.floor(feed.step), end_utc, freq=feed.step, inclusive="left", name="time_utc")
    frame = pd.DataFrame(np.nan, index=index, columns=list(feed.columns))
    heard_at = pd.Series(pd.NaT, index=index, dtype="datetime64[ns, UTC]")
    stale, problems = np.zeros(len(index), dtype=bool), []
    for call in feed.calls(start_utc, end_utc):
        try:
            answer = client.get(
                feed.base_url.rstrip("/") + call.path,
                feed.parse,
                params=call.params,
                key=call.key and f"{feed.base_url} {call.key}",
                settled_at=(call.end_utc + feed.settled_after - EPOCH).total_seconds(),
                fresh_s=FRESH_S,
            )
        except SourceError as error:
            problems.append(f"{feed.name}, {call.start_utc:%Y-%m-%d %H:%M}: {error}")
        else:
            if answer.problem is not None:
                problems.append(f"{feed.name}, {call.start_utc:%Y-%m-%d %H:%M}: {answer.problem}")
            table = answer.value[~answer.value.index.duplicated(keep="last")]
            at = index[index.isin(table.index)]
            frame.loc[at] = table.loc[at, list(feed.columns)].astype(np.float64)
            heard_at[at] = EPOCH + pd.Timedelta(seconds=answer.heard_at)
            stale[index.get_indexer(at)] = answer.stale
        if on_call is not None:
            on_call()
    return Reading(feed, frame, heard_at, stale, tuple(problems))


def spans(
    start_utc: pd.Timestamp, end_utc: pd.Timestamp, width: pd.Timedelta
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Stretches of ``width`` on a fixed grid that cover [start, end): the same calls, so the same kept answers."""
    first = int((start_utc - EPOCH) // width)
    last = -int(-(end_utc - EPOCH) // width)
    return [(EPOCH + k * width, EPOCH + (k + 1) * width) for k in range(first, last)]


def table(rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows of (start, value, ...) as a table by UTC time; None becomes NaN. ValueError on what is no time or number."""
    index = pd.DatetimeIndex(pd.to_datetime([row[0] for row in rows], utc=True), name="time_utc")
    values = np.array([[np.nan if v is None else float(v) for v in row[1:]] for row in rows], dtype=np.float64)
    return pd.DataFrame(values.reshape(len(rows), len(columns)), index=index, columns=list(columns))
