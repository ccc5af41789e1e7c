"""What we send: contexts, the queue that survives a crash, and delivery with retries signed anew."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic.alias_generators import to_snake

from grid.beckn import PROTOCOL_VERSION
from grid.beckn.context import DEFAULT_TTL, sent_by_bpp
from grid.beckn.faults import Refused, retriable
from grid.beckn.packs import CONTEXT_URL
from grid.beckn.registry import Registry
from grid.beckn.signing import digest_of, raw_signature, sign, verify
from grid.beckn.store import Store
from grid.beckn.times import duration_text, instant_text
from grid.beckn.wire import MAX_BODY_BYTES, Family, Json, decode, encode

log = logging.getLogger("grid.beckn")

TIMEOUT = httpx.Timeout(connect=2.0, read=5.0, write=5.0, pool=2.0)
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 5.0
PENDING, SENT, EXPIRED = "pending", "sent", "expired"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Identity:
    """Who we are on the network; ``url`` is the address registered for us."""

    subscriber_id: str
    key_id: str
    url: str
    key: Ed25519PrivateKey = field(repr=False)
    network_id: str = ""

    def sign(self, body: bytes, now: datetime, request_header: str | None = None) -> str:
        """The header for ``body``; four lines where it answers a signed request."""
        request = raw_signature(request_header) if request_header else None
        return sign(body, self.key, self.subscriber_id, self.key_id, int(now.timestamp()), request)


@dataclass(frozen=True)
class Letter:
    """A message to be sent to ``peer``.

    message_id, request_header  of the request it answers; a new id and three signed lines where it answers none
    error                       stands beside the message where a request was acknowledged and then refused
    family, domain              of the context; rc1 is spoken only about compute-energy windows
    """

    action: str
    peer: str
    peer_url: str
    transaction_id: str
    message: Json
    contract_id: str = ""
    message_id: str = ""
    request_header: str | None = None
    network_id: str = ""
    error: Json | None = None
    ttl: timedelta = DEFAULT_TTL
    family: Family = "lts"
    domain: str = ""


def queue(db: sqlite3.Connection, identity: Identity, letter: Letter, now: datetime) -> str:
    """Store a letter with its exact bytes, to be sent once the transaction is through; -> its message id."""
    message_id = letter.message_id or str(uuid4())
    body = encode(_document(identity, letter, message_id, now))
    cursor = db.execute(
        "INSERT OR IGNORE INTO messages (direction, peer, action, transaction_id, message_id, contract_id, at, expires,"
        " digest, header, body, reply, outcome) VALUES ('out', ?, ?, ?, ?, ?, ?, ?, ?, '', ?, x'', ?)",
        (
            letter.peer, letter.action, letter.transaction_id, message_id, letter.contract_id, now.timestamp(),
            (now + letter.ttl).timestamp(), digest_of(body), body, PENDING,
        ),
    )  # fmt: skip
    if cursor.rowcount:
        db.execute("INSERT INTO outbox VALUES (?, ?, ?, 0)", (cursor.lastrowid, letter.request_header, now.timestamp()))
    return message_id


def _document(identity: Identity, letter: Letter, message_id: str, now: datetime) -> Json:
    ours, theirs = (identity.subscriber_id, identity.url), (letter.peer, letter.peer_url)
    bap, bpp = (theirs, ours) if sent_by_bpp(letter.action) else (ours, theirs)
    context: Json = {
        "version": PROTOCOL_VERSION,
        "action": letter.action,
        "bapId": bap[0],
        "bapUri": bap[1],
        "bppId": bpp[0],
        "bppUri": bpp[1],
        "transactionId": letter.transaction_id,
        "messageId": message_id,
        "timestamp": instant_text(now),
        "ttl": duration_text(letter.ttl),
        "schemaContext": [CONTEXT_URL],
    }
    if letter.family == "rc1":
        context = {to_snake(key): value for key, value in context.items() if key != "schemaContext"}
        context["domain"] = letter.domain
    elif letter.network_id or identity.network_id:
        context["networkId"] = letter.network_id or identity.network_id
    document: Json = {"context": context, "message": letter.message}
    if letter.error is not None:
        document["error"] = letter.error
    return document


class Courier:
    """Sends what is queued, in order of time, each attempt signed anew; gives up when the message has expired.

    Args:
        on_expired: (contract id, action) of a message that never got through.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        registry: Registry,
        clock: Clock = utc_now,
        on_expired: Callable[[str, str], None] | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        self._identity, self._store, self._registry, self._clock = identity, store, registry, clock
        self._on_expired = on_expired
        self._http = client or httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)
        self._wake = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._work, name="beckn-courier", daemon=True)

    def use(self, client: httpx.Client) -> None:
        """Send through another client, such as one with a transport of its own."""
        self._http = client

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop = True
        self._wake.set()
        self._thread.join(timeout=10.0)
        self._http.close()

    def wake(self) -> None:
        """There is something new to send."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stop:
            self._wake.clear()
            try:
                wait_s = self.deliver_due()
            except sqlite3.OperationalError as error:
                log.warning("outbox: %s; trying again", error)
                wait_s = 0.2
            self._wake.wait(wait_s)

    def deliver_due(self) -> float:
        """Send all that is due; -> seconds until the next attempt, at most a second."""
        while True:
            now = self._clock().timestamp()
            row = self._store.row(
                "SELECT m.*, o.request_header, o.attempts FROM outbox o JOIN messages m ON m.seq = o.message"
                " WHERE o.next_at <= ? ORDER BY m.seq LIMIT 1",
                now,
            )
            if row is None:
                soonest = self._store.row("SELECT min(next_at) AS at FROM outbox")
                return 0.05 if soonest and soonest["at"] is not None else 1.0
            if self._stop:
                return 0.0
            self._deliver(row)

    def _deliver(self, row: sqlite3.Row) -> None:
        now = self._clock()
        if now.timestamp() > row["expires"]:
            self._finish(row, EXPIRED)
            if self._on_expired:
                self._on_expired(row["contract_id"], row["action"])
            return
        outcome = self._attempt(row, now)
        if outcome is not None:
            self._finish(row, outcome)
            return
        pause = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** row["attempts"])
        with self._store.transaction() as db:
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE message = ?",
                (self._clock().timestamp() + pause, row["seq"]),
            )

    def _attempt(self, row: sqlite3.Row, now: datetime) -> str | None:
        """How sending ended; None where it is worth trying again."""
        try:
            # Only ever to the registered address: what a message says of itself is no reason to call it.
            url = self._registry.lookup(row["peer"]).url
        except Refused as refused:
            return None if refused.fault == "registry_down" else refused.code
        if not url:
            return "AUT_SUBSCRIBER_NOT_FOUND"
        header = self._identity.sign(row["body"], now, row["request_header"])
        # Kept before it is sent: the answer will name this signature.
        with self._store.transaction() as db:
            db.execute("UPDATE messages SET header = header || ? WHERE seq = ?", (header + "\n", row["seq"]))
        try:
            response = self._http.post(
                f"{url}/{row['action']}",
                content=row["body"],
                headers={"Content-Type": "application/json", "Authorization": header},
            )
        except httpx.HTTPError as error:
            log.info("%s to %s: %s; trying again", row["action"], row["peer"], type(error).__name__)
            return None
        return self._outcome(row, response, header)

    def _outcome(self, row: sqlite3.Row, response: httpx.Response, header: str) -> str | None:
        body = response.content[: MAX_BODY_BYTES + 1]
        try:
            answer = decode(body)
        except Refused:
            return None if response.status_code >= 500 else f"HTTP {response.status_code}"
        acknowledged, code = read_ack(answer)
        if not self._trusted(row["peer"], response, body, header):
            log.info("%s to %s: the answer's signature does not hold", row["action"], row["peer"])
        if acknowledged:
            return SENT
        if retriable(code, response.status_code):
            return None
        log.warning("%s to %s: refused with %s", row["action"], row["peer"], code)
        return code or f"HTTP {response.status_code}"

    def _trusted(self, peer: str, response: httpx.Response, body: bytes, header: str) -> bool:
        """Whether the answer is signed by the peer; a bad signature only lowers trust."""
        given = response.headers.get("Signature")
        if not given:
            return False
        try:
            record = self._registry.lookup(peer)
            now = int(self._clock().timestamp())
            verify(given, body, record.signing_public_key, now, stored_request=header, response=True)
        except Refused:
            return False
        return True

    def _finish(self, row: sqlite3.Row, outcome: str) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM outbox WHERE message = ?", (row["seq"],))
            db.execute("UPDATE messages SET outcome = ? WHERE seq = ?", (outcome, row["seq"]))


def read_ack(answer: Json) -> tuple[bool, str]:
    """Whether any of the five known shapes of answer says ACK, and the error code where it does not."""
    message = answer.get("message")
    inner = message if isinstance(message, dict) else {}
    nested = inner.get("ack")
    statuses = (
        inner.get("status"), nested.get("status") if isinstance(nested, dict) else None,
        answer.get("status"), answer.get("ack_status"),
    )  # fmt: skip
    error = next((one for one in (inner.get("error"), answer.get("error"), answer) if isinstance(one, dict)), {})
    code = error.get("code") or error.get("errorCode") or ""
    return "ACK" in statuses, str(code)
