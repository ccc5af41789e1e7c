"""Builds situations: reads the view, prices proposals against the outlook and says what it finds in fixed words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from agents.acceptance import acceptable_kw
from envs.batch import SiteBatch
from envs.state import AGENTS, BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.events import GATE_CLOSURE, FlexEvent
from grid.rows import CARBON, DAY_AHEAD, DRY_BULB, NETWORK, STEP_HOURS, SYSTEM, TARIFF, UTILISATION
from llm_layer import lookahead
from llm_layer.guard import NEAR_K
from llm_layer.situation import Finding, Request, Situation, clock, utc_text

STEP_NS = 900 * 10**9
DAY_STEPS = 96
CURVE_EVERY_STEPS = 96  # weather moves the site's import curve slowly
CURVE_STEPS = 4  # steps simulated a point: the last one has the first's thermal transient behind it
SUPPLY_LEVELS = np.linspace(-1.0, 1.0, 11)
SUPPLY_EVERY_STEPS = 16
SUPPLY_STEPS = 16  # room and racks have settled to within 3 % of a change of set-point after 4 h
PROFILE_GAIN = 0.3  # weight of today in the profile of work by hour of day
LEAST_GAIN_GBP = 0.01  # smaller differences are noise of the look-ahead's grid


class Briefing:
    """Situations of a batch. Remembers per site its import curve, its usual work by hour, and each request's price."""

    def __init__(self, view: SiteView) -> None:
        size = view.batch_size
        names = view.params.dtype.names or ()
        self._p = [dict(zip(names, map(float, record), strict=True)) for record in view.params]
        self._curve = np.zeros((size, lookahead.CURVE_POINTS))
        self._curve_step = np.full(size, -CURVE_EVERY_STEPS, dtype=np.int64)
        self._supply = np.zeros((size, len(SUPPLY_LEVELS)))
        self._supply_step = np.full(size, -SUPPLY_EVERY_STEPS, dtype=np.int64)
        self._profile = np.full((size, 24), -1.0)
        self._priced: dict[tuple[int, str], float] = {}

    def situations(
        self,
        view: SiteView,
        batch: SiteBatch,
        due: Sequence[tuple[int, str, int]],
        proposals: np.ndarray,
        bounds: np.ndarray,
        closed: Sequence[Collection[str]],
    ) -> list[Situation]:
        """One situation for each site that is due.

        Args:
            due: (site, why it is decided now, steps until the next regular decision).
            proposals: float32 (B, 3). bounds: float32 (B, 3, 2), what is left to decide in.
            closed: for each site the ids of requests already accepted or declined.
        """
        return [
            self._situation(view, batch, site, wake, hold, proposals[site], bounds[site], closed[site])
            for site, wake, hold in due
        ]

    def _situation(
        self,
        view: SiteView,
        batch: SiteBatch,
        site: int,
        wake: str,
        hold: int,
        proposals: np.ndarray,
        bounds: np.ndarray,
        closed: Collection[str],
    ) -> Situation:
        outlook = Outlook(view, site, hold, self._p[site])
        asked = proposals.tolist()
        found = [
            self._battery(view, site, outlook, asked[BATTERY]),
            self._work(view, batch, site, outlook, asked[LOAD_SHIFT]),
            _heat(view, site, self._p[site], asked[COOLING], float(bounds[COOLING, 0]))
            or self._cooling(view, batch, site, outlook, asked[COOLING]),
        ]
        findings = sorted((f for f in found if f is not None), key=lambda f: -f.gain_gbp)
        requests = [
            self._request(view, batch, site, event, hold)
            for event in view.events[site]
            if event.id not in closed and outlook.now_ns <= (event.start - GATE_CLOSURE).value
        ]
        return Situation(
            site=site,
            step=view.step,
            time_utc=utc_text(outlook.now_ns),
            wake=wake,
            hold_steps=hold,
            facts=_facts(view, site, outlook, self._p[site]),
            proposals=(asked[0], asked[1], asked[2]),
            findings=tuple(findings),
            requests=tuple(requests),
        )

    def _battery(self, view: SiteView, site: int, outlook: Outlook, proposal: float) -> Finding | None:
        p = self._p[site]
        if p["battery_kw"] <= 0.0 or p["battery_kwh"] <= 0.0:
            return None
        load_kw = float(view.state["load_kw"][site])
        battery = (
            (p["soc_max"] - p["soc_min"]) * p["battery_kwh"],
            max(0.0, min(p["battery_kw"], p["import_limit_kw"] - load_kw)),
            max(0.0, min(p["battery_kw"], load_kw)) if load_kw > 0.0 else p["battery_kw"],
            p["charge_efficiency"],
            p["discharge_efficiency"],
            p["wear_gbp_per_mwh"] / 1000.0,
        )
        energy = min(max(float(view.state["soc_kwh"][site]) - p["soc_min"] * p["battery_kwh"], 0.0), battery[0])
        levels = np.append(lookahead.LEVELS, proposal)
        costs, moved = lookahead.battery_costs(outlook.steps, outlook.price, outlook.hold, energy, battery, levels)
        best = _best(costs)
        gain = float(costs[-1] - costs[best])
        if gain < LEAST_GAIN_GBP:
            return None
        more = float(moved[best] - moved[-1])
        return outlook.battery_finding(float(levels[best]), gain, more, proposal, p["battery_kw"])

    def _work(
        self, view: SiteView, batch: SiteBatch, site: int, outlook: Outlook, proposal: float
    ) -> Finding | None:
        p = self._p[site]
        full = p["it_capacity_kw"] * (1.0 - p["idle_share"]) * STEP_HOURS
        if p["deferrable_share"] <= 0.0 or full <= 0.0:
            return None
        curve = self._import_curve(view, batch, site)
        utilisation = float(view.row[site, UTILISATION])
        profile = self._learn(view, site, outlook.hour, utilisation, curve)
        arriving, fixed = lookahead.stage_work(
            profile, utilisation, outlook.hour, outlook.quarter, outlook.steps, p["deferrable_share"], full
        )
        levels = np.append(lookahead.LEVELS, proposal)
        costs, moved = lookahead.work_costs(
            outlook.steps,
            outlook.price,
            outlook.hold,
            view.queue_kwh[site],
            arriving,
            fixed,
            curve,
            full,
            int(p["deadline_steps"]),
            levels,
        )
        best = _best(costs)
        gain = float(costs[-1] - costs[best])
        if gain < LEAST_GAIN_GBP:
            return None
        return outlook.work_finding(float(levels[best]), gain, float(moved[best] - moved[-1]))

    def _cooling(
        self, view: SiteView, batch: SiteBatch, site: int, outlook: Outlook, proposal: float
    ) -> Finding | None:
        """A set-point at which servers and plant together take less, in today's weather and at the present load."""
        if view.step - self._supply_step[site] >= SUPPLY_EVERY_STEPS:
            rows = np.repeat(view.row[site][None], SUPPLY_STEPS, axis=0)
            actions = np.zeros((SUPPLY_STEPS, len(AGENTS)), dtype=np.float32)
            for k, level in enumerate(SUPPLY_LEVELS):
                actions[:, COOLING] = level
                self._supply[site, k] = batch.simulate(site, rows, actions)[-1]
            self._supply_step[site] = view.step
        curve = self._supply[site]
        best = int(np.argmin(curve))
        saved_kwh = float(np.interp(proposal, SUPPLY_LEVELS, curve) - curve[best]) * outlook.hold
        gain = saved_kwh * float(outlook.price[0])
        if gain < LEAST_GAIN_GBP:
            return None
        level = float(SUPPLY_LEVELS[best])
        return outlook.cooling_finding(level, gain, saved_kwh, proposal, self._p[site])

    def _import_curve(self, view: SiteView, batch: SiteBatch, site: int) -> np.ndarray:
        """Site import per step at utilisation 0, 1/4, ..., 1, in today's weather, by the site's own kernel."""
        if view.step - self._curve_step[site] >= CURVE_EVERY_STEPS:
            p = self._p[site]
            level = 2.0 * (float(view.state["supply_degc"][site]) - p["supply_min_degc"])
            hold = np.zeros((CURVE_STEPS, len(AGENTS)), dtype=np.float32)
            hold[:, COOLING] = np.clip(level / (p["supply_max_degc"] - p["supply_min_degc"]) - 1.0, -1.0, 1.0)
            rows = np.repeat(view.row[site][None], CURVE_STEPS, axis=0)
            for k, share in enumerate(np.linspace(0.0, 1.0, lookahead.CURVE_POINTS)):
                rows[:, UTILISATION] = share
                self._curve[site, k] = batch.simulate(site, rows, hold)[-1]
            np.maximum.accumulate(self._curve[site], out=self._curve[site])
            self._curve_step[site] = view.step
        return self._curve[site]

    def _learn(self, view: SiteView, site: int, hour: int, utilisation: float, curve: np.ndarray) -> np.ndarray:
        """Usual utilisation by UTC hour: at first what the baseline implies, then what is seen."""
        profile = self._profile[site]
        if profile[0] < 0.0:
            # The published baseline is past days' import: run backwards through the curve it gives their work.
            implied = np.interp(view.baseline_kw[site, :48:2] * STEP_HOURS, curve, np.linspace(0.0, 1.0, len(curve)))
            known = view.baseline_kw[site, :48:2] > 0.0
            profile[(hour + np.arange(24)) % 24] = np.where(known & (curve[-1] > curve[0]), implied, utilisation)
        profile[hour] += PROFILE_GAIN * (utilisation - profile[hour])
        return profile

    def _request(self, view: SiteView, batch: SiteBatch, site: int, event: FlexEvent, hold: int) -> Request:
        """A request and what the shared selling rule sells of it, decided at the first step it is seen."""
        key = (site, event.id)
        if key not in self._priced:
            self._priced[key] = acceptable_kw(view, batch, site, event)
        kw = self._priced[key]
        kept = 1.0 - self._p[site]["aggregator_share"]
        value = kept * kw * event.hours * event.price_gbp_per_mwh / 1000.0
        span = f"{clock(event.start.value)}-{clock(event.end.value)}"
        if kw > 0.0:
            text = f"selling {kw:.0f} kW {span} at GBP {event.price_gbp_per_mwh:.0f}/MWh pays GBP {value:.2f}, more than it costs"
        else:
            text = f"{event.kw:.0f} kW asked {span} at GBP {event.price_gbp_per_mwh:.0f}/MWh: too small or not worth its cost"
        next_ns = int(view.now_utc[site].astype(np.int64)) + hold * STEP_NS
        return Request(event, kw, value, next_ns > (event.start - GATE_CLOSURE).value, text)


class Outlook:
    """One site's published outlook in stages, and the words for what it says.

    price: GBP/kWh of the objective by stage. carbon: kg/kWh. at_ns: start of each stage. hold: steps to the next decision.
    """

    def __init__(self, view: SiteView, site: int, hold: int, p: dict[str, float]) -> None:
        self.now_ns = int(view.now_utc[site].astype(np.int64))
        self.hour = self.now_ns // (4 * STEP_NS) % 24
        self.quarter = self.now_ns // STEP_NS % 4
        self.hold = hold
        self.row = view.row[site].tolist()
        sold_kw = view.commitments_kw[site, view.period : view.period + DAY_STEPS]
        self.steps, self.price, self.carbon = lookahead.stage_signals(
            view.row[site],
            view.forecast[site],
            sold_kw,
            self.quarter,
            hold,
            p["carbon_price_gbp_per_t"] / 1000.0,
            1.0 - p["aggregator_share"],
        )
        self.starts = np.concatenate(([0], np.cumsum(self.steps)[:-1]))
        held = int(np.searchsorted(self.starts, hold))
        day = max(held + 1, int(np.searchsorted(self.starts, DAY_STEPS)))
        self.cheapest = held + int(np.argmin(self.price[held:day]))
        self.dearest = held + int(np.argmax(self.price[held:day]))
        self.day = self.price[:day]
        self._carbon_gbp_per_kg = p["carbon_price_gbp_per_t"] / 1000.0

    def bill_gbp_per_mwh(self, stage: int) -> float:
        """Price of a stage as it stands on the bill, without carbon."""
        return 1000.0 * float(self.price[stage] - self._carbon_gbp_per_kg * self.carbon[stage])

    def clock(self, stage: int) -> str:
        return clock(self.now_ns + int(self.starts[stage]) * STEP_NS)

    def battery_finding(self, level: float, gain: float, more_kwh: float, proposal: float, rating_kw: float) -> Finding:
        """``more_kwh``: AC energy that ``level`` takes beyond the proposal until the next decision."""
        price = self.bill_gbp_per_mwh(0)
        other = self.dearest if more_kwh > 0.0 else self.cheapest
        kg = more_kwh * float(self.carbon[other] - self.carbon[0])
        conflict = proposal > 0.05 if more_kwh < 0.0 else proposal < -0.05
        doing = "charging" if (proposal if conflict else level) > 0.0 else "discharging"
        kw = rating_kw * abs(proposal if conflict else level)
        where = f"{doing} {kw:.0f} kW now at GBP {price:.0f}/MWh"
        if conflict:
            text = f"{where} costs GBP {gain:.2f} more than waiting until {self.clock(other)} ({-kg:+.0f} kg)"
        elif level == 0.0:
            text = f"holding the battery now at GBP {price:.0f}/MWh gains GBP {gain:.2f} ({-kg:+.0f} kg)"
        else:
            at = f"GBP {self.bill_gbp_per_mwh(other):.0f}/MWh at {self.clock(other)}"
            text = f"{where} gains GBP {gain:.2f}: power costs {at} ({-kg:+.0f} kg)"
        return Finding("battery", "conflict" if conflict else "opportunity", self._reason(more_kwh, gain, kg), level, gain, kg, text)

    def work_finding(self, level: float, gain: float, more_kwh: float) -> Finding:
        """``more_kwh``: site energy that ``level`` spends on flexible work beyond the proposal until the next decision."""
        price = self.bill_gbp_per_mwh(0)
        other = self.cheapest
        kg = more_kwh * float(self.carbon[other] - self.carbon[0])
        where = f"running {abs(more_kwh):.0f} kWh of deferrable work now at GBP {price:.0f}/MWh"
        if more_kwh < 0.0:
            text = f"{where} costs GBP {gain:.2f} more than at {self.clock(other)} ({-kg:+.0f} kg)"
        else:
            text = f"{where} saves GBP {gain:.2f} against {self.clock(other)} ({-kg:+.0f} kg)"
        kind = "conflict" if more_kwh < 0.0 else "opportunity"
        return Finding("load_shift", kind, self._reason(more_kwh, gain, kg), level, gain, kg, text)

    def cooling_finding(
        self, level: float, gain: float, saved_kwh: float, proposal: float, p: dict[str, float]
    ) -> Finding:
        """``saved_kwh``: site energy saved until the next decision, servers and plant together."""
        middle, half = (p["supply_min_degc"] + p["supply_max_degc"]) / 2, (p["supply_max_degc"] - p["supply_min_degc"]) / 2
        kg = saved_kwh * float(self.carbon[0])
        text = (
            f"supply air at {middle + half * level:.1f} degC in place of {middle + half * proposal:.1f} "
            f"saves GBP {gain:.2f} ({-kg:+.0f} kg)"
        )
        return Finding("cooling", "opportunity", "efficiency", level, gain, kg, text)

    def _reason(self, more_kwh: float, gain_gbp: float, gain_kg: float) -> str:
        if gain_kg * self._carbon_gbp_per_kg > 0.5 * gain_gbp:
            return "carbon"
        return "price_low" if more_kwh > 0.0 else "price_high"


def _best(costs: np.ndarray) -> int:
    """Index of the cheapest of ``LEVELS``; of those that cost the same the one nearest to doing nothing."""
    tried = costs[: len(lookahead.LEVELS)]
    equal = np.flatnonzero(tried <= tried.min() + 1e-6)
    return int(equal[np.argmin(np.abs(lookahead.LEVELS[equal]))])


def _heat(view: SiteView, site: int, p: dict[str, float], proposal: float, coldest: float) -> Finding | None:
    inlet = float(view.state["inlet_degc"][site])
    limit = p["overheat_limit_degc"]
    if inlet < limit - NEAR_K or proposal <= coldest + 1e-6:
        return None
    risk = 15.0 * p["overheat_gbp_per_minute"]
    text = f"inlet {inlet:.1f} degC is near its limit of {limit:.1f}: warmer supply air risks GBP {risk:.0f} a step"
    return Finding("cooling", "conflict", "safety", -1.0, risk, 0.0, text)


def _facts(view: SiteView, site: int, outlook: Outlook, p: dict[str, float]) -> dict[str, float]:
    row, state = outlook.row, view.state[site].tolist()
    names = view.state.dtype.names or ()
    now = dict(zip(names, state, strict=True))
    return {
        "tariff_gbp_per_mwh": round(row[TARIFF] + row[NETWORK], 2),
        "carbon_gco2_per_kwh": round(row[CARBON], 1),
        "system_gbp_per_mwh": round(row[SYSTEM], 2),
        "price_rank": round(float((outlook.day < outlook.price[0]).mean()), 3),
        "cheapest_gbp_per_mwh": round(outlook.bill_gbp_per_mwh(outlook.cheapest), 2),
        "cheapest_in_h": float(outlook.starts[outlook.cheapest]) * STEP_HOURS,
        "dearest_gbp_per_mwh": round(outlook.bill_gbp_per_mwh(outlook.dearest), 2),
        "dearest_in_h": float(outlook.starts[outlook.dearest]) * STEP_HOURS,
        "price_known_h": float(view.published_steps[site]) * STEP_HOURS,
        "adder_gbp_per_mwh": round(row[TARIFF] - row[DAY_AHEAD], 2),
        "utilisation": round(row[UTILISATION], 4),
        "outside_degc": round(row[DRY_BULB], 1),
        "load_kw": round(now["load_kw"], 1),
        "soc": round(now["soc_kwh"] / p["battery_kwh"], 4) if p["battery_kwh"] > 0.0 else 0.0,
        "queued_kwh": round(now["queued_kwh"], 2),
        "overdue_kwh": round(now["overdue_kwh"], 2),
        "inlet_degc": round(now["inlet_degc"], 2),
        "inlet_limit_degc": p["overheat_limit_degc"],
        "sold_kw": float(view.commitments_kw[site, view.period]),
    }
