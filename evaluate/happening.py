"""A run on live signals that is not over yet: its rows are read anew at each settlement period, and kept as they were.

Such a run is paced by the wall clock (``beckn.enabled``, ``beckn.speed`` null). It starts from what the services know,
continued as they expect it (``grid.sources.present``). Before each settlement period they are asked again: the period's
rows and all that is forecast at them are replaced (``grid.week.renewed_rows``). What the site has seen lies in the
run's folder, so that a run that was stopped repeats itself; how old it was goes into the trail whenever that changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from envs.neutral import run_neutral
from evaluate.cases import services_of, source_key, tariff_of
from grid.calendar import london_midnight_utc
from grid.event_source import SystemTerms
from grid.rows import COLUMNS, FORECAST_HALF_HOURS, FORECAST_SIGNALS, STEPS_PER_PERIOD, ExogenousRows
from grid.series import STEP
from grid.sources import TAIL, needed, parquet
from grid.sources.present import GAP, LAG, WEATHER, Expected, expected, known
from grid.week import renewed_rows, with_system_price
from grid.workload import load_workload
from llm_layer.orchestrator import Trail
from llm_layer.records import when

SERIES, SEEN = "signals.parquet", "signals.sqlite"
SITE = 0
CARBON = "carbon_gco2_per_kwh"
WEATHER_FORECASTS = ("dry_bulb_degc", "wet_bulb_degc")


def happening(config: Config, folder: Path) -> Happening | None:
    """The signals of this run where it reaches beyond now; None for every other run.

    Raises:
        ValueError: live signals under a market clock that is not the wall's, or with a scenario over them.
    """
    end_utc = london_midnight_utc(config.run.start + timedelta(days=config.run.days)) + TAIL
    services = services_of(config)
    now = pd.Timestamp(services.clock(), unit="s", tz="UTC")
    begun = (folder / SERIES).exists()
    if config.signals.source != "live" or not config.beckn.enabled or (end_utc <= now and not begun):
        return None
    if config.beckn.speed is not None:
        raise ValueError(
            f"beckn.speed is {config.beckn.speed:g}: live signals keep their own time; set beckn.speed=null"
        )
    if config.site.scenario:
        raise ValueError("site.scenario: goes with signals that are known beforehand; take it out of a live run")
    return Happening(config, folder)


class Happening:
    """See the module's head. ``config`` is the run's own, with the series it started from in place of the services."""

    def __init__(self, config: Config, folder: Path) -> None:
        start_utc = london_midnight_utc(config.run.start)
        end_utc = london_midnight_utc(config.run.start + timedelta(days=config.run.days))
        first, self._end = needed(start_utc, end_utc)
        self._services, self._asked = services_of(config), config
        path = folder / SERIES
        if not path.exists():
            with self._services.client() as client:
                measured = known(client, self._services.place, first)
                parquet.write(path, expected(client, self._services.place, measured, self._end).series)
        started = parquet.signals(str(path))
        forecast_from = started.start_utc + int(np.argmax(started.filled["dry_bulb_degc"])) * STEP
        self._measured = started.between(started.start_utc, forecast_from)
        self._workload = load_workload(
            str(config.workload.name), config.workload.path, start_utc, end_utc, config.signals.seed
        )
        signals = config.signals.model_copy(update={"source": "file", "path": str(path)})
        self.config = config.model_copy(update={"signals": signals})
        self._seen = _Seen(folder / SEEN)
        self._states: tuple[str, ...] = ()
        self._counts: dict[str, Counter[str]] = {CARBON: Counter(), WEATHER: Counter()}
        self._oldest_s = dict.fromkeys(self._counts, 0.0)

    def renew(self, batch: SiteBatch, trail: Trail) -> None:
        """Before a settlement period: as it was seen then, or as it is known now."""
        rows, step = batch.cases[SITE].rows, batch.now
        before = self._seen.at(step)
        if before is not None:
            seen, said = before
            rows = _with_seen(rows, step, seen)
        elif rows.start_utc + step * STEP < self._now() - LAG:
            return  # over before it was looked at: what the run started with stands, forecasts of then included
        else:
            found = self._ask()
            rows, said = self._rows(rows, found, step), found.brief()
            self._seen.keep(step, _seen_of(rows, step), said)
        self._count(said)
        batch.renew(SITE, replace(rows, provenance={**rows.provenance, **self._provenance()}))
        states = tuple(str(said[name]["state"]) for name in self._counts)
        if states != self._states:
            self._states = states
            place = when((rows.start_utc + step * STEP).value)
            trail.write({"kind": "signals", **place, "site": SITE, "step": step, **said}, {})

    def close(self, batch: SiteBatch) -> Case:
        """After the run: prices and carbon as they are known by then, and the neutral twin in the weather it met."""
        case = batch.cases[SITE]
        rows = self._rows(case.rows, self._ask(), batch.now)
        rows = replace(rows, provenance={**rows.provenance, **self._provenance()})
        twin = run_neutral(case.params, rows.values[: rows.steps], case.state, case.queue_kwh)
        self._seen.close()
        return replace(case, rows=rows, neutral_kwh=twin.import_kwh)

    def summary(self) -> dict[str, Any]:
        """Settlement periods by how the forecasts they were met with stood, and the oldest of these, s."""
        return {name: {**count, "oldest_s": self._oldest_s[name]} for name, count in self._counts.items()}

    def _ask(self) -> Expected:
        with self._services.client() as client:
            found = expected(client, self._services.place, self._measured, self._end)
        self._measured = found.series.between(found.series.start_utc, found.known_until)
        return found

    def _rows(self, rows: ExogenousRows, found: Expected, step: int) -> ExogenousRows:
        config = self._asked
        series = found.series.with_columns(self._workload)
        terms = SystemTerms(**config.market.system_price.model_dump())
        series = with_system_price(series, rows.events, source_key(self.config), terms)
        return renewed_rows(rows, series, step, tariff_of(config), config.market.reference_price_gbp_per_mwh)

    def _count(self, said: Mapping[str, Any]) -> None:
        for name, count in self._counts.items():
            count[said[name]["state"]] += 1
            self._oldest_s[name] = max(self._oldest_s[name], said[name]["age_s"] or 0.0)

    def _provenance(self) -> dict[str, str]:
        """Of forecast columns: the services' own (real), partly stood in for (filled), or not at all (modelled)."""
        kinds: dict[str, str] = {}
        for name, count in self._counts.items():
            kind = "real" if not count[GAP] else "modelled" if count[GAP] == count.total() else "filled"
            kinds |= {f"forecast of {s}": kind for s in (WEATHER_FORECASTS if name == WEATHER else (name,))}
        others = {f"forecast of {s}": "modelled" for s in FORECAST_SIGNALS}
        return {**others, **kinds}

    def _now(self) -> pd.Timestamp:
        return pd.Timestamp(self._services.clock(), unit="s", tz="UTC")


class _Seen:
    """What the site has seen of each settlement period, by its first step; safe against being killed."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path)
        self._file.execute("CREATE TABLE IF NOT EXISTS seen (step INTEGER PRIMARY KEY, rows BLOB, said TEXT)")

    def at(self, step: int) -> tuple[np.ndarray, dict[str, Any]] | None:
        """float64 (2, n) as ``_seen_of`` made it, and what was said of its age."""
        found = self._file.execute("SELECT rows, said FROM seen WHERE step = ?", (step,)).fetchone()
        if found is None:
            return None
        return np.frombuffer(found[0]).reshape(STEPS_PER_PERIOD, -1), json.loads(found[1])

    def keep(self, step: int, rows: np.ndarray, said: Mapping[str, Any]) -> None:
        with self._file:
            self._file.execute("INSERT INTO seen VALUES (?, ?, ?)", (step, rows.tobytes(), json.dumps(said)))

    def close(self) -> None:
        self._file.close()


def _seen_of(rows: ExogenousRows, step: int) -> np.ndarray:
    """float64 (2, columns + trailing + forecast) of one settlement period."""
    at = slice(step, step + STEPS_PER_PERIOD)
    flat = rows.forecast[at].reshape(STEPS_PER_PERIOD, -1).astype(np.float64)
    return np.concatenate([rows.values[at], rows.trailing[at], flat], axis=1)


def _with_seen(rows: ExogenousRows, step: int, seen: np.ndarray) -> ExogenousRows:
    """``rows`` with one settlement period as it was seen; requests are the run's own."""
    at = slice(step, step + STEPS_PER_PERIOD)
    signals = len(FORECAST_SIGNALS)
    values, trailing, forecast = rows.values.copy(), rows.trailing.copy(), rows.forecast.copy()
    events = values[at, -3:].copy()
    values[at], trailing[at], flat = np.split(seen, [len(COLUMNS), len(COLUMNS) + signals], axis=1)
    values[at, -3:] = events  # event_requested_kw, event_gbp_per_mwh, baseline_kw
    forecast[at] = flat.reshape(STEPS_PER_PERIOD, signals, FORECAST_HALF_HOURS)
    published = rows.published_steps.copy()
    published[at] = 1
    return replace(rows, values=values, trailing=trailing, forecast=forecast, published_steps=published)
