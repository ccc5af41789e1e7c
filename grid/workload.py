"""Utilisation of the IT load: recorded traces from files, or one of two seeded generators.

The recorded traces (Alibaba 2017, Google 2011) are short and laid end to end over calendar years: their values are
real, their dates are ours. The generator needs no file: a level, a daily and a weekly shape by London clock, and an
AR(1) of one hour's correlation 0.8 (assumption: between the 0.44 of the Alibaba and the 0.83 of the Google trace).
``jobs`` needs none either: classes of jobs with size, run time and deadline (``grid.jobs``).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from grid.calendar import LONDON
from grid.jobs import generated_jobs
from grid.noise import ar1
from grid.rows import STEPS_PER_PERIOD
from grid.series import STEP, GridDataError, GridSeries, to_steps
from grid.sources import needed, reach
from grid.sources.file import read_hourly

TRACES = ("alibaba_1", "alibaba_2", "google")
GENERATOR = "generator"
JOBS = "jobs"

LEVEL, DAY_SWING, PEAK_HOUR, WEEKEND_DROP, NOISE_SD, NOISE_CORRELATION = 0.52, 0.10, 15.0, 0.06, 0.07, 0.8


def load_workload(name: str, path: str | None, start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int) -> GridSeries:
    """The column ``utilisation`` for a run of [start, end), over the same stretch as ``load_signals``.

    Raises:
        GridDataError: unknown name, missing file, values outside [0, 1]. DataRangeError: the trace is too short.
    """
    if name == GENERATOR:
        return generated(*needed(start_utc, end_utc), seed)
    if name == JOBS:
        return generated_jobs(*needed(start_utc, end_utc), seed)
    if name not in TRACES:
        raise GridDataError(f"workload.name {name!r} is unknown; use one of {', '.join((*TRACES, GENERATOR, JOBS))}")
    if path is None:
        raise GridDataError(f"workload.path is empty; give the folder that holds workload_{name}.csv.gz")
    return reach(_trace(str(Path(path) / f"workload_{name}.csv.gz")), start_utc, end_utc)


@lru_cache(maxsize=8)
def _trace(path: str) -> GridSeries:
    hourly = read_hourly(Path(path), {"utilisation": "utilisation"})
    return GridSeries.validated(to_steps(hourly), {"utilisation": "real"}, path)


def generated(start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int) -> GridSeries:
    """The generator over [start, end): a pure function of (seed, time)."""
    times = pd.date_range(start_utc, end_utc, freq=STEP, inclusive="left", name="time_utc")
    local = times.tz_convert(LONDON)
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60.0
    half_hours = len(times) // STEPS_PER_PERIOD + 2
    noise = np.repeat(ar1(("workload", seed), start_utc, half_hours, NOISE_CORRELATION), STEPS_PER_PERIOD)
    skip = int((start_utc - start_utc.floor("30min")) / STEP)
    values = (
        LEVEL
        + DAY_SWING * np.cos(2 * np.pi * (hour - PEAK_HOUR) / 24.0)
        - WEEKEND_DROP * (local.day_of_week.to_numpy() >= 5)
        + NOISE_SD * noise[skip : skip + len(times)]
    )
    frame = pd.DataFrame({"utilisation": np.clip(values, 0.05, 0.98)}, index=times)
    return GridSeries.validated(frame, {"utilisation": "synthetic"}, f"workload generator, seed {seed}")
