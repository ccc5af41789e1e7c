"""Training worlds: long synthetic stretches of Britain, each compiled once and shared by all sites that train in it.

Signals are the synthetic source, fitted on 2022. Level and volatility of the price are drawn for each world, so that
calmer and cheaper years than 2022 lie inside the range. Workloads: the traces meant for training where their files are
at hand, and the generator. The baseline of each day is BL01 of the neutral site's own last 60 days, rolling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from envs.features import row_table
from envs.neutral import NeutralRun, run_neutral
from grid.calendar import london_midnight_utc
from grid.compile import Tariff
from grid.events import FlexEvent
from grid.market.baseline import Baseline, DayFlags, baseline_kw_rows, fold_days
from grid.noise import hashed_generator
from grid.rows import (
    BASELINE,
    DAY_AHEAD,
    FORECAST_SIGNALS,
    RUN_IN_DAYS,
    STEPS_PER_DAY,
    STEPS_PER_PERIOD,
    ExogenousRows,
)
from grid.series import STEP, GridSeries
from grid.sources import load_signals
from grid.week import week_rows
from grid.workload import load_workload
from train.kernel import neutral_path

START = date(2022, 1, 10)  # the traces and the 60 days of history reach it; synthetic signals have no calendar of ours
TRACES = ("alibaba_1", "google")  # alibaba_2 is for reports
GENERATOR = "generator"
# Shares of 2022, whose mean was GBP 204/MWh: 2023 had 0.46 of it, and the same spread relative to its mean.
PRICE_LEVEL, PRICE_VOLATILITY, CARBON_LEVEL = (0.25, 0.8), (0.6, 1.4), (0.7, 1.1)
CRITIC_HOURS = (*range(1, 13), *range(14, 38, 2))  # true prices ahead that a critic may see in training
_PRICE = FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")


@dataclass(frozen=True)
class WorldSpec:
    """Which world: everything it is made from."""

    seed: int
    workload: str
    price_level: float
    volatility: float
    carbon_level: float
    days: int


@dataclass(frozen=True)
class World:
    """One long case. T = steps + 96 rows of tail; only what training reads is kept (no forecasts).

    values      float64 (T, columns) of ``grid.rows``
    table       float32 (T, ROW_FEATURES): the observation's part of the series
    future      float32 (T, len(CRITIC_HOURS)): (true price ahead - now) / level, for critics
    level       float64 (T,): trailing 7-day price, GBP/MWh, at least 10
    neutral     float64 (T, NEUTRAL_COLUMNS) of ``train.kernel``: meter, penalty and thermal state of the neutral site
    import_per_it  site kWh per IT kWh of the neutral site
    requests    float64 (n, 3): first row, row after the last, kW; in time order
    """

    spec: WorldSpec
    steps: int
    values: np.ndarray
    table: np.ndarray
    future: np.ndarray
    level: np.ndarray
    neutral: np.ndarray
    import_per_it: float
    requests: np.ndarray


def draw_specs(count: int, days: int, seed: int, traces: Sequence[str]) -> list[WorldSpec]:
    """``count`` worlds; workloads in turn, the rest drawn. Equal arguments give equal worlds."""
    rng = hashed_generator("training worlds", seed)
    names = (*traces, GENERATOR)
    return [
        WorldSpec(
            seed=int(rng.integers(1000, 2**31)),
            workload=names[k % len(names)],
            price_level=float(rng.uniform(*PRICE_LEVEL)),
            volatility=float(rng.uniform(*PRICE_VOLATILITY)),
            carbon_level=float(rng.uniform(*CARBON_LEVEL)),
            days=days,
        )
        for k in range(count)
    ]


def traces_in(folder: str | None) -> tuple[str, ...]:
    """The training traces whose files lie in ``folder``."""
    if folder is None:
        return ()
    return tuple(name for name in TRACES if (Path(folder) / f"workload_{name}.csv.gz").is_file())


def build_world(spec: WorldSpec, params: np.ndarray, tariff: Tariff, trace_folder: str | None) -> World:
    """Compile one world for sites of ``params`` (1,)."""
    series = _series(spec, trace_folder)
    run_in: list[NeutralRun] = []

    def meter(rows: ExogenousRows) -> np.ndarray:
        run_in.append(run_neutral(params, rows.values[: rows.steps]))
        return run_in[-1].import_kwh

    rows = week_rows(
        series,
        start=START,
        days=spec.days,
        meter=meter,
        tariff=tariff,
        source_key=f"training-{spec.seed}",
        seed=spec.seed,
    )
    before = run_in[0]
    neutral = neutral_path(params, rows.values, before.state, before.queue_kwh)
    history = np.concatenate([before.import_kwh, neutral[: rows.steps, 0]])
    rows.values[:, BASELINE] = _rolling_baseline(history, rows)
    table = np.zeros((len(rows.values), row_table(rows).shape[1]), dtype=np.float32)
    table[: rows.steps + 1] = row_table(rows)
    return World(
        spec=spec,
        steps=rows.steps,
        values=rows.values,
        table=table,
        future=_future(rows),
        level=np.maximum(np.abs(rows.trailing[:, _PRICE]), 10.0),
        neutral=neutral,
        import_per_it=before.import_per_it,
        requests=np.array([_request(event, rows) for event in rows.events]).reshape(-1, 3),
    )


def _series(spec: WorldSpec, trace_folder: str | None) -> GridSeries:
    span = london_midnight_utc(START), london_midnight_utc(START + timedelta(days=spec.days))
    signals = load_signals("synthetic", None, *span, seed=spec.seed)
    frame = signals.frame.copy()
    price = frame["day_ahead_gbp_per_mwh"]
    week = price.rolling(7 * STEPS_PER_DAY, min_periods=STEPS_PER_DAY, center=True).mean()
    week = week.groupby(pd.DatetimeIndex(week.index).floor("h")).transform("first")  # an hour has one price
    frame["day_ahead_gbp_per_mwh"] = spec.price_level * (week + spec.volatility * (price - week))
    frame["carbon_gco2_per_kwh"] *= spec.carbon_level
    scaled = GridSeries(frame, signals.provenance, f"training world {spec.seed}", signals.filled)
    return scaled.with_columns(load_workload(spec.workload, trace_folder, *span, seed=spec.seed))


def _rolling_baseline(import_kwh: np.ndarray, rows: ExogenousRows) -> np.ndarray:
    """Baseline kW by row: each London day from the 60 days before it; zero in the tail."""
    first = START - timedelta(days=RUN_IN_DAYS)
    days = (rows.times_utc[rows.steps].tz_convert("Europe/London").date() - first).days
    by_day = fold_days(import_kwh, london_midnight_utc(first), days)
    flags = DayFlags.of_days(first, days)
    kwh = []
    for k in range(RUN_IN_DAYS, days):
        past = slice(k - RUN_IN_DAYS, k)
        window = DayFlags(*(np.asarray(f)[past] for f in vars(flags).values()))
        kwh.append(Baseline.from_history(by_day[past], window, first + timedelta(days=k), 1)[0])
    kw = baseline_kw_rows(np.array(kwh), START, rows.times_utc[::STEPS_PER_PERIOD])
    return np.repeat(kw, STEPS_PER_PERIOD)[: len(rows.values)]


def _future(rows: ExogenousRows) -> np.ndarray:
    price = rows.values[:, DAY_AHEAD]
    steps_per_hour = STEPS_PER_DAY // 24
    ahead = np.arange(len(price))[:, None] + steps_per_hour * np.array(CRITIC_HOURS)
    level = np.maximum(np.abs(rows.trailing[:, _PRICE]), 10.0)
    true = price[np.minimum(ahead, len(price) - 1)]
    return np.clip((true - price[:, None]) / level[:, None], -3.0, 3.0).astype(np.float32)


def _request(event: FlexEvent, rows: ExogenousRows) -> tuple[float, float, float]:
    """First row, row after the last, kW."""
    return (event.start - rows.start_utc) / STEP, (event.end - rows.start_utc) / STEP, event.kw
