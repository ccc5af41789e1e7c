"""A small world made by hand: sinusoidal prices and weather, constant work, one request."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from envs.case import Case
from envs.neutral import run_neutral
from envs.params import site_params
from envs.state import QUEUE_STEPS, initial_state
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
    FORECAST_SIGNALS,
    REFERENCE_PRICE,
    STEPS_PER_DAY,
    SYSTEM,
    TAIL_STEPS,
    TARIFF,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)

START = pd.Timestamp("2023-01-09", tz="UTC")  # a Monday; London is on UTC
DAYS = 2


def make_event(**changes: object) -> FlexEvent:
    """Two hours at 17:00 on the first day, 300 kW at three times the mean price, published at midnight."""
    values = {
        "id": "r1",
        "published_at": START,
        "start": START + pd.Timedelta(hours=17),
        "end": START + pd.Timedelta(hours=19),
        "kw": 300.0,
        "price_gbp_per_mwh": 300.0,
    }
    return FlexEvent(**(values | changes))


def make_rows(events: tuple[FlexEvent, ...] = (), *, flat_price: bool = False, days: int = DAYS) -> ExogenousRows:
    """Rows of ``days`` days: price and carbon peak at 18:00, forecasts are exact, the tail is 48 h more."""
    steps = days * STEPS_PER_DAY
    total = steps + TAIL_STEPS + 2 * FORECAST_HALF_HOURS
    hour = np.arange(total) / 4.0 % 24.0
    peak = np.cos((hour - 18.0) / 24.0 * 2.0 * np.pi)
    full = np.zeros((total, len(COLUMNS)))
    full[:, UTILISATION] = 0.5
    full[:, DRY_BULB] = 10.0
    full[:, WET_BULB] = 8.0
    full[:, CARBON] = 150.0 + 80.0 * peak
    full[:, DAY_AHEAD] = 100.0 if flat_price else 100.0 + 60.0 * peak
    full[:, SYSTEM] = full[:, DAY_AHEAD]
    full[:, TARIFF] = full[:, DAY_AHEAD]
    full[:, REFERENCE_PRICE] = 90.0
    for event in events:
        inside = slice(*(round((t - START) / pd.Timedelta(minutes=15)) for t in (event.start, event.end)))
        full[inside, EVENT_KW] = event.kw
        full[inside, EVENT_PRICE] = event.price_gbp_per_mwh
    kept = steps + TAIL_STEPS
    ahead = np.arange(kept)[:, None] + 2 * (1 + np.arange(FORECAST_HALF_HOURS))
    signals = [COLUMNS.index(name) for name in FORECAST_SIGNALS]
    now = START + pd.to_timedelta(np.arange(kept) * 15, unit="min")
    auctioned = now.normalize() + pd.to_timedelta(np.where(now.hour * 60 + now.minute >= 630, 47, 23), unit="h")
    return ExogenousRows(
        start_utc=START,
        steps=steps,
        values=full[:kept],
        forecast=np.ascontiguousarray(full[ahead][:, :, signals].transpose(0, 2, 1).astype(np.float32)),
        published_steps=np.maximum(1, ((auctioned - now) / pd.Timedelta(minutes=15)).to_numpy()).astype(np.int64),
        trailing=np.repeat(full[:kept, signals].mean(axis=0)[None], kept, axis=0),
        events=events,
    )


@pytest.fixture(scope="session", name="make_event")
def _make_event() -> Callable[..., FlexEvent]:
    """``make_event(**changes)`` -> FlexEvent."""
    return make_event


@pytest.fixture(scope="session")
def world() -> Callable[..., Case]:
    """``world(events=(), flat_price=False, days=2, **site)`` -> Case with the neutral site's own baseline."""

    def build(events: tuple[FlexEvent, ...] = (), *, flat_price: bool = False, days: int = DAYS, **site: float) -> Case:
        rows = make_rows(events, flat_price=flat_price, days=days)
        params = site_params("uk_default", **site)
        neutral = run_neutral(params, rows.values[: rows.steps])
        rows.values[: rows.steps, BASELINE] = np.repeat(neutral.import_kwh.reshape(-1, 2).sum(axis=1) * 2.0, 2)
        by_clock = neutral.import_kwh[:STEPS_PER_DAY].reshape(48, 2).sum(axis=1)
        return Case(
            rows=rows,
            params=params,
            state=initial_state(params),
            queue_kwh=np.zeros(QUEUE_STEPS),
            history_kwh=np.repeat(by_clock[None], 60, axis=0),
            neutral_kwh=neutral.import_kwh,
            import_per_it=neutral.import_per_it,
        )

    return build
