"""One Parquet file of signals in the form of ``GridSeries``: 15-min rows, and in its metadata where they come from.

Columns: ``time_utc`` (start of the step) and any of ``SERIES_COLUMNS``. The metadata key ``grid_series`` holds JSON:
source, provenance by column, stretches that were filled, attribution, when the data were heard, notes. A file without
it, from another hand, is taken as real.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grid.series import GridDataError, GridSeries

KEY = b"grid_series"
SUFFIX = ".parquet"


@dataclass(frozen=True)
class Origin:
    """Whose data these are: column -> words, column -> oldest time of receipt (ISO 8601), and what went wrong."""

    attribution: dict[str, str] = field(default_factory=dict)
    heard_at: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write(path: Path, series: GridSeries, origin: Origin | None = None) -> None:
    """Write the file whole or not at all."""
    about = {
        "source": series.source,
        "provenance": dict(series.provenance),
        "filled": {column: _stretches(mask) for column, mask in series.filled.items()},
        **vars(origin or Origin()),
    }
    table = pa.Table.from_pandas(series.frame.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({KEY: json.dumps(about, ensure_ascii=False).encode()})
    part = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(table, part, compression="zstd")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def signals(path: str) -> GridSeries:
    """The file's series, read once per process and version of the file. GridDataError where it is not of this form."""
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError as error:
        raise GridDataError(f"{path}: no such file; set signals.path to one that deg data fetch wrote") from error
    return _signals(path, stamp)


@lru_cache(maxsize=4)
def _signals(path: str, _stamp: int) -> GridSeries:
    frame, about = read(Path(path))
    provenance = {str(column): about.get("provenance", {}).get(column, "real") for column in frame}
    filled = {column: _mask(stretches, len(frame)) for column, stretches in about.get("filled", {}).items()}
    return GridSeries.validated(frame, provenance, path, filled)


def read(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Table by ``time_utc`` as it stands, gaps and all, and the metadata. GridDataError where it is no such Parquet."""
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise GridDataError(f"{path}: cannot be read as Parquet ({error}); fetch or make it again") from error
    frame = table.to_pandas()
    if frame.index.name == "time_utc":
        frame = frame.reset_index()
    if "time_utc" not in frame:
        raise GridDataError(f"{path}: no column time_utc; it has {', '.join(map(str, frame.columns))}")
    return frame.set_index("time_utc"), about


def _stretches(mask: np.ndarray) -> list[list[int]]:
    """Runs of True as [first row, row after the last]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2).tolist()


def _mask(stretches: list[list[int]], rows: int) -> np.ndarray:
    mask = np.zeros(rows, dtype=bool)
    for first, last in stretches:
        mask[first:last] = True
    return mask
