"""The bound: no controller's week costs less than this, whatever it knows (``objective_gbp + flex_phantom_gbp``).

The argument, part by part. Every rollout through the kernel gives a point of this programme that costs no more than
the rollout's objective net of phantom money:

- work: the kernel runs urgent work on arrival and due work in its last step, nothing before it arrives, and old work
  beyond what is due only in steps that pass on all new work, so it obeys the plan's rows; no work is ever late, because
  urgent and due work fit (checked);
- power: the kernel's load lies on or above every plane (``envelope``), heat held stays in its proven range;
- battery, import limit, no export: the kernel's own limits. The kernel lets load alone exceed the import limit; plans
  keep it, and a site whose load can exceed it has its bound over controllers that do too;
- money: the objective's own terms (bill, wear, carbon, terminal), flex net of phantom exactly (``flex``); penalties
  and the supervisor's electricity are left out, being never negative;
- own trades, where they are allowed, are no larger than what is really reduced in each of their periods (design section
  4): with them the bound is one over controllers that keep to that. Selling more earns no more net of phantom.

A scenario's lost battery power is left out of the plan: with it no controller does better.

Half-hour slots average two control steps; rows hold through a half-hour except weather, whose planes are averaged. So
averaging a rollout gives a point of the half-hour plan at the same cost.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from envs.case import Case
from evaluate.optimal.flex import PERIOD_HOURS, Market, Request, RequestColumns, add_request
from evaluate.optimal.plan_model import Columns, Slots
from evaluate.optimal.program import INFINITY, Program, Solution
from evaluate.optimal.trades import TradeColumns, add_own_trades
from evaluate.optimal.week import GAP, InfeasibleWeekError, Week
from grid.calendar import settlement_index
from grid.events import GATE_CLOSURE
from grid.rows import STEP_HOURS, STEP_MINUTES, STEPS_PER_PERIOD

__all__ = ["GAP", "TRADES_GAP", "BoundResult", "InfeasibleWeekError", "Plan", "Sale", "oracle_bound"]

GATE_PERIODS = int(GATE_CLOSURE / pd.Timedelta(minutes=30))
# Of elapsed time, so that a busy machine does not change a plan: a week with own trades takes some 10 s of computing.
TIME_LIMIT_S = 180.0
TRADES_GAP = 0.02  # where own trades are planned: a day's block is a choice among some 360
_FOUND_GBP: dict[str, float] = {}
_LOG = logging.getLogger(__name__)
BOTH_KW = 1.0  # charge and discharge above this in one half-hour are meant


@dataclass(frozen=True)
class Sale:
    """kW sold in each of ``periods``: a request's whole span, or an own trade's block (``request`` is '')."""

    request: str
    periods: tuple[int, ...]
    kw: float


@dataclass(frozen=True)
class Plan:
    """A week as planned, by control step (T,).

    run_kwh     deferrable work run since the start, at the end of the step (IT kWh)
    soc_kwh     at the end of the step. import_kw, load_kw (without the battery): means of the step's half-hour
    """

    run_kwh: np.ndarray
    soc_kwh: np.ndarray
    load_kw: np.ndarray
    import_kw: np.ndarray
    sales: tuple[Sale, ...]


@dataclass(frozen=True)
class BoundResult:
    """bound_gbp: the programme's dual bound. gap: (plan - bound) / plan of the programme itself, flagged by ``status``
    ``time_limit`` where the solver was stopped. plan_gbp: what the plan costs in the programme.
    """

    bound_gbp: float
    plan_gbp: float
    plan: Plan
    gap: float
    seconds: float
    status: str
    firm: FirmPlans


def oracle_bound(
    case: Case,
    *,
    requests: bool = True,
    own_trades: bool = False,
    time_limit_s: float = TIME_LIMIT_S,
    gap: float | None = None,
) -> BoundResult:
    """Bound and plan of one case, under its parameters' own market terms.

    Args:
        requests: whether requests may be accepted. own_trades: whether one block of at most 4 h a day may be sold.
        time_limit_s: for the solver; when it is reached the best plan is returned with its gap, and a warning logged.
        gap: relative, at which the solver may stop; None: ``TRADES_GAP`` with own trades, else ``GAP``.

    Raises:
        InfeasibleWeekError: no plan keeps the limits. ValueError: the plant cannot carry the servers' heat.
        SolverError: the time limit was reached without any plan.
    """
    started = time.perf_counter()
    gap = (TRADES_GAP if own_trades else GAP) if gap is None else gap
    week = Week.of(case)
    program = Program()
    site = week.add_to(program)
    market = week.market()
    asked = [
        columns
        for request in (_requests(case) if requests else [])
        if (columns := add_request(program, site, market, request)) is not None
    ]
    solution = program.solve(time_limit_s=time_limit_s, gap=gap)
    trades: list[TradeColumns] = []
    if own_trades and solution.x is not None:
        # The plan without trades is where the search begins, so that there is always one to return.
        trades = _add_trades(program, site, market, case, asked)
        left_s = max(1.0, time_limit_s - (time.perf_counter() - started))
        solution = program.solve(time_limit_s=left_s, gap=gap, start=solution.x)
    if solution.x is None:
        raise week.why_infeasible(program, site)
    if solution.status == "time_limit":
        _LOG.warning(
            "%s %s: solver stopped after %.0f s; its best plan is used, at most %.1f %% dearer than the best there is",
            case.keys.get("week_start", ""), case.keys.get("workload", ""), time_limit_s, 100.0 * solution.gap,
        )  # fmt: skip
    _FOUND_GBP[_identity(case, requests, own_trades)] = solution.dual_bound
    return BoundResult(
        bound_gbp=solution.dual_bound,
        plan_gbp=solution.objective,
        plan=_plan(week, site, solution, asked, trades),
        gap=solution.gap,
        seconds=time.perf_counter() - started,
        status=solution.status,
        firm=FirmPlans(week, program, site, market, solution, asked, trades),
    )


def bound_gbp(case: Case, *, own_trades: bool = False) -> float:
    """The bound alone; one that this process has found before, for the oracle say, is not searched again."""
    found = _FOUND_GBP.get(_identity(case, True, own_trades))
    return oracle_bound(case, own_trades=own_trades).bound_gbp if found is None else found


def _identity(case: Case, requests: bool, own_trades: bool) -> str:
    """Of everything a bound depends on."""
    parts = [array.tobytes() for array in (case.rows.values, case.params, case.state, case.queue_kwh, case.neutral_kwh)]
    parts.append(repr((case.rows.events, case.scenario, case.import_per_it, requests, own_trades)).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


class FirmPlans:
    """Plans with the same sales, each no larger than what the site really reduces, its meter read higher than planned.

    A bound may sell more than it reduces, and its load lies a little below the kernel's: its sales are not yet those
    a site can deliver.
    """

    def __init__(
        self,
        week: Week,
        program: Program,
        site: Columns,
        market: Market,
        solution: Solution,
        asked: list[RequestColumns],
        trades: list[TradeColumns],
    ) -> None:
        self._week, self._program, self._site, self._asked, self._trades = week, program, site, asked, trades
        assert solution.x is not None
        self._start = solution.x
        at, sold = _sold_columns(solution.x, asked, trades)
        self._at, self._neutral_kwh = at, market.neutral_kwh[at]
        program.fix(program.integers(), np.round(solution.x[program.integers()]))
        meter = [(site.load_kw, 1.0), (site.charge_kw, 1.0), (site.discharge_kw, -1.0)]
        terms = [(columns[at], sign * PERIOD_HOURS) for columns, sign in meter]
        self._rows = program.add_rows(-INFINITY, INFINITY, (sold, 1.0), *terms) if len(at) else at

    def plan(self, excess_kwh: np.ndarray) -> Plan | None:
        """excess_kwh float64 (periods,): by how much the meter may show more than the plan has; None: not possible."""
        self._program.with_row_upper(self._rows, self._neutral_kwh - excess_kwh[self._at])
        solution = self._program.solve(time_limit_s=TIME_LIMIT_S, gap=GAP)
        return None if solution.x is None else _plan(self._week, self._site, solution, self._asked, self._trades)


def _sold_columns(
    x: np.ndarray, asked: list[RequestColumns], trades: list[TradeColumns]
) -> tuple[np.ndarray, np.ndarray]:
    """Periods that a solution sells, and their columns of kWh sold."""
    at, sold = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for request in asked:
        if x[request.accepted[0]] > 0.5:
            at.append(request.request.periods)
            sold.append(np.repeat(request.sold_kwh, len(request.request.periods)))
    for trade in trades:
        on = x[trade.on] > 0.5
        at.append(trade.periods[on])
        sold.append(trade.sold_kwh[on])
    return np.concatenate(at), np.concatenate(sold)


def _requests(case: Case) -> list[Request]:
    """Requests wholly inside the run that some control step sees before gate closure."""
    rows = case.rows
    found = []
    for event in rows.events:
        first, end = ((moment - rows.start_utc) // pd.Timedelta(minutes=30) for moment in (event.start, event.end))
        seen = max(rows.start_utc, event.published_at).ceil(f"{STEP_MINUTES}min")
        if first >= 0 and end <= rows.periods and seen <= event.gate_closes_at():
            found.append(Request(event.id, np.arange(first, end), event.kw, float(event.price_gbp_per_mwh)))
    return found


def _add_trades(
    program: Program, site: Columns, market: Market, case: Case, asked: list[RequestColumns]
) -> list[TradeColumns]:
    """One possible block for each London day; the first hour of a run is past gate closure."""
    dates, _ = settlement_index(case.rows.times_utc[: case.rows.steps : STEPS_PER_PERIOD])
    columns = []
    for day in pd.unique(dates):
        periods = np.flatnonzero(dates == day)
        added = add_own_trades(program, site, market, periods[periods >= GATE_PERIODS], asked)
        if added is not None:
            columns.append(added)
    return columns


def _plan(
    week: Week, site: Columns, solution: Solution, asked: list[RequestColumns], trades: list[TradeColumns]
) -> Plan:
    x = solution.x
    assert x is not None
    slots = week.slots
    net = x[site.charge_kw] - x[site.discharge_kw]
    start = float(week.case.state["soc_kwh"][0])
    sales = [
        Sale(columns.request.id, tuple(columns.request.periods.tolist()), float(x[columns.sold_kwh[0]]) / PERIOD_HOURS)
        for columns in asked
        if x[columns.accepted[0]] > 0.5
    ]
    for columns in trades:
        on = np.flatnonzero(x[columns.on] > 0.5)
        if len(on):
            kw = float(x[columns.sold_kwh[on]].max()) / PERIOD_HOURS
            sales.append(Sale("", tuple(columns.periods[on].tolist()), kw))
    return Plan(
        run_kwh=_by_step(x[site.run_kwh], slots, 0.0),
        soc_kwh=_alternating(week, x[site.soc_kwh], x[site.charge_kw], x[site.discharge_kw], start),
        load_kw=slots.spread(x[site.load_kw]),
        import_kw=slots.spread(x[site.load_kw] + net),
        sales=tuple(sales),
    )


def _alternating(week: Week, soc: np.ndarray, charge: np.ndarray, discharge: np.ndarray, start: float) -> np.ndarray:
    """Charge by step. A half-hour that does both, where use is paid for, does one in each step: first what there is
    room for.
    """
    p = week.case.params[0]
    by_step = _by_step(soc, week.slots, start)
    before = np.concatenate([[start], soc[:-1]])
    for i in np.flatnonzero(np.minimum(charge, discharge) > BOTH_KW):
        taken = min(2.0 * charge[i], p["battery_kw"]) * STEP_HOURS * p["charge_efficiency"]
        given = min(2.0 * discharge[i], p["battery_kw"]) * STEP_HOURS / p["discharge_efficiency"]
        full = before[i] + taken > p["soc_max"] * p["battery_kwh"]
        by_step[STEPS_PER_PERIOD * i] = before[i] - given if full else before[i] + taken
    return by_step


def _by_step(at_slot_end: np.ndarray, slots: Slots, start: float) -> np.ndarray:
    """A quantity at the end of every step, even within each slot."""
    ends = np.concatenate([[0], np.cumsum(slots.steps)])
    return np.interp(np.arange(1, ends[-1] + 1), ends, np.concatenate([[start], at_slot_end]))
