"""The settlement pack of one event: all that a settlement body asks for, out of the trail alone.

Two amounts stand in it: what the buyer pays on the contract (delivered energy at the contract's rate), and what the
trader settles in the market (sale, imbalance, compensation, share), with the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grid.beckn.signing import digest_of, parse_signature, verify
from grid.beckn.wire import decode

if TYPE_CHECKING:
    from grid.beckn.registry import Subscriber

Body = Mapping[str, Any]
Pack = dict[str, Any]


def event_ids(bodies: Iterable[Body]) -> list[str]:
    """Ids of every event the trail settles, in order."""
    return list(dict.fromkeys(body["event_id"] for body in bodies if body["kind"] == "settlement" and body["event_id"]))


def pack_of(bodies: Sequence[Body], event_id: str, subscribers: Sequence[Subscriber] | None = None) -> Pack:
    """The pack of ``event_id``.

    Args:
        bodies: of the whole trail, in order.
        subscribers: registry records to check message signatures against; None: signatures are shown unchecked.

    Raises:
        ValueError: the trail settles no such event.
    """
    settled = [body for body in bodies if body["kind"] == "settlement" and body["event_id"] == event_id]
    if not settled:
        known = event_ids(bodies)
        listed = f"it settles {', '.join(known)}" if known else "it settles none"
        raise ValueError(f"--event {event_id}: the trail settles no such event; {listed}")
    contract = next((b for b in bodies if b["kind"] == "contract" and b["event_id"] == event_id), None)
    days = {body["settlement_date"] for body in settled}
    messages = _messages(bodies, contract, subscribers)
    return {
        "event": event_id,
        "contract": None if contract is None else dict(contract),
        "rules": next((body["market"] for body in bodies if body["kind"] == "run"), {}),
        "baseline": {
            "method": "BL01",
            "days": {day: _days_of(settled, day) for day in sorted(days)},
        },
        "periods": [_period(body) for body in settled],
        "totals": _totals(settled, contract, messages),
        "sales": [_sale(body, event_id) for body in bodies if _sells(body, event_id)],
        "decisions": [dict(body) for body in bodies if _decides_during(body, settled)],
        "deliveries": [dict(b) for b in bodies if b["kind"] in ("delivery_start", "delivery_end") and _on(b, days)],
        "messages": messages,
        "heads": [dict(body) for body in bodies if body["kind"] == "head"],
    }


def _days_of(settled: Sequence[Body], day: str) -> list[str]:
    return next(list(body.get("baseline_days", ())) for body in settled if body["settlement_date"] == day)


def _period(body: Body) -> Pack:
    names = (
        "settlement_date", "settlement_period", "sold_kwh", "baseline_kwh", "metered_kwh", "deviation_kwh", "terms",
        "flex_gbp", "flex_real_gbp", "flex_phantom_gbp",
    )  # fmt: skip
    return {name: body[name] for name in names}


def _totals(settled: Sequence[Body], contract: Body | None, messages: Sequence[Pack]) -> Pack:
    """Energies in kWh, money in GBP; the contract's side is null where there is no contract."""
    delivered = sum(body["deviation_kwh"] for body in settled)
    market = sum(body["flex_gbp"] for body in settled)
    price = contract["price_gbp_per_mwh"] if contract else None
    due = None if price is None else max(0.0, round(delivered * price / 1000.0, 2))
    agreed = _agreed_amount(messages)
    return {
        "sold_kwh": round(sum(body["sold_kwh"] for body in settled), 4),
        "delivered_kwh": round(delivered, 4),
        "contract_rate_gbp_per_kwh": None if price is None else price / 1000.0,
        "contract_amount_gbp": due,
        "agreed_amount_gbp": agreed,
        "market_amount_gbp": round(market, 2),
        "difference_gbp": None if due is None else round(due - market, 2),
        "market_terms_gbp": _terms(settled),
    }


def _terms(settled: Sequence[Body]) -> dict[str, float]:
    terms: dict[str, float] = {}
    for body in settled:
        for term in body["terms"]:
            terms[term["term"]] = round(terms.get(term["term"], 0.0) + term["amount_gbp"], 6)
    return terms


def _agreed_amount(messages: Sequence[Pack]) -> float | None:
    """What both sides have last called due: the amount of the last message with committed or completed figures."""
    for message in reversed(messages):
        contract = message["document"].get("message", {}).get("contract", {})
        for settlement in contract.get("settlements", ()):
            if settlement.get("status") in ("COMMITTED", "COMPLETE"):
                return float(settlement["settlementAttributes"]["amount"])
    return None


def _messages(bodies: Sequence[Body], contract: Body | None, subscribers: Sequence[Subscriber] | None) -> list[Pack]:
    if contract is None:
        return []
    return [
        _message(body, subscribers)
        for body in bodies
        if body["kind"] == "message" and body.get("contract_id") == contract["contract_id"]
    ]


def _message(body: Body, subscribers: Sequence[Subscriber] | None) -> Pack:
    document = body["document"].encode()
    names = ("direction", "peer", "action", "message_id", "digest", "header", "outcome")
    return {
        **{name: body[name] for name in names},
        "digest_holds": digest_of(document) == body["digest"],
        "signature_holds": None if subscribers is None else _signature_holds(body, document, subscribers),
        "document": decode(document),
    }


def _signature_holds(body: Body, document: bytes, subscribers: Sequence[Subscriber]) -> bool | None:
    """Whether the header signs the document, at the time it was made; None where it answers a request, whose signature
    stands in the other side's record.
    """
    from grid.beckn.faults import Refused

    try:
        found = parse_signature(body["header"])
        if "request-signature" in (found.headers or ""):
            return None
        record = next(one for one in subscribers if (one.subscriber_id, one.key_id) == (found.subscriber, found.key_id))
        verify(body["header"], document, record.signing_public_key, found.created)
    except (Refused, StopIteration):
        return False
    return True


def _sells(body: Body, event_id: str) -> bool:
    return body["kind"] == "decision" and any(sale.get("event_id") == event_id for sale in body["sales"])


def _sale(body: Body, event_id: str) -> Pack:
    sale = next(sale for sale in body["sales"] if sale.get("event_id") == event_id)
    return {"time_utc": body["time_utc"], "policy": body["policy"], **sale}


def _decides_during(body: Body, settled: Sequence[Body]) -> bool:
    periods = {(one["settlement_date"], one["settlement_period"]) for one in settled}
    return body["kind"] == "decision" and (body["settlement_date"], body["settlement_period"]) in periods


def _on(body: Body, days: set[str]) -> bool:
    return body["settlement_date"] in days
