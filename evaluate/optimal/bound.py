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
  and the supervisor's electricity are left out, being never negative.

A scenario's lost battery power is left out of the plan: with it no controller does better.

Half-hour slots average two control steps; rows hold through a half-hour except weather, whose planes are averaged. So
averaging a rollout gives a point of the half-hour plan at the same cost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from envs.case import Case
from envs.load_shift import full_work_kwh, may_wait_share
from envs.scenario import derated, window_edges
from evaluate.optimal.envelope import HeatStore, Pieces, Roof, check_plant, heat_store, pieces, roof
from evaluate.optimal.flex import (
    PERIOD_HOURS,
    Market,
    Request,
    RequestColumns,
    add_request,
)
from evaluate.optimal.plan_model import KWH_PER_MWH, Columns, EndValue, Slots, Work, add_site, work_classes
from evaluate.optimal.program import INFINITY, Program, Solution
from evaluate.optimal.trades import TradeColumns, add_own_trades
from grid.calendar import settlement_index
from grid.events import GATE_CLOSURE
from grid.market.terminal import terminal_prices
from grid.rows import (
    BASELINE,
    CARBON,
    DAY_AHEAD,
    NETWORK,
    REFERENCE_PRICE,
    STEP_HOURS,
    STEP_MINUTES,
    STEPS_PER_PERIOD,
    SYSTEM,
    TARIFF,
    UTILISATION,
    WET_BULB,
)

GATE_PERIODS = int(GATE_CLOSURE / pd.Timedelta(minutes=30))
GAP = 1e-4  # relative gap at which the solver may stop
TRADES_GAP = 0.02  # the same where own trades are planned: each day's block is a choice among some 360
TIME_LIMIT_S = 60.0
BOTH_KW = 1.0  # charge and discharge above this in one half-hour are meant


class InfeasibleWeekError(ValueError):
    """No plan keeps the site's limits: the message names the limit, its value and where it binds."""


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


def oracle_bound(
    case: Case,
    *,
    requests: bool = True,
    own_trades: bool = False,
    time_limit_s: float = TIME_LIMIT_S,
    gap: float = GAP,
) -> BoundResult:
    """Bound and plan of one case, under its parameters' own market terms.

    Args:
        requests: whether requests may be accepted. own_trades: whether one block of at most 4 h a day may be sold.
        time_limit_s: for the solver; the best plan and its gap are returned when it is reached.

    Raises:
        InfeasibleWeekError: no plan keeps the limits. ValueError: the plant cannot carry the servers' heat.
        SolverError: the time limit was reached without any plan.
    """
    started = time.perf_counter()
    week = _Week.of(case)
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
    return BoundResult(
        bound_gbp=solution.dual_bound,
        plan_gbp=solution.objective,
        plan=_plan(week, site, solution, asked, trades),
        gap=solution.gap,
        seconds=time.perf_counter() - started,
        status=solution.status,
    )


@dataclass(frozen=True)
class _Week:
    """A case in the plan model's terms; slots are settlement periods."""

    case: Case
    slots: Slots
    work: Work
    power: Pieces
    over: Roof
    heat: HeatStore
    cost_per_kwh: np.ndarray

    @classmethod
    def of(cls, case: Case) -> _Week:
        rows, p = case.rows, case.params[0]
        values = rows.values[: rows.steps]
        slots = Slots(np.full(rows.periods, STEPS_PER_PERIOD))
        for edge in window_edges(case.scenario, rows.steps)[:-1]:
            check_plant(derated(case.params, case.scenario, edge))
        heat = heat_store(case.params, case.state)
        by_period = values.reshape(rows.periods, STEPS_PER_PERIOD, -1)
        # A price that moves within a half-hour counts at its lower value: import is never negative.
        cost = import_cost(by_period, p).min(axis=1)
        work, wet_bulb = week_work(case, slots), by_period[:, :, WET_BULB]
        return cls(
            case=case,
            slots=slots,
            work=work,
            power=pieces(case.params, wet_bulb, heat),
            over=roof(case.params, wet_bulb, heat, _least_work(values, p)),
            heat=heat,
            cost_per_kwh=cost,
        )

    def add_to(self, program: Program) -> Columns:
        case, p = self.case, self.case.params[0]
        return add_site(
            program,
            p,
            self.slots,
            self.work,
            self.power,
            self.over,
            self.cost_per_kwh,
            p["wear_gbp_per_mwh"] / KWH_PER_MWH,
            float(case.state["soc_kwh"][0]),
            end_value(case),
            self.heat,
            self._paid_to_use(),
        )

    def _paid_to_use(self) -> np.ndarray:
        """bool (n,): import may lower the cost, by its price or because a sale is settled below the reference price."""
        market = self._by_period()
        p = self.case.params[0]
        keep = (1.0 - p["aggregator_share"]) / KWH_PER_MWH
        reference = p["vtp_pays"] * market[:, REFERENCE_PRICE]
        sold = self.cost_per_kwh + keep * np.minimum(market[:, SYSTEM], market[:, SYSTEM] - reference)
        return (self.cost_per_kwh < 0.0) | (sold < 0.0)

    def _by_period(self) -> np.ndarray:
        return self.case.rows.values[: self.case.rows.steps : STEPS_PER_PERIOD]

    def market(self) -> Market:
        case, p, market = self.case, self.case.params[0], self._by_period()
        least, most = self._load_range_kw()
        return Market(
            neutral_kwh=self.slots.sum(case.neutral_kwh[: case.rows.steps]),
            baseline_kwh=market[:, BASELINE] * PERIOD_HOURS,
            least_load_kw=np.maximum(0.0, least),
            most_load_kw=most,
            import_limit_kw=float(p["import_limit_kw"]),
            battery_kw=float(p["battery_kw"]),
            battery_kwh=float((p["soc_max"] - p["soc_min"]) * p["battery_kwh"] * p["discharge_efficiency"]),
            round_trip=float(p["charge_efficiency"] * p["discharge_efficiency"]),
            own_gbp_per_mwh=market[:, DAY_AHEAD] - p["half_spread_gbp_per_mwh"],
            system_gbp_per_mwh=market[:, SYSTEM],
            reference_gbp_per_mwh=p["vtp_pays"] * market[:, REFERENCE_PRICE],
            keep=1.0 - p["aggregator_share"],
            min_kwh=p["min_commitment_kw"] * PERIOD_HOURS,
            registered_kwh=p["registered_kw"] * PERIOD_HOURS,
        )

    def _load_range_kw(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and most load by slot, kW: urgent work alone under the planes, full work under the roof."""
        least_work, flow_kw = (self.work.urgent_kwh / self.work.full_kwh)[:, None], self.heat.most_kw
        planes = self.power.work_kw * least_work + self.power.base_kw - np.abs(self.power.per_heat) * flow_kw
        over = self.over.work_kw + self.over.base_kw + np.abs(self.over.per_heat) * flow_kw
        return planes.max(axis=1), over.min(axis=1)

    def why_infeasible(self, program: Program, site: Columns) -> InfeasibleWeekError:
        """Find the limit by lifting it."""
        p = self.case.params[0]
        least, _ = self._load_range_kw()
        program.with_row_upper(site.import_rows, INFINITY)
        if program.solve(time_limit_s=TIME_LIMIT_S, gap=GAP).x is not None:
            worst = int(np.argmax(least))
            when = self.case.rows.times_utc[self.slots.first[worst]]
            return InfeasibleWeekError(
                f"import limit {p['import_limit_kw']:g} kW: no plan keeps it; work that may not wait needs at least "
                f"{least[worst]:.0f} kW at {when}; raise site.import_limit_kw"
            )
        return InfeasibleWeekError(
            f"battery: its charge at the start, {float(self.case.state['soc_kwh'][0]):g} kWh, is outside "
            f"{p['soc_min'] * p['battery_kwh']:g} .. {p['soc_max'] * p['battery_kwh']:g} kWh; set site.soc_start inside"
        )


def week_work(case: Case, slots: Slots) -> Work:
    """Work corridor of a whole case. Raises InfeasibleWeekError where servers cannot run what may not wait."""
    rows, p = case.rows, case.params[0]
    full = float(full_work_kwh(p))
    arrived = rows.values[: rows.steps, UTILISATION] * full
    waits = arrived * may_wait_share(p)
    due = np.zeros(len(arrived))
    head = min(len(due), len(case.queue_kwh))
    due[:head] = case.queue_kwh[:head]
    over = arrived - waits + due - full
    for share, steps in work_classes(p):
        over[steps:] += share * waits[: max(0, len(due) - steps)]
    if over.max() > 1e-9 * full:
        at = int(np.argmax(over))
        raise InfeasibleWeekError(
            f"servers' capacity {full:g} kWh a step: urgent and due work exceed it by {over[at]:.1f} kWh at "
            f"{rows.times_utc[at]}; lower the queue at the start"
        )
    per_passed = np.divide(full - arrived, waits, out=np.full(len(waits), np.inf), where=waits > 0.0)
    return Work(
        urgent_kwh=slots.sum(arrived - waits),
        waits_kwh=slots.sum(waits),
        full_kwh=full * slots.steps,
        due_kwh=slots.last(np.cumsum(due)),
        queued_kwh=float(case.queue_kwh.sum()),
        drain_per_passed=np.maximum.reduceat(per_passed, slots.first),
        classes=work_classes(p),
    )


def end_value(case: Case) -> EndValue:
    """Terminal terms of design section 4, carbon at the site's carbon price included; GBP per kWh."""
    p, mean = case.params[0], terminal_prices(case.rows)
    per_g = p["carbon_price_gbp_per_t"] / KWH_PER_MWH  # GBP/MWh for each g/kWh
    week = (mean.week_gbp_per_mwh + per_g * mean.week_gco2_per_kwh) / KWH_PER_MWH
    window = (mean.window_gbp_per_mwh + per_g * mean.window_gco2_per_kwh) / KWH_PER_MWH
    return EndValue(
        battery_missing=week / p["charge_efficiency"],
        battery_over=week * p["discharge_efficiency"],
        queued=window * case.import_per_it,
        soc_target_kwh=p["soc_start"] * p["battery_kwh"],
    )


def import_cost(values: np.ndarray, p: np.void) -> np.ndarray:
    """GBP per kWh imported: tariff, network, and carbon at the site's carbon price."""
    carbon = values[..., CARBON] * p["carbon_price_gbp_per_t"] / KWH_PER_MWH
    return (values[..., TARIFF] + values[..., NETWORK] + carbon) / KWH_PER_MWH


def _least_work(values: np.ndarray, p: np.void) -> np.ndarray:
    """Share of full work that runs at least in each period: the urgent work of its lighter step."""
    urgent = values[:, UTILISATION] * (1.0 - may_wait_share(p))
    return urgent.reshape(-1, STEPS_PER_PERIOD).min(axis=1)


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
    week: _Week, site: Columns, solution: Solution, asked: list[RequestColumns], trades: list[TradeColumns]
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


def _alternating(week: _Week, soc: np.ndarray, charge: np.ndarray, discharge: np.ndarray, start: float) -> np.ndarray:
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
