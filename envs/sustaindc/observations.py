"""Observations (s. 5): what depends on time alone is computed once per row, the rest is filled in each step."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from envs.sustaindc.constants import (
    AGENTS,
    MEAN_AGE,
    OLDEST_AGE,
    OVER_24H,
    QUEUE_AFTER,
    SOC,
    UNDER_6H,
)
from envs.sustaindc.series import CARBON_NORM, DRY_BULB_NORM, PAST_ROWS, WORKLOAD, Series

CARBON_AHEAD = 8  # documented as four hours, in fact two (kept quirk)
WEATHER_AHEAD = 16
SMOOTHING = 4
TINY = 1e-8
SIZES = {"agent_ls": 26, "agent_dc": 14, "agent_bat": 13}
LS_OLDEST, LS_MEAN, LS_LENGTH, LS_HISTOGRAM = 10, 11, 12, 21  # columns of agent_ls that depend on the site
BAT_SOC = 12


def row_observations(series: Series) -> dict[str, np.ndarray]:
    """float32 (steps + 1, size) per agent: observations by time since the reset, zeros where the site decides."""
    rows = slice(series.start, series.start + series.steps + 1)
    hour = np.round(series.hours() / 24.0, 3) * 2.0 * np.pi
    clock = np.stack([0.5 * np.cos(hour) + 0.5, 0.5 * np.sin(hour) + 0.5], axis=1)
    carbon, warmth = series.values[:, CARBON_NORM], series.values[:, DRY_BULB_NORM]
    workload = series.values[:, WORKLOAD]
    shared = np.column_stack([clock, carbon[rows], carbon_features(series)])
    ahead = slice(rows.start + 1, rows.stop + 1)

    ls = np.zeros((series.steps + 1, SIZES["agent_ls"]))
    ls[:, :10] = shared
    ls[:, 13] = workload[rows]
    ls[:, 14] = warmth[rows]
    ls[:, 15:21] = weather_features(series)
    dc = np.column_stack([shared, workload[rows], workload[ahead], warmth[rows], warmth[ahead]])
    bat = np.column_stack([shared, workload[rows], warmth[rows], np.zeros(series.steps + 1)])
    return {agent: table.astype(np.float32) for agent, table in zip(AGENTS, (ls, dc, bat), strict=True)}


def carbon_features(series: Series) -> np.ndarray:
    """float64 (steps + 1, 7): slopes of the smoothed outlook and past, then ``outlook_features``."""
    carbon = series.values[:, CARBON_NORM]
    outlook = _windows(carbon, series, 0, CARBON_AHEAD)
    past_slope = np.zeros(series.steps + 1)
    # SustainDC's past is empty in the first 16 rows of its year, which makes the slope zero (kept quirk).
    first = max(0, PAST_ROWS - series.year_index)
    if first <= series.steps:
        past = _windows(carbon, series, PAST_ROWS, 0, first)
        past_slope[first:] = slope(_smoothed(past))
    return np.column_stack([slope(_smoothed(outlook)), past_slope, outlook_features(outlook)])


def weather_features(series: Series) -> np.ndarray:
    """float64 (steps + 1, 6): slope of the outlook, not smoothed, then ``outlook_features``."""
    outlook = _windows(series.values[:, DRY_BULB_NORM], series, 0, WEATHER_AHEAD)
    return np.column_stack([slope(outlook), outlook_features(outlook)])


def outlook_features(outlook: np.ndarray) -> np.ndarray:
    """float64 (T, 5): mean, standard deviation, present value relative to both, first peak and first valley.

    Args:
        outlook: float64 (T, 1 + n): the present value and n to come. Peak and valley are positions / n, 1 where none.
    """
    now, future = outlook[:, 0], np.ascontiguousarray(outlook[:, 1:])
    mean, deviation = future.mean(axis=1), future.std(axis=1)
    gradient = np.gradient(outlook, axis=1)
    peak = _first_turn(gradient)
    valley = _first_turn(-gradient)
    return np.column_stack([mean, deviation, (now - mean) / (deviation + TINY), peak, valley])


def slope(values: np.ndarray) -> np.ndarray:
    """float64 (T,): least-squares slope of each row of (T, n) over 0 .. n - 1."""
    x = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2.0
    return values @ x / (x @ x)


def fill_site(observations: dict[str, np.ndarray], outputs: np.ndarray, queue_max: np.ndarray) -> None:
    """Write what the site decides into row observations (B, size), in place.

    Args:
        outputs: float64 (B, outputs) of the step just made. queue_max: float64 (B,).
    """
    ls = observations["agent_ls"]
    ls[:, LS_OLDEST] = outputs[:, OLDEST_AGE]
    ls[:, LS_MEAN] = outputs[:, MEAN_AGE]
    ls[:, LS_LENGTH] = outputs[:, QUEUE_AFTER] / queue_max
    ls[:, LS_HISTOGRAM:] = outputs[:, UNDER_6H : OVER_24H + 1]
    observations["agent_bat"][:, BAT_SOC] = outputs[:, SOC]


def _windows(column: np.ndarray, series: Series, before: int, after: int, first: int = 0) -> np.ndarray:
    """float64 (steps + 1 - first, before + 1 + after): rows around each observation from the ``first`` on."""
    start = series.start + first - before
    stop = series.start + series.steps + 1 + after
    return sliding_window_view(column[start:stop], before + 1 + after)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Moving average of 4 along each row, valid part only."""
    return sliding_window_view(values, SMOOTHING, axis=1).mean(axis=-1)


def _first_turn(gradient: np.ndarray) -> np.ndarray:
    """Position / n of the first rise that is followed by no rise; 1 where there is none. gradient: (T, n + 1)."""
    n = gradient.shape[1] - 1
    turns = (gradient[:, :-1] > 0.0) & (gradient[:, 1:] <= 0.0)
    return np.where(turns.any(axis=1), turns.argmax(axis=1), n) / n
