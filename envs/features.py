"""Observation features of the series alone: one table per series, one row per control step (``ROW_FEATURES``).

Only what is published at the row's start enters: the present row, forecasts issued by then, requests published by
then. Changing anything not yet published leaves the rows up to there as they are.
"""

from __future__ import annotations

import weakref

import numpy as np
import pandas as pd

from envs.layouts import RANK_HOURS, ROW_FEATURES, WINDOW_HOURS, limits
from grid.rows import (
    CARBON,
    DAY_AHEAD,
    DRY_BULB,
    FORECAST_SIGNALS,
    STEP_MINUTES,
    STEPS_PER_DAY,
    SYSTEM,
    TARIFF,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)

REQUEST_SCALE_KW = 500.0
_CARBON, _PRICE, _, _, _WET_BULB = range(len(FORECAST_SIGNALS))
_SIX_HOURS = 11  # index of the half-hourly forecast 6 h ahead
_HOURLY = slice(1, 2 * (WINDOW_HOURS - 1), 2)  # forecast columns 1 h, 2 h .. 35 h ahead
_CHUNK_ROWS = 4096  # bounds the memory of the rank comparison

_tables: dict[int, tuple[weakref.ref, np.ndarray]] = {}


def row_table(rows: ExogenousRows) -> np.ndarray:
    """float32 (steps + 1, len(ROW_FEATURES)), clipped to the declared ranges; computed once per series object.

    The last row belongs to the observation that ends the run.
    """
    kept = _tables.get(id(rows))
    if kept is not None and kept[0]() is rows:
        return kept[1]
    low, high = limits(ROW_FEATURES).T
    table = np.clip(_compute(rows), low, high).astype(np.float32)
    key = id(rows)
    _tables[key] = (weakref.ref(rows, lambda _: _tables.pop(key, None)), table)
    return table


def _compute(rows: ExogenousRows) -> np.ndarray:
    n = rows.steps + 1
    values = rows.visible[:n]
    carbon_level, price_level = _level(rows.trailing[:n, _CARBON]), _level(rows.trailing[:n, _PRICE])
    adder = values[:, TARIFF] - values[:, DAY_AHEAD]
    forecast = rows.forecast[:n].astype(np.float64)
    carbon = np.column_stack([values[:, CARBON], forecast[:, _CARBON, _HOURLY]])
    price = np.column_stack([values[:, TARIFF], forecast[:, _PRICE, _HOURLY] + adder[:, None]])
    return np.column_stack(
        [
            _clock(rows.times_utc[:n]),
            (values[:, DRY_BULB] - 12.0) / 12.0,
            (values[:, WET_BULB] - 10.0) / 10.0,
            (forecast[:, _WET_BULB, _SIX_HOURS] - 10.0) / 10.0,
            values[:, UTILISATION],
            _mean_of_last(values[:, UTILISATION], STEPS_PER_DAY),
            outlook_columns(carbon, carbon_level, rows.trailing[:n, _CARBON]),
            outlook_columns(price, price_level, rows.trailing[:n, _PRICE] + adder),
            rows.published_steps[:n] / (60 / STEP_MINUTES) / WINDOW_HOURS,
            (values[:, SYSTEM] - values[:, DAY_AHEAD]) / price_level,
            _requests(rows, n, price_level),
        ]
    )


def outlook_columns(hourly: np.ndarray, level: np.ndarray, trailing: np.ndarray) -> np.ndarray:
    """Ranks, then spreads over ``level``, of an hourly outlook float64 (n, 36) whose first column is now."""
    now = hourly[:, 0]
    spreads = [
        now - hourly[:, :6].min(axis=1),
        hourly[:, :6].max(axis=1) - now,
        now - hourly[:, :24].min(axis=1),
        hourly[:, :24].max(axis=1) - now,
        now - hourly[:, :24].mean(axis=1),
        hourly.std(axis=1),
        now - trailing,
    ]
    return np.concatenate([_ranks(hourly), np.stack(spreads, axis=1) / level[:, None]], axis=1)


def _ranks(hourly: np.ndarray) -> np.ndarray:
    """(n, len(RANK_HOURS)) in [-1, 1]: where each hour stands within its window; ties share their middle."""
    ranks = np.empty((len(hourly), len(RANK_HOURS)))
    for at in range(0, len(hourly), _CHUNK_ROWS):
        window = hourly[at : at + _CHUNK_ROWS]
        chosen = window[:, list(RANK_HOURS), None]
        below = (window[:, None, :] < chosen).sum(axis=2)
        ties = (window[:, None, :] == chosen).sum(axis=2)
        ranks[at : at + _CHUNK_ROWS] = (2.0 * below + ties - 1.0) / (WINDOW_HOURS - 1) - 1.0
    return ranks


def _level(trailing: np.ndarray) -> np.ndarray:
    """Divisor for money and carbon: the trailing mean, away from zero (10 GBP/MWh or g/kWh)."""
    return np.maximum(np.abs(trailing), 10.0)


def _mean_of_last(column: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` rows, the present one included; fewer at the start of the run."""
    total = np.concatenate([[0.0], np.cumsum(column)])
    end = np.arange(1, len(column) + 1)
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)


def _clock(times_utc: pd.DatetimeIndex) -> np.ndarray:
    """(n, 4): sine and cosine of the time of day and of the week, London clock."""
    local = times_utc.tz_convert("Europe/London")
    day = (local.hour.to_numpy() + local.minute.to_numpy() / 60.0) / 24.0
    week = (local.day_of_week.to_numpy() + day) / 7.0
    angles = 2.0 * np.pi * np.stack([day, week], axis=1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(day), 4)


def _requests(rows: ExogenousRows, n: int, level: np.ndarray) -> np.ndarray:
    """(n, 4) of the next request published by then: inside it, days to it (2 if none), power, price over level."""
    table = np.zeros((n, 4))
    table[:, 1] = 2.0
    step = pd.Timedelta(minutes=STEP_MINUTES)
    t = np.arange(n)
    for event in sorted(rows.events, key=lambda e: e.start, reverse=True):  # the soonest is written last
        seen, start, end = ((m - rows.start_utc) / step for m in (event.published_at, event.start, event.end))
        visible = np.flatnonzero((t >= seen) & (t < end))
        table[visible, 0] = t[visible] >= start
        table[visible, 1] = np.maximum(start - t[visible], 0.0) / STEPS_PER_DAY
        table[visible, 2] = event.kw / REQUEST_SCALE_KW
        table[visible, 3] = event.price_gbp_per_mwh / level[visible]
    return table
