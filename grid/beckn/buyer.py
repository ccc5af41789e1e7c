"""The buyer's mirror of a contract, and the windows and events other providers offer us."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import datetime

from grid.beckn.book import BUYER, Contract, Interval, find_contract, put_contract
from grid.beckn.context import Envelope
from grid.beckn.faults import FAULTS, Refused
from grid.beckn.states import SETTLED, is_forward, state_on_wire
from grid.beckn.store import Store
from grid.beckn.times import instant_text, parse_instant
from grid.beckn.wire import Json


def apply_callback(db: sqlite3.Connection, store: Store, envelope: Envelope, raw: Json) -> str:
    """Follow what the provider says; -> the contract it is about, '' for none. Said twice, it changes nothing.

    Raises:
        Refused: a contract that is not ours, or one with another provider.
    """
    if envelope.family == "rc1":
        return _apply_rc1(db, envelope, raw)
    contract = raw["message"].get("contract")
    if contract is None:
        return ""
    known = find_contract(store, contract.get("id", ""), BUYER)
    if known is None or known.peer != envelope.bpp_id:
        raise Refused("transaction_unknown", f"contract {contract.get('id')} was not asked for here")
    error = raw.get("error")
    if isinstance(error, dict) and error.get("code") == FAULTS["already_confirmed"].code:
        error = None  # we asked twice, across a restart: what stands is in the contract
    told = state_on_wire(contract, envelope.action, refused=bool(error))
    after = known
    if error:
        after = replace(after, error=json.dumps(error, ensure_ascii=False)[:500])
    if is_forward(known.state, told):
        after = replace(after, state=told)
        if not error:
            after = replace(after, kw=_committed_kw(contract, known), document=_with_figures(known.document, contract))
    if after != known:
        put_contract(db, after)
    _keep_head(db, envelope, contract, envelope.timestamp)
    return known.id


def settlement_of(contract: Contract) -> Json:
    """The provider's figures as last told, {} before there are any."""
    settlements = contract.document.get("settlements") or [{}]
    return settlements[0].get("settlementAttributes", {}) if contract.state != SETTLED or settlements else {}


def intervals_told(contract: Contract) -> tuple[Interval, ...]:
    """The delivery as the provider reports it, by period."""
    performance = (contract.document.get("performance") or [{}])[0].get("performanceAttributes", {})
    return tuple(
        Interval(
            parse_instant(one["start"]),
            one.get("settlementDate", ""),
            int(one.get("settlementPeriod", 0)),
            one["baselineKwh"],
            one["meteredKwh"],
            one.get("soldKwh", 0.0),
        )
        for one in performance.get("intervals", ())
    )


def _committed_kw(contract: Json, known: Contract) -> float:
    event = contract["commitments"][0].get("commitmentAttributes", {})
    return float(event.get("committedReductionKw", known.kw))


def _with_figures(document: Json, contract: Json) -> Json:
    told: Json = {name: contract[name] for name in ("performance", "settlements") if name in contract}
    return {**document, **told}


def _keep_head(db: sqlite3.Connection, envelope: Envelope, contract: Json, at: datetime) -> None:
    """An audit head the provider has signed: with it, a trail rewritten later can be shown to be."""
    bag = contract.get("contractAttributes", {})
    if bag.get("@type") == "AuditHead":
        db.execute(
            "INSERT OR IGNORE INTO heads VALUES (?, ?, ?, ?, '', ?, 1)",
            (bag["head"], int(bag["lines"]), envelope.bpp_id, bag.get("signature", ""), at.timestamp()),
        )


def _apply_rc1(db: sqlite3.Connection, envelope: Envelope, raw: Json) -> str:
    """Keep the windows of a catalogue and the events of a utility's programme; both are offers, none is taken here."""
    from grid.beckn.utility import events_of
    from grid.beckn.windows import windows_of

    for window in windows_of(raw):
        body = {
            "offer_id": window.offer_id, "area": window.area, "zone": window.zone, "capacity_kw": window.capacity_kw,
            "carbon_gco2_per_kwh": window.carbon_gco2_per_kwh, "price_per_kwh": window.price_per_kwh,
            "currency": window.currency,
        }  # fmt: skip
        db.execute(
            "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?, ?)",
            (window.id, envelope.bpp_id, instant_text(window.start), instant_text(window.end), json.dumps(body),
             envelope.timestamp.timestamp()),
        )  # fmt: skip
    return next((event.contract_id for event in events_of(raw)), "")
