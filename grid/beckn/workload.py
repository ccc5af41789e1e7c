"""A deferrable workload on offer: the founding README's catalogue item, our own offer, and an LTS resource.

The item is kept as it is, key by key; the powers it is offered at are the site's, never its own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from grid.beckn.faults import Refused
from grid.beckn.packs import CONTEXT_URL
from grid.beckn.times import duration_text, instant_text, parse_duration, parse_instant
from grid.beckn.units import energy_text_kwh, span_of_text
from grid.beckn.wire import Json

ENERGY_TAG, DEFERRAL_TAG = "energy_consumption", "deferral_window"


@dataclass(frozen=True)
class WorkloadOffer:
    """``count`` jobs named ``name``: ``energy_kwh`` over ``duration``, to run between the two times (UTC), and to be
    put off by at most ``deferral``.
    """

    id: str
    name: str
    count: int
    duration: timedelta
    earliest_start: datetime
    latest_end: datetime
    energy_kwh: float
    deferral: timedelta

    def __post_init__(self) -> None:
        if self.latest_end - self.earliest_start < self.duration:
            raise Refused("pack_invalid", f"workload {self.id}: its duration does not fit between its times", "time")

    @property
    def mean_kw(self) -> float:
        """Average power over the duration, kW."""
        return self.energy_kwh / (self.duration / timedelta(hours=1))

    def offered_kw(self, registered_kw: float, queued_kw: float) -> float:
        """kW that can be offered: never more than is registered, nor than what the queue really holds."""
        return max(0.0, min(registered_kw, queued_kw, self.mean_kw))


def offer_of_item(item: Json) -> WorkloadOffer:
    """The offer a catalogue item describes.

    Raises:
        Refused: a tag or time that is missing or has no unit.
    """
    place = f"item {item.get('id')}"
    tags = {tag["descriptor"]["name"]: tag["list"][0]["value"] for tag in item.get("tags", ())}
    for name in (ENERGY_TAG, DEFERRAL_TAG):
        if name not in tags:
            raise Refused("pack_invalid", f"{place}: tag {name} is missing", "tags")
    try:
        time = item["time"]
        return WorkloadOffer(
            id=item["id"],
            name=item["descriptor"]["name"],
            count=item["quantity"]["available"]["count"],
            duration=parse_duration(time["duration"]),
            earliest_start=parse_instant(time["range"]["start"]),
            latest_end=parse_instant(time["range"]["end"]),
            energy_kwh=energy_text_kwh(tags[ENERGY_TAG], f"{place} {ENERGY_TAG}"),
            deferral=span_of_text(tags[DEFERRAL_TAG], f"{place} {DEFERRAL_TAG}"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("pack_invalid", f"{place}: {error}", "item") from None


def item_of_offer(offer: WorkloadOffer) -> Json:
    """The catalogue item again, equal to the one the offer came from."""
    return {
        "id": offer.id,
        "descriptor": {"name": offer.name},
        "quantity": {"available": {"count": offer.count}},
        "time": {
            "duration": duration_text(offer.duration),
            "range": {"start": instant_text(offer.earliest_start), "end": instant_text(offer.latest_end)},
        },
        "tags": [
            {"descriptor": {"name": ENERGY_TAG}, "list": [{"value": _energy_text(offer.energy_kwh)}]},
            {"descriptor": {"name": DEFERRAL_TAG}, "list": [{"value": f"{offer.deferral / timedelta(hours=1):g}h"}]},
        ],
    }


def resource_of_offer(offer: WorkloadOffer, max_reduction_kw: float) -> Json:
    """The offer as a resource of an LTS catalogue, at the kW the site can really take off."""
    return {
        "id": offer.id,
        "descriptor": {"name": offer.name},
        "resourceAttributes": {
            "@context": CONTEXT_URL,
            "@type": "FlexResource",
            "maxReductionKw": max_reduction_kw,
            "energyKwh": offer.energy_kwh,
            "duration": duration_text(offer.duration),
            "earliestStart": instant_text(offer.earliest_start),
            "latestEnd": instant_text(offer.latest_end),
            "deferralWindow": duration_text(offer.deferral),
            "count": offer.count,
        },
    }


def offer_of_resource(resource: Json) -> WorkloadOffer:
    """The offer an LTS resource describes.

    Raises:
        Refused: a figure that a workload needs is missing.
    """
    bag = resource["resourceAttributes"]
    try:
        return WorkloadOffer(
            id=resource["id"],
            name=resource.get("descriptor", {}).get("name", ""),
            count=bag["count"],
            duration=parse_duration(bag["duration"]),
            earliest_start=parse_instant(bag["earliestStart"]),
            latest_end=parse_instant(bag["latestEnd"]),
            energy_kwh=bag["energyKwh"],
            deferral=parse_duration(bag["deferralWindow"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("pack_invalid", f"resource {resource['id']}: {error}", "resourceAttributes") from None


def _energy_text(kwh: float) -> str:
    return f"{kwh / 1000:g}MWh" if kwh >= 1000 else f"{kwh:g}kWh"
