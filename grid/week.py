"""The world of one run, ready to use: system prices, requests, the 60-day run-in and the baseline it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from grid.calendar import london_midnight_utc
from grid.compile import Tariff, compile_rows
from grid.event_source import (
    ORDINARY_REQUESTS,
    ORDINARY_SYSTEM,
    RequestTerms,
    SystemTerms,
    generate_events,
    system_prices,
)
from grid.events import FlexEvent
from grid.forecast import as_expected
from grid.market.baseline import Baseline, fold_history
from grid.rows import (
    BASELINE,
    DRY_BULB,
    FORECAST_HALF_HOURS,
    FORECAST_SIGNALS,
    RUN_IN_DAYS,
    TAIL_STEPS,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)
from grid.series import STEP, GridSeries

_MET = [UTILISATION, DRY_BULB, WET_BULB]  # what the plant has felt of a row
Meter = Callable[[ExogenousRows], np.ndarray]


def week_rows(
    series: GridSeries,
    *,
    start: date,
    days: int,
    meter: Meter,
    tariff: Tariff,
    source_key: str,
    seed: int,
    requests: bool | Sequence[FlexEvent] = True,
    request_terms: RequestTerms = ORDINARY_REQUESTS,
    system_terms: SystemTerms = ORDINARY_SYSTEM,
    baseline_rule: str = "mid",
    reference_price: float | None = None,
) -> ExogenousRows:
    """Rows of a run of ``days`` London days from ``start``, requests and baseline included.

    Args:
        series: utilisation, weather, carbon and day-ahead price with the 60 days before and the 24 h after.
        meter: import of the neutral site over the rows of the run-in, kWh float64 (rows.steps,); its rows hold no
            baseline, no requests, and NaN forecasts: the neutral site looks at none.
        source_key: names the world (source, data, synthetic seed): requests and system prices follow from it and the
            calendar week, whatever the run.
        seed: of forecast errors.
        requests: whether the grid side asks for flexibility at all, or the requests themselves.
        request_terms, system_terms: of the modelled requests and system price.
        baseline_rule, reference_price: see ``grid.market.baseline`` and ``compile_rows``.

    Raises:
        GridDataError (a request across an end of the run included), DataRangeError, NoBaselineError.
    """
    start_utc, end_utc = london_midnight_utc(start), london_midnight_utc(start + timedelta(days=days))
    requested: Sequence[FlexEvent] = () if isinstance(requests, bool) else requests
    if requests is True:
        day_ahead = series.frame["day_ahead_gbp_per_mwh"]
        requested = generate_events(day_ahead, series.start_utc, series.end_utc, source_key, request_terms)
    world = with_system_price(series, requested, source_key, system_terms)
    run_in = run_in_rows(world, start, tariff)
    history, flags = fold_history(np.asarray(meter(run_in), dtype=np.float64), run_in.start_utc)
    return compile_rows(
        world,
        start_utc=start_utc,
        steps=int((end_utc - start_utc) / STEP),
        events=requested,
        baseline=(Baseline.from_history(history, flags, start, days, baseline_rule), start),
        tariff=tariff,
        seed=seed,
        reference_price=reference_price,
    )


def renewed_rows(
    rows: ExogenousRows, series: GridSeries, now_row: int, tariff: Tariff, reference_price: float | None = None
) -> ExogenousRows:
    """The rows of a run that is happening, as they stand at ``now_row``, from a series that says what is expected.

    Rows to come, and what is forecast at them, are the series' own. Rows that are over keep load, weather and the
    forecast they were met with; their prices and carbon are those that are known by now. No later price counts as
    published: an expected one stands for it. Requests and baseline stay.
    """
    forecast = rows.forecast.copy()
    forecast[now_row:] = as_expected(series, rows.start_utc, len(rows.values))[now_row:]
    renewed = compile_rows(
        series,
        start_utc=rows.start_utc,
        steps=rows.steps,
        events=rows.events,
        baseline=None,
        tariff=tariff,
        seed=0,
        forecast=forecast,
        reference_price=reference_price,
    )
    renewed.values[:now_row, _MET] = rows.values[:now_row, _MET]
    renewed.values[:, BASELINE] = rows.values[:, BASELINE]
    return replace(renewed, published_steps=np.ones_like(rows.published_steps))


def with_system_price(
    series: GridSeries, requests: Sequence[FlexEvent], source_key: str, terms: SystemTerms = ORDINARY_SYSTEM
) -> GridSeries:
    """``series`` with a modelled system price, unless it brings one of its own.

    Requests before and after the run raise it too: an hour has one price, whichever run looks at it.
    """
    if "system_gbp_per_mwh" in series.frame:
        return series
    frame = series.frame.assign(system_gbp_per_mwh=system_prices(series, requests, source_key, terms))
    return GridSeries(frame, {**series.provenance, "system_gbp_per_mwh": "modelled"}, series.source, series.filled)


def run_in_rows(series: GridSeries, start: date, tariff: Tariff) -> ExogenousRows:
    """The 60 London days before ``start``: no requests, no baseline, forecasts all NaN."""
    begin = london_midnight_utc(start - timedelta(days=RUN_IN_DAYS))
    steps = int((london_midnight_utc(start) - begin) / STEP)
    unseen = np.broadcast_to(np.float32(np.nan), (steps + TAIL_STEPS, len(FORECAST_SIGNALS), FORECAST_HALF_HOURS))
    return compile_rows(
        series, start_utc=begin, steps=steps, events=(), baseline=None, tariff=tariff, seed=0, forecast=unseen
    )
