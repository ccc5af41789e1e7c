"""A participant: every message in goes through the same checks, in the order of NFH-008, and is stored before it is
acknowledged.

    size and JSON; context, path, version, time; trust; duplicate and transaction; schema; policy; business

The first fault answers. Up to policy it answers at once; a business fault comes in the callback, after the ACK.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from grid.beckn.book import SELLER, find_contract
from grid.beckn.buyer import apply_callback
from grid.beckn.context import Envelope, callback_of, read_envelope
from grid.beckn.faults import FAULTS, Refused
from grid.beckn.messages import validated
from grid.beckn.news import News
from grid.beckn.post import Clock, Courier, Identity, Letter, queue, utc_now
from grid.beckn.registry import Registry, Subscriber
from grid.beckn.seller import ACTIONS, Seller
from grid.beckn.signing import digest_of
from grid.beckn.store import Store
from grid.beckn.times import instant_text
from grid.beckn.trust import RateLimit, check_trust
from grid.beckn.wire import MAX_HEADER_BYTES, Json, decode, encode

if TYPE_CHECKING:
    from grid.beckn.window_trade import WindowSeller

log = logging.getLogger("grid.beckn")

CALLBACKS = frozenset(f"on_{action}" for action in ACTIONS) | {"catalog/on_publish"}
WINDOW_ACTIONS = frozenset({"discover", "select", "init", "confirm"})
RC1_CALLBACKS = frozenset({"on_discover", "on_select", "on_init", "on_confirm", "on_status", "on_update", "on_cancel"})
RATE_PER_MINUTE = 1200


@dataclass(frozen=True)
class Reply:
    """What goes back on the same connection."""

    http: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Participant:
    """One subscriber: sells as provider where ``seller`` is given, mirrors as buyer what it has asked for itself.

    Args:
        publish_to: who is sent our catalogue whenever it changes; '' for nobody.
        windows: sells compute-energy windows over rc1, where we are the grid side.
        strict: refuse a repeated message in place of repeating the answer (NFH-004 section 10).
        rate_per_minute: messages taken from one sender.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        registry: Registry,
        *,
        seller: Seller | None = None,
        windows: WindowSeller | None = None,
        publish_to: str = "",
        clock: Clock = utc_now,
        strict: bool = False,
        rate_per_minute: int = RATE_PER_MINUTE,
    ) -> None:
        self.identity, self.store, self.registry, self.seller = identity, store, registry, seller
        self.windows = windows
        self.clock, self._strict = clock, strict
        self._rate = RateLimit(rate_per_minute, lambda: self.clock().timestamp())
        self._news = News(identity, store, registry, seller, publish_to) if seller else None
        undelivered = self._news.undelivered if self._news else None
        self.courier = Courier(identity, store, registry, clock, undelivered)

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Check, store, acknowledge. Never raises: a failure of ours is a 500 with its code."""
        authorization = headers.get("authorization")
        raw: Json = {}
        refused: Refused
        try:
            if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_BYTES:
                raise Refused("header_too_large", f"headers of more than {MAX_HEADER_BYTES} bytes")
            raw = decode(body)
            return self._signed(200, self._take(path, authorization, raw, body), authorization)
        except Refused as error:
            refused = error
        except sqlite3.OperationalError as error:
            log.warning("store: %s", error)
            refused = Refused("store_busy", "busy; try again")
        except Exception as error:
            log.exception("a message was not taken: %s", type(error).__name__)
            refused = Refused("internal", "internal error")
        return self._signed(refused.http, self._nack(raw, refused), authorization)

    def _take(self, path: str, authorization: str | None, raw: Json, body: bytes) -> bytes:
        now = self.clock()
        envelope = read_envelope(raw, action_of(path), now)
        self._check_role(envelope)
        requests = self._own_requests(envelope)
        _, sender = check_trust(
            authorization, body, envelope, self.registry, now,
            networks=[self.identity.network_id] if self.identity.network_id else (),
            stored_request=[header for row in requests for header in row["header"].split("\n") if header],
        )  # fmt: skip
        self._rate.check(envelope.sender)
        digest = digest_of(body)
        repeated = self._repeated(envelope, digest)
        if repeated is not None:
            return repeated
        self._check_transaction(envelope, requests)
        self._check_schema(envelope, raw)
        if self.seller and envelope.family == "lts" and not envelope.is_callback:
            self.seller.check_policy(envelope.action)
        ack = self._ack(envelope)
        with self.store.transaction() as db:
            repeated = self._repeated(envelope, digest)
            if repeated is not None:  # two deliveries at once: the second waited for the first
                return repeated
            seq = _keep(db, envelope, now, digest, authorization or "", body, ack)
            self._act(db, envelope, raw, seq, sender, authorization, requests, now)
        self.courier.wake()
        return ack

    def _check_role(self, envelope: Envelope) -> None:
        if envelope.receiver and envelope.receiver != self.identity.subscriber_id:
            raise Refused("not_for_us", f"addressed to {envelope.receiver}, this is {self.identity.subscriber_id}")
        if envelope.family == "rc1":
            taken = envelope.action in RC1_CALLBACKS or (self.windows is not None and envelope.action in WINDOW_ACTIONS)
        elif envelope.is_callback:
            taken = envelope.action in CALLBACKS
        else:
            taken = (self.seller is not None and envelope.action in ACTIONS) or envelope.action == "catalog/publish"
        if not taken:
            raise Refused("action_unknown", f"{envelope.action} is not traded here", "context/action")

    def _own_requests(self, envelope: Envelope) -> list[sqlite3.Row]:
        """Our message that a callback answers: by its id, or in rc1, whose answers carry new ids, by transaction."""
        if not envelope.is_callback:
            return []
        bare = envelope.action.replace("on_", "", 1)
        if envelope.family == "rc1":
            return self.store.rows(
                "SELECT * FROM messages WHERE direction = 'out' AND peer = ? AND transaction_id = ? AND action = ?"
                " ORDER BY seq DESC LIMIT 4",
                envelope.sender, envelope.transaction_id, bare,
            )  # fmt: skip
        return self.store.rows(
            "SELECT * FROM messages WHERE direction = 'out' AND peer = ? AND message_id = ? AND action = ?",
            envelope.sender, envelope.message_id, bare,
        )  # fmt: skip

    def _repeated(self, envelope: Envelope, digest: str) -> bytes | None:
        """The stored answer to a message taken before; None for a new one."""
        row = self.store.row(
            "SELECT digest, reply FROM messages WHERE direction = 'in' AND peer = ? AND message_id = ? AND action = ?",
            envelope.sender, envelope.message_id, envelope.action,
        )  # fmt: skip
        if row is None:
            return None
        if row["digest"] != digest or self._strict:
            raise Refused("message_id_duplicate", f"message {envelope.message_id} was taken before")
        return bytes(row["reply"])

    def _check_transaction(self, envelope: Envelope, requests: list[sqlite3.Row]) -> None:
        if not envelope.is_callback or requests:
            return
        known = self.store.row(
            "SELECT 1 FROM messages WHERE direction = 'out' AND transaction_id = ? AND peer = ? LIMIT 1",
            envelope.transaction_id, envelope.sender,
        )  # fmt: skip
        if known is None:
            raise Refused("transaction_unknown", f"transaction {envelope.transaction_id} is not known here")

    def _check_schema(self, envelope: Envelope, raw: Json) -> None:
        message = raw.get("message")
        contract = message.get("contract") if isinstance(message, dict) else None
        bare = isinstance(contract, dict) and contract.keys() == {"id"} and isinstance(contract["id"], str)
        if bare and envelope.family == "lts" and envelope.action in ("status", "cancel"):
            return  # the schema wants commitments even here; peers send the id alone
        validated(raw)

    def _act(
        self,
        db: sqlite3.Connection,
        envelope: Envelope,
        raw: Json,
        seq: int,
        sender: Subscriber,
        authorization: str | None,
        requests: list[sqlite3.Row],
        now: datetime,
    ) -> None:
        """What the message does, in the transaction that stores it."""
        if envelope.is_callback:
            late = bool(requests) and all(now.timestamp() > row["expires"] for row in requests)
            contract_id = "" if late else apply_callback(db, self.store, envelope, raw)
            db.execute(
                "UPDATE messages SET contract_id = ?, outcome = ? WHERE seq = ?",
                (contract_id, "late" if late else "", seq),
            )
            return
        reply = Letter(
            callback_of(envelope.action), sender.subscriber_id, sender.url, envelope.transaction_id, {},
            message_id=envelope.message_id, request_header=authorization, network_id=envelope.network_id,
        )  # fmt: skip
        if envelope.action == "catalog/publish":
            results = [{"catalogId": one["id"], "status": "ACCEPTED"} for one in raw["message"]["catalogs"]]
            _send(db, self.identity, reply, now, message={"results": results})
            return
        if envelope.family == "rc1":
            assert self.windows is not None, "rc1 requests reach a seller of windows only"
            message = self.windows.answer(envelope, raw["message"])
            fresh = replace(reply, message_id="", family="rc1", domain=raw["context"].get("domain", ""))
            _send(db, self.identity, fresh, now, message=message)
            return
        assert self.seller is not None, "requests reach a seller only"
        try:
            answer = self.seller.answer(db, envelope, raw["message"], seq)
        except Refused as refused:
            if FAULTS[refused.fault].where == "sync":
                raise
            db.execute("UPDATE messages SET outcome = ? WHERE seq = ?", (refused.code, seq))
            _send(db, self.identity, reply, now, message=self._unchanged(raw, envelope), error=refused.as_error())
            return
        db.execute("UPDATE messages SET contract_id = ? WHERE seq = ?", (answer.contract_id, seq))
        if answer.message is not None:
            _send(db, self.identity, reply, now, message=answer.message, contract_id=answer.contract_id)

    def _unchanged(self, raw: Json, envelope: Envelope) -> Json:
        """The contract as it stands where we know it, else as it was sent."""
        assert self.seller is not None
        known = find_contract(self.store, raw["message"]["contract"].get("id", ""), SELLER)
        if known is not None and known.peer == envelope.bap_id:
            return {"contract": self.seller.render(known)}
        return {"contract": raw["message"]["contract"]}

    def tick(self) -> None:
        """What happens without a message: contracts move by what the site decided and metered, buyers are told."""
        if self._news is not None:
            self._news.tell_all(self.clock())
            self.courier.wake()

    # Answers.

    def _ack(self, envelope: Envelope) -> bytes:
        if envelope.family == "rc1":
            return encode(
                {
                    "transaction_id": envelope.transaction_id,
                    "timestamp": instant_text(self.clock()),
                    "ack_status": "ACK",
                }
            )
        return encode({"message": {"status": "ACK", "messageId": envelope.message_id}})

    def _nack(self, raw: Json, refused: Refused) -> bytes:
        context = raw.get("context")
        context = context if isinstance(context, dict) else {}
        if isinstance(context.get("transaction_id"), str):
            answer: Json = {"transaction_id": context["transaction_id"], "timestamp": instant_text(self.clock())}
            return encode({**answer, "ack_status": "NACK", "error": refused.as_error()})
        message: Json = {"status": "NACK"}
        if isinstance(context.get("messageId"), str):
            message["messageId"] = context["messageId"]
        return encode({"message": {**message, "error": refused.as_error()}})

    def _signed(self, http: int, body: bytes, authorization: str | None) -> Reply:
        """Every answer is signed, over the request's signature where it had one."""
        headers = {"Content-Type": "application/json"}
        request = authorization if authorization and authorization.startswith("Signature ") else None
        try:
            headers["Signature"] = self.identity.sign(body, self.clock(), request)
        except Refused:  # the request's own header cannot be read
            headers["Signature"] = self.identity.sign(body, self.clock())
        if http == 401:
            headers["WWW-Authenticate"] = (
                f'Signature realm="{self.identity.subscriber_id}",headers="(created) (expires) digest"'
            )
        return Reply(http, body, headers)


def action_of(path: str) -> str:
    """The action a path asks for: ``/<action>``, ``/beckn/<action>``, or either behind a base path of ours."""
    parts = [part for part in path.split("/") if part and part != "beckn"]
    if len(parts) >= 2 and parts[-2] == "catalog":
        return "/".join(parts[-2:])
    return parts[-1] if parts else ""


def _keep(
    db: sqlite3.Connection, envelope: Envelope, now: datetime, digest: str, header: str, body: bytes, ack: bytes
) -> int:
    cursor = db.execute(
        "INSERT INTO messages (direction, peer, action, transaction_id, message_id, contract_id, at, expires, digest,"
        " header, body, reply, outcome) VALUES ('in', ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, '')",
        (
            envelope.sender, envelope.action, envelope.transaction_id, envelope.message_id, now.timestamp(),
            envelope.expires.timestamp(), digest, header, body, ack,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def _send(
    db: sqlite3.Connection,
    identity: Identity,
    letter: Letter,
    now: datetime,
    *,
    message: Json,
    contract_id: str = "",
    error: Json | None = None,
) -> None:
    queue(db, identity, replace(letter, message=message, contract_id=contract_id, error=error), now)
