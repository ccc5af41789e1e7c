"""Is a message from who it says, and may they say it here? Signature, registry, party, address, network, rate."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from grid.beckn.context import Envelope
from grid.beckn.faults import Refused
from grid.beckn.registry import Registry, Subscriber
from grid.beckn.signing import Mode, Signature, check_times, parse_signature, verify

RATE_WINDOW_S = 60.0
MAX_SENDERS = 1024


class RateLimit:
    """At most ``most`` calls a minute from each sender."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def check(self, sender: str) -> None:
        """Raises Refused when the sender's minute is used up."""
        now = self._clock()
        with self._lock:
            if sender not in self._calls and len(self._calls) >= MAX_SENDERS:
                self._calls.pop(next(iter(self._calls)))
            calls = self._calls.setdefault(sender, deque())
            while calls and now - calls[0] > RATE_WINDOW_S:
                calls.popleft()
            if len(calls) >= self._most:
                raise Refused("rate_limited", f"more than {self._most} messages a minute from {sender}")
            calls.append(now)


def check_trust(
    header: str | None,
    body: bytes,
    envelope: Envelope,
    registry: Registry,
    now: datetime,
    *,
    networks: Collection[str] = (),
    stored_request: Sequence[str] = (),
    strict_headers: bool = False,
    mode: Mode = "lts",
) -> tuple[Signature, Subscriber]:
    """The verified signature and the sender's registry record.

    Args:
        networks: those we trade on; empty: any.
        stored_request: headers of our own request that a callback answers, one for each time it was sent.

    Raises:
        Refused: any fault of the group ``trust``.
    """
    seconds = int(now.timestamp())
    parsed = parse_signature(header, mode)
    check_times(parsed, seconds)
    if not envelope.sender or parsed.subscriber != envelope.sender:
        # Before the look-up, so that a stranger cannot make us ask the registry about others.
        raise Refused("signer_not_party", f"signed by {parsed.subscriber}, who is not {envelope.sender or 'named'}")

    def checked(*, fresh: bool) -> tuple[Signature, Subscriber]:
        record = registry.lookup(parsed.subscriber, parsed.key_id, fresh=fresh)
        record.check_alive(now)
        signature = verify(
            header, body, record.signing_public_key, seconds,
            stored_request=stored_request, strict_headers=strict_headers, mode=mode,
        )  # fmt: skip
        return signature, record

    try:
        signature, record = checked(fresh=False)
    except Refused as refused:
        if refused.fault in ("registry_down", "subscriber_unknown", "key_unknown"):
            raise
        signature, record = checked(fresh=True)  # the key may have been changed since
    if record.url and envelope.sender_uri.rstrip("/") != record.url:
        raise Refused("address_not_registered", f"{envelope.sender} is registered at another address")
    network = envelope.network_id
    if network and ((networks and network not in networks) or (record.networks and network not in record.networks)):
        raise Refused("network_not_allowed", f"network {network} is not one that both are on")
    return signature, record
