"""The plan of one site: columns and rows that the bound, the oracle and model-predictive control share.

Time is cut into slots of one or more control steps; what a slot holds is a mean (kW) or a sum (kWh) over its steps.
Averaging over a slot keeps every limit of the single steps, so a coarser plan is a relaxation of a finer one.

Deferrable work. N(t) is what has been passed on when it arrived, R(t) all deferrable work run by the end of t. What was
put off, arrivals less N, runs between the slot after and its deadline, earliest deadline first. The kernel drains old
work only while it passes on all that arrives: so old work runs at most in the measure that new work is passed on, the
hull of "put off, run what is due" and "pass on, drain".
Battery. Charge and discharge together stay below the rating: the hull of "one or the other". Where import costs money
a plan never does both; where it is paid for, doing both is what alternating from step to step does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.load_shift import may_wait_share
from evaluate.optimal.envelope import HeatStore, Pieces, Roof
from evaluate.optimal.program import INFINITY, Entry, Program, Term, Values
from grid.rows import STEP_HOURS

KWH_PER_MWH = 1000.0


@dataclass(frozen=True)
class Slots:
    """n slots of a plan: ``steps`` int64 (n,), control steps in each."""

    steps: np.ndarray

    @property
    def hours(self) -> np.ndarray:
        """float64 (n,)."""
        return self.steps * STEP_HOURS

    @property
    def first(self) -> np.ndarray:
        """int64 (n,): the step at which each slot starts."""
        return np.cumsum(self.steps) - self.steps

    def sum(self, by_step: np.ndarray) -> np.ndarray:
        """Sums of a value by step (T, ...) over each slot (n, ...)."""
        return np.add.reduceat(by_step, self.first, axis=0)

    def mean(self, by_step: np.ndarray) -> np.ndarray:
        """Means over each slot."""
        sums = self.sum(by_step)
        return sums / self.steps.reshape(-1, *([1] * (sums.ndim - 1)))

    def last(self, by_step: np.ndarray) -> np.ndarray:
        """Values at the end of each slot."""
        return by_step[self.first + self.steps - 1]

    def spread(self, by_slot: np.ndarray) -> np.ndarray:
        """A level by slot, repeated for its steps."""
        return np.repeat(by_slot, self.steps, axis=0)


@dataclass(frozen=True)
class Work:
    """Work of a plan in IT kWh, by slot, float64 (n,).

    urgent_kwh, waits_kwh   arriving work that runs at once, and that may wait
    full_kwh                what the servers can run
    due_kwh                 of the work queued at the start: what has to run by the end of the slot (cumulative)
    queued_kwh              all of it
    drain_per_passed        room for old work per kWh of new work passed on; infinite where none arrives
    classes                 of put-off work: share of it, and control steps it may wait
    """

    urgent_kwh: np.ndarray
    waits_kwh: np.ndarray
    full_kwh: np.ndarray
    due_kwh: np.ndarray
    queued_kwh: float
    drain_per_passed: np.ndarray
    classes: tuple[tuple[float, int], ...]

    @property
    def arrived_kwh(self) -> np.ndarray:
        """Deferrable work there is by the end of each slot, the start's queue included."""
        return self.queued_kwh + np.cumsum(self.waits_kwh)


@dataclass(frozen=True)
class EndValue:
    """What stock left at the end costs: per kWh the battery misses or is over its target, per IT kWh queued."""

    battery_missing: float
    battery_over: float
    queued: float
    soc_target_kwh: float


@dataclass(frozen=True)
class Columns:
    """Column numbers by slot, int64 (n,), and the import rows.

    run_kwh, passed_kwh   deferrable work run, and passed on at arrival, since the start, at the end of the slot
    load_kw     site without the battery
    soc_kwh, heat_kwh   at the end of the slot; heat_kwh is empty without a heat store
    """

    run_kwh: np.ndarray
    passed_kwh: np.ndarray
    load_kw: np.ndarray
    charge_kw: np.ndarray
    discharge_kw: np.ndarray
    soc_kwh: np.ndarray
    heat_kwh: np.ndarray
    import_rows: np.ndarray


def add_site(
    program: Program,
    p: np.void,
    slots: Slots,
    work: Work,
    power: Pieces,
    over: Roof | None,
    cost_per_kwh: np.ndarray,
    wear_per_kwh: float,
    soc_kwh: float,
    end: EndValue,
    heat: HeatStore | None,
    paid_to_use: np.ndarray | None = None,
) -> Columns:
    """Add one site to a programme.

    Args:
        p: its parameter record.
        power, over: planes under and over the site's power, by slot; nothing over it where import always costs money.
        cost_per_kwh: cost of import by slot, (n,). wear_per_kwh: cost of what the battery discharges.
        heat: heat held by the room; None leaves storing heat out.
        paid_to_use: bool (n,), slots in which importing more may lower the cost: power is held below its roof there.
            Those with a negative price if left out.
    """
    n, hours = len(slots.steps), slots.hours
    run = program.add_columns(n, upper=work.arrived_kwh)
    passed = program.add_columns(n, upper=work.arrived_kwh)
    load = program.add_columns(n, cost=cost_per_kwh * hours)
    charge = program.add_columns(n, upper=p["battery_kw"], cost=cost_per_kwh * hours)
    discharge = program.add_columns(n, upper=p["battery_kw"], cost=(wear_per_kwh - cost_per_kwh) * hours)
    soc = program.add_columns(n, p["soc_min"] * p["battery_kwh"], p["soc_max"] * p["battery_kwh"])
    held = program.add_columns(n if heat else 0, *((heat.low_kwh, heat.high_kwh) if heat else ()))

    import_rows = program.add_rows(0.0, p["import_limit_kw"], (load, 1.0), (charge, 1.0), (discharge, -1.0))
    program.add_rows(-INFINITY, p["battery_kw"], (charge, 1.0), (discharge, 1.0))
    _add_battery(program, p, hours, charge, discharge, soc, soc_kwh)
    _add_work(program, slots, work, run, passed)
    if paid_to_use is None:
        paid_to_use = cost_per_kwh < 0.0
    _add_power(program, slots, work, power, over, run, load, held, heat, paid_to_use)
    _add_end(program, p, work, run, soc, end)
    return Columns(run, passed, load, charge, discharge, soc, held, import_rows)


def _add_battery(
    program: Program,
    p: np.void,
    hours: np.ndarray,
    charge: np.ndarray,
    discharge: np.ndarray,
    soc: np.ndarray,
    soc_kwh: float,
) -> None:
    """Charge in, charge out: soc(t) = soc(t-1) + efficiency x in - out / efficiency."""
    into, out = p["charge_efficiency"], 1.0 / p["discharge_efficiency"]
    first, rest = slice(0, 1), slice(1, None)
    program.add_rows(
        soc_kwh,
        soc_kwh,
        (soc[first], 1.0),
        (charge[first], -into * hours[first]),
        (discharge[first], out * hours[first]),
    )
    program.add_rows(
        0.0,
        0.0,
        (soc[rest], 1.0),
        (soc[:-1], -1.0),
        (charge[rest], -into * hours[rest]),
        (discharge[rest], out * hours[rest]),
    )


def work_classes(p: np.void) -> tuple[tuple[float, int], ...]:
    """Classes of put-off work of a site: an action puts off the same share of each."""
    total = may_wait_share(p)
    short = float(p["short_share"] / total) if total > 0.0 else 0.0
    classes = ((1.0 - short, int(p["deadline_steps"])), (short, int(p["short_deadline_steps"])))
    return tuple((share, steps) for share, steps in classes if share > 0.0)


def _add_work(program: Program, slots: Slots, work: Work, run: np.ndarray, passed: np.ndarray) -> None:
    """Corridor and rates of deferrable work; o = run - passed is old work, F = arrivals - passed what was put off.

    o has run what is due: the start's queue and, class by class, F up to the deadline ago. In a slot it runs at most
    what falls due in it, and drain_per_passed x the new work passed on.
    """
    room = np.maximum(0.0, work.full_kwh - work.urgent_kwh)
    _add_change(program, 0.0, room, (run, 1.0))
    _add_change(program, 0.0, work.waits_kwh, (passed, 1.0))
    _add_change(program, 0.0, INFINITY, (run, 1.0), (passed, -1.0))

    slot, ends, put_off = np.arange(len(run)), slots.first + slots.steps, np.cumsum(work.waits_kwh)
    due, falls_due = work.due_kwh.copy(), np.diff(work.due_kwh, prepend=0.0)
    corridor: list[Entry] = [(slot, run, 1.0), (slot, passed, -1.0)]
    ratio = 1.0 + np.where(np.isfinite(work.drain_per_passed), work.drain_per_passed, 0.0)
    drain: list[Entry] = [(slot, run, 1.0), (slot, passed, -ratio), (slot[1:], run[:-1], -1.0)]
    drain.append((slot[1:], passed[:-1], ratio[1:]))
    for share, steps in work.classes:
        past = np.searchsorted(ends, ends - steps, side="right") - 1  # last slot wholly past its deadline
        first = np.searchsorted(ends, slots.first - steps, side="right") - 1
        last = np.where(ends > steps, np.searchsorted(ends, ends - steps, side="left"), -1)  # covers what is due now
        for of, sign, totals, entries in (
            (past, 1.0, due, corridor),
            (last, 1.0, falls_due, drain),
            (first, -1.0, falls_due, drain),
        ):
            i = np.flatnonzero(of >= 0)
            totals[i] += sign * share * put_off[of[i]]
            entries.append((i, passed[of[i]], sign * share))
    program.add_sparse(due, INFINITY, len(run), *corridor)
    limit = np.where(np.isfinite(work.drain_per_passed), falls_due, INFINITY)
    program.add_sparse(-INFINITY, limit, len(run), *drain)


def _add_change(program: Program, lower: Values, upper: Values, *terms: tuple[np.ndarray, float]) -> None:
    """Rows on the change of cumulative columns from slot to slot; before the first they are 0."""
    low, high = (np.broadcast_to(np.asarray(side, dtype=np.float64), (len(terms[0][0]),)) for side in (lower, upper))
    program.add_rows(low[:1], high[:1], *((columns[:1], sign) for columns, sign in terms))
    after: list[Term] = [(columns[1:], sign) for columns, sign in terms]
    before: list[Term] = [(columns[:-1], -sign) for columns, sign in terms]
    program.add_rows(low[1:], high[1:], *after, *before)


def _add_power(
    program: Program,
    slots: Slots,
    work: Work,
    power: Pieces,
    over: Roof | None,
    run: np.ndarray,
    load: np.ndarray,
    held: np.ndarray,
    heat: HeatStore | None,
    paid_to_use: np.ndarray,
) -> None:
    """Load above each plane (and below the roof where use is paid for); heat flow is the change of heat held."""

    def rows(at: np.ndarray, work_kw: np.ndarray, per_heat: np.ndarray, base_kw: np.ndarray, *, below: bool) -> None:
        # load - work_kw x (urgent + run(t) - run(t-1)) / full - per_heat x (held(t) - held(t-1)) / hours >= base
        per_run = work_kw / work.full_kwh[at]
        side = base_kw + per_run * work.urgent_kwh[at]
        per_held = per_heat / slots.hours[at]
        start = at == 0
        if heat is not None:
            side = side - np.where(start, per_held * heat.start_kwh, 0.0)
        bounds = (-INFINITY, side) if below else (side, INFINITY)
        # The first slot has no column before it: its own column stands there with coefficient 0.
        before = np.maximum(at - 1, 0)
        terms: list[Term] = [(load[at], 1.0), (run[at], -per_run), (run[before], np.where(start, 0.0, per_run))]
        if heat is not None:
            terms += [(held[at], -per_held), (held[before], np.where(start, 0.0, per_held))]
        program.add_rows(*bounds, *terms)

    everywhere = np.arange(len(load))
    for k in range(power.work_kw.shape[1]):
        rows(everywhere, power.work_kw[:, k], power.per_heat[:, k], power.base_kw[:, k], below=False)
    at = np.flatnonzero(paid_to_use)
    if over is not None and len(at):
        for k in range(over.work_kw.shape[1]):
            rows(at, over.work_kw[at, k], over.per_heat[at, k], over.base_kw[at, k], below=True)


def _add_end(program: Program, p: np.void, work: Work, run: np.ndarray, soc: np.ndarray, end: EndValue) -> None:
    """Stock left at the end: charge against its target, and the work still queued."""
    size = (p["soc_max"] - p["soc_min"]) * p["battery_kwh"]
    missing = program.add_columns(1, upper=size, cost=end.battery_missing)
    over = program.add_columns(1, upper=size, cost=-end.battery_over)
    program.add_rows(end.soc_target_kwh, end.soc_target_kwh, (soc[-1:], 1.0), (missing, 1.0), (over, -1.0))
    program.add_cost(run[-1:], -end.queued)
    program.constant += end.queued * float(work.arrived_kwh[-1])
