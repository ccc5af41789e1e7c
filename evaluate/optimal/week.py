"""A case in the plan model's terms: its work, power, heat, prices and market by settlement period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.case import Case
from envs.load_shift import full_work_kwh, may_wait_share
from envs.scenario import derated, window_edges
from evaluate.optimal.envelope import HeatStore, Pieces, Roof, check_plant, heat_store, pieces, roof
from evaluate.optimal.flex import PERIOD_HOURS, Market
from evaluate.optimal.plan_model import KWH_PER_MWH, Columns, EndValue, Slots, Work, add_site, work_classes
from evaluate.optimal.program import INFINITY, Program
from grid.market.terminal import terminal_prices
from grid.rows import (
    BASELINE,
    CARBON,
    DAY_AHEAD,
    NETWORK,
    REFERENCE_PRICE,
    STEPS_PER_PERIOD,
    SYSTEM,
    TARIFF,
    UTILISATION,
    WET_BULB,
)

GAP = 1e-4  # relative gap at which the solver may stop
TIME_LIMIT_S = 60.0


class InfeasibleWeekError(ValueError):
    """No plan keeps the site's limits: the message names the limit, its value and where it binds."""


@dataclass(frozen=True)
class Week:
    """A case in the plan model's terms; slots are settlement periods."""

    case: Case
    slots: Slots
    work: Work
    power: Pieces
    over: Roof
    heat: HeatStore
    cost_per_kwh: np.ndarray

    @classmethod
    def of(cls, case: Case) -> Week:
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
