"""From signals to the row table of contract 1: every column of a run, and what is published at each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from grid.calendar import HALF_HOURS_PER_DAY, clock_half_hour, is_working_day, settlement_index
from grid.events import FlexEvent
from grid.forecast import forecasts, published_steps
from grid.market.baseline import baseline_kw_rows
from grid.market.reference_price import reference_price_gbp_per_mwh
from grid.rows import (
    BASELINE,
    COLUMNS,
    EVENT_KW,
    EVENT_PRICE,
    FORECAST_HALF_HOURS,
    FORECAST_SIGNALS,
    NETWORK,
    REFERENCE_PRICE,
    STEPS_PER_DAY,
    TAIL_STEPS,
    TARIFF,
    ExogenousRows,
)
from grid.series import SERIES_COLUMNS, STEP, GridDataError, GridSeries

TRAILING_STEPS = 7 * STEPS_PER_DAY


@dataclass(frozen=True)
class NetworkBand:
    """A network charge on [first, last) clock half-hours (0..48) of the London day; bands that overlap add up."""

    first_half_hour: int
    last_half_hour: int
    gbp_per_mwh: float
    working_days_only: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.first_half_hour < self.last_half_hour <= HALF_HOURS_PER_DAY:
            raise ValueError(
                f"network band {self.first_half_hour}..{self.last_half_hour}: half-hours must rise within 0..48"
            )


@dataclass(frozen=True)
class Tariff:
    """What a metered MWh costs: day-ahead price + ``adder_gbp_per_mwh``, and network charges by time band."""

    adder_gbp_per_mwh: float = 0.0
    network_bands: tuple[NetworkBand, ...] = ()


def compile_rows(
    series: GridSeries,
    *,
    start_utc: pd.Timestamp,
    steps: int,
    events: Sequence[FlexEvent],
    baseline: tuple[np.ndarray, date] | None,
    tariff: Tariff,
    seed: int,
    forecast: np.ndarray | None = None,
    reference_price: float | None = None,
) -> ExogenousRows:
    """The rows of a run of ``steps`` control steps from ``start_utc``, and ``TAIL_STEPS`` more.

    Args:
        series: all of ``SERIES_COLUMNS``; history before the run feeds trailing means and the scale of forecast errors.
        events: requests; those of other times are left out, one across an end of the run is refused.
        baseline: kWh float64 (D, 48) by clock half-hour and its first London date; None in the run-in.
        seed: of forecast errors.
        forecast: float32 (T, 5, 96) as published, in place of one made here from the true values and the seed.
        reference_price: GBP/MWh for every row, in place of the quarterly series.

    Raises:
        GridDataError: a missing column, an event across an end of the run or over another.
        DataRangeError: the series does not reach from the start to 24 h after the run.
    """
    missing = [column for column in SERIES_COLUMNS if column not in series.frame]
    if missing:
        raise GridDataError(f"{series.source}: no column {missing[0]}; join it with GridSeries.with_columns first")
    rows = steps + TAIL_STEPS
    run = series.between(start_utc, start_utc + rows * STEP)
    times = pd.DatetimeIndex(run.frame.index)
    inside = _events_of_run(events, start_utc, start_utc + steps * STEP)

    values = np.zeros((rows, len(COLUMNS)))
    for column in SERIES_COLUMNS:
        values[:, COLUMNS.index(column)] = run.frame[column].to_numpy()
    values[:, TARIFF] = run.frame["day_ahead_gbp_per_mwh"].to_numpy() + tariff.adder_gbp_per_mwh
    values[:, NETWORK] = network_charge(times, tariff.network_bands)
    values[:, REFERENCE_PRICE], reference_provenance = _reference(series, times, reference_price)
    _write_events(values, inside, start_utc)
    if baseline is not None:
        values[:, BASELINE] = baseline_kw_rows(*baseline, times)

    return ExogenousRows(
        start_utc=start_utc,
        steps=steps,
        values=values,
        forecast=forecasts(series, start_utc, rows, seed) if forecast is None else _checked(forecast, rows),
        published_steps=published_steps(times),
        trailing=trailing_means(series, start_utc, rows),
        events=inside,
        provenance={
            **dict.fromkeys(COLUMNS, "modelled"),
            **{column: run.provenance[column] for column in SERIES_COLUMNS},
            "tariff_gbp_per_mwh": run.provenance["day_ahead_gbp_per_mwh"],
            "reference_price_gbp_per_mwh": reference_provenance,
        },
    )


def trailing_means(series: GridSeries, start_utc: pd.Timestamp, rows: int) -> np.ndarray:
    """float64 (rows, 5): mean of each forecast signal over the 7 days up to and including the row, or what there is."""
    first = series.position(start_utc)
    end = np.arange(first + 1, first + rows + 1)
    begin = np.maximum(end - TRAILING_STEPS, 0)
    values = series.frame[list(FORECAST_SIGNALS)].to_numpy()[: first + rows]
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return (total[end] - total[begin]) / (end - begin)[:, None]


def network_charge(times_utc: pd.DatetimeIndex, bands: Sequence[NetworkBand]) -> np.ndarray:
    """Network charge by step, GBP/MWh float64 (T,)."""
    charge = np.zeros(len(times_utc))
    if not bands:
        return charge
    half_hour = clock_half_hour(times_utc)
    dates, _ = settlement_index(times_utc)
    working = np.array([is_working_day(day) for day in dates])
    for band in bands:
        inside = (half_hour >= band.first_half_hour) & (half_hour < band.last_half_hour)
        charge[inside & (working | (not band.working_days_only))] += band.gbp_per_mwh
    return charge


def _events_of_run(
    events: Sequence[FlexEvent], start_utc: pd.Timestamp, end_utc: pd.Timestamp
) -> tuple[FlexEvent, ...]:
    inside: list[FlexEvent] = []
    for event in sorted(events, key=lambda e: e.start):
        if event.end <= start_utc or event.start >= end_utc:
            continue
        if event.start < start_utc or event.end > end_utc:
            raise GridDataError(
                f"event {event.id}: {event.start} .. {event.end} crosses an end of the run {start_utc} .. {end_utc}; "
                "move the event or the run"
            )
        if inside and event.start < inside[-1].end:
            raise GridDataError(
                f"event {event.id}: starts at {event.start} before {inside[-1].id} ends; one request a period"
            )
        inside.append(event)
    return tuple(inside)


def _write_events(values: np.ndarray, events: Sequence[FlexEvent], start_utc: pd.Timestamp) -> None:
    for event in events:
        rows = slice(int((event.start - start_utc) / STEP), int((event.end - start_utc) / STEP))
        values[rows, EVENT_KW] = event.kw
        values[rows, EVENT_PRICE] = event.price_gbp_per_mwh


def _reference(
    series: GridSeries, times_utc: pd.DatetimeIndex, reference_price: float | None
) -> tuple[np.ndarray | float, str]:
    if reference_price is not None:
        return reference_price, "modelled"
    day_ahead = series.frame["day_ahead_gbp_per_mwh"]
    return reference_price_gbp_per_mwh(times_utc, day_ahead, series.filled.get("day_ahead_gbp_per_mwh"))


def _checked(forecast: np.ndarray, rows: int) -> np.ndarray:
    expected = (rows, len(FORECAST_SIGNALS), FORECAST_HALF_HOURS)
    if forecast.shape != expected:
        raise GridDataError(f"forecast has shape {forecast.shape}; {expected} (rows, signals, half-hours) expected")
    return forecast
