"""The plan of one site: columns and rows that the bound, the oracle and model-predictive control share.

Time is cut into slots of one or more control steps; what a slot holds is a mean (kW) or a sum (kWh) over its steps.
Averaging over a slot keeps every limit of the single steps, so a coarser plan is a relaxation of a finer one.

Deferrable work. With R(t) the deferrable work run by the end of t, R lies between what has reached its deadline and
what has arrived, and its slope between 0 and the room that urgent work leaves. Every queue of the kernel obeys this.
Battery. Charge and discharge together stay below the rating: the hull of "one or the other". Where import costs money
a plan never does both; where it is paid for, doing both is what alternating from step to step does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluate.optimal.envelope import HeatStore, Pieces
from evaluate.optimal.program import INFINITY, Program
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

    urgent_kwh     work that runs on arrival
    full_kwh       what the servers can run
    floor_kwh      deferrable work whose deadline has come by the end of the slot, since the plan's start
    ceiling_kwh    deferrable work that has arrived by then, work waiting at the start included
    """

    urgent_kwh: np.ndarray
    full_kwh: np.ndarray
    floor_kwh: np.ndarray
    ceiling_kwh: np.ndarray


@dataclass(frozen=True)
class EndValue:
    """What stock left at the end is worth, in the plan's cost unit: per kWh missing or over in the battery, per IT kWh queued."""

    battery_missing: float
    battery_over: float
    queued: float
    soc_target_kwh: float


@dataclass(frozen=True)
class Columns:
    """Column numbers by slot, int64 (n,), and the import rows.

    run_kwh     deferrable work run since the start of the plan, at the end of the slot
    load_kw     site without the battery
    soc_kwh, heat_kwh   at the end of the slot; heat_kwh is empty without a heat store
    """

    run_kwh: np.ndarray
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
        power: planes under the site's power, by slot.
        cost_per_kwh: cost of import by slot, (n,). wear_per_kwh: cost of what the battery discharges.
        heat: heat held by the room; None leaves storing heat out.
        paid_to_use: bool (n,), slots in which importing more may lower the cost: power is held below its roof there.
            Those with a negative price if left out.
    """
    n, hours = len(slots.steps), slots.hours
    run = program.add_columns(n, work.floor_kwh, np.maximum(work.floor_kwh, work.ceiling_kwh))
    load = program.add_columns(n, cost=cost_per_kwh * hours)
    charge = program.add_columns(n, upper=p["battery_kw"], cost=cost_per_kwh * hours)
    discharge = program.add_columns(n, upper=p["battery_kw"], cost=(wear_per_kwh - cost_per_kwh) * hours)
    soc = program.add_columns(n, p["soc_min"] * p["battery_kwh"], p["soc_max"] * p["battery_kwh"])
    held = program.add_columns(n if heat else 0, *((heat.low_kwh, heat.high_kwh) if heat else ()))

    import_rows = program.add_rows(0.0, p["import_limit_kw"], (load, 1.0), (charge, 1.0), (discharge, -1.0))
    program.add_rows(-INFINITY, p["battery_kw"], (charge, 1.0), (discharge, 1.0))
    _add_battery(program, p, hours, charge, discharge, soc, soc_kwh)
    _add_work_rate(program, work, run)
    if paid_to_use is None:
        paid_to_use = cost_per_kwh < 0.0
    _add_power(program, slots, work, power, run, load, held, heat, paid_to_use)
    _add_end(program, p, work, run, soc, end)
    return Columns(run, load, charge, discharge, soc, held, import_rows)


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
        soc_kwh, soc_kwh, (soc[first], 1.0), (charge[first], -into * hours[first]), (discharge[first], out * hours[first])
    )
    program.add_rows(
        0.0,
        0.0,
        (soc[rest], 1.0),
        (soc[:-1], -1.0),
        (charge[rest], -into * hours[rest]),
        (discharge[rest], out * hours[rest]),
    )


def _add_work_rate(program: Program, work: Work, run: np.ndarray) -> None:
    """Deferrable work runs forward, in the room that urgent work leaves."""
    room = np.maximum(0.0, work.full_kwh - work.urgent_kwh)
    program.add_rows(0.0, room[:1], (run[:1], 1.0))
    program.add_rows(0.0, room[1:], (run[1:], 1.0), (run[:-1], -1.0))


def _add_power(
    program: Program,
    slots: Slots,
    work: Work,
    power: Pieces,
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
        terms = [(load[at], 1.0), (run[at], -per_run), (run[before], np.where(start, 0.0, per_run))]
        if heat is not None:
            terms += [(held[at], -per_held), (held[before], np.where(start, 0.0, per_held))]
        program.add_rows(*bounds, *terms)

    everywhere = np.arange(len(load))
    for k in range(power.work_kw.shape[1]):
        rows(everywhere, power.work_kw[:, k], power.per_heat[:, k], power.base_kw[:, k], below=False)
    at = np.flatnonzero(paid_to_use)
    if len(at):
        rows(at, power.roof_work_kw[at], power.roof_per_heat[at], power.roof_base_kw[at], below=True)


def _add_end(program: Program, p: np.void, work: Work, run: np.ndarray, soc: np.ndarray, end: EndValue) -> None:
    """Stock left at the end: charge against its target, and the work still queued."""
    size = (p["soc_max"] - p["soc_min"]) * p["battery_kwh"]
    missing = program.add_columns(1, upper=size, cost=end.battery_missing)
    over = program.add_columns(1, upper=size, cost=-end.battery_over)
    program.add_rows(end.soc_target_kwh, end.soc_target_kwh, (soc[-1:], 1.0), (missing, 1.0), (over, -1.0))
    program.add_cost(run[-1:], -end.queued)
    program.constant += end.queued * float(work.ceiling_kwh[-1])

