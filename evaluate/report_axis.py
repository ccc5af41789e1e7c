"""One time axis for all panels of a report: how steps are gathered into columns, and where the labels stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

MAX_COLUMNS = 1400  # more than that no screen shows
STEP_MINUTES = 15
LONDON = "Europe/London"


@dataclass(frozen=True)
class TimeAxis:
    """``steps`` control steps gathered into ``columns`` of ``width`` steps each; the last may hold fewer."""

    start_utc: pd.Timestamp
    steps: int
    width: int

    @property
    def columns(self) -> int:
        return -(-self.steps // self.width)

    @property
    def _starts(self) -> np.ndarray:
        return np.arange(0, self.steps, self.width)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """float64 (columns,): mean of each column's steps."""
        return np.add.reduceat(np.asarray(values, dtype=np.float64), self._starts) / self.counts

    def peak(self, values: np.ndarray) -> np.ndarray:
        """float64 (columns,): greatest value of each column's steps."""
        return np.maximum.reduceat(np.asarray(values, dtype=np.float64), self._starts)

    @property
    def counts(self) -> np.ndarray:
        return np.diff(np.append(self._starts, self.steps))

    def spans(self, marked: np.ndarray) -> list[tuple[float, float]]:
        """[(left, right)] in columns: unbroken stretches of steps where ``marked`` is true."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(marked, dtype=np.int8), [0]])))
        return [(a / self.width, b / self.width) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def column_of(self, time_utc: pd.Timestamp) -> float:
        """Position of an instant, in columns."""
        return float((time_utc - self.start_utc) / pd.Timedelta(minutes=STEP_MINUTES)) / self.width

    @property
    def labels_london(self) -> list[str]:
        """Start of each column in London time, for the reader's cursor."""
        step = pd.Timedelta(minutes=STEP_MINUTES * self.width)
        times = pd.date_range(self.start_utc, periods=self.columns, freq=step).tz_convert(LONDON)
        return [f"{t:%a} {t.day} {t:%b %H:%M}" for t in times]

    def ticks(self) -> list[tuple[float, str]]:
        """[(percent of the axis, label)]: London midnights, months in a long run, hours in a short one; 9 at most."""
        end = self.start_utc + pd.Timedelta(minutes=STEP_MINUTES * self.steps)
        days = (end - self.start_utc) / pd.Timedelta(days=1)
        first, last = self.start_utc.tz_convert(LONDON), end.tz_convert(LONDON)
        if days <= 2:
            times = pd.date_range(first.normalize(), last, freq=f"{6 if days > 1 else 3}h")
            form = "{t:%H:%M}"
        elif days <= 62:
            stride = next(n for n in (1, 2, 4, 7, 8) if days / n <= 8)
            times = pd.date_range(first.normalize(), last, freq=f"{stride}D")
            form = "{t:%a} {t.day}" if days <= 14 else "{t.day} {t:%b}"
        else:
            months = -(-days // 30.4 // 8)
            times = pd.date_range(first.normalize().replace(day=1), last, freq=f"{int(months)}MS")
            form = "{t:%b}"
        span = self.columns
        return [
            (100.0 * self.column_of(t.tz_convert("UTC")) / span, form.format(t=t)) for t in times if first <= t < last
        ]


def time_axis(times_utc: pd.Series) -> TimeAxis:
    """The axis of a run, with columns of whole hours where single steps are too many."""
    steps = len(times_utc)
    width = 1 if steps <= MAX_COLUMNS else 4 * -(-steps // (4 * MAX_COLUMNS))
    return TimeAxis(start_utc=pd.Timestamp(times_utc.iloc[0]), steps=steps, width=width)
