"""A week of a synthetic British site, with its requests and baseline; and a loop that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest

from agents.factory import make
from envs.batch import SiteBatch
from envs.case import Case
from envs.neutral import NeutralRun, run_neutral
from envs.params import site_params
from envs.state import AGENTS, OUTPUTS
from grid.calendar import london_midnight_utc
from grid.compile import Tariff
from grid.market.baseline import fold_history
from grid.market.commitments import Commitments
from grid.market.rules import MarketRules
from grid.rows import BASELINE, STEPS_PER_PERIOD, ExogenousRows
from grid.sources import load_signals
from grid.week import week_rows
from grid.workload import load_workload
from llm_layer.orchestrator import Control, Orchestrator
from llm_layer.policy import HighLevelPolicy

START = date(2022, 3, 7)


def build_case(days: int, start: date = START) -> Case:
    params = site_params()
    span = london_midnight_utc(start), london_midnight_utc(start + timedelta(days=days))
    series = load_signals("synthetic", None, *span, seed=0)
    series = series.with_columns(load_workload("generator", None, *span, seed=0))
    run_in: list[NeutralRun] = []

    def meter(rows: ExogenousRows) -> np.ndarray:
        run_in.append(run_neutral(params, rows.values[: rows.steps]))
        return run_in[-1].import_kwh

    rows = week_rows(series, start=start, days=days, meter=meter, tariff=Tariff(), source_key="test", seed=0)
    before = run_in[0]
    history, _ = fold_history(before.import_kwh, london_midnight_utc(start - timedelta(days=60)))
    return Case(
        rows=rows,
        params=params,
        state=before.state,
        queue_kwh=before.queue_kwh,
        history_kwh=history,
        neutral_kwh=run_neutral(params, rows.values[: rows.steps], before.state, before.queue_kwh).import_kwh,
        import_per_it=before.import_per_it,
    )


@pytest.fixture(scope="session")
def week() -> Case:
    return build_case(7)


@dataclass
class Ran:
    """outputs float64 (T, B, OUTPUTS); raw, executed float32 (T, B, 3); the controls of every step."""

    batch: SiteBatch
    orchestrator: Orchestrator
    market: Commitments
    outputs: np.ndarray
    raw: np.ndarray
    executed: np.ndarray
    controls: list[Control]

    @property
    def decisions(self) -> list[tuple[int, str]]:
        """(step, why) of every decision of site 0."""
        return [(s.step, s.wake) for control in self.controls for s in control.situations if s.site == 0]


@pytest.fixture(scope="session")
def run() -> Callable[..., Ran]:
    """``run(case, agents, high_level, sites=1, steps=None, sell=True, audit=None, every_steps=4, touch=None)``.

    touch: called with the batch before each step, to push a site where a test wants it.
    """
    return _run


def _run(
    case: Case,
    agents: str,
    high_level: HighLevelPolicy | None,
    *,
    sites: int = 1,
    steps: int | None = None,
    sell: bool = True,
    audit: object = None,
    every_steps: int = 4,
    touch: Callable[[SiteBatch], None] | None = None,
) -> Ran:
    batch = SiteBatch([case], [0] * sites)
    baseline = case.rows.values[: case.rows.steps : STEPS_PER_PERIOD, BASELINE]
    market = Commitments(case.rows.start_utc, np.tile(baseline, (sites, 1)), case.rows.events, MarketRules())
    batch.commitments_kw = market.kw
    orchestrator = Orchestrator(
        high_level, every_steps=every_steps, accept=market.accept if sell else None, audit=audit
    )
    policy = make(agents, case)
    policy.reset(sites, np.zeros(sites, dtype=np.int64))
    orchestrator.reset(batch)
    steps = batch.steps if steps is None else steps
    shape = (steps, sites, len(AGENTS))
    ran = Ran(
        batch,
        orchestrator,
        market,
        np.zeros((steps, sites, len(OUTPUTS))),
        np.zeros(shape, dtype=np.float32),
        np.zeros(shape, dtype=np.float32),
        [],
    )
    for t in range(steps):
        if touch is not None:
            touch(batch)
        view, feasible = batch.view(), batch.feasible()
        known = orchestrator.bounds(view, batch, feasible)
        raw = policy.act({}, known, view)
        control = orchestrator.control(view, batch, feasible, raw)
        result = batch.step(raw, control.bounds)
        ran.outputs[t], ran.raw[t], ran.executed[t] = result.outputs, raw, result.executed
        ran.controls.append(control)
    orchestrator.finish(batch)
    return ran
