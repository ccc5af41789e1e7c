"""What a set of signals holds: coverage, gaps, and statistics that can be laid beside another set's.

Statistics are of hourly means, so that sets of different steps compare. Days are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grid.series import GridDataError
from grid.sources import file, parquet

STATISTICS = (
    "mean", "sd", "min", "p5", "p50", "p95", "max", "mean daily range", "autocorrelation 1 h", "autocorrelation 24 h",
    "share below 0",
)  # fmt: skip
HOURS = 24
CARBON, PRICE = "carbon_gco2_per_kwh", "day_ahead_gbp_per_mwh"


@dataclass(frozen=True)
class SignalSet:
    """A table as it lies on disk, gaps and all, and what is known of its origin."""

    name: str
    frame: pd.DataFrame
    provenance: dict[str, str]
    attribution: dict[str, str]
    heard_at: dict[str, str]
    notes: tuple[str, ...]

    @property
    def step(self) -> pd.Timedelta:
        return pd.Timedelta(pd.Series(self.frame.index).diff().median())

    def hourly(self) -> pd.DataFrame:
        """Hourly means; NaN where an hour has none."""
        return self.frame.resample("h").mean()


def opened(path: Path) -> SignalSet:
    """A Parquet of signals, or a folder of signal files. GridDataError where it is neither."""
    if path.is_dir():
        series = file.signals(str(path))
        return SignalSet(str(path), series.frame, dict(series.provenance), {}, {}, ())
    if path.suffix != parquet.SUFFIX:
        raise GridDataError(f"{path}: not a {parquet.SUFFIX} file and no folder; give one that deg data fetch wrote")
    frame, about = parquet.read(path)
    numbers = frame.select_dtypes("number")
    if numbers.empty or len(numbers) < 2:
        raise GridDataError(f"{path}: {len(frame)} rows and {numbers.shape[1]} columns of numbers; nothing to describe")
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise GridDataError(f"{path}: time_utc holds {frame.index.dtype}; write tz-aware UTC times")
    return SignalSet(
        str(path),
        numbers.sort_index(),
        about.get("provenance", {}),
        about.get("attribution", {}),
        about.get("heard_at", {}),
        tuple(about.get("notes", ())),
    )


def described(signals: SignalSet) -> dict[str, Any]:
    """Coverage, gaps and statistics, as plain numbers and words."""
    frame, step = signals.frame, signals.step
    rows = int((frame.index[-1] - frame.index[0]) / step) + 1
    hourly = signals.hourly()
    found = {
        "file": signals.name,
        "from": frame.index[0].isoformat(),
        "to": (frame.index[-1] + step).isoformat(),
        "step_minutes": step / pd.Timedelta(minutes=1),
        "rows": len(frame),
        "coverage": {str(c): float(frame[c].notna().sum() / rows) for c in frame},
        "gaps": gaps(frame, step),
        "provenance": {str(c): signals.provenance.get(str(c), "real") for c in frame},
        "attribution": signals.attribution,
        "heard_at": signals.heard_at,
        "notes": list(signals.notes),
        "statistics": {str(c): statistics(hourly[c]) for c in hourly},
    }
    if {CARBON, PRICE} <= set(hourly):
        found["carbon_price_correlation"] = float(hourly[CARBON].corr(hourly[PRICE]))
    return found


def gaps(frame: pd.DataFrame, step: pd.Timedelta) -> list[dict[str, Any]]:
    """Stretches without a value, by column and time: first and last missing step, how many."""
    axis = pd.date_range(frame.index[0], frame.index[-1], freq=step)
    whole = frame[~frame.index.duplicated()].reindex(axis)
    found = []
    for column in whole:
        missing = whole[column].isna().to_numpy()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8))).reshape(-1, 2)
        found += [
            {"column": str(column), "first": whole.index[a].isoformat(), "last": whole.index[b - 1].isoformat(),
             "steps": int(b - a)}
            for a, b in edges
        ]  # fmt: skip
    return found


def statistics(hourly: pd.Series) -> dict[str, float]:
    """``STATISTICS`` of one signal; hours without a value are left out."""
    values = hourly.dropna()
    days = values.groupby(pd.DatetimeIndex(values.index).floor("D")).agg(["max", "min", "size"])
    whole = days[days["size"] == HOURS]
    p5, p50, p95 = np.percentile(values, [5, 50, 95])
    numbers = (
        values.mean(), values.std(ddof=0), values.min(), p5, p50, p95, values.max(),
        (whole["max"] - whole["min"]).mean(), hourly.autocorr(1), hourly.autocorr(HOURS), (values < 0).mean(),
    )  # fmt: skip
    return dict(zip(STATISTICS, map(float, numbers), strict=True))
