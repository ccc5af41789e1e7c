"""A toy world, stepped in milliseconds: seeded rows with one request, and the case of a site that meets them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from envs.case import Case
from envs.neutral import run_neutral
from envs.params import site_params
from grid.events import FlexEvent
from grid.rows import (
    BASELINE,
    CARBON,
    COLUMNS,
    DAY_AHEAD,
    DRY_BULB,
    EVENT_KW,
    EVENT_PRICE,
    FORECAST_HALF_HOURS,
    REFERENCE_PRICE,
    SYSTEM,
    TAIL_STEPS,
    TARIFF,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)

START = pd.Timestamp("2023-11-13", tz="UTC")
SIGNALS = [CARBON, DAY_AHEAD, SYSTEM, DRY_BULB, WET_BULB]


def toy_rows(steps: int, seed: int = 0) -> ExogenousRows:
    """Rows with daily shapes and noise; one request, 17:00-18:00 of the first day, published at 06:00."""
    rng = np.random.default_rng(seed)
    n = steps + TAIL_STEPS
    t = np.arange(n)
    hourly, half_hourly = t // 4, t // 2
    values = np.zeros((n, len(COLUMNS)))
    values[:, UTILISATION] = np.clip(0.45 + 0.2 * np.sin(2 * np.pi * t / 96) + 0.1 * rng.normal(size=n), 0, 1)
    values[:, DRY_BULB] = 14 + 6 * np.sin(2 * np.pi * (t - 40) / 96)
    values[:, WET_BULB] = values[:, DRY_BULB] - 2
    values[:, CARBON] = 150 + 50 * rng.random(n)[hourly]
    values[:, DAY_AHEAD] = (90 + 60 * rng.normal(size=n))[hourly]
    values[:, TARIFF] = values[:, DAY_AHEAD] + 5
    values[:, SYSTEM] = values[:, DAY_AHEAD] + (20 * rng.normal(size=n))[half_hourly]
    values[:, REFERENCE_PRICE] = 90
    values[:, BASELINE] = (500 + 100 * rng.random(n))[half_hourly]
    values[68:72, EVENT_KW], values[68:72, EVENT_PRICE] = 300, 250
    hour = pd.Timedelta(hours=1)
    event = FlexEvent("req-1", START + 6 * hour, START + 17 * hour, START + 18 * hour, 300.0, 250.0)
    ahead = np.minimum(t[:, None] + 2 * (np.arange(FORECAST_HALF_HOURS) + 1), n - 1)
    forecast = values[:, SIGNALS].T[:, ahead].transpose(1, 0, 2).astype(np.float32)
    trailing = np.tile(values[:, SIGNALS].mean(axis=0), (n, 1))
    return ExogenousRows(START, steps, values, forecast, np.full(n, 60), trailing, (event,))


@pytest.fixture
def toy_case() -> Callable[..., Case]:
    """``toy_case(steps=672, seed=0, **site parameters)``."""

    def make(steps: int = 672, seed: int = 0, **overrides: float) -> Case:
        rows, params = toy_rows(steps, seed), site_params(**overrides)
        before = run_neutral(params, rows.values[:96])
        twin = run_neutral(params, rows.values[:steps], before.state, before.queue_kwh)
        return Case(
            rows=rows,
            params=params,
            state=before.state,
            queue_kwh=before.queue_kwh,
            history_kwh=np.zeros((60, 48)),
            neutral_kwh=twin.import_kwh,
            import_per_it=before.import_per_it,
        )

    return make


@pytest.fixture(scope="session")
def toy_rows_week() -> ExogenousRows:
    """Two days of toy rows, shared because rows are never written by the site."""
    return toy_rows(192, seed=1)
