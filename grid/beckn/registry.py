"""Who is on the network: subscribers with their keys and addresses, from a file or a registry server, kept briefly.

Nothing is cached longer than five minutes, so that a revoked key stops working; a check that fails is repeated once on
a fresh answer, so that a changed key starts to.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from grid.beckn.faults import Refused, TransportError
from grid.beckn.times import parse_instant

CACHE_S = 300.0
FRESH_S = 5.0  # a repeated look-up is not answered anew sooner: bad signatures must not become registry traffic
MAX_CACHED = 4096
DEAD = frozenset({"EXPIRED", "UNSUBSCRIBED", "INVALID_SSL", "REVOKED"})
DEDI_LIST = "subscribers.beckn.one"
TIMEOUT = httpx.Timeout(connect=2.0, read=5.0, write=5.0, pool=2.0)


@dataclass(frozen=True)
class Subscriber:
    """One registered key of one subscriber.

    ``url`` is the only address anything is ever sent to; '' where the registry gives none.
    ``networks``: memberships, empty where the registry does not list them.
    """

    subscriber_id: str
    key_id: str
    signing_public_key: str
    url: str = ""
    type: str = ""
    status: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    networks: tuple[str, ...] = ()

    def check_alive(self, now: datetime) -> None:
        """Raises Refused where the key is revoked, not yet or no longer valid."""
        if self.status.upper() in DEAD:
            raise Refused("key_dead", f"{self.subscriber_id} is {self.status.lower()} in the registry")
        if (self.valid_from and now < self.valid_from) or (self.valid_until and now > self.valid_until):
            raise Refused("key_dead", f"key {self.key_id} of {self.subscriber_id} is not valid now")


Fetch = Callable[[str, str], list[Subscriber]]


class Registry:
    """Look-ups with a cache, safe for many threads.

    Args:
        fetch: (subscriber id, key id) -> the registry's answer; '' as key id asks for any key of the subscriber.
        clock: seconds, for the age of what is cached.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._held: dict[tuple[str, str], tuple[float, Subscriber]] = {}
        self._lock = threading.Lock()

    def lookup(self, subscriber_id: str, key_id: str = "", *, fresh: bool = False) -> Subscriber:
        """The subscriber's record.

        Raises:
            Refused: unknown subscriber or key, or no registry to ask.
        """
        where = subscriber_id, key_id
        with self._lock:
            held = self._held.get(where)
        if held and self._clock() - held[0] < (FRESH_S if fresh else CACHE_S):
            return held[1]
        try:
            answer = self._fetch(subscriber_id, key_id)
        except TransportError as error:
            raise Refused("registry_down", str(error)) from error
        if not answer:
            raise Refused("subscriber_unknown", f"{subscriber_id} is not in the registry")
        found = next((record for record in answer if key_id in ("", record.key_id)), None)
        if found is None:
            raise Refused("key_unknown", f"{subscriber_id} has no key {key_id}")
        with self._lock:
            if len(self._held) >= MAX_CACHED:
                self._held.pop(next(iter(self._held)))
            self._held[where] = self._clock(), found
        return found


def file_fetch(path: Path) -> Fetch:
    """A registry in a JSON file: a list of records in the form of a registry's answer; read anew at each fetch.

    Raises ValueError at once where the file holds none.
    """
    records_of(path)
    return lambda subscriber_id, _key_id: [one for one in records_of(path) if one.subscriber_id == subscriber_id]


def records_of(path: Path) -> list[Subscriber]:
    """Every record of a registry file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [record_of(entry) for entry in entries]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"registry {path}: {error}; a list of objects with subscriber_id, key_id, signing_public_key, url is needed"
        ) from None


def http_fetch(url: str, client: httpx.Client | None = None) -> Fetch:
    """The classic registry: POST <url>/lookup, answered by a list."""
    http = client or httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def fetch(subscriber_id: str, key_id: str) -> list[Subscriber]:
        wanted = {"subscriber_id": subscriber_id, **({"key_id": key_id} if key_id else {})}
        answer = _get(lambda: http.post(f"{url.rstrip('/')}/lookup", json=wanted), url)
        return [record_of(entry) for entry in answer] if isinstance(answer, list) else []

    return fetch


def dedi_fetch(url: str, client: httpx.Client | None = None) -> Fetch:
    """A DeDi registry: GET <url>/lookup/<subscriber>/subscribers.beckn.one/<key>."""
    http = client or httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def fetch(subscriber_id: str, key_id: str) -> list[Subscriber]:
        answer = _get(lambda: http.get(f"{url.rstrip('/')}/lookup/{subscriber_id}/{DEDI_LIST}/{key_id}"), url)
        data = answer.get("data", {}) if isinstance(answer, dict) else {}
        details = data.get("details")
        if not details:
            return []
        return [record_of({"subscriber_id": subscriber_id, "key_id": key_id, **details, **data})]

    return fetch


def registry_of(source: str, clock: Callable[[], float]) -> Registry:
    """The registry behind a configured source: ``dedi+https://...``, ``http(s)://...``, or a file.

    Raises ValueError on a file that is none.
    """
    if source.startswith("dedi+"):
        return Registry(dedi_fetch(source.removeprefix("dedi+")), clock)
    if source.startswith(("http://", "https://")):
        return Registry(http_fetch(source), clock)
    return Registry(file_fetch(Path(source)), clock)


def record_of(entry: dict[str, Any]) -> Subscriber:
    """A registry's answer as a record. Raises KeyError or ValueError where it cannot be one."""
    url = str(entry.get("url") or "")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise ValueError(f"{entry.get('subscriber_id')}: url {url!r} is no http address")
    return Subscriber(
        subscriber_id=str(entry["subscriber_id"]),
        key_id=str(entry["key_id"]),
        signing_public_key=str(entry["signing_public_key"]),
        url=url.rstrip("/"),
        type=str(entry.get("type") or ""),
        status=str(entry.get("status") or ""),
        valid_from=parse_instant(entry["valid_from"]) if entry.get("valid_from") else None,
        valid_until=parse_instant(entry["valid_until"]) if entry.get("valid_until") else None,
        networks=tuple(str(name) for name in entry.get("network_memberships") or ()),
    )


def _get(call: Callable[[], httpx.Response], url: str) -> Any:
    try:
        response = call()
        if response.status_code == 404:
            return []
        response.raise_for_status()
        return response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise TransportError(f"registry {url}: {type(error).__name__}; try again later") from error
