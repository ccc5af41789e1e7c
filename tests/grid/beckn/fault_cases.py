"""A bad message for each row of the table of faults, by the row's name; a bench to send it from."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.beckn.bench import Bench
from grid.beckn.book import BUYER, Contract, SiteState, put_site
from grid.beckn.document import Terms, bag, offer, render, request_document
from grid.beckn.faults import TransportError
from grid.beckn.packs import GATE
from grid.beckn.participant import Reply
from grid.beckn.post import Identity
from grid.beckn.states import QUOTED
from grid.beckn.times import parse_instant
from grid.beckn.trust import RateLimit
from grid.beckn.wire import encode

NOW = parse_instant("2026-09-22T12:00:00Z")
TERMS = Terms("site-1", "meter-1")
WHO = {
    "bapId": "grid.example", "bapUri": "https://grid.example/bap", "bppId": "dc.example",
    "bppUri": "https://dc.example/bpp",
}  # fmt: skip
CONTRACT_ID = "0b6a5b0e-5b1e-4d0b-8f65-3f7e2a9b2001"
TRANSACTION = "6f1b2d1e-7f0a-4b6e-9d0c-0c5f6d5a1001"
Json = dict[str, Any]


class Desk(Bench):
    """The bench with one trade at hand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, WHO, TERMS, 500.0, NOW)
        self.count = 0
        self.before: list[tuple[Any, ...]] = []

    def post(self, path: str, message: Json) -> Reply:
        self.before = self.contracts()
        return super().post(path, message)

    def contracts(self) -> list[tuple[Any, ...]]:
        return [tuple(one) for one in self.store.rows("SELECT * FROM contracts")]

    def message(self, action: str, *, hours_ahead: int = 3, contract_id: str = CONTRACT_ID) -> Json:
        start = NOW + timedelta(hours=hours_ahead)
        contract = Contract(
            contract_id, BUYER, "dc.example", TRANSACTION, "", QUOTED, "ev-1", start, start + timedelta(hours=1),
            start - GATE, NOW, 300.0, 300.0, 0.25, "GBP",
        )  # fmt: skip
        resource = {"id": TERMS.resource_id, "resourceAttributes": bag("FlexResource", maxReductionKw=500)}
        document = request_document(contract, resource, offer(TERMS), "grid.example", "dc.example", "p511-2026-08")
        self.count += 1
        context = {
            "version": "2.0.0", "action": action, **WHO, "transactionId": TRANSACTION,
            "messageId": f"00000000-0000-4000-8000-{self.count:012d}", "timestamp": "2026-09-22T12:00:00Z",
        }  # fmt: skip
        body = {"contract": render(replace(contract, document=document))}
        return copy.deepcopy({"context": context, "message": body})

    def reach(self, *actions: str) -> None:
        for action in actions:
            assert self.post(action, self.message(action)).http == 200

    def event_of(self, message: Json) -> Json:
        return message["message"]["contract"]["commitments"][0]["commitmentAttributes"]


CASES: dict[str, Callable[[Desk], Reply]] = {}


def row(case: Callable[[Desk], Reply]) -> Callable[[Desk], Reply]:
    CASES[case.__name__] = case
    return case


def raw(desk: Desk, body: bytes) -> Reply:
    return desk.provider.receive("select", {"authorization": desk.buyer.sign(body, desk.now)}, body)


def changed(desk: Desk, change: Callable[[Json], object], action: str = "select") -> Reply:
    message = desk.message(action)
    change(message)
    return desk.post(action, message)


@row
def body_too_large(desk: Desk) -> Reply:
    return raw(desk, b'"' + b"x" * (1 << 20) + b'"')


@row
def header_too_large(desk: Desk) -> Reply:
    return desk.provider.receive("select", {"x": "y" * 9000}, b"{}")


@row
def not_json(desk: Desk) -> Reply:
    return raw(desk, b"{]")


@row
def too_deep(desk: Desk) -> Reply:
    return raw(desk, b'{"a":' * 40 + b"1" + b"}" * 40)


@row
def no_context(desk: Desk) -> Reply:
    return raw(desk, b'{"message":{}}')


@row
def context_field_missing(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].pop("messageId"))


@row
def context_field_invalid(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(ttl="P1M"))


@row
def mixed_key_styles(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(bap_id="x"))


@row
def not_for_us(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(bppId="other.example"))


@row
def action_mismatch(desk: Desk) -> Reply:
    return desk.post("confirm", desk.message("select"))


@row
def version_unsupported(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(version="1.1.0"))


@row
def action_unknown(desk: Desk) -> Reply:
    return desk.post("track", desk.message("track"))


@row
def ttl_expired(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(timestamp="2026-09-22T11:59:00Z"))


@row
def timestamp_ahead(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(timestamp="2026-09-22T12:00:06Z"))


@row
def signature_missing(desk: Desk) -> Reply:
    return desk.provider.receive("select", {}, encode(desk.message("select")))


@row
def signature_invalid(desk: Desk) -> Reply:
    body = encode(desk.message("select"))
    return desk.provider.receive("select", {"authorization": desk.buyer.sign(body + b" ", NOW)}, body)


@row
def subscriber_unknown(desk: Desk) -> Reply:
    stranger = Identity("nobody.example", "k", "", Ed25519PrivateKey.generate())
    message = desk.message("select")
    message["context"]["bapId"] = "nobody.example"
    body = encode(message)
    return desk.provider.receive("select", {"authorization": stranger.sign(body, NOW)}, body)


@row
def key_unknown(desk: Desk) -> Reply:
    body = encode(desk.message("select"))
    header = desk.buyer.sign(body, NOW).replace("k-buyer", "k-other")
    return desk.provider.receive("select", {"authorization": header}, body)


@row
def key_dead(desk: Desk) -> Reply:
    desk.known["grid.example"] = replace(desk.known["grid.example"], status="UNSUBSCRIBED")
    return desk.post("select", desk.message("select"))


@row
def signer_not_party(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(bapId="someone.example"))


@row
def address_not_registered(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["context"].update(bapUri="https://elsewhere.example/bap"))


@row
def network_not_allowed(desk: Desk) -> Reply:
    desk.provider.identity = replace(desk.provider.identity, network_id="example.org/uk-flex")
    return changed(desk, lambda m: m["context"].update(networkId="example.org/other"))


@row
def rate_limited(desk: Desk) -> Reply:
    desk.provider._rate = RateLimit(1, lambda: 0.0)
    desk.post("status", desk.message("status"))
    return desk.post("select", desk.message("select"))


@row
def registry_down(desk: Desk) -> Reply:
    def down(subscriber_id: str, key_id: str) -> list[Any]:
        raise TransportError("registry: ConnectError; try again later")

    desk.provider.registry._fetch = down
    return desk.post("select", desk.message("select"))


@row
def message_id_duplicate(desk: Desk) -> Reply:
    message = desk.message("select")
    desk.post("select", message)
    message["message"]["contract"]["commitments"][0]["id"] = "c-2"
    return desk.post("select", message)


@row
def transaction_unknown(desk: Desk) -> Reply:
    message = desk.message("on_status")
    message["context"] |= {
        "bapId": "dc.example", "bapUri": "https://dc.example/bpp", "bppId": "grid.example",
        "bppUri": "https://grid.example/bap",
    }  # fmt: skip
    return desk.post("on_status", message)


@row
def field_missing(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"].pop("contract"))


@row
def field_not_allowed(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"].update(order={}))


@row
def enum_invalid(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"]["status"].update(code="CONFIRMED"))


@row
def format_invalid(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"].update(id="order-1"))


@row
def type_invalid(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"]["commitments"][0].update(status="ACTIVE"))


@row
def schema_other(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"].update(commitments=[]))


@row
def jsonld_host(desk: Desk) -> Reply:
    return changed(desk, lambda m: desk.event_of(m).update({"@context": "https://evil.example/c.jsonld"}))


@row
def entity_type_unknown(desk: Desk) -> Reply:
    return changed(desk, lambda m: desk.event_of(m).update({"@type": "Pizza"}))


@row
def pack_invalid(desk: Desk) -> Reply:
    return changed(desk, lambda m: desk.event_of(m).update(committedReductionKw=-1))


@row
def site_dormant(desk: Desk) -> Reply:
    put_site(desk.store, SiteState(NOW, 0.0, 0.0, 0.0, "cooling is near its limit"), 0.0)
    return desk.post("select", desk.message("select"))


@row
def store_busy(desk: Desk) -> Reply:
    desk.store.rows("PRAGMA busy_timeout=20")
    with sqlite3.connect(desk.store.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = desk.post("select", desk.message("select"))
        other.execute("ROLLBACK")
    return reply


@row
def internal(desk: Desk) -> Reply:
    def broken(subscriber_id: str, key_id: str) -> list[Any]:
        raise RuntimeError("a bug")

    desk.provider.registry._fetch = broken
    return desk.post("select", desk.message("select"))


@row
def cancel_too_late(desk: Desk) -> Reply:
    desk.reach("select", "init", "confirm")
    desk.accept(CONTRACT_ID)
    late = NOW + timedelta(hours=2, seconds=1)
    put_site(desk.store, SiteState(late, 500.0, 1000.0, 1000.0), 0.0)
    return desk.post("cancel", desk.message("cancel"))


@row
def update_not_allowed(desk: Desk) -> Reply:
    desk.reach("select", "init", "confirm")
    desk.accept(CONTRACT_ID)
    return changed(desk, lambda m: desk.event_of(m).update(committedReductionKw=400), "update")


@row
def offer_unknown(desk: Desk) -> Reply:
    return changed(desk, lambda m: m["message"]["contract"]["commitments"][0]["offer"].update(id="nope"))


@row
def contract_unknown(desk: Desk) -> Reply:
    return desk.post("init", desk.message("init"))


@row
def state_invalid(desk: Desk) -> Reply:
    desk.reach("select")
    return desk.post("confirm", desk.message("confirm"))


@row
def already_confirmed(desk: Desk) -> Reply:
    desk.reach("select", "init", "confirm")
    return desk.post("confirm", desk.message("confirm"))


@row
def over_capacity(desk: Desk) -> Reply:
    return changed(desk, lambda m: desk.event_of(m).update(committedReductionKw=900, requestedReductionKw=900))


@row
def slot_gone(desk: Desk) -> Reply:
    return desk.post("select", desk.message("select", hours_ahead=0))


@row
def price_differs(desk: Desk) -> Reply:
    def cheaper(message: Json) -> None:
        offered = message["message"]["contract"]["commitments"][0]["offer"]
        offered["offerAttributes"]["utilisationPrice"] = 0.1

    return changed(desk, cheaper)


@row
def quote_changed(desk: Desk) -> Reply:
    desk.reach("select", "init")
    return changed(desk, lambda m: desk.event_of(m).update(committedReductionKw=310), "confirm")
