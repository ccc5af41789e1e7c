"""Observation features that depend on the series alone: one table per series, one row per control step.

Only what is published at the row's start enters: the present row, forecasts issued by then, requests published by
then. Changing anything not yet published leaves the table's earlier rows as they are (the leak test).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from envs.feature import Feature
from grid.rows import (
    CARBON,
    DRY_BULB,
    FORECAST_SIGNALS,
    STEPS_PER_DAY,
    SYSTEM,
    TARIFF,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)

WINDOW_HOURS = 36
RANK_HOURS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 24, 30, 35)
LEVEL_STEPS = 7 * STEPS_PER_DAY


def _features() -> tuple[Feature, ...]:
    def feature(name: str, normaliser: str, information: str, low: float = -1.0, high: float = 1.0) -> Feature:
        return Feature(name, "-", low, high, normaliser, information)

    clock = [feature(n, "London local time", "site") for n in ("sin_day", "cos_day", "sin_week", "cos_week")]
    weather = [
        feature("dry_bulb", "(degC - 12) / 12", "site", -3.0, 3.0),
        feature("wet_bulb", "(degC - 10) / 10", "site", -3.0, 3.0),
        feature("wet_bulb_in_6h", "(forecast degC - 10) / 10", "site", -3.0, 3.0),
    ]
    workload = [
        feature("utilisation", "share", "site", 0.0, 1.0),
        feature("utilisation_24h", "mean of the last 24 h", "site", 0.0, 1.0),
    ]
    carbon = _outlook_features("carbon", "carbon_aware")
    price = [
        *_outlook_features("price", "grid_aware"),
        feature("price_level", "now / trailing 7-day mean - 1", "grid_aware", -3.0, 5.0),
        feature("price_known", "published hours ahead / 36", "grid_aware", 0.0, 1.5),
        feature("system_premium", "(system - tariff) / trailing level", "grid_aware", -3.0, 5.0),
        feature("request_now", "1 inside an open request", "grid_aware", 0.0, 1.0),
        feature("request_in", "hours to the next request / 24, 2 if none", "grid_aware", 0.0, 2.0),
        feature("request_price", "its price / trailing level", "grid_aware", 0.0, 10.0),
    ]
    return (*clock, *weather, *workload, *carbon, *price)


def _outlook_features(signal: str, information: str) -> list[Feature]:
    ranks = [
        Feature(
            f"{signal}_rank_{h}h", "-", -1.0, 1.0, f"rank of hour +{h} within the next {WINDOW_HOURS} h", information
        )
        for h in RANK_HOURS
    ]
    spread = [
        Feature(f"{signal}_{name}", "-", -3.0, 3.0, meaning, information)
        for name, meaning in (
            ("to_min_6h", "(now - least of 6 h) / level"),
            ("to_max_6h", "(most of 6 h - now) / level"),
            ("to_min_24h", "(now - least of 24 h) / level"),
            ("to_max_24h", "(most of 24 h - now) / level"),
            ("spread_36h", "sd of the next 36 h / level"),
            ("to_mean_24h", "(now - mean of 24 h) / level"),
        )
    ]
    return ranks + spread


def exogenous_table(rows: ExogenousRows) -> np.ndarray:
    """float32 (steps, len(EXOGENOUS_FEATURES)) for the run proper."""
    steps = rows.steps
    values = rows.values[:steps]
    wet_6h = rows.forecast[:steps, FORECAST_SIGNALS.index("wet_bulb_degc"), 11]
    price_level = _trailing_mean(values[:, TARIFF])
    adder = (values[:, TARIFF] - rows["day_ahead_gbp_per_mwh"][:steps])[:, None]
    columns = [
        _clock(rows),
        np.stack([(values[:, DRY_BULB] - 12) / 12, (values[:, WET_BULB] - 10) / 10, (wet_6h - 10) / 10], axis=1),
        np.stack([values[:, UTILISATION], _trailing_mean(values[:, UTILISATION], STEPS_PER_DAY)], axis=1),
        _outlook(_hourly(rows, "carbon_gco2_per_kwh", values[:, CARBON]), _trailing_mean(values[:, CARBON])),
        _outlook(_hourly(rows, "day_ahead_gbp_per_mwh", values[:, TARIFF], adder), price_level),
        np.stack(
            [
                values[:, TARIFF] / price_level - 1.0,
                np.minimum(rows.published_steps[:steps] / (4.0 * WINDOW_HOURS), 1.5),
                (values[:, SYSTEM] - values[:, TARIFF]) / price_level,
            ],
            axis=1,
        ),
        _requests(rows, price_level),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _hourly(rows: ExogenousRows, signal: str, now: np.ndarray, adder: np.ndarray | float = 0.0) -> np.ndarray:
    """float64 (steps, 36): a signal now and at each hour ahead, as published."""
    ahead = rows.forecast[: rows.steps, FORECAST_SIGNALS.index(signal), 1 : 2 * (WINDOW_HOURS - 1) : 2]
    return np.concatenate([now[:, None], ahead.astype(np.float64) + adder], axis=1)


def _outlook(hourly: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Ranks and spread features of an hourly outlook (steps, 36)."""
    order = np.argsort(np.argsort(hourly, axis=1, kind="stable"), axis=1)
    ranks = 2.0 * order[:, RANK_HOURS] / (WINDOW_HOURS - 1) - 1.0
    now, scale = hourly[:, 0], np.maximum(np.abs(level), 1.0)
    spread = [
        now - hourly[:, :6].min(axis=1),
        hourly[:, :6].max(axis=1) - now,
        now - hourly[:, :24].min(axis=1),
        hourly[:, :24].max(axis=1) - now,
        hourly.std(axis=1),
        now - hourly[:, :24].mean(axis=1),
    ]
    return np.concatenate([ranks, np.clip(np.stack(spread, axis=1) / scale[:, None], -3.0, 3.0)], axis=1)


def _trailing_mean(column: np.ndarray, window: int = LEVEL_STEPS) -> np.ndarray:
    """Mean of the last ``window`` rows, the present one included; fewer at the start of the run."""
    total = np.concatenate([[0.0], np.cumsum(column)])
    end = np.arange(1, len(column) + 1)
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)


def _clock(rows: ExogenousRows) -> np.ndarray:
    local = rows.times_utc[: rows.steps].tz_convert("Europe/London")
    day = 2 * np.pi * (local.hour.to_numpy() + local.minute.to_numpy() / 60.0) / 24.0
    week = (2 * np.pi * local.dayofweek.to_numpy() + day) / 7.0
    return np.stack([np.sin(day), np.cos(day), np.sin(week), np.cos(week)], axis=1)


def _requests(rows: ExogenousRows, level: np.ndarray) -> np.ndarray:
    """(steps, 3): inside a published request; hours to the next one / 24; its price over the level."""
    table = np.zeros((rows.steps, 3))
    table[:, 1] = 2.0
    step = pd.Timedelta(minutes=15)
    t = np.arange(rows.steps)
    for event in sorted(rows.events, key=lambda e: e.start, reverse=True):
        seen = (event.published_at - rows.start_utc) / step
        start, end = (event.start - rows.start_utc) / step, (event.end - rows.start_utc) / step
        visible = (t >= seen) & (t < end)
        table[visible, 0] = (t[visible] >= start).astype(float)
        table[visible, 1] = np.clip((start - t[visible]) / STEPS_PER_DAY, 0.0, 2.0)
        table[visible, 2] = np.clip(event.price_gbp_per_mwh / np.maximum(level[visible], 1.0), 0.0, 10.0)
    return table


EXOGENOUS_FEATURES: tuple[Feature, ...] = _features()
