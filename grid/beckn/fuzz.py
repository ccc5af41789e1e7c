"""``python -m grid.beckn.fuzz --n 10000``: bad messages against a real provider over loopback.

Malformed, truncated, oversized, deep, replayed, wrongly signed, out of order, and every part dropped or replaced at
random. Each has to be answered with a documented code and never with a 500; contracts may not move, and memory may not
grow. A line per kind; exit 1 on any miss.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.beckn.bench import Bench
from grid.beckn.book import BUYER, Contract
from grid.beckn.document import Terms, bag, offer, render, request_document
from grid.beckn.faults import FAULTS
from grid.beckn.packs import GATE
from grid.beckn.post import Identity, utc_now
from grid.beckn.server import Server
from grid.beckn.states import QUOTED
from grid.beckn.times import instant_text
from grid.beckn.wire import MAX_BODY_BYTES, MAX_HEADER_BYTES, Json, encode

DOCUMENTED = {(fault.code, fault.http) for fault in FAULTS.values() if fault.http != 500}
ACKED = ("", 200)
ODDITIES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    10**400,
    "",
    "x" * 300,
    "\0\n",
    [],
    {},
    [[[]]],
    "2026",
    "é",
    "P1Y",
    "http://",
)
MEMORY_MIB = 24.0  # growth allowed between a tenth of the way and the end
CHECK_EVERY = 500
BUYER_ID, SELLER_ID = "buyer.localhost", "site.localhost"
TERMS = Terms("site-1", "meter-1")


@dataclass
class Shot:
    """One bad message. wanted: (code, HTTP status) it may be answered with; empty: any documented one, or an ACK."""

    body: bytes
    path: str = "select"
    header: str | None = None
    extra_headers: dict[str, str] = field(default_factory=dict)
    wanted: tuple[tuple[str, int], ...] = ()


class Range:
    """A provider with one active and one drafted contract, and ways to shoot at it; all is drawn from ``draw``."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.draw = draw
        context = {
            "bapId": BUYER_ID, "bapUri": "http://127.0.0.1:9", "bppId": SELLER_ID, "bppUri": "http://127.0.0.1:9",
        }  # fmt: skip
        self.bench = Bench(folder, context, TERMS, 500.0, utc_now())
        self.bench.follow_clock()
        self.bench.provider.courier.use(httpx.Client(transport=httpx.MockTransport(_acknowledge)))
        self.stranger = Identity("stranger.localhost", "k", "http://127.0.0.1:9", Ed25519PrivateKey.generate())
        self.taken: list[tuple[str, bytes, str]] = []  # (path, body, header) of messages that were acknowledged
        self.active = self._contract(3)
        self.drafted = self._contract(6)
        for contract, actions in ((self.active, ("select", "init", "confirm")), (self.drafted, ("select", "init"))):
            for action in actions:
                self._deliver(action, self.message(action, contract))
        self.bench.accept(self.active.id)

    def message(self, action: str, contract: Contract) -> Json:
        """A valid message of our buyer about ``contract``."""
        now = utc_now()
        context = {
            "version": "2.0.0", "action": action, "bapId": BUYER_ID, "bapUri": "http://127.0.0.1:9",
            "bppId": SELLER_ID, "bppUri": "http://127.0.0.1:9", "transactionId": contract.transaction_id,
            "messageId": self.uuid(), "timestamp": instant_text(now), "ttl": "PT30S",
        }  # fmt: skip
        document = render(contract)
        document.pop("settlements", None)
        return {"context": context, "message": {"contract": json.loads(json.dumps(document))}}

    def uuid(self) -> str:
        return str(UUID(int=self.draw.getrandbits(128), version=4))

    def sign(self, body: bytes, ago_s: float = 0.0) -> str:
        return self.bench.buyer.sign(body, utc_now() - timedelta(seconds=ago_s))

    def state(self) -> list[tuple[object, ...]]:
        """Everything that bad messages may not change."""
        return [
            tuple(row)
            for table in ("contracts", "decisions", "intervals", "site", "heads", "windows")
            for row in self.bench.store.rows(f"SELECT * FROM {table}")
        ]

    def _contract(self, hours_ahead: int) -> Contract:
        start = utc_now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours_ahead)
        contract = Contract(
            self.uuid(), BUYER, SELLER_ID, self.uuid(), "", QUOTED, f"ev-{hours_ahead}", start,
            start + timedelta(hours=1), start - GATE, utc_now(), 300.0, 300.0, TERMS.price, TERMS.currency,
        )  # fmt: skip
        resource = {"id": TERMS.resource_id, "resourceAttributes": bag("FlexResource", maxReductionKw=500)}
        document = request_document(contract, resource, offer(TERMS), BUYER_ID, SELLER_ID, TERMS.rulebook)
        return Contract(**{**contract.__dict__, "document": document})

    def _deliver(self, action: str, message: Json) -> None:
        body = encode(message)
        header = self.sign(body)
        reply = self.bench.provider.receive(action, {"authorization": header}, body)
        assert reply.http == 200, reply.body
        self.taken.append((action, body, header))


def garbage(r: Range) -> Shot:
    body = r.draw.choice((r.draw.randbytes(r.draw.randrange(200)), b"[]", b"1", b'"x"', b"null", b"\xff{}", b"{]"))
    return Shot(body, header=r.sign(body), wanted=(("SCH_INVALID_JSON", 400),))


def truncated(r: Range) -> Shot:
    whole = encode(r.message("select", r.active))
    body = whole[: r.draw.randrange(1, len(whole))]
    return Shot(body, header=r.sign(body), wanted=(("SCH_INVALID_JSON", 400),))


def oversized(r: Range) -> Shot:
    body = encode(r.message("select", r.active))
    if r.draw.random() < 0.9:
        header = "x" * r.draw.randrange(MAX_HEADER_BYTES + 1, 3 * MAX_HEADER_BYTES)
        return Shot(
            body, header=r.sign(body), extra_headers={"x-big": header}, wanted=(("AUT_SIGNATURE_INVALID", 431),)
        )
    body = body[:-1] + b',"pad":"' + b"x" * (MAX_BODY_BYTES + r.draw.randrange(1 << 16)) + b'"}'
    return Shot(body, header=r.sign(body), wanted=(("SCH_INVALID_JSON", 413),))


def deep(r: Range) -> Shot:
    levels = r.draw.choice((40, 200, 5_000, 100_000))
    opening, closing = r.draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
    body = b'{"context":{},"message":' + opening * levels + b"1" + closing * levels + b"}"
    return Shot(body, header=r.sign(body), wanted=(("SCH_INVALID_JSON", 400),))


def replayed(r: Range) -> Shot:
    path, body, header = r.draw.choice(r.taken)
    age = utc_now() - r.bench.started
    if age > timedelta(seconds=25):  # their 30 s are over, or are about to be
        expired = (("CTX_TTL_EXPIRED", 400),) if age > timedelta(seconds=35) else (("CTX_TTL_EXPIRED", 400), ACKED)
        return Shot(body, path, r.draw.choice((header, r.sign(body))), wanted=expired)
    how = r.draw.randrange(3)
    if how == 0:
        return Shot(body, path, header, wanted=(ACKED,))
    if how == 1:
        return Shot(body, path, r.sign(body), wanted=(ACKED,))
    other = body[:-1] + b" }"
    return Shot(other, path, r.sign(other), wanted=(("CTX_MESSAGE_ID_DUPLICATE", 400),))


def wrongly_signed(r: Range) -> Shot:
    body = encode(r.message("confirm", r.drafted))
    good = r.sign(body)
    invalid, missing = ("AUT_SIGNATURE_INVALID", 401), ("AUT_SIGNATURE_MISSING", 401)
    impostor = Identity(BUYER_ID, "k-buyer", "", r.stranger.key)
    header, wanted = r.draw.choice(
        (
            (None, missing),
            ("", missing),
            (r.sign(body + b" "), invalid),
            (r.sign(body, ago_s=301), invalid),
            (r.sign(body, ago_s=-60), invalid),
            (impostor.sign(body, utc_now()), invalid),
            (r.stranger.sign(body, utc_now()), ("AUT_UNAUTHORIZED_ACTION", 401)),
            (good.replace("k-buyer", "k-other"), ("AUT_KEY_NOT_FOUND", 401)),
            (good.replace("ed25519", "rsa"), invalid),
            (good.replace('signature="', 'signature="!'), invalid),
            (good.replace("created=", "made="), invalid),
            (good.replace("digest", "digest request-signature"), invalid),
            ("Bearer token", invalid),
            (good[: r.draw.randrange(10, len(good) - 90)].strip(), invalid),
        )
    )
    return Shot(body, "confirm", header, wanted=(wanted,))


def out_of_order(r: Range) -> Shot:
    """Valid messages at the wrong time: acknowledged, refused in the callback, nothing moves."""
    unknown = Contract(**{**r.active.__dict__, "id": r.uuid()})
    action, contract = r.draw.choice(
        (
            ("select", r.active), ("init", r.active), ("confirm", r.active), ("select", r.drafted),
            ("init", unknown), ("confirm", unknown), ("status", unknown), ("cancel", unknown), ("update", unknown),
            ("update", r.drafted), ("status", r.active), ("status", r.drafted),
        )
    )  # fmt: skip
    message = r.message(action, contract)
    if r.draw.random() < 0.2:
        message["context"]["action"] = action = r.draw.choice(("on_select", "on_confirm", "on_status"))
        body = encode(message)
        return Shot(body, action, r.sign(body), wanted=(("CTX_INVALID_FIELD", 400),))
    body = encode(message)
    return Shot(body, action, r.sign(body), wanted=(ACKED,))


def mutated(r: Range) -> Shot:
    """Any part of a message dropped or replaced; signed as it is."""
    action = r.draw.choice(("select", "confirm", "status", "init"))
    message = r.message(action, r.active)
    holder, key = r.draw.choice(list(_places(message)))
    how = r.draw.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder["surplus"] = r.draw.choice((None, 1, "x", [], {}))
    else:
        holder[key] = r.draw.choice(ODDITIES)
    body = encode(message)
    return Shot(body, action, r.sign(body))


def misdirected(r: Range) -> Shot:
    message = r.message("select", r.active)
    path, wanted = r.draw.choice(
        (
            ("confirm", ("CTX_ACTION_MISMATCH", 400)),
            ("", ("CTX_ACTION_MISMATCH", 400)),
            ("a/b/c/d", ("CTX_ACTION_MISMATCH", 400)),
            ("%00", ("CTX_ACTION_MISMATCH", 400)),
        )
    )
    if r.draw.random() < 0.3:
        message["context"]["action"] = path = "fly"
        wanted = ("NET_NOT_IMPLEMENTED", 400)
    elif r.draw.random() < 0.3:
        message["context"]["bap_id"], path, wanted = "x", "select", ("CTX_INVALID_FIELD", 400)
    body = encode(message)
    return Shot(body, path, r.sign(body), wanted=(wanted,))


KINDS: tuple[Callable[[Range], Shot], ...] = (
    garbage, truncated, oversized, deep, replayed, wrongly_signed, out_of_order, mutated, misdirected,
)  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        for key, item in value.items():
            found += [(value, key), *_places(item)]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += [(value, index), *_places(item)]
    return found


def run(shots: int, seed: int, said: Callable[[str], None] = print) -> int:
    """Fire ``shots``; -> number of misses."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        target = Range(Path(folder), draw)
        server = Server(target.bench.provider)
        server.start()
        try:
            return _fire(target, f"http://127.0.0.1:{server.port}", shots, said)
        finally:
            server.stop()


def _fire(target: Range, url: str, shots: int, said: Callable[[str], None]) -> int:
    before, began = target.state(), time.monotonic()
    fired, missed = Counter[str](), Counter[str]()
    base_mib = 0.0
    with httpx.Client(base_url=url, trust_env=False, timeout=30.0) as http:
        for count in range(shots):
            kind = target.draw.choice(KINDS)
            shot = kind(target)
            fired[kind.__name__] += 1
            answer = _shoot(http, shot)
            allowed = shot.wanted or (*DOCUMENTED, ACKED)
            if answer not in allowed:
                missed[kind.__name__] += 1
                said(f"MISS {kind.__name__}: answered {answer}, stated {shot.wanted}; {shot.body[:200]!r}")
            if count == shots // 10:
                base_mib = _memory_mib()
            if count % CHECK_EVERY == CHECK_EVERY - 1 and target.state() != before:
                missed["state"] += 1
                said(f"MISS state changed within {CHECK_EVERY} messages before {count + 1}")
                before = target.state()
    grown_mib = _memory_mib() - base_mib
    if target.state() != before:
        missed["state"] += 1
        said("MISS state changed")
    if grown_mib > MEMORY_MIB:
        missed["memory"] += 1
        said(f"MISS memory grew by {grown_mib:.0f} MiB")
    for name, total in sorted(fired.items()):
        said(f"{'ok  ' if not missed[name] else 'MISS'} {name}: {total - missed[name]} of {total} as documented")
    said(
        f"{shots} messages in {time.monotonic() - began:.0f} s; contracts unmoved; "
        f"memory {base_mib:.0f} MiB, grown by {grown_mib:.1f} MiB"
    )
    return missed.total()


def _shoot(http: httpx.Client, shot: Shot) -> tuple[str, int]:
    headers = dict(shot.extra_headers)
    if shot.header is not None:
        headers["Authorization"] = shot.header
    response = http.post(f"/{shot.path}", content=shot.body, headers=headers)
    answer = json.loads(response.content)
    error = answer.get("message", {}).get("error") or answer.get("error") or {}
    return error.get("code", ""), response.status_code


def _acknowledge(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"message": {"status": "ACK"}})


def _memory_mib() -> float:
    """Resident memory now, MiB (the peak where the system does not say)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / (1 << 20)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m grid.beckn.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="messages")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    return 1 if run(options.n, options.seed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
