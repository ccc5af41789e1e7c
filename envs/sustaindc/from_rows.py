"""A SustainDC episode cut out of British rows: what its managers would have read of them."""

from __future__ import annotations

import numpy as np

from envs.sustaindc.constants import STEPS_PER_DAY
from envs.sustaindc.series import DAYS_PER_YEAR, FUTURE_ROWS, PAST_ROWS, Series
from grid.rows import CARBON, DRY_BULB, UTILISATION, WET_BULB, ExogenousRows

WINDOW_STEPS = 30 * STEPS_PER_DAY  # carbon and temperature are scaled by their range over 30 days from the reset


def series_of_rows(rows: ExogenousRows, first: int, steps: int) -> Series:
    """``steps`` control steps from row ``first`` on, days and hours by London clock.

    A row before the first or after the last stands for those that are missing (SustainDC looks 4 h back and ahead).
    The 29th of February is its next day: SustainDC's year has 365.

    Raises:
        ValueError: rows beyond the end of the run.
    """
    if first < 0 or first + steps > rows.steps:
        raise ValueError(f"series: {steps} steps from row {first} of a run of {rows.steps}")
    reset = rows.times_utc[first].tz_convert("Europe/London")
    at = np.clip(np.arange(first - PAST_ROWS, first + steps + FUTURE_ROWS + 1), 0, len(rows.values) - 1)
    columns = rows.values[at][:, [UTILISATION, DRY_BULB, WET_BULB, CARBON]]
    window = rows.values[first : first + WINDOW_STEPS]
    scaled = [_scaled(rows.values[at, column], window[:, column]) for column in (CARBON, DRY_BULB)]
    return Series(
        np.column_stack([columns, *scaled]),
        start=PAST_ROWS,
        steps=steps,
        day=min(reset.day_of_year, DAYS_PER_YEAR) - 1,
        hour=reset.hour + reset.minute / 60.0,
    )


def _scaled(column: np.ndarray, window: np.ndarray) -> np.ndarray:
    low, high = window.min(), window.max()
    return (column - low) / max(high - low, 1e-9)
