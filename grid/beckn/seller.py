"""The provider's business: what a request of the buyer does to a contract, and what is answered.

Checks come in the order of the digest: offer, contract, state, quantity, time, price, quote. Nothing here sends or
acknowledges; a refusal is raised and travels in the callback.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from grid.beckn.book import (
    SELLER,
    Contract,
    SiteState,
    contract_of,
    decision_on,
    find_contract,
    intervals,
    overlapping,
    put_contract,
    site_state,
)  # fmt: skip
from grid.beckn.context import Envelope
from grid.beckn.document import Terms, catalog, payable, render
from grid.beckn.faults import Refused
from grid.beckn.packs import GATE
from grid.beckn.states import (
    ACTIVE,
    CONFIRMING,
    IN_PROGRESS,
    NONE,
    SETTLED,
    SETTLING,
    move,
)  # fmt: skip
from grid.beckn.store import Store
from grid.beckn.times import parse_instant
from grid.beckn.wire import Json

ACTIONS = ("discover", "select", "init", "confirm", "status", "update", "cancel")
CLOSE_KW, CLOSE_PRICE = 1e-6, 1e-9
PENNY = 0.005


@dataclass(frozen=True)
class Answer:
    """The ``message`` of the callback; None where it comes later."""

    message: Json | None
    contract_id: str = ""


class Seller:
    """One site's side of every contract.

    Args:
        own_id, own_url: as registered, for the catalogue.
    """

    def __init__(self, store: Store, terms: Terms, own_id: str, own_url: str) -> None:
        self._store, self.terms = store, terms
        self._own_id, self._own_url = own_id, own_url

    def check_policy(self, action: str) -> None:
        """Raises Refused, before anything is acknowledged, where the site protects itself."""
        if action in ("select", "init", "confirm"):
            site = site_state(self._store)
            if site is None or site.dormant:
                why = "no site is connected" if site is None else site.dormant
                raise Refused("site_dormant", f"the site sells nothing at present: {why}")

    def answer(self, db: sqlite3.Connection, envelope: Envelope, body: Json, seq: int) -> Answer:
        """What ``action`` does, and the callback's message. ``seq``: of the stored request.

        Raises:
            Refused: with a fault that is told in the callback.
        """
        if envelope.action == "discover":
            return Answer({"catalogs": [self.catalog()]})
        asked = body["contract"]
        handler: Callable[[sqlite3.Connection, Envelope, Json, int], Contract] = getattr(self, f"_{envelope.action}")
        contract = handler(db, envelope, asked, seq)
        if envelope.action == "confirm":
            return Answer(None, contract.id)
        return Answer({"contract": self.render(contract)}, contract.id)

    def render(self, contract: Contract) -> Json:
        return render(contract, intervals(self._store, contract.id), self.terms)

    def catalog(self) -> Json:
        """What can be bought now; not active where no site has said how it stands."""
        site = site_state(self._store) or SiteState(parse_instant("1970-01-01T00:00:00Z"), 0.0, 0.0, 0.0, "away")
        return catalog(self.terms, site, self._own_id, self._own_url)

    def _select(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        wanted = self._wanted(envelope, asked)
        known = find_contract(self._store, wanted.id, SELLER)
        if known is not None and known.peer != wanted.peer:
            raise Refused("contract_unknown", f"contract {wanted.id} is not yours")
        wanted = replace(wanted, state=move(known.state if known else NONE, "select"))
        self._check_terms(wanted)
        if known is not None:
            wanted = replace(wanted, published_at=known.published_at)
        put_contract(db, wanted)
        return wanted

    def _init(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        wanted, known = self._wanted(envelope, asked), self._known(envelope, asked)
        state = move(known.state, "init")
        self._check_terms(wanted)
        _check_quote(wanted, known)
        return _saved(db, replace(known, state=state))

    def _confirm(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        wanted, known = self._wanted(envelope, asked), self._known(envelope, asked)
        state = move(known.state, "confirm")
        self._check_terms(wanted)
        _check_quote(wanted, known)
        return _saved(db, replace(known, state=state, confirm=seq))

    def _status(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        return self._known(envelope, asked)

    def _update(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        known = self._known(envelope, asked)
        if asked.get("settlements"):
            return _saved(db, self._settled(known, asked["settlements"]))
        wanted = self._wanted(envelope, asked)
        if wanted.kw > known.kw + CLOSE_KW or (wanted.start, wanted.end) != (known.start, known.end):
            raise Refused("update_not_allowed", "an update calls off what is sold; it adds nothing and moves nothing")
        if envelope.trial:
            return known
        if known.state == ACTIVE:
            return _saved(db, replace(known, state=move(known.state, "started")))
        if known.state == IN_PROGRESS:
            return known  # called off twice is called off
        raise Refused("state_invalid", f"a contract that is {known.state} cannot be called off")

    def _settled(self, known: Contract, settlements: list[Json]) -> Contract:
        """The buyer agrees to the figures (COMMITTED), disputes them (DRAFT) or says they are paid (COMPLETE)."""
        said = settlements[0].get("status")
        trigger = {"COMMITTED": "agreed", "DRAFT": "disputed", "COMPLETE": "paid"}.get(str(said), "disputed")
        if trigger == "agreed" and known.state in (SETTLING, SETTLED):
            return known
        if trigger == "paid" and known.state == SETTLED:
            return known
        state = move(known.state, trigger)
        amount = settlements[0].get("settlementAttributes", {}).get("amount")
        due = payable(intervals(self._store, known.id), known.price)
        if trigger != "disputed" and (amount is None or abs(amount - due) > PENNY):
            raise Refused("price_differs", f"{amount} is not what delivery is worth, {due:.2f} {known.currency}")
        return replace(known, state=state)

    def _cancel(self, db: sqlite3.Connection, envelope: Envelope, asked: Json, seq: int) -> Contract:
        known = self._known(envelope, asked)
        state = move(known.state, "cancel")
        if self._market_now() > known.start - GATE:
            raise Refused("cancel_too_late", "gate closure has passed: what is sold stays sold")
        if envelope.trial:
            return known
        return _saved(db, replace(known, state=state))

    def _wanted(self, envelope: Envelope, asked: Json) -> Contract:
        """The contract as the buyer writes it. Raises Refused where the offer is not ours."""
        if len(asked["commitments"]) != 1:
            raise Refused("quote_changed", "one commitment a contract is traded here")
        commitment = asked["commitments"][0]
        offered, event = commitment["offer"], commitment.get("commitmentAttributes", {})
        resources = [resource["id"] for resource in commitment["resources"]]
        if offered["id"] != self.terms.offer_id or resources != [self.terms.resource_id]:
            raise Refused("offer_unknown", f"offer {offered['id']} of {', '.join(resources) or 'nothing'} is not ours")
        if event.get("@type") != "FlexEvent":
            raise Refused("quote_changed", "the commitment names no FlexEvent")
        price = offered.get("offerAttributes", {})
        start = parse_instant(event["start"])
        return Contract(
            id=asked.get("id", ""),
            role=SELLER,
            peer=envelope.bap_id,
            transaction_id=envelope.transaction_id,
            network_id=envelope.network_id,
            state=NONE,
            event_id=event["eventId"],
            start=start,
            end=parse_instant(event["end"]),
            deadline=parse_instant(event["responseDeadline"]) if "responseDeadline" in event else start - GATE,
            published_at=envelope.timestamp,
            requested_kw=float(event["requestedReductionKw"]),
            kw=float(event.get("committedReductionKw", event["requestedReductionKw"])),
            price=float(price.get("utilisationPrice", self.terms.price)),
            currency=price.get("currency", self.terms.currency),
            document={
                "commitment": {key: value for key, value in commitment.items() if key != "status"},
                "participants": asked.get("participants", []),
            },
        )

    def _known(self, envelope: Envelope, asked: Json) -> Contract:
        known = find_contract(self._store, asked.get("id", ""), SELLER)
        if known is None or known.peer != envelope.bap_id:
            raise Refused("contract_unknown", f"contract {asked.get('id')} is not known here")
        return known

    def _check_terms(self, wanted: Contract) -> None:
        """Quantity, then time, then price, against our own catalogue."""
        site = site_state(self._store)
        most = site.offered_kw if site else 0.0
        if not wanted.id:
            raise Refused("contract_unknown", "the contract has no id")
        if not self.terms.min_kw <= wanted.kw <= most:
            raise Refused(
                "over_capacity", f"{wanted.kw:g} kW; between {self.terms.min_kw:g} and {most:g} kW can be had"
            )
        if wanted.end - wanted.start > self.terms.max_duration:
            raise Refused("slot_gone", f"{wanted.hours:g} h is longer than is offered")
        if self._market_now() > min(wanted.deadline, wanted.start - GATE):
            raise Refused("slot_gone", "the deadline has passed: gate closure is 60 min before the start")
        if overlapping(self._store, wanted.id, wanted.start, wanted.end):
            raise Refused("slot_gone", "part of that time is sold already")
        if abs(wanted.price - self.terms.price) > CLOSE_PRICE or wanted.currency != self.terms.currency:
            raise Refused("price_differs", f"the price is {self.terms.price:g} {self.terms.currency}/kWh")

    def _market_now(self) -> datetime:
        site = site_state(self._store)
        return site.now if site else datetime.max.replace(tzinfo=parse_instant("1970-01-01T00:00:00Z").tzinfo)

    # What moves a contract without the buyer.

    def advance(self, db: sqlite3.Connection, contract: Contract) -> tuple[Contract, str]:
        """The contract after what the site or the clock has done to it, saved; -> (contract, trigger or '')."""
        now = self._market_now()
        decision = decision_on(self._store, contract.id)
        if contract.state == CONFIRMING and decision is not None:
            trigger = "accepted" if decision.accepted else "refused"
            moved = replace(contract, state=move(contract.state, trigger), error=decision.reason)
        elif contract.state == CONFIRMING and now > min(contract.deadline, contract.start - GATE):
            trigger = "late"
            moved = replace(contract, state=move(contract.state, "refused"), error="not decided before gate closure")
        elif contract.state == ACTIVE and now >= contract.start:
            trigger = "started"
            moved = replace(contract, state=move(contract.state, trigger))
        elif contract.state == IN_PROGRESS and len(intervals(self._store, contract.id)) >= contract.periods:
            trigger = "metered"
            moved = replace(contract, state=move(contract.state, trigger))
        else:
            return contract, ""
        return _saved(db, moved), trigger


def _check_quote(wanted: Contract, known: Contract) -> None:
    """The buyer confirms what was quoted, or asks anew."""
    quoted = (known.event_id, known.start, known.end)
    if (wanted.event_id, wanted.start, wanted.end) != quoted or abs(wanted.kw - known.kw) > CLOSE_KW:
        raise Refused("quote_changed", "event, times or kW are not those quoted; select again")


def _saved(db: sqlite3.Connection, contract: Contract) -> Contract:
    put_contract(db, contract)
    return contract


def open_contracts(store: Store) -> list[Contract]:
    """Contracts that the site or the clock may still move."""
    rows = store.rows(
        "SELECT * FROM contracts WHERE role = ? AND state IN (?, ?, ?)", SELLER, CONFIRMING, ACTIVE, IN_PROGRESS
    )
    return [contract_of(row) for row in rows]
