"""Model-predictive control: the bound's plan model over the next 48 h of published information, replanned every hour.

It stands for each information set's best use of the same physics: ``grid_aware`` sees prices, requests sold and
carbon; ``carbon_aware`` sees carbon only, and takes its level for the cost.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import highspy
import numpy as np

from agents.policy import Offer
from envs.load_shift import full_work_kwh, may_wait_share
from envs.state import BATTERY, LOAD_SHIFT
from envs.view import SiteView
from evaluate.optimal.envelope import roof
from evaluate.optimal.noticed import keep_notices
from evaluate.optimal.outlook import Outlook, see
from evaluate.optimal.plan_model import KWH_PER_MWH, Columns, EndValue, Slots, Work, add_site, work_classes
from evaluate.optimal.program import INFINITY, Program, SolverError
from evaluate.optimal.set_points import settled_supply
from evaluate.optimal.settled import settled_pieces
from evaluate.optimal.tracking import battery_action, shift_action, supply_action
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD, TAIL_STEPS, UTILISATION, WET_BULB

HORIZON_STEPS = 192
FINE_STEPS = 96  # planned by half-hour, the rest by hour
REPLAN_STEPS = 4
SITE_PER_IT = 1.1  # site kWh per IT kWh, to value work still queued at the end; about the run-in's import/IT ratio


@dataclass(frozen=True)
class MpcSettings:
    """What the controller assumes; tuned on 2022.

    information         grid_aware | carbon_aware
    fade_per_hour       share of today's difference from the usual utilisation left after an hour [-]
    gbp_per_kg          carbon_aware: what stands for the price, GBP per kg of CO2 of the average grid mix
    short_gbp_per_kwh   price put on each kWh short of a sale, so that energy is kept for it
    """

    information: str = "grid_aware"
    fade_per_hour: float = 0.9
    gbp_per_kg: float = 1.0
    short_gbp_per_kwh: float = 1.0

    def __post_init__(self) -> None:
        if self.information not in ("grid_aware", "carbon_aware"):
            raise ValueError(f"MPC information {self.information!r}: choose grid_aware or carbon_aware")
        if not 0.0 <= self.fade_per_hour <= 1.0:
            raise ValueError(f"MPC fade_per_hour={self.fade_per_hour} is outside [0, 1]")


@dataclass
class _Targets:
    """A site's plan in force, by step from ``start`` on; ``queued_kwh`` at its start, ``arrived_kwh`` since."""

    start: int
    run_kwh: np.ndarray
    soc_kwh: np.ndarray
    cost_per_kwh: np.ndarray
    queued_kwh: float
    arrived_kwh: float = 0.0


class Mpc:
    """One linear programme an hour and site; between them the plan's targets are followed from wherever the site is."""

    layout: str | None = None

    def __init__(self, name: str = "mpc", settings: MpcSettings | None = None) -> None:
        self.name = name
        self.settings = settings or MpcSettings()
        self.accepts_events = self.settings.information == "grid_aware"

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._targets: list[_Targets | None] = [None] * batch_size
        self._bases: list[highspy.HighsBasis | None] = [None] * batch_size
        self._sold = np.zeros(batch_size)
        self._seen_cost = np.zeros(batch_size)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        actions = np.zeros((view.batch_size, 3), dtype=np.float32)
        sold = view.commitments_kw.sum(axis=1)
        for site in range(view.batch_size):
            targets = self._targets[site]
            if targets is None or view.step - targets.start >= REPLAN_STEPS or sold[site] != self._sold[site]:
                self._sold[site] = sold[site]
                targets = self._targets[site] = self._plan(view, site, bounds[site])
            actions[site] = _follow(view, site, targets)
            self._seen_cost[site] += targets.cost_per_kwh[view.step - targets.start]
        return actions

    def held(self, view: SiteView, site: int, bounds: np.ndarray, steps: int) -> tuple[float, float, float]:
        """Actions that, held for ``steps`` from now, get to where a fresh plan is by then: its means over that time.

        bounds: float32 (3, 2), of the site. The plan that ``act`` follows stays as it is.
        """
        plan = self._plan(view, site, bounds)
        last, soc_kwh = min(steps, len(plan.run_kwh)), float(view.state["soc_kwh"][site])
        run, soc = plan.run_kwh[last - 1 : last] / last, soc_kwh + (plan.soc_kwh[last - 1 : last] - soc_kwh) / last
        return _follow(view, site, _Targets(view.step, run, soc, plan.cost_per_kwh, plan.queued_kwh))

    def offers(self, view: SiteView) -> list[Offer]:
        return []

    def _plan(self, view: SiteView, site: int, bounds: np.ndarray) -> _Targets:
        """Plan from the present step. Where no plan keeps the limits, work passes and the battery rests for an hour."""
        p = view.params[site]
        ahead = view.commitments_kw.shape[1] * STEPS_PER_PERIOD - view.step
        steps = min(HORIZON_STEPS, max(1, ahead))
        slots = _slots(steps)
        outlook = see(view, site, HORIZON_STEPS, self.settings.fade_per_hour)
        cost = self._cost_per_kwh(p, outlook)
        work = _work(view, site, outlook, slots)
        params, wet_bulb = view.params[site : site + 1], slots.mean(outlook.wet_bulb_degc[:steps])
        cost_by_slot = slots.mean(cost[:steps])
        program = Program()
        columns = add_site(
            program,
            p,
            slots,
            work,
            settled_pieces(params, wet_bulb),
            roof(params, wet_bulb[:, None], None, work.urgent_kwh / work.full_kwh)
            if cost_by_slot.min() < 0.0
            else None,
            cost_by_slot,
            p["wear_gbp_per_mwh"] / KWH_PER_MWH,
            float(view.state["soc_kwh"][site]),
            self._end_value(p, view, site, cost, steps),
            heat=None,
        )
        _keep_bounds(program, p, columns, work, bounds)
        if view.notices and view.notices[site]:
            carbon = slots.mean(outlook.carbon_gco2_per_kwh[:steps])
            keep_notices(program, p, columns, slots, work, carbon, view.notices[site], view.timestamp(site))
        if self.settings.information == "grid_aware":
            _deliver(
                program, p, columns, slots, outlook, float(view.state["period_kwh"][site]), view.step, self.settings
            )
        x = None
        with suppress(SolverError):
            solution = program.solve(basis=self._bases[site])
            x, self._bases[site] = solution.x, solution.basis
        queued = float(view.state["queued_kwh"][site])
        if x is None:
            hold = np.full(REPLAN_STEPS, view.state["soc_kwh"][site])
            passed = work.waits_kwh[0] / slots.steps[0] * np.arange(1, REPLAN_STEPS + 1)
            return _Targets(view.step, passed, hold, cost, queued)
        ends, at = np.concatenate([[0.0], slots.first + slots.steps]), np.arange(1, REPLAN_STEPS + 1)
        run = np.interp(at, ends, np.concatenate([[0.0], x[columns.run_kwh]]))
        soc = np.interp(at, ends, np.concatenate([[view.state["soc_kwh"][site]], x[columns.soc_kwh]]))
        return _Targets(view.step, run, soc, cost, queued)

    def _cost_per_kwh(self, p: np.void, outlook: Outlook) -> np.ndarray:
        """What a kWh imported costs in each step: the objective's terms, or carbon at the level assumed for it."""
        kg_per_kwh = outlook.carbon_gco2_per_kwh / KWH_PER_MWH
        if self.settings.information == "carbon_aware":
            return kg_per_kwh * self.settings.gbp_per_kg
        return outlook.tariff_gbp_per_mwh / KWH_PER_MWH + kg_per_kwh * p["carbon_price_gbp_per_t"] / KWH_PER_MWH

    def _end_value(self, p: np.void, view: SiteView, site: int, cost: np.ndarray, steps: int) -> EndValue:
        """Stock at the end: as the run's books price it where the plan reaches that far, else at the outlook's mean.

        The books' week mean is what has been seen so far and the outlook; their 24 h after the run are the outlook's.
        """
        mean = after = float(cost.mean())
        if steps < HORIZON_STEPS:
            mean = (self._seen_cost[site] + float(cost[:steps].sum())) / (view.step + steps)
            after = float(cost[steps : steps + TAIL_STEPS].mean())
        return EndValue(
            battery_missing=max(0.0, mean) / p["charge_efficiency"],
            battery_over=max(0.0, mean) * p["discharge_efficiency"],
            queued=after * SITE_PER_IT,
            soc_target_kwh=p["soc_start"] * p["battery_kwh"],
        )


def _follow(view: SiteView, site: int, targets: _Targets) -> tuple[float, float, float]:
    """Actions (load_shift, battery, cooling) that reach the targets of the present step."""
    p, queue = view.params[site], view.queue_kwh[site]
    utilisation = view.row[site, UTILISATION]
    k = min(view.step - targets.start, len(targets.run_kwh) - 1)
    run_before = targets.queued_kwh + targets.arrived_kwh - float(view.state["queued_kwh"][site])
    wanted = targets.run_kwh[k] - run_before
    waits = utilisation * may_wait_share(p) * full_work_kwh(p)
    targets.arrived_kwh += waits
    shift = shift_action(p, utilisation, queue[0], queue[1:].sum(), wanted)
    work = np.clip(utilisation * (1.0 - may_wait_share(p)) + max(0.0, wanted) / full_work_kwh(p), 0.0, 1.0)
    supply = settled_supply(
        view.params[site : site + 1], np.array([work]), view.row[site : site + 1, WET_BULB], np.ones(1)
    )
    return shift, battery_action(p, view.state["soc_kwh"][site], targets.soc_kwh[k]), supply_action(p, supply[0])


def _slots(steps: int) -> Slots:
    """Half-hours for a day, then hours; a remainder is a slot of its own."""
    fine = min(steps, FINE_STEPS)
    lengths = [STEPS_PER_PERIOD] * (fine // STEPS_PER_PERIOD) + [4] * ((steps - fine) // 4)
    rest = steps - sum(lengths)
    return Slots(np.array(lengths + [rest] * (rest > 0), dtype=np.int64))


def _work(view: SiteView, site: int, outlook: Outlook, slots: Slots) -> Work:
    p, steps = view.params[site], int(slots.steps.sum())
    full = float(full_work_kwh(p))
    arrived = outlook.utilisation[:steps] * full
    waits = arrived * may_wait_share(p)
    due = np.zeros(max(steps, len(view.queue_kwh[site])))
    due[: len(view.queue_kwh[site])] = view.queue_kwh[site]
    by_slot = slots.sum(waits)
    room = slots.sum(np.maximum(0.0, full - arrived))
    return Work(
        urgent_kwh=slots.sum(arrived - waits),
        waits_kwh=by_slot,
        full_kwh=full * slots.steps,
        due_kwh=slots.last(np.cumsum(due)[:steps]),
        queued_kwh=float(view.queue_kwh[site].sum()),
        drain_per_passed=np.divide(room, by_slot, out=np.full(len(room), np.inf), where=by_slot > 0.0),
        classes=work_classes(p),
    )


def _keep_bounds(program: Program, p: np.void, columns: Columns, work: Work, bounds: np.ndarray) -> None:
    """Hold the first slot inside the bounds (3, 2) of the present step."""
    low, high = np.clip(bounds[BATTERY].astype(np.float64), -1.0, 1.0) * p["battery_kw"]
    first = slice(0, 1)
    program.add_rows(low, high, (columns.charge_kw[first], 1.0), (columns.discharge_kw[first], -1.0))
    least, most = (float(side) for side in bounds[LOAD_SHIFT])
    program.add_rows(
        work.waits_kwh[0] * (1.0 + min(0.0, least)),
        work.waits_kwh[0] * (1.0 + min(0.0, most)),
        (columns.passed_kwh[first], 1.0),
    )


def _deliver(
    program: Program,
    p: np.void,
    columns: Columns,
    slots: Slots,
    outlook: Outlook,
    metered_kwh: float,
    step: int,
    settings: MpcSettings,
) -> None:
    """Sold periods: the meter is paid at the system price, and a kWh above baseline - sold is a shortfall."""
    steps = int(slots.steps.sum())
    sold = slots.mean((outlook.sold_kw[:steps] > 0.0).astype(np.float64)) > 1.0 - 1e-9
    keep = (1.0 - p["aggregator_share"]) / KWH_PER_MWH
    for i in np.flatnonzero(sold):
        at, hours = np.array([i]), float(slots.hours[i])
        span = slice(slots.first[i], slots.first[i] + slots.steps[i])
        target = float((outlook.baseline_kw[span] - outlook.sold_kw[span]).sum()) * STEP_HOURS
        if i == 0 and step % STEPS_PER_PERIOD:
            target -= metered_kwh  # of the step behind, in the same period
        paid = keep * (outlook.system_gbp_per_mwh[span].mean() - p["vtp_pays"] * outlook.reference_gbp_per_mwh)
        for column, sign in ((columns.load_kw, 1.0), (columns.charge_kw, 1.0), (columns.discharge_kw, -1.0)):
            program.add_cost(column[at], sign * hours * paid)
        short = program.add_columns(1, cost=settings.short_gbp_per_kwh)
        program.add_rows(
            -INFINITY,
            target,
            (columns.load_kw[at], hours),
            (columns.charge_kw[at], hours),
            (columns.discharge_kw[at], -hours),
            (short, -1.0),
        )
