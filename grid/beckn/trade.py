"""One whole trade from the buyer's side: discover, select, init, confirm, delivery, figures agreed, paid.

Every step looks first at what has been reached, so that a buyer who was stopped anywhere goes on from there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from grid.beckn.book import BUYER, PERIOD, Contract, find_contract, put_contract
from grid.beckn.buyer import intervals_told, settlement_of
from grid.beckn.document import delivered_kwh, payable, render, request_document
from grid.beckn.faults import BecknError
from grid.beckn.packs import GATE
from grid.beckn.participant import Participant
from grid.beckn.post import Letter, queue
from grid.beckn.states import (
    CANCELLED,
    CONFIRMED,
    CONFIRMING,
    DELIVERED,
    DRAFTED,
    FINAL,
    IN_PROGRESS,
    NONE,
    QUOTED,
    REJECTED,
    SETTLED,
    SETTLING,
)  # fmt: skip
from grid.beckn.times import parse_instant
from grid.beckn.wire import Json, decode

NEXT = {NONE: "select", QUOTED: "init", DRAFTED: "confirm"}
POLL_S = 0.02
ANSWER_S = 35.0  # a little over the time to live of a request
PENNY = 0.005
RULEBOOK = "p511-2026-08"  # the rules a request is made under


@dataclass(frozen=True)
class Wish:
    """What the buyer wants: ``kw`` (or as much as is offered, if less) for ``hours``, ``lead`` after the site's now."""

    seller: str
    kw: float
    hours: float = 1.0
    lead: timedelta = timedelta(hours=2)
    event_id: str = "ev-1"


class TradeError(BecknError):
    """The trade cannot go on: refused, cancelled, disputed, or no answer in time."""


class Buyer:
    """Drives one trade. ``said(text)`` is told each step."""

    def __init__(self, participant: Participant, wish: Wish, said: Callable[[str], None] = lambda _: None) -> None:
        self._me, self._wish, self._said = participant, wish, said
        key = f"{participant.identity.subscriber_id}/{wish.seller}/{wish.event_id}"
        self.contract_id = str(uuid5(NAMESPACE_URL, f"contract/{key}"))
        self.transaction_id = str(uuid5(NAMESPACE_URL, f"transaction/{key}"))

    @property
    def contract(self) -> Contract | None:
        return find_contract(self._me.store, self.contract_id, BUYER)

    def run(self, delivery_timeout_s: float = 60.0) -> Contract:
        """Trade to the end; -> the settled contract.

        Raises:
            TradeError: saying what stopped it.
        """
        known = self.contract
        if known is None:
            known = self._draft(self._discover())
        elif known.state in CONFIRMED or known.state == CONFIRMING:
            self._ask("status", known)  # we were away: what has become of it?
        while (known := self._current()).state in NEXT:
            self._step(NEXT[known.state], known)
            if NEXT[known.state] == "confirm":
                break
        known = self._await(lambda c: c.state in (*CONFIRMED, *FINAL), ANSWER_S, "on_confirm")
        self._check_alive(known)
        self._said(f"confirmed: {known.kw:g} kW from {known.start:%Y-%m-%d %H:%M} to {known.end:%H:%M} UTC")
        known = self._await(
            lambda c: c.state in (IN_PROGRESS, DELIVERED, SETTLING, *FINAL), delivery_timeout_s, "start"
        )
        self._said("event under way")
        known = self._await(lambda c: c.state in (DELIVERED, SETTLING, *FINAL), delivery_timeout_s, "meter data")
        self._check_alive(known)
        self._settle(known)
        return self._await(lambda c: c.state == SETTLED, ANSWER_S, "settlement")

    def _discover(self) -> Json:
        published = self._me.store.row(
            "SELECT 1 FROM messages WHERE direction = 'in' AND action = 'catalog/publish' AND peer = ?",
            self._wish.seller,
        )
        if published is not None:
            self._said(f"{self._wish.seller} has published its catalogue")
        message_id = self._send("discover", {"intent": {"textSearch": "turn-down flexibility"}}, "")
        body = self._answer("on_discover", message_id)
        catalogs = [one for one in body["message"]["catalogs"] if one.get("isActive", True)]
        if not catalogs:
            raise TradeError(f"{self._wish.seller} offers nothing at present")
        self._said(f"catalogue: {catalogs[0]['resources'][0]['resourceAttributes']['maxReductionKw']:g} kW on offer")
        return catalogs[0]

    def _draft(self, catalog: Json) -> Contract:
        """The contract as we ask for it, stored before the first message about it."""
        resource, offered = catalog["resources"][0], catalog["offers"][0]
        most_kw = float(resource["resourceAttributes"]["maxReductionKw"])
        now = parse_instant(catalog["validity"]["startDate"])
        start = _next_half_hour(now + self._wish.lead)
        terms = offered["offerAttributes"]
        contract = Contract(
            id=self.contract_id,
            role=BUYER,
            peer=self._wish.seller,
            transaction_id=self.transaction_id,
            network_id=self._me.identity.network_id,
            state=NONE,
            event_id=self._wish.event_id,
            start=start,
            end=start + timedelta(hours=self._wish.hours),
            deadline=start - GATE,
            published_at=self._me.clock(),
            requested_kw=self._wish.kw,
            kw=math.floor(min(self._wish.kw, most_kw)),
            price=terms["utilisationPrice"],
            currency=terms["currency"],
        )
        document = request_document(
            contract, resource, offered, self._me.identity.subscriber_id, self._wish.seller, RULEBOOK
        )
        contract = replace(contract, document=document)
        with self._me.store.transaction() as db:
            put_contract(db, contract)
        return contract

    def _step(self, action: str, known: Contract) -> None:
        """Ask, and wait for the answer; asked again where the last try was lost."""
        message_id = self._ask(action, known)
        if action == "confirm":
            return
        self._answer(f"on_{action}", message_id)
        now = self._current()
        if now.error:
            raise TradeError(f"{action} was refused: {now.error}")
        self._said(f"{action}: {now.state.lower()}, {now.amount:.2f} {now.currency} if delivered in full")

    def _ask(self, action: str, known: Contract) -> str:
        document = render(known)
        document.pop("settlements", None)
        return self._send(action, {"contract": document}, known.id)

    def _settle(self, known: Contract) -> None:
        """Recompute what is due from the metered periods; agree and pay, or dispute."""
        metered = intervals_told(known)
        due, told = payable(metered, known.price), settlement_of(known).get("amount")
        if len(metered) != known.periods or told is None or abs(told - due) > PENNY:
            self._figures(known, "DRAFT", due)
            raise TradeError(f"figures disputed: {told} {known.currency} told, {due:.2f} recomputed")
        self._said(f"delivered {delivered_kwh(metered):.1f} kWh, {due:.2f} {known.currency} due")
        if known.state == DELIVERED:
            self._figures(known, "COMMITTED", due)
            known = self._await(lambda c: c.state in (SETTLING, SETTLED), ANSWER_S, "agreement")
        if known.state == SETTLING:
            self._figures(known, "COMPLETE", due)
        self._said("figures agreed, paid")

    def _figures(self, known: Contract, status: str, amount: float) -> None:
        document = render(known)
        attributes = {**settlement_of(known), "amount": amount}
        settlement = {"id": "set-1", "considerationId": "cons-1", "status": status, "settlementAttributes": attributes}
        document["settlements"] = [settlement]
        self._send("update", {"contract": document}, known.id)

    def _send(self, action: str, message: Json, contract_id: str) -> str:
        seller = self._me.registry.lookup(self._wish.seller)
        letter = Letter(action, seller.subscriber_id, seller.url, self.transaction_id, message, contract_id)
        with self._me.store.transaction() as db:
            message_id = queue(db, self._me.identity, letter, self._me.clock())
        self._me.courier.wake()
        return message_id

    def _answer(self, action: str, message_id: str) -> Json:
        """The callback to our message."""
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            row = self._me.store.row(
                "SELECT body FROM messages WHERE direction = 'in' AND message_id = ? AND action = ?", message_id, action
            )
            if row is not None:
                return decode(row["body"])
            self._check_sent(message_id)
            time.sleep(POLL_S)
        raise TradeError(f"no {action} within {ANSWER_S:.0f} s")

    def _check_sent(self, message_id: str) -> None:
        row = self._me.store.row(
            "SELECT action, outcome FROM messages WHERE direction = 'out' AND message_id = ?", message_id
        )
        if row is not None and row["outcome"] not in ("pending", "sent"):
            raise TradeError(f"{row['action']} to {self._wish.seller}: {row['outcome']}")

    def _await(self, reached: Callable[[Contract], bool], timeout_s: float, what: str) -> Contract:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            known = self._current()
            if reached(known):
                return known
            if known.error and known.state not in CONFIRMED:
                raise TradeError(f"refused: {known.error}")
            time.sleep(POLL_S)
        raise TradeError(f"no {what} within {timeout_s:.0f} s; the contract is {self._current().state}")

    def _check_alive(self, known: Contract) -> None:
        if known.state in (REJECTED, CANCELLED):
            raise TradeError(f"the contract is {known.state.lower()}: {known.error or 'no reason given'}")

    def _current(self) -> Contract:
        known = self.contract
        assert known is not None, "the contract is stored before the first message about it"
        return known


def _next_half_hour(at: datetime) -> datetime:
    floor = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
    return floor if floor == at else floor + PERIOD
