"""Compute-energy windows over rc1, both sides: the site discovers and books them, the grid side offers them.

The order grows as it goes round: select, init, confirm carry it back with what the answer added. Answers bring message
ids of their own, so they are matched by transaction and action.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

import pandas as pd

from grid.beckn.context import Envelope
from grid.beckn.faults import BecknError, Refused
from grid.beckn.post import Identity, Letter, queue
from grid.beckn.registry import Registry
from grid.beckn.store import Store
from grid.beckn.times import instant_text
from grid.beckn.windows import GridWindow, windows_of
from grid.beckn.wire import Json, decode

DOMAIN = "beckn.one:DEG:compute-energy:1.0"
STATUS = {"select": "QUOTE_REQUESTED", "init": "INITIALIZED", "confirm": "CONFIRMED"}
CORE = "https://example.org/schemas/core/v2/context.jsonld"
ANSWER_S = 35.0
POLL_S = 0.05


@dataclass(frozen=True)
class WindowSeller:
    """The grid side: these windows, at their prices."""

    windows: tuple[GridWindow, ...]

    def answer(self, envelope: Envelope, body: Json) -> Json:
        """The message of the callback.

        Raises:
            Refused: an order for a window that is not offered.
        """
        if envelope.action == "discover":
            return {"catalogs": [catalog_of(self.windows)]}
        order = dict(body["order"])
        items = [item.get("beckn:orderedItem") for item in order.get("beckn:orderItems", ())]
        offered = {window.id for window in self.windows}
        if not items or not offered.issuperset(items):
            raise Refused("pack_invalid", f"{items} is not offered here", "message/order/beckn:orderItems")
        return {"order": {**order, "beckn:orderStatus": STATUS[envelope.action]}}


class WindowBuyer:
    """The site's side. It writes to the shared file; the participant that runs on it sends and receives.

    Raises BecknError where no answer comes in time.
    """

    def __init__(
        self, store: Store, identity: Identity, registry: Registry, peer: str, clock: Callable[[], datetime]
    ) -> None:
        self._store, self._identity, self._registry, self._peer, self._clock = store, identity, registry, peer, clock
        self._transaction = str(uuid4())

    def discover(self) -> tuple[GridWindow, ...]:
        """What the grid side offers now."""
        return windows_of(self._exchange("discover", {"text_search": "Grid flexibility windows"}))

    def book(self, window: GridWindow) -> Json:
        """Select, init and confirm one window; -> the confirmed order."""
        self._transaction, order = str(uuid4()), order_of(window)
        for action in ("select", "init", "confirm"):
            order = self._exchange(action, {"order": order})["message"]["order"]
        if order["beckn:orderStatus"] != STATUS["confirm"]:
            raise BecknError(f"window {window.id}: the order is {order['beckn:orderStatus']}, not confirmed")
        return order

    def _exchange(self, action: str, message: Json) -> Json:
        peer = self._registry.lookup(self._peer)
        letter = Letter(action, peer.subscriber_id, peer.url, self._transaction, message, family="rc1", domain=DOMAIN)
        with self._store.transaction() as db:
            queue(db, self._identity, letter, self._clock())
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            row = self._store.row(
                "SELECT body FROM messages WHERE direction = 'in' AND peer = ? AND transaction_id = ? AND action = ?",
                self._peer, self._transaction, f"on_{action}",
            )  # fmt: skip
            if row is not None:
                return decode(row["body"])
            time.sleep(POLL_S)
        raise BecknError(f"{self._peer}: no on_{action} within {ANSWER_S:.0f} s; does it offer windows?")


def best(windows: Iterable[GridWindow], kw: float) -> GridWindow | None:
    """The cleanest window with room for ``kw``, the cheaper of two equally clean ones; None where none has."""
    fitting = [window for window in windows if window.capacity_kw >= kw]
    return min(fitting, key=lambda one: (one.carbon_gco2_per_kwh, one.price_per_kwh, one.start), default=None)


def catalog_of(windows: Iterable[GridWindow]) -> Json:
    """An rc1 catalogue of windows, which ``windows_of`` reads back."""
    windows = tuple(windows)
    return {
        "@context": CORE,
        "@type": "beckn:Catalog",
        "beckn:id": "catalog-grid-windows",
        "beckn:descriptor": {"@type": "beckn:Descriptor", "schema:name": "Grid windows"},
        "beckn:items": [
            {
                "@context": CORE,
                "@type": "beckn:Item",
                "beckn:id": window.id,
                "beckn:itemAttributes": _attributes(window),
            }
            for window in windows
        ],
        "beckn:offers": [_offer(window) for window in windows],
    }


def order_of(window: GridWindow) -> Json:
    """The order that books one window."""
    return {
        "@context": CORE,
        "@type": "beckn:Order",
        "beckn:id": f"order-{window.id}",
        "beckn:orderStatus": "CREATED",
        "beckn:orderItems": [
            {
                "@type": "beckn:OrderItem",
                "beckn:orderedItem": window.id,
                "beckn:acceptedOffer": _offer(window),
                "beckn:orderItemAttributes": _attributes(window),
            }
        ],
    }


def _attributes(window: GridWindow) -> Json:
    return {
        "@context": CORE,
        "@type": "beckn:ComputeEnergyWindow",
        "beckn:gridParameters": {
            "gridArea": window.area,
            "gridZone": window.zone,
            "renewableMix": round(100.0 * window.renewable_share, 3),
            "carbonIntensity": window.carbon_gco2_per_kwh,
            "carbonIntensityUnit": "gCO2/kWh",
        },
        "beckn:timeWindow": {"start": _text(window.start), "end": _text(window.end)},
        "beckn:capacityParameters": {"availableCapacity": window.capacity_kw / 1000.0, "capacityUnit": "MW"},
    }


def _offer(window: GridWindow) -> Json:
    return {
        "@context": CORE,
        "@type": "beckn:Offer",
        "beckn:id": window.offer_id,
        "beckn:items": [window.id],
        "beckn:price": {"value": window.price_per_kwh, "currency": window.currency},
    }


def _text(at: pd.Timestamp) -> str:
    return instant_text(at.to_pydatetime())


def as_rows(windows: Iterable[GridWindow]) -> list[Json]:
    """Windows as plain values, for printing."""
    return [json.loads(json.dumps(asdict(window), default=str)) for window in windows]
