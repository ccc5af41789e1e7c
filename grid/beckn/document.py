"""The LTS documents we send: catalogues, and contracts as their state and deliveries stand; money to the penny."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grid.beckn.book import PERIOD, Contract, Interval, SiteState
from grid.beckn.packs import CONTEXT_URL
from grid.beckn.states import CODES, CONFIRMED, DELIVERED, DRAFTED, QUOTED, SETTLED, SETTLING
from grid.beckn.times import duration_text, instant_text
from grid.beckn.wire import Json

CATALOG_ID = "cat-flex"
PERFORMANCE_ID, CONSIDERATION_ID, SETTLEMENT_ID = "perf-1", "cons-1", "set-1"
VALID_FOR = timedelta(hours=24)
SHORTFALL_SHARE = 0.95  # below this share of what was sold a delivery is called a shortfall


@dataclass(frozen=True)
class Terms:
    """What we sell and on which terms: one resource, one offer. ``price`` per kWh reduced."""

    site_id: str
    metering_id: str
    resource_id: str = "res-flex"
    offer_id: str = "offer-turn-down"
    price: float = 0.25
    currency: str = "GBP"
    min_kw: float = 50.0
    max_duration: timedelta = timedelta(hours=2)
    min_notice: timedelta = timedelta(minutes=60)
    rulebook: str = "p511-2026-08"
    compensation: str = "mutualised"


def bag(kind: str, **values: Any) -> Json:
    """An attribute bag of ours."""
    return {"@context": CONTEXT_URL, "@type": kind, **values}


def catalog(terms: Terms, site: SiteState, bpp_id: str, bpp_uri: str) -> Json:
    """What can be bought now: the deferrable work and charge the site holds, at the kW it could deliver."""
    validity = {"startDate": instant_text(site.now), "endDate": instant_text(site.now + VALID_FOR)}
    attributes = bag(
        "FlexResource",
        siteId=terms.site_id,
        meteringId=terms.metering_id,
        maxReductionKw=site.offered_kw,
        energyKwh=round(site.energy_kwh, 3),
        minDuration=duration_text(PERIOD),
        maxDuration=duration_text(terms.max_duration),
        minNotice=duration_text(terms.min_notice),
        earliestStart=instant_text(site.now + terms.min_notice),
        latestEnd=validity["endDate"],
    )
    return {
        "id": CATALOG_ID,
        "descriptor": {"name": "Deferrable workloads"},
        "bppId": bpp_id,
        "bppUri": bpp_uri,
        "provider": {"id": terms.site_id, "descriptor": {"name": "Data centre"}},
        "resources": [{"id": terms.resource_id, "descriptor": {"name": "Turn-down"}, "resourceAttributes": attributes}],
        "offers": [offer(terms, validity)],
        "validity": validity,
        "isActive": not site.dormant and site.offered_kw >= terms.min_kw,
    }


def offer(terms: Terms, validity: Json | None = None) -> Json:
    attributes = bag(
        "FlexOffer",
        direction="turn_down",
        utilisationPrice=terms.price,
        currency=terms.currency,
        unit="per_kWh_reduced",
    )
    dates = {} if validity is None else {"validity": validity}
    return {
        "id": terms.offer_id,
        "descriptor": {"name": "Turn-down"},
        "resourceIds": [terms.resource_id],
        **dates,
        "offerAttributes": attributes,
    }


def request_document(contract: Contract, resource: Json, offered: Json, buyer: str, seller: str, rulebook: str) -> Json:
    """The parts of a contract that do not change: what a buyer writes into ``select``."""
    event = bag(
        "FlexEvent",
        eventId=contract.event_id,
        eventType="turn_down",
        start=instant_text(contract.start),
        end=instant_text(contract.end),
        settlementPeriodMinutes=30,
        requestedReductionKw=contract.requested_kw,
        committedReductionKw=contract.kw,
        baselineMethod="BL01",
        responseDeadline=instant_text(contract.deadline),
        rulebook=rulebook,
        currency=contract.currency,
    )
    return {
        "commitment": {
            "id": "c-1",
            "resources": [{**resource, "quantity": {"unitText": "kW", "unitQuantity": contract.kw}}],
            "offer": offered,
            "commitmentAttributes": event,
        },
        "participants": [
            {"id": buyer, "participantAttributes": bag("FlexParty", role="buyer")},
            {"id": seller, "participantAttributes": bag("FlexParty", role="provider")},
        ],
    }


def render(contract: Contract, metered: Sequence[Interval] = (), terms: Terms | None = None) -> Json:
    """The whole contract as it stands, for ``message.contract``."""
    codes = CODES[contract.state]
    commitment = contract.document["commitment"]
    event = {**commitment["commitmentAttributes"], "committedReductionKw": contract.kw}
    event["publishedAt"] = instant_text(contract.published_at)
    document: Json = {
        "id": contract.id,
        "status": {"code": codes.contract},
        "commitments": [
            {**commitment, "status": {"descriptor": {"code": codes.commitment}}, "commitmentAttributes": event}
        ],
        "consideration": [_consideration(contract, codes.consideration)],
    }
    if contract.document.get("participants"):
        document["participants"] = contract.document["participants"]
    if codes.performance:
        document["performance"] = [_performance(contract, codes.performance, metered)]
    if contract.state != QUOTED and contract.state in (DRAFTED, *CONFIRMED):
        document["settlements"] = [_settlement(contract, metered, terms)]
    return document


def delivered_kwh(metered: Sequence[Interval]) -> float:
    return round(sum(interval.delivered_kwh for interval in metered), 6)


def payable(metered: Sequence[Interval], price: float) -> float:
    """What the buyer pays on the contract: delivered energy at the rate, to the penny; never less than nothing."""
    return max(0.0, round(delivered_kwh(metered) * price, 2))


def _consideration(contract: Contract, code: str) -> Json:
    basis = f"{contract.kw:g} kW x {contract.hours:g} h x {contract.price:g} {contract.currency}/kWh"
    return {
        "id": CONSIDERATION_ID,
        "status": {"code": code},
        "considerationAttributes": bag("FlexPrice", amount=contract.amount, currency=contract.currency, basis=basis),
    }


def _performance(contract: Contract, code: str, metered: Sequence[Interval]) -> Json:
    performance: Json = {
        "id": PERFORMANCE_ID,
        "status": {"code": code},
        "commitmentIds": [contract.document["commitment"].get("id", "c-1")],
    }
    if not metered:
        return performance
    sold = sum(interval.sold_kwh for interval in metered)
    if code == "DELIVERED" and delivered_kwh(metered) < SHORTFALL_SHARE * sold:
        performance["status"] = {"code": "SHORTFALL"}
    performance["performanceAttributes"] = bag(
        "FlexDelivery",
        baselineKw=round(2.0 * sum(i.baseline_kwh for i in metered) / len(metered), 3),
        baselineMethod="BL01",
        intervals=[_interval(interval) for interval in metered],
        deliveredKwh=delivered_kwh(metered),
        meterDataVersion="1",
    )
    return performance


def _interval(interval: Interval) -> Json:
    return {
        "start": instant_text(interval.start),
        "durationMinutes": 30,
        "baselineKwh": round(interval.baseline_kwh, 6),
        "meteredKwh": round(interval.metered_kwh, 6),
        "deliveredKwh": round(interval.delivered_kwh, 6),
        "soldKwh": round(interval.sold_kwh, 6),
        "settlementDate": interval.settlement_date,
        "settlementPeriod": interval.settlement_period,
    }


def _settlement(contract: Contract, metered: Sequence[Interval], terms: Terms | None) -> Json:
    final = contract.state in (DELIVERED, SETTLING, SETTLED)
    status = {SETTLING: "COMMITTED", SETTLED: "COMPLETE"}.get(contract.state, "DRAFT")
    attributes = bag(
        "FlexSettlement",
        amount=payable(metered, contract.price) if final else 0,
        currency=contract.currency,
        ratePerKwh=contract.price,
        deliveredKwh=delivered_kwh(metered) if final else 0,
        method="delivered kWh x rate, to the penny, not below 0",
    )
    if terms is not None:
        attributes["compensationRule"] = terms.compensation
    return {
        "id": SETTLEMENT_ID,
        "considerationId": CONSIDERATION_ID,
        "status": status,
        "settlementAttributes": attributes,
    }
