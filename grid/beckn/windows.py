"""Compute-energy windows (rc1, arrangement A): when the grid has clean, cheap room, as ``GridWindow``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from grid.beckn.faults import Refused
from grid.beckn.times import parse_instant
from grid.beckn.units import number, power_kw
from grid.beckn.wire import Json

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class GridWindow:
    """Capacity the grid side offers between ``start`` and ``end``.

    Times tz-aware UTC; ``renewable_share`` 0..1; ``price_per_kwh`` in ``currency``; NaN where a figure is not given.
    """

    id: str
    offer_id: str
    area: str
    zone: str
    start: pd.Timestamp
    end: pd.Timestamp
    capacity_kw: float
    carbon_gco2_per_kwh: float
    renewable_share: float
    price_per_kwh: float
    currency: str

    @property
    def price_gbp_per_mwh(self) -> float:
        """Raises ValueError where the price is in another currency: no exchange rate is guessed."""
        if self.currency != "GBP":
            raise ValueError(f"window {self.id}: priced in {self.currency or 'no currency'}; convert it to GBP first")
        return 1000.0 * self.price_per_kwh


def windows_of(message: Json) -> tuple[GridWindow, ...]:
    """Every window of an rc1 ``on_discover`` (catalogues) or of an order that books one; others are passed over.

    Raises:
        Refused: a window whose time, capacity, unit or price cannot be read.
    """
    body = message["message"]
    try:
        if "catalogs" in body:
            return tuple(window for catalog in body["catalogs"] for window in _of_catalog(catalog))
        return tuple(_of_order(body.get("order", {})))
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise Refused("pack_invalid", f"catalogue: a window cannot be read ({error!r})", "message") from None


def _of_catalog(catalog: Json) -> Iterator[GridWindow]:
    offers = {item: offer for offer in catalog.get("beckn:offers", ()) for item in offer.get("beckn:items", ())}
    day = str(catalog.get("beckn:validity", {}).get("schema:startDate", ""))[:10]
    for item in catalog.get("beckn:items", ()):
        attributes = item.get("beckn:itemAttributes", {})
        if _is_window(attributes):
            yield _window(item["beckn:id"], attributes, offers.get(item["beckn:id"], {}), day)


def _of_order(order: Json) -> Iterator[GridWindow]:
    for item in order.get("beckn:orderItems", ()):
        attributes = item.get("beckn:orderItemAttributes", {})
        if _is_window(attributes) and "beckn:timeWindow" in attributes:
            yield _window(item["beckn:orderedItem"], attributes, item.get("beckn:acceptedOffer", {}), "")


def _is_window(attributes: Json) -> bool:
    return attributes.get("@type") == "beckn:ComputeEnergyWindow"


def _window(identity: str, attributes: Json, offer: Json, day: str) -> GridWindow:
    place = f"window {identity}"
    grid, span = attributes.get("beckn:gridParameters", {}), attributes.get("beckn:timeWindow", {})
    start, end = (_instant(span.get(side), day, f"{place} {side}") for side in ("start", "end"))
    if end <= start:  # times of day only: the window runs over midnight
        end += DAY
    price = offer.get("beckn:price", {})
    amount = price.get("value", price.get("price"))
    return GridWindow(
        id=identity,
        offer_id=offer.get("beckn:id", ""),
        area=grid.get("gridArea", ""),
        zone=grid.get("gridZone", ""),
        start=start,
        end=end,
        capacity_kw=_capacity_kw(attributes.get("beckn:capacityParameters", {}), place),
        carbon_gco2_per_kwh=_carbon(grid, place),
        renewable_share=number(grid["renewableMix"], place) / 100.0 if "renewableMix" in grid else float("nan"),
        price_per_kwh=float("nan") if amount is None else number(amount, f"{place} price"),
        currency=price.get("currency", ""),
    )


def _instant(text: Any, day: str, place: str) -> pd.Timestamp:
    """rc1 windows give a time of day; its date is the catalogue's first."""
    whole = f"{day}T{text}" if isinstance(text, str) and "T" not in text else text
    try:
        return pd.Timestamp(parse_instant(str(whole)))
    except ValueError as error:
        raise Refused("pack_invalid", f"{place}: {error}", place) from None


def _capacity_kw(capacity: Json, place: str) -> float:
    for name in ("availableCapacity", "reservedCapacity", "activeCapacity"):
        if name in capacity:
            return power_kw(capacity[name], capacity.get("capacityUnit"), f"{place} {name}")
    return float("nan")


def _carbon(grid: Json, place: str) -> float:
    if "carbonIntensity" not in grid:
        return float("nan")
    if grid.get("carbonIntensityUnit") != "gCO2/kWh":
        raise Refused("pack_invalid", f"{place}: carbonIntensity needs its unit, gCO2/kWh", place)
    return number(grid["carbonIntensity"], f"{place} carbonIntensity")
