"""Utility events in rc1 (arrangements A, B and C), one record an event and resource, and as ``FlexEvent``.

An attribute bag's first-level keys carry ``beckn:`` in rc1, deeper ones none. What a message does not say is NaN or ''.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from grid.beckn.faults import Refused
from grid.beckn.times import parse_duration, parse_instant
from grid.beckn.units import energy_kwh, number, power_kw
from grid.beckn.wire import Json
from grid.events import FlexEvent

NAN = float("nan")


@dataclass(frozen=True)
class UtilityEvent:
    """One request to one resource, as far as one message tells it.

    Powers kW, energies kWh, ``price_per_kwh`` and ``amount`` in ``currency``; ``intervals`` are (instant, metered kW).
    """

    transaction_id: str
    contract_id: str
    event_id: str
    resource_id: str
    state: str
    start: pd.Timestamp
    end: pd.Timestamp
    published_at: pd.Timestamp
    deadline: pd.Timestamp
    requested_kw: float = NAN
    committed_kw: float = NAN
    baseline_kw: float = NAN
    baseline_method: str = ""
    metering_id: str = ""
    delivered_kwh: float = NAN
    price_per_kwh: float = NAN
    currency: str = ""
    amount: float = NAN
    intervals: tuple[tuple[pd.Timestamp, float], ...] = field(default=())

    @property
    def correlation(self) -> tuple[str, str, str]:
        """DEG's callbacks carry new message ids: messages about one event are matched on this."""
        return self.transaction_id, self.event_id, self.resource_id

    @property
    def recomputed_amount(self) -> float:
        """What the stated energy is worth at the stated rate; the message's own amount need not agree."""
        return self.delivered_kwh * self.price_per_kwh

    def flex_event(self, gbp_per_kwh: float | None = None) -> FlexEvent:
        """The request as the market sees it: the kW committed if some are, else those asked for.

        ``gbp_per_kwh`` stands in for a price the message does not give, or gives in another currency.

        Raises ValueError: no price in GBP, no power, or times off the half-hour.
        """
        price = self.price_per_kwh if self.currency == "GBP" and gbp_per_kwh is None else gbp_per_kwh
        if price is None or not math.isfinite(price):
            held = f"{self.price_per_kwh:g} {self.currency}" if self.currency else "none"
            raise ValueError(f"event {self.event_id}: price {held}; give gbp_per_kwh")
        kw = self.committed_kw if math.isfinite(self.committed_kw) else self.requested_kw
        if not math.isfinite(kw):
            raise ValueError(f"event {self.event_id}: the message asks for no kW; take them from its confirm")
        return FlexEvent(self.event_id, self.published_at, self.start, self.end, kw, 1000.0 * price)


def events_of(message: Json) -> tuple[UtilityEvent, ...]:
    """Every event an rc1 order speaks of, one per order item; none where the order is about something else.

    Raises:
        Refused: an event whose time, power or unit cannot be read.
    """
    try:
        return _events(message)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise Refused("pack_invalid", f"order: an event cannot be read ({error!r})", "message/order") from None


def _events(message: Json) -> tuple[UtilityEvent, ...]:
    order = message["message"].get("order", {})
    delivery = _bag(order.get("beckn:fulfillment", {}).get("beckn:deliveryAttributes", {}))
    items: list[Json] = order.get("beckn:orderItems") or [{}]
    return tuple(
        event
        for item in items
        for event in _of_item(
            message["context"], order, item, _bag(item.get("beckn:orderItemAttributes", {})), delivery
        )
    )


def _of_item(context: Json, order: Json, item: Json, own: Json, delivery: Json) -> Iterator[UtilityEvent]:
    details = own.get("eventDetails", {})
    alert = delivery.get("gridEventAlert", {})
    event_id = delivery.get("eventId") or details.get("eventId") or alert.get("eventId")
    if not event_id:
        return
    place = f"event {event_id}"
    start, end = _span(own, details, delivery, place)
    committed = {**own.get("commitmentParameters", {}), **own}
    request = {**own.get("reductionRequest", {}), **own}
    baseline = {**own.get("baselineParameters", {}), **own.get("commitmentParameters", {}), **own}
    metrics = own.get("performanceMetrics", {})
    rate, currency, amount = _price(own, item)
    yield UtilityEvent(
        transaction_id=context["transaction_id"],
        contract_id=order.get("beckn:id", ""),
        event_id=event_id,
        resource_id=item.get("beckn:orderedItem", ""),
        state=order.get("beckn:orderStatus", ""),
        start=start,
        end=end,
        published_at=pd.Timestamp(parse_instant(context["timestamp"])),
        deadline=_instant(delivery.get("responseDeadline") or details.get("responseDeadline"), place),
        requested_kw=_power(request, "requestedReduction", place),
        committed_kw=_power(committed, "committedReduction", place),
        baseline_kw=_power(baseline, "baselineLoad", place),
        baseline_method=baseline.get("baselineMethod", ""),
        metering_id=metrics.get("meteringData", {}).get("meterId") or delivery.get("meterId", ""),
        delivered_kwh=_delivered(own, metrics, place),
        price_per_kwh=rate,
        currency=currency,
        amount=amount,
        intervals=_intervals(metrics.get("meteringData") or own.get("meteringData") or {}, place),
    )


def _bag(attributes: Json) -> Json:
    return {key.removeprefix("beckn:"): value for key, value in attributes.items()}


def _span(own: Json, details: Json, delivery: Json, place: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    window = {**own.get("timeWindow", {}), **delivery.get("timeWindow", {})}
    start = _first(delivery, "eventStartTime", "startTime") or details.get("eventStartTime") or window.get("start")
    end = _first(delivery, "eventEndTime", "endTime") or details.get("eventEndTime") or window.get("end")
    start = start or own.get("activationTime")
    if start and not end and "duration" in own:
        begin = _instant(start, place)
        return begin, begin + pd.Timedelta(parse_duration(own["duration"]))
    return _instant(start, place), _instant(end, place)


def _first(bag: Json, *names: str) -> Any:
    return next((bag[name] for name in names if name in bag), None)


def _instant(text: Any, place: str) -> pd.Timestamp:
    if text is None:
        return pd.NaT  # type: ignore[return-value]
    try:
        return pd.Timestamp(parse_instant(str(text)))
    except ValueError as error:
        raise Refused("pack_invalid", f"{place}: {error}", place) from None


def _power(bag: Json, name: str, place: str) -> float:
    if name not in bag:
        return NAN
    unit = bag.get(f"{name}Unit") or bag.get("reductionUnit") or bag.get("baselineUnit")
    return power_kw(bag[name], unit, f"{place} {name}")


def _delivered(own: Json, metrics: Json, place: str) -> float:
    if "totalEnergyReduced" in metrics:
        return energy_kwh(metrics["totalEnergyReduced"], metrics.get("totalEnergyReducedUnit"), place)
    if "totalReductionEnergy" in metrics:
        return energy_kwh(metrics["totalReductionEnergy"], metrics.get("energyUnit"), place)
    if "accumulatedReduction" in own:
        return energy_kwh(own["accumulatedReduction"], own.get("accumulatedReductionUnit"), place)
    return NAN


def _price(own: Json, item: Json) -> tuple[float, str, float]:
    """Rate per kWh, its currency, and the amount the message states."""
    settled, incentive = own.get("settlementDetails", {}), own.get("incentiveParameters", {})
    price = item.get("beckn:acceptedOffer", {}).get("beckn:price", {})
    rate = settled.get("incentiveRate", incentive.get("rate", price.get("value", price.get("price"))))
    currency = settled.get("incentiveCurrency") or incentive.get("currency") or price.get("currency", "")
    amount = settled.get("totalPayable", settled.get("totalIncentive"))
    return (
        NAN if rate is None else number(rate, "rate"),
        currency,
        NAN if amount is None else number(amount, "amount"),
    )


def _intervals(metering: Json, place: str) -> tuple[tuple[pd.Timestamp, float], ...]:
    return tuple(
        (_instant(point["timestamp"], place), power_kw(point["load"], metering.get("intervalUnit"), place))
        for point in metering.get("intervalData", ())
    )
