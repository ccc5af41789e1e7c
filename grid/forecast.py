"""What is published about the future by the start of each row: prices auctioned, and forecasts of all the rest.

Day-ahead prices are exact once auctioned: results at 10:30 London on D-1 for the delivery day D, which runs
23:00-23:00 London. Everything else is truth plus an error, so a forecast made here depends on the true series; the
published forecast is itself a public quantity. To ask what a controller could have known (the leak test), hold a
forecast fixed (``compile_rows(..., forecast=)``) while changing values not yet published.

Error of signal s, issued at t for t + h:

    e = scale_s(t) g(h) (sqrt(SHARED) V_s(t + h) + sqrt(1 - SHARED) U_s(t))

V is an AR(1) over target times (the feature the forecaster has wrong), U one over issue times (a drift of the run);
both have unit variance, so a forecast moves by small revisions and closes on the truth. g(h) is the root of
1 - exp(-h / 24 h), over its value at 24 h. scale_s(t) = ``SKILL[s]`` x the sd of 24-h persistence, estimated from the
28 days before t: calibrated against persistence, on published values only. All noise is a pure function of
(seed, time).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from grid.calendar import LONDON, PERIOD
from grid.noise import ar1
from grid.rows import FORECAST_HALF_HOURS, FORECAST_SIGNALS, STEPS_PER_DAY, STEPS_PER_PERIOD
from grid.series import STEP, GridSeries

AUCTION_RESULTS = pd.Timedelta(hours=10, minutes=30)
DELIVERY_DAY_ENDS = pd.Timedelta(hours=23)

# Error sd over that of 24-h persistence, 24 h ahead. Assumptions: half for weather (numerical forecasts), 0.6 for
# carbon and prices beyond the auction; most of a system price's deviation from day-ahead cannot be foreseen.
SKILL = {
    "carbon_gco2_per_kwh": 0.6,
    "day_ahead_gbp_per_mwh": 0.6,
    "system_gbp_per_mwh": 0.75,
    "dry_bulb_degc": 0.5,
    "wet_bulb_degc": 0.5,
}
# Mean |x(t) - x(t - 24 h)| of 2022 (carbon, prices, weather files); counts as one day of history.
TYPICAL_CHANGE = {
    "carbon_gco2_per_kwh": 38.5,
    "day_ahead_gbp_per_mwh": 35.6,
    "system_gbp_per_mwh": 44.0,
    "dry_bulb_degc": 2.06,
    "wet_bulb_degc": 1.82,
}
SD_PER_MEAN_CHANGE = 1.33  # of carbon and weather, 2022; of a normal law 1.25
SCALE_DAYS = 28
SHARED = 0.7
TARGET_CORRELATION, ISSUE_CORRELATION = 0.9, 0.95  # per hour
DAY_HALF_HOURS = 48
REACH_STEPS = FORECAST_HALF_HOURS * STEPS_PER_PERIOD


def published_steps(times_utc: pd.DatetimeIndex) -> np.ndarray:
    """int64 (T,): rows from each one on, itself included, whose day-ahead price is published at its start."""
    local = times_utc.tz_convert(LONDON)
    wall = local.tz_localize(None)
    delivery_day = wall.normalize() + np.where(wall - wall.normalize() >= AUCTION_RESULTS, 1, 0) * pd.Timedelta(days=1)
    # 23:00 is never skipped nor repeated by a clock change.
    until = (delivery_day + DELIVERY_DAY_ENDS).tz_localize(LONDON).tz_convert("UTC")
    return np.asarray((until - times_utc) // STEP, dtype=np.int64)


def forecasts(series: GridSeries, start_utc: pd.Timestamp, rows: int, seed: int) -> np.ndarray:
    """float32 (rows, 5, 96): signal by half-hour ahead of each row from ``start_utc`` on, in FORECAST_SIGNALS order.

    Where the series ends within 48 h of a row, its last day stands for the days after it.
    """
    first = series.position(start_utc)
    times = pd.date_range(start_utc, periods=rows, freq=STEP)
    lead = np.arange(1, FORECAST_HALF_HOURS + 1)
    growth = np.sqrt(-np.expm1(-lead / DAY_HALF_HOURS) / -np.expm1(-1.0)).astype(np.float32)
    table = np.empty((rows, len(FORECAST_SIGNALS), FORECAST_HALF_HOURS), dtype=np.float32)
    for s, signal in enumerate(FORECAST_SIGNALS):
        values = _extended(series.frame[signal].to_numpy(), first + rows + REACH_STEPS)
        truth = _ahead(values[first:].astype(np.float32), rows)
        scale = (SKILL[signal] * _persistence_sd(values[: first + rows], signal)[first:]).astype(np.float32)
        target, issue = _noise(seed, signal, start_utc, rows)
        error = target
        error += issue[:, None]
        error *= growth
        error *= scale[:, None]
        np.add(truth, error, out=table[:, s])
    _publish_prices(table, series, first, times)
    carbon, dry, wet = (
        table[:, FORECAST_SIGNALS.index(s)] for s in ("carbon_gco2_per_kwh", "dry_bulb_degc", "wet_bulb_degc")
    )
    np.maximum(carbon, 0.0, out=carbon)
    np.minimum(wet, dry, out=wet)
    return table


def as_expected(series: GridSeries, start_utc: pd.Timestamp, rows: int) -> np.ndarray:
    """float32 (rows, 5, 96): what ``series`` itself says of the half-hours after each row; errors are its own."""
    first = series.position(start_utc)
    table = np.empty((rows, len(FORECAST_SIGNALS), FORECAST_HALF_HOURS), dtype=np.float32)
    for s, signal in enumerate(FORECAST_SIGNALS):
        values = _extended(series.frame[signal].to_numpy(), first + rows + REACH_STEPS)
        table[:, s] = _ahead(values[first:].astype(np.float32), rows)
    return table


def _publish_prices(table: np.ndarray, series: GridSeries, first: int, times: pd.DatetimeIndex) -> None:
    """Put the auctioned prices, as they are, where the row already knows them."""
    s = FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")
    prices = _extended(series.frame["day_ahead_gbp_per_mwh"].to_numpy(), first + len(times) + REACH_STEPS)
    lead_steps = STEPS_PER_PERIOD * np.arange(1, FORECAST_HALF_HOURS + 1)
    known = lead_steps[None, :] < published_steps(times)[:, None]
    np.copyto(table[:, s], _ahead(prices[first:].astype(np.float32), len(times)), where=known)


def _extended(values: np.ndarray, length: int) -> np.ndarray:
    """``values`` made at least ``length`` long by repeating the last day (or what there is of it)."""
    short = length - len(values)
    if short <= 0:
        return values
    last_day = values[-STEPS_PER_DAY:]
    return np.concatenate([values, np.resize(last_day, short)])


def _ahead(values: np.ndarray, rows: int) -> np.ndarray:
    """View (rows, 96): [t, k] = values[t + 2 (k + 1)]."""
    return sliding_window_view(values, REACH_STEPS + 1)[:rows, STEPS_PER_PERIOD::STEPS_PER_PERIOD]


def _persistence_sd(values: np.ndarray, signal: str) -> np.ndarray:
    """Sd of the 24-h change by row, from the ``SCALE_DAYS`` before it. Means of |change| resist single spikes."""
    change = np.abs(values[STEPS_PER_DAY:] - values[:-STEPS_PER_DAY])
    total = np.concatenate([np.zeros(STEPS_PER_DAY + 1), np.cumsum(change)])[: len(values)]
    row = np.arange(len(values))
    begin = np.maximum(row - SCALE_DAYS * STEPS_PER_DAY, 0)
    count = np.maximum(row - STEPS_PER_DAY, 0) - np.maximum(begin - STEPS_PER_DAY, 0)
    mean = (total[row] - total[begin] + STEPS_PER_DAY * TYPICAL_CHANGE[signal]) / (count + STEPS_PER_DAY)
    return SD_PER_MEAN_CHANGE * mean


def _noise(seed: int, signal: str, start_utc: pd.Timestamp, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Target part (rows, 96) and issue part (rows,) of the unit error; both change on half-hours."""
    skip = int((start_utc - start_utc.floor(PERIOD)) / STEP)
    half_hours = rows // STEPS_PER_PERIOD + 2
    key = ("forecast", seed, signal)
    target = ar1((*key, "target"), start_utc, half_hours + FORECAST_HALF_HOURS, TARGET_CORRELATION)
    issue = ar1((*key, "issue"), start_utc, half_hours, ISSUE_CORRELATION)
    half_hour = (np.arange(rows) + skip) // STEPS_PER_PERIOD
    windows = sliding_window_view((np.sqrt(SHARED) * target).astype(np.float32), FORECAST_HALF_HOURS)[1:]
    return windows[half_hour], (np.sqrt(1.0 - SHARED) * issue).astype(np.float32)[half_hour]
