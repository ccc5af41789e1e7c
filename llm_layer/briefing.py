"""Builds situations: reads the view, prices proposals against the outlook, puts open requests before the supervisor."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from agents.acceptance import acceptable_kw
from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.events import GATE_CLOSURE, FlexEvent
from grid.rows import CARBON, DRY_BULB, NETWORK, STEP_HOURS, SYSTEM, TARIFF, UTILISATION
from llm_layer.findings import Site, battery_finding, cooling_finding, heat_finding, work_finding
from llm_layer.guard import NEAR_K
from llm_layer.outlook import STEP_NS, Outlook
from llm_layer.site_curves import SiteCurves
from llm_layer.situation import Finding, Request, Situation, clock, utc_text


class Briefing:
    """Situations of a batch. Remembers what each site has shown of itself, and what was found of each request."""

    def __init__(self, view: SiteView) -> None:
        names = view.params.dtype.names or ()
        self._p: list[Site] = [dict(zip(names, map(float, record), strict=True)) for record in view.params]
        self._curves = SiteCurves(view.batch_size)
        self._rule_kw: dict[tuple[int, str], float] = {}

    def situation(
        self,
        view: SiteView,
        batch: SiteBatch,
        site: int,
        wake: str,
        hold: int,
        proposals: np.ndarray,
        bounds: np.ndarray,
        closed: Collection[str] | None,
    ) -> Situation:
        """What one site's supervisor is shown.

        Args:
            wake, hold: why it is decided now, and steps until it is asked again.
            proposals: float32 (3,). bounds: float32 (3, 2), what is left to decide in.
            closed: ids of requests already dealt with; None: no market is connected, no requests are shown.
        """
        outlook = Outlook(view, site, hold, self._p[site])
        asked = proposals.tolist()
        coldest = float(bounds[COOLING, 0])
        requests = [
            self._request(view, batch, site, event, outlook)
            for event in view.events[site]
            if closed is not None and event.id not in closed
        ]
        return Situation(
            site=site,
            step=view.step,
            time_utc=utc_text(outlook.now_ns),
            wake=wake,
            hold_steps=hold,
            facts=_facts(view, site, outlook, self._p[site]),
            proposals=(asked[0], asked[1], asked[2]),
            findings=self._findings(view, batch, site, outlook, asked, coldest),
            requests=tuple(request for request in requests if request is not None),
        )

    def _findings(
        self, view: SiteView, batch: SiteBatch, site: int, outlook: Outlook, asked: list[float], coldest: float
    ) -> tuple[Finding, ...]:
        p, state = self._p[site], view.state
        inlet = float(state["inlet_degc"][site])
        if inlet >= p["overheat_limit_degc"] - NEAR_K:
            cooling = heat_finding(p, inlet, asked[COOLING], coldest)
        else:
            cooling = cooling_finding(p, outlook, self._curves.import_by_supply(view, batch, site), asked[COOLING])
        import_by_work = self._curves.import_by_work(view, batch, site)
        found = (
            battery_finding(p, outlook, float(state["soc_kwh"][site]), float(state["load_kw"][site]), asked[BATTERY]),
            work_finding(
                p,
                outlook,
                view.queue_kwh[site],
                float(view.row[site, UTILISATION]),
                self._curves.work_by_hour(view, site, outlook.hour, import_by_work),
                import_by_work,
                p["it_capacity_kw"] * (1.0 - p["idle_share"]) * STEP_HOURS,
                asked[LOAD_SHIFT],
            ),
            cooling,
        )
        return tuple(sorted((f for f in found if f is not None), key=lambda finding: -finding.gain_gbp))

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
