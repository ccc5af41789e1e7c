"""Exogenous series of one SustainDC episode: what its managers would have read, as one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.sustaindc.constants import STEP_HOURS, STEPS_PER_DAY

COLUMNS = ("workload", "dry_bulb_degc", "wet_bulb_degc", "carbon_g_per_kwh", "carbon_norm", "dry_bulb_norm")
WORKLOAD, DRY_BULB, WET_BULB, CARBON, CARBON_NORM, DRY_BULB_NORM = range(len(COLUMNS))
PAST_ROWS = 16  # the observation of row k looks back to k - 16 ...
DAYS_PER_YEAR = 365
FUTURE_ROWS = 16  # ... and ahead to k + 16


@dataclass(frozen=True)
class Series:
    """Rows at 15 min around one episode.

    values  float64 (T, len(COLUMNS)): CPU fraction 0-1, degC, degC, gCO2/kWh, and the last two scaled by minimum and
            maximum of the 30 days from the reset
    start   row at which the episode is reset
    steps   control steps of the episode; rows up to ``start + steps + 16`` are needed for the last observation
    day     day of the year at the reset, 0-364. hour: hour at the reset, a multiple of 0.25

    Raises:
        ValueError: a wrong shape, a value that is not finite, a workload outside [0, 1], too few rows.
    """

    values: np.ndarray
    start: int
    steps: int
    day: int
    hour: float

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(COLUMNS):
            raise ValueError(f"series values: shape {self.values.shape}, expected (rows, {len(COLUMNS)}): {COLUMNS}")
        bad = np.argwhere(~np.isfinite(self.values))
        if len(bad):
            row, column = bad[0]
            raise ValueError(f"series {COLUMNS[column]}, row {row}: {self.values[row, column]} is not a number")
        workload = self.values[:, WORKLOAD]
        if workload.min() < 0.0 or workload.max() > 1.0:
            raise ValueError(f"series workload: {workload.min()} to {workload.max()}, expected a fraction in [0, 1]")
        if not (isinstance(self.day, (int, np.integer)) and 0 <= self.day < DAYS_PER_YEAR):
            raise ValueError(f"series day: {self.day}, expected a whole number from 0 to {DAYS_PER_YEAR - 1}")
        if not (0.0 <= self.hour < 24.0 and (self.hour / STEP_HOURS).is_integer()):
            raise ValueError(f"series hour: {self.hour}, expected a multiple of {STEP_HOURS} in [0, 24)")
        needed = self.start + self.steps + FUTURE_ROWS + 1
        if self.steps < 1 or len(self.values) < needed:
            raise ValueError(f"series: {len(self.values)} rows, {self.steps} steps from row {self.start} need {needed}")
        past = min(PAST_ROWS, self.year_index)
        if self.start < past:
            raise ValueError(f"series: {self.start} rows before the reset, observations look back {past}")

    @property
    def year_index(self) -> int:
        """Index of the reset row in SustainDC's year of 35,040 points."""
        return year_index(self.day, self.hour)

    def hours(self) -> np.ndarray:
        """float64 (steps + 1,): hour of day of every observation, in [0, 24)."""
        return (self.hour + STEP_HOURS * np.arange(self.steps + 1)) % 24.0


def year_index(day: int, hour: float) -> int:
    """Index of a day and hour in SustainDC's year."""
    return int(day * STEPS_PER_DAY + hour / STEP_HOURS)
