"""From a configuration to cases: signals, workload, neutral run-in, baseline, and the neutral twin of the run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from configs.schema import Config
from envs.case import Case
from envs.neutral import NeutralRun, run_neutral
from envs.params import site_params
from envs.scenario import Disturbance, disturb_rows
from grid.calendar import london_midnight_utc
from grid.compile import NetworkBand, Tariff
from grid.event_source import RequestTerms, SystemTerms, generate_events
from grid.events import FlexEvent
from grid.forecast import forecasts
from grid.market.baseline import fold_history
from grid.market.rules import MarketRules
from grid.rows import RUN_IN_DAYS, STEP_HOURS, ExogenousRows
from grid.scripted_events import read_events
from grid.series import GridSeries
from grid.sources import Services, load_signals
from grid.week import week_rows, with_system_price
from grid.workload import load_workload
from llm_layer.notices.generator import generate_notices
from llm_layer.notices.notice import Authored

# Site keys of the configuration that are not the parameter of the same name.
_NOT_PARAMETERS = ("profile", "it_capacity_mw", "scenario")
# Market keys that make the world, not the terms of trade.
_NOT_RULES = ("requests", "events", "request_terms", "system_price", "reference_price_gbp_per_mwh")


def make_case(config: Config, start: date | None = None, days: int | None = None) -> Case:
    """The case of ``config``: its own start and length, or another week of the same world.

    Raises:
        ValueError (``GridDataError`` and its kin): data missing, broken or too short, parameters out of bounds.
    """
    return make_cases(config, start or config.run.start, days or config.run.days, (config.run.seed,))[0]


def make_cases(config: Config, start: date, days: int, seeds: Sequence[int]) -> list[Case]:
    """The same world as each of ``seeds`` meets it: what is forecast differs, and nothing else.

    Raises ValueError: see ``make_case``.
    """
    params = params_of(config)
    asked, world = world_of(config, series_of(config, start, days))
    run_in: list[NeutralRun] = []

    def meter(rows: ExogenousRows) -> np.ndarray:
        run_in.append(run_neutral(params, rows.values[: rows.steps]))
        return run_in[-1].import_kwh

    first = week_rows(
        world,
        start=start,
        days=days,
        meter=meter,
        tariff=tariff_of(config),
        source_key=source_key(config),
        seed=seeds[0],
        requests=asked,
        baseline_rule=config.market.baseline_rule,
        reference_price=config.market.reference_price_gbp_per_mwh,
    )
    scenario, before = scenario_of(config), run_in[0]
    history, _ = fold_history(before.import_kwh, london_midnight_utc(start - timedelta(days=RUN_IN_DAYS)))
    all_rows = [disturb_rows(rows, scenario) for rows in _reseeded(first, world, seeds)]
    twin = run_neutral(params, all_rows[0].values[: first.steps], before.state, before.queue_kwh, scenario)
    notices = notices_of(config, all_rows[0], twin.import_kwh)
    return [
        Case(
            rows=rows,
            params=params,
            state=before.state,
            queue_kwh=before.queue_kwh,
            history_kwh=history,
            neutral_kwh=twin.import_kwh,
            import_per_it=before.import_per_it,
            keys={
                "week_start": start.isoformat(),
                "workload": config.workload.name or "",
                "site": f"{config.site.profile}_{config.site.it_capacity_mw:g}mw",
                "data_hash": _data_hash(rows, scenario, notices),
            },
            scenario=scenario,
            notices=notices,
        )
        for rows in all_rows
    ]


def world_of(config: Config, series: GridSeries) -> tuple[Sequence[FlexEvent], GridSeries]:
    """What the grid side asks for, and the signals with the system price that follows from it."""
    key, asked = source_key(config), _requests(config)
    requests: Sequence[FlexEvent] = () if isinstance(asked, bool) else asked
    if asked is True:
        terms = RequestTerms(**config.market.request_terms.model_dump())
        requests = generate_events(series.frame["day_ahead_gbp_per_mwh"], series.start_utc, series.end_utc, key, terms)
    return requests, with_system_price(series, requests, key, SystemTerms(**config.market.system_price.model_dump()))


def _reseeded(first: ExogenousRows, world: GridSeries, seeds: Sequence[int]) -> list[ExogenousRows]:
    """``first``, of the first seed, and the same rows with the forecasts of the others."""
    size = len(first.values)
    return [first, *(replace(first, forecast=forecasts(world, first.start_utc, size, seed)) for seed in seeds[1:])]


def notices_of(config: Config, rows: ExogenousRows, neutral_kwh: np.ndarray) -> tuple[Authored, ...]:
    """What grid and operator write during a run, with what it means."""
    if config.notices.source == "none":
        return ()
    return generate_notices(rows, neutral_kwh, source_key(config), config.notices.wordings)


def params_of(config: Config) -> np.ndarray:
    """The site's parameter record (1,), market terms included. Raises ValueError naming what is out of bounds."""
    site = config.site.model_dump(exclude=set(_NOT_PARAMETERS))
    return site_params(
        config.site.profile,
        it_capacity_kw=1000.0 * config.site.it_capacity_mw,
        aggregator_share=config.market.aggregator_share,
        vtp_pays=float(config.market.compensation == "vtp_pays"),
        half_spread_gbp_per_mwh=config.market.half_spread_gbp_per_mwh,
        min_commitment_kw=config.market.min_commitment_kw,
        registered_kw=config.market.registered_kw,
        **site,
    )


def scenario_of(config: Config) -> tuple[Disturbance, ...]:
    """What goes wrong during a run, in control steps from its start."""
    return tuple(
        Disturbance(one.kind, round(one.start_hour / STEP_HOURS), round(one.hours / STEP_HOURS), one.severity)
        for one in config.site.scenario
    )


def market_rules(config: Config) -> MarketRules:
    """The terms the desk trades under."""
    return MarketRules(**config.market.model_dump(exclude=set(_NOT_RULES)))


def _requests(config: Config) -> bool | tuple[FlexEvent, ...]:
    """Whether the grid side asks, or the requests that a file scripts."""
    if not config.market.requests or config.market.events is None:
        return config.market.requests
    return read_events(config.market.events)


def tariff_of(config: Config) -> Tariff:
    """What a metered MWh costs beyond wear."""
    bands = tuple(NetworkBand(**band.model_dump()) for band in config.tariff.network_bands)
    return Tariff(adder_gbp_per_mwh=config.tariff.adder_gbp_per_mwh, network_bands=bands)


def services_of(config: Config) -> Services:
    """How the live services are reached, and where their answers are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deg-signals"
    urls = config.signals.base_urls.model_dump(exclude_none=True)
    return Services(config.signals.cache_dir or str(cache), config.signals.region, urls)


def source_key(config: Config) -> str:
    """Names the world: requests and system prices follow from it and the week alone, never from ``run.seed``."""
    return f"synthetic-{config.signals.seed}" if config.signals.source == "synthetic" else "file"


def series_of(config: Config, start: date, days: int) -> GridSeries:
    """Signals and workload together; ``load_config`` has resolved which and from where."""
    span = london_midnight_utc(start), london_midnight_utc(start + timedelta(days=days))
    seed = config.signals.seed
    signals = load_signals(config.signals.source, config.signals.path, *span, seed=seed, services=services_of(config))
    return signals.with_columns(load_workload(str(config.workload.name), config.workload.path, *span, seed=seed))


def _data_hash(rows: ExogenousRows, scenario: tuple[Disturbance, ...], notices: tuple[Authored, ...]) -> str:
    """Twelve hex digits over everything the run reads."""
    digest = hashlib.sha256()
    for part in (rows.values, rows.forecast, rows.published_steps):
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(repr(rows.events).encode())
    for more in (scenario, notices):
        if more:
            digest.update(repr(more).encode())
    return digest.hexdigest()[:12]
