"""Hourly British signals from a folder of CSV files (weather, carbon, day-ahead price), read once per process.

Form of the files: ``timestamp_utc`` (ISO 8601, +00:00, start of the hour) and the columns named in ``FILES``. Carbon
is the direct, average (attributional) intensity. A price row whose ``source`` is not ``real`` was reconstructed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from grid.rows import STEPS_PER_DAY
from grid.series import GridDataError, GridSeries, check_times, check_values, to_steps

HOUR = pd.Timedelta(hours=1)
FILES = {
    "london_weather.csv.gz": {"temp_c": "dry_bulb_degc", "wet_bulb_c": "wet_bulb_degc"},
    "gb_carbon_intensity.csv.gz": {"ci_direct_g_per_kwh": "carbon_gco2_per_kwh"},
    "gb_price.csv.gz": {"price_gbp_per_mwh": "day_ahead_gbp_per_mwh"},
}
PRICE_ORIGIN = "source"


@lru_cache(maxsize=4)
def signals(folder: str) -> GridSeries:
    """Everything the folder holds, at 15 min, over the time that all its files cover."""
    loaded = [_series(Path(folder) / name, columns) for name, columns in FILES.items()]
    joined = loaded[0]
    for series in loaded[1:]:
        joined = joined.with_columns(series)
    return GridSeries(joined.frame, joined.provenance, f"signal files in {folder}", joined.filled)


def read_hourly(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """The named columns of one hourly file, renamed, float64, checked. Raises GridDataError with the file's name."""
    if not path.is_file():
        raise GridDataError(f"{path}: no such file; set signals.path (or workload.path) to the folder that holds it")
    try:
        table = pd.read_csv(path)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise GridDataError(f"{path}: cannot be read as CSV ({error}); replace the file") from error
    missing = [name for name in ("timestamp_utc", *columns) if name not in table]
    if missing:
        raise GridDataError(f"{path}: no column {missing[0]}; it has {', '.join(table.columns)}")
    table.index = _times(table["timestamp_utc"], path)
    check_times(table.index, HOUR, str(path))
    frame = table[list(columns)].rename(columns=columns)
    for column in frame:
        number = pd.to_numeric(frame[column], errors="coerce")
        wrong = number.isna() & frame[column].notna()
        if wrong.any():
            raise GridDataError(
                f"{path}: {column} is {frame[column][wrong].iloc[0]!r} at {wrong.idxmax()}; give a number"
            )
        frame[column] = number
    check_values(frame, str(path))
    return frame.assign(**{PRICE_ORIGIN: table[PRICE_ORIGIN]}) if PRICE_ORIGIN in table else frame


def _times(text: pd.Series, path: Path) -> pd.DatetimeIndex:
    first = pd.Timestamp(str(text.iloc[0])) if len(text) else None
    if first is not None and first.tzinfo is None:
        raise GridDataError(f"{path}: times are naive, first {text.iloc[0]}; write them in UTC with +00:00")
    try:
        return pd.DatetimeIndex(pd.to_datetime(text, utc=True, format="ISO8601"))
    except ValueError as error:
        raise GridDataError(
            f"{path}: timestamp_utc is not ISO 8601 ({error}); write 2023-01-01T00:00:00+00:00"
        ) from error


def _series(path: Path, columns: dict[str, str]) -> GridSeries:
    hourly = read_hourly(path, columns)
    filled: dict[str, np.ndarray] = dict.fromkeys(columns.values(), np.zeros(len(hourly) * STEPS_PER_DAY // 24, bool))
    if PRICE_ORIGIN in hourly:
        origin = hourly.pop(PRICE_ORIGIN)
        filled = dict.fromkeys(columns.values(), np.repeat((origin != "real").to_numpy(), STEPS_PER_DAY // 24))
    provenance = {column: "filled" if mask.any() else "real" for column, mask in filled.items()}
    return GridSeries.validated(to_steps(hourly), provenance, str(path), filled)
