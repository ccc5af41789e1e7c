"""Signals of the outside world on one regular 15-minute time axis, checked once where they enter.

Every source returns a ``GridSeries``. Whatever is wrong with the data is refused here, with the place, the value and
what to do; nothing downstream checks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from grid.rows import STEP_MINUTES, STEPS_PER_DAY

STEP = pd.Timedelta(minutes=STEP_MINUTES)
WEATHER_COLUMNS = ("dry_bulb_degc", "wet_bulb_degc")
SIGNAL_COLUMNS = (*WEATHER_COLUMNS, "carbon_gco2_per_kwh", "day_ahead_gbp_per_mwh")
SERIES_COLUMNS = ("utilisation", *SIGNAL_COLUMNS, "system_gbp_per_mwh")

# A week or more of British day-ahead prices in GBP/MWh has never stayed this low; in p/kWh it nearly always does.
PENCE_MEDIAN, PENCE_P95, PENCE_MIN_DAYS = 20.0, 45.0, 7


class GridDataError(ValueError):
    """Signals, workloads or events that cannot be used; the message says where, what, and what to do."""


class DataRangeError(GridDataError):
    """Times were asked for that the data do not cover."""


@dataclass(frozen=True)
class GridSeries:
    """Regular 15-min signals.

    frame       index ``time_utc`` (tz-aware UTC, start of the step), columns a subset of ``SERIES_COLUMNS``, float64
    provenance  column -> real | filled | synthetic | modelled, over the whole of ``frame``
    source      where it came from, for messages and reports
    filled      column -> bool (T,): steps of a real column that were reconstructed; a cut without any is real again
    """

    frame: pd.DataFrame
    provenance: Mapping[str, str]
    source: str
    filled: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def validated(
        cls,
        frame: pd.DataFrame,
        provenance: Mapping[str, str],
        source: str,
        filled: Mapping[str, np.ndarray] | None = None,
    ) -> GridSeries:
        """The series, or GridDataError: irregular times, unknown columns, or values that cannot be."""
        check_times(frame.index, STEP, source)
        unknown = [column for column in frame.columns if column not in SERIES_COLUMNS]
        if unknown:
            raise GridDataError(f"{source}: unknown column {unknown[0]!r}; use {', '.join(SERIES_COLUMNS)}")
        untold = [column for column in frame.columns if column not in provenance]
        if untold:
            raise GridDataError(
                f"{source}: column {untold[0]} has no provenance; say real, filled, synthetic or modelled"
            )
        check_values(frame, source)
        return cls(frame.astype(np.float64).rename_axis("time_utc"), dict(provenance), source, dict(filled or {}))

    @property
    def start_utc(self) -> pd.Timestamp:
        return self.frame.index[0]

    @property
    def end_utc(self) -> pd.Timestamp:
        """End of the last step."""
        return self.frame.index[-1] + STEP

    def position(self, time_utc: pd.Timestamp) -> int:
        """Row number of a step's start; may lie outside the series."""
        return int((time_utc - self.start_utc) // STEP)

    def between(self, start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> GridSeries:
        """The steps of [start, end). Raises DataRangeError with the date asked and the dates there are."""
        if start_utc < self.start_utc or end_utc > self.end_utc:
            asked, edge = (start_utc, "from") if start_utc < self.start_utc else (end_utc, "until")
            raise DataRangeError(
                f"{self.source}: data needed {edge} {asked:%Y-%m-%d %H:%M} UTC, but they "
                f"run from {self.start_utc:%Y-%m-%d} to {self.frame.index[-1]:%Y-%m-%d}; choose another run.start or "
                "run.days (a run needs the 60 days before it and the 24 h after it), or data that reach further"
            )
        rows = slice(self.position(start_utc), self.position(end_utc))
        filled = {column: mask[rows] for column, mask in self.filled.items()}
        provenance = dict(self.provenance)
        provenance.update({column: "filled" if mask.any() else "real" for column, mask in filled.items()})
        return GridSeries(self.frame.iloc[rows], provenance, self.source, filled)

    def with_columns(self, other: GridSeries) -> GridSeries:
        """This series and the other's columns, over the time both cover. A column of both is the other's."""
        start, end = max(self.start_utc, other.start_utc), min(self.end_utc, other.end_utc)
        if start >= end:
            raise DataRangeError(
                f"{self.source} ({self.start_utc:%Y-%m-%d} to {self.end_utc:%Y-%m-%d}) and {other.source} "
                f"({other.start_utc:%Y-%m-%d} to {other.end_utc:%Y-%m-%d}) do not overlap; load both for one period"
            )
        mine, theirs = self.between(start, end), other.between(start, end)
        return GridSeries(
            mine.frame.assign(**{str(column): theirs.frame[column] for column in theirs.frame}),
            {**mine.provenance, **theirs.provenance},
            mine.source if mine.source == theirs.source else f"{mine.source} + {theirs.source}",
            {**{c: m for c, m in mine.filled.items() if c not in theirs.frame}, **theirs.filled},
        )


def check_times(index: pd.Index, step: pd.Timedelta, place: str) -> None:
    """Refuse an axis that is not tz-aware UTC, sorted, free of duplicates and regular; name the first bad time."""
    if not isinstance(index, pd.DatetimeIndex):
        raise GridDataError(f"{place}: the index holds {index.dtype}, not times; parse the time column first")
    if len(index) == 0:
        raise GridDataError(f"{place}: no rows")
    if index.tz is None:
        raise GridDataError(f"{place}: times are naive, first {index[0]}; write them in UTC with +00:00")
    if index.hasnans:
        raise GridDataError(f"{place}: row {int(np.argmax(index.isna()))} has no time; remove or repair it")
    if index[0].utcoffset() != pd.Timedelta(0) or index[-1].utcoffset() != pd.Timedelta(0):
        raise GridDataError(f"{place}: times are in {index.tz}, first {index[0]}; convert them to UTC")
    gaps, width, none = np.diff(index.tz_convert(None).to_numpy()), step.to_timedelta64(), np.timedelta64(0)
    if (gaps < none).any():
        raise GridDataError(f"{place}: times are not sorted at {index[int(np.argmax(gaps < none)) + 1]}; sort the rows")
    if (gaps == none).any():
        raise GridDataError(f"{place}: {index[int(np.argmax(gaps == none)) + 1]} appears twice; remove one")
    if (gaps > width).any():
        first = index[int(np.argmax(gaps > width))] + step
        raise GridDataError(f"{place}: gap in the data, first missing time {first}; fill it or choose another period")
    if (gaps < width).any():
        raise GridDataError(
            f"{place}: {index[int(np.argmax(gaps < width)) + 1]} comes after less than {step}; resample to {step}"
        )


def check_values(frame: pd.DataFrame, place: str) -> None:
    """Refuse empty cells, negative carbon, utilisation outside [0, 1] and prices in pence; name the first bad row."""
    for column in frame.columns:
        values = frame[column].to_numpy(dtype=np.float64)
        _refuse(~np.isfinite(values), frame, column, place, "give a finite number")
        if column == "carbon_gco2_per_kwh":
            _refuse(values < 0, frame, column, place, "carbon intensity cannot be below 0 gCO2/kWh; correct it")
        if column == "utilisation":
            _refuse((values < 0) | (values > 1), frame, column, place, "a share from 0 to 1; divide percent by 100")
        if column in ("day_ahead_gbp_per_mwh", "system_gbp_per_mwh"):
            _refuse_pence(frame[column], place)


def _refuse(bad: np.ndarray, frame: pd.DataFrame, column: str, place: str, fix: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise GridDataError(f"{place}: {column} is {frame[column].iloc[row]:g} at {frame.index[row]}; {fix}")


def _refuse_pence(price: pd.Series, place: str) -> None:
    """Prices a tenth or a thousandth of what they should be are a unit error, not a cheap year."""
    if price.index[-1] - price.index[0] < pd.Timedelta(days=PENCE_MIN_DAYS) - pd.Timedelta(hours=1):
        return
    median, p95 = price.median(), price.quantile(0.95)
    if median < PENCE_MEDIAN and p95 < PENCE_P95:
        unit, factor = ("GBP/kWh", "1,000") if p95 < 2.0 else ("p/kWh", "10")
        raise GridDataError(
            f"{place}: {price.name} has a median of {median:.3g}, which looks like {unit}; "
            f"multiply by {factor} for GBP/MWh"
        )


def to_steps(hourly: pd.DataFrame) -> pd.DataFrame:
    """Hourly columns (row = start of the hour) at 15 min: weather linear, the last hour held; all else held."""
    per_hour = STEPS_PER_DAY // 24
    index = pd.date_range(hourly.index[0], periods=len(hourly) * per_hour, freq=STEP, name="time_utc")
    at = np.arange(len(index)) / per_hour
    columns = {
        column: np.interp(at, np.arange(len(hourly)), hourly[column].to_numpy())
        if column in WEATHER_COLUMNS
        else np.repeat(hourly[column].to_numpy(), per_hour)
        for column in hourly.columns
    }
    return pd.DataFrame(columns, index=index)
