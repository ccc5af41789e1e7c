"""Builds situations: reads the view, prices proposals against the outlook, puts open requests before the supervisor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from agents.acceptance import acceptable_kw
from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.events import GATE_CLOSURE, FlexEvent
from grid.rows import CARBON, DRY_BULB, NETWORK, STEP_HOURS, SYSTEM, TARIFF, UTILISATION
from llm_layer.battery_value import best_battery
from llm_layer.findings import Best, Site, battery_finding, cooling_finding, heat_finding, work_finding
from llm_layer.guard import NEAR_K
from llm_layer.outlook import STEP_NS, Outlook, Stages, outlooks
from llm_layer.site_curves import SiteCurves
from llm_layer.situation import Finding, Request, Situation, clock, utc_text
from llm_layer.work_value import CURVE_POINTS, best_work


@dataclass(frozen=True, slots=True)
class Ask:
    """A site that is to be decided for.

    wake, hold: why it is decided now, and steps until it is asked again.
    proposals: float32 (3,). bounds: float32 (3, 2), what is left to decide in.
    closed: ids of requests already dealt with; None: no market is connected, no requests are shown.
    """

    site: int
    wake: str
    hold: int
    proposals: np.ndarray
    bounds: np.ndarray
    closed: Collection[str] | None


class Briefing:
    """Situations of a batch. Remembers what each site has shown of itself, and what was found of each request.

    findings: False for a supervisor that looks at requests alone.
    """

    def __init__(self, view: SiteView, findings: bool = True) -> None:
        self._params, self._wanted = view.params.copy(), findings
        names = view.params.dtype.names or ()
        self._p: list[Site] = [dict(zip(names, map(float, record), strict=True)) for record in view.params]
        self._curves = SiteCurves(view.batch_size)
        self._rule_kw: dict[tuple[int, str], float] = {}

    def situations(self, view: SiteView, batch: SiteBatch, asked: Sequence[Ask]) -> list[Situation]:
        """What the supervisor of each of these sites is shown, in their order."""
        sites = np.array([ask.site for ask in asked], dtype=np.int64)
        stages, expected = outlooks(view, self._params, sites, [ask.hold for ask in asked])
        found = self._findings(view, batch, sites, stages, expected, asked) if self._wanted else [()] * len(asked)
        return [
            Situation(
                site=ask.site,
                step=view.step,
                time_utc=utc_text(outlook.now_ns),
                wake=ask.wake,
                hold_steps=ask.hold,
                facts=_facts(view, ask.site, outlook, self._p[ask.site]) if self._wanted else {},
                proposals=tuple(ask.proposals.tolist()),
                findings=findings,
                requests=self._requests(view, batch, ask, outlook),
            )
            for ask, outlook, findings in zip(asked, expected, found, strict=True)
        ]

    def _requests(self, view: SiteView, batch: SiteBatch, ask: Ask, outlook: Outlook) -> tuple[Request, ...]:
        if ask.closed is None or not view.events[ask.site]:
            return ()
        events = [event for event in view.events[ask.site] if event.id not in ask.closed]
        requests = [self._request(view, batch, ask.site, event, outlook) for event in events]
        return tuple(request for request in requests if request is not None)

    def _findings(
        self,
        view: SiteView,
        batch: SiteBatch,
        sites: np.ndarray,
        stages: Stages,
        expected: Sequence[Outlook],
        asked: Sequence[Ask],
    ) -> list[tuple[Finding, ...]]:
        proposals = np.array([ask.proposals for ask in asked], dtype=np.float64)
        battery = self._best_battery(view, sites, stages, proposals[:, BATTERY])
        work = self._best_work(view, batch, sites, stages, proposals[:, LOAD_SHIFT])
        return [
            self._of_site(view, batch, ask, outlook, *best)
            for ask, outlook, *best in zip(asked, expected, battery.tolist(), work.tolist(), strict=True)
        ]

    def _of_site(
        self, view: SiteView, batch: SiteBatch, ask: Ask, outlook: Outlook, battery: Best, work: Best
    ) -> tuple[Finding, ...]:
        p, site = self._p[ask.site], ask.site
        inlet = float(view.state["inlet_degc"][site])
        cooling = float(ask.proposals[COOLING])
        if inlet >= p["overheat_limit_degc"] - NEAR_K:
            cooled = heat_finding(p, inlet, cooling, float(ask.bounds[COOLING, 0]))
        else:
            cooled = cooling_finding(p, outlook, self._curves.import_by_supply(view, batch, site), cooling)
        found = (
            battery_finding(p, outlook, float(ask.proposals[BATTERY]), battery), work_finding(p, outlook, work), cooled
        )  # fmt: skip
        return tuple(sorted((f for f in found if f is not None), key=lambda finding: -finding.gain_gbp))

    def _best_battery(self, view: SiteView, sites: np.ndarray, stages: Stages, proposals: np.ndarray) -> np.ndarray:
        """float64 (n, 3) of ``best_battery``: no export, and import within its limit."""
        p, soc_kwh, load_kw = self._params[sites], view.state["soc_kwh"][sites], view.state["load_kw"][sites]
        usable = (p["soc_max"] - p["soc_min"]) * p["battery_kwh"]
        charge_kw = np.maximum(0.0, np.minimum(p["battery_kw"], p["import_limit_kw"] - load_kw))
        discharge_kw = np.where(load_kw > 0.0, np.maximum(0.0, np.minimum(p["battery_kw"], load_kw)), p["battery_kw"])
        wear = p["wear_gbp_per_mwh"] / 1000.0
        battery = np.stack(
            [usable, charge_kw, discharge_kw, p["charge_efficiency"], p["discharge_efficiency"], wear], axis=1
        )
        energy = np.minimum(np.maximum(soc_kwh - p["soc_min"] * p["battery_kwh"], 0.0), usable)
        return best_battery(stages.steps, stages.price, stages.hold, energy, battery, np.ascontiguousarray(proposals))

    def _best_work(
        self, view: SiteView, batch: SiteBatch, sites: np.ndarray, stages: Stages, proposals: np.ndarray
    ) -> np.ndarray:
        """float64 (n, 3) of ``best_work``."""
        p = self._params[sites]
        curves, profiles = np.empty((len(sites), CURVE_POINTS)), np.empty((len(sites), 24))
        for k, (site, hour) in enumerate(zip(sites.tolist(), stages.hour.tolist(), strict=True)):
            curve = self._curves.import_by_work(view, batch, site)
            curves[k], profiles[k] = curve, self._curves.work_by_hour(view, site, hour, curve)
        return best_work(
            stages.steps,
            stages.price,
            stages.hold,
            stages.hour,
            stages.quarter,
            profiles,
            np.ascontiguousarray(view.row[sites, UTILISATION]),
            view.queue_kwh[sites],
            curves,
            p["deferrable_share"],
            p["it_capacity_kw"] * (1.0 - p["idle_share"]) * STEP_HOURS,
            p["deadline_steps"].astype(np.int64),
            np.ascontiguousarray(proposals),
        )

    def _request(
        self, view: SiteView, batch: SiteBatch, site: int, event: FlexEvent, outlook: Outlook
    ) -> Request | None:
        """A request and what the shared rule sells of it, as first found; None past gate closure."""
        gate_ns = (event.start - GATE_CLOSURE).value
        if outlook.now_ns > gate_ns:
            return None
        key = (site, event.id)
        if key not in self._rule_kw:
            self._rule_kw[key] = acceptable_kw(view, batch, site, event)
        kw = self._rule_kw[key]
        value = (1.0 - self._p[site]["aggregator_share"]) * kw * event.hours * event.price_gbp_per_mwh / 1000.0
        when = f"{clock(event.start.value)}-{clock(event.end.value)} at GBP {event.price_gbp_per_mwh:.0f}/MWh"
        if kw > 0.0:
            text = f"selling {kw:.0f} kW {when} pays GBP {value:.2f}, more than it costs"
        else:
            text = f"{event.kw:.0f} kW asked {when}: too little to sell, or not worth its cost"
        return Request(event, kw, value, outlook.now_ns + outlook.hold * STEP_NS > gate_ns, text)


def _facts(view: SiteView, site: int, outlook: Outlook, p: Site) -> dict[str, float]:
    """The numbers behind the words: now, and the cheapest and dearest hour of the day ahead."""
    row = view.row[site].tolist()
    now = dict(zip(view.state.dtype.names or (), view.state[site].tolist(), strict=True))
    return {
        "tariff_gbp_per_mwh": round(row[TARIFF] + row[NETWORK], 2),
        "carbon_gco2_per_kwh": round(row[CARBON], 1),
        "system_gbp_per_mwh": round(row[SYSTEM], 2),
        "price_rank": round(outlook.rank, 3),
        "carbon_rank": round(outlook.carbon_rank, 3),
        "cheapest_gbp_per_mwh": round(outlook.bill_gbp_per_mwh(outlook.cheapest), 2),
        "cheapest_in_h": float(outlook.starts[outlook.cheapest]) * STEP_HOURS,
        "dearest_gbp_per_mwh": round(outlook.bill_gbp_per_mwh(outlook.dearest), 2),
        "dearest_in_h": float(outlook.starts[outlook.dearest]) * STEP_HOURS,
        "price_known_h": float(view.published_steps[site]) * STEP_HOURS,
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
