"""The one HTTP client of all live sources: polite to servers, hard to stop, and honest about what it had to reuse.

A request is retried with growing, jittered waits (tenacity) while its fault may pass: no connection, no answer in
time, a broken or cut-off body, 429, 5xx. Requests to one host keep a distance, and ``Retry-After`` holds all of them
back. What a host refuses (other 4xx) is not sent again. Good answers lie on disk (hishel's store), each with the time
it was heard; only answers that could be read are kept. Without a good answer the last one serves, marked stale, up to
an age limit; beyond it ``SourceError`` says why. A host that used up its retries is left alone for a while, so that one
dead server does not make a run wait at every step.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
from hishel import Headers, Request, Response, SqliteStorage
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from grid.series import GridDataError

Parsed = TypeVar("Parsed")

CACHE_FILE = "responses_v2.db"  # 2: the major version of hishel's table layout
HEARD_AT = "x-heard-at"
MAX_BODY_BYTES = 64 * 1024 * 1024
TRY_LATER = (408, 425, 429)
AGENT = "deg-compute-orchestrator (GB grid signals)"


class SourceError(ConnectionError):
    """A source gives no usable answer, and none that was kept is young enough."""


class RefusedError(GridDataError):
    """A source understood the request and will not serve it: asking again is no use."""


class _PassingError(Exception):
    """A fault that another try may not meet."""


@dataclass(frozen=True)
class Terms:
    """How long to wait, how often to try, how close together, in seconds."""

    connect_s: float = 5.0
    silence_s: float = 20.0  # without a byte
    whole_s: float = 60.0  # one try, however it drips
    tries: int = 4
    backoff_s: float = 1.0  # first wait; doubles, with jitter
    longest_wait_s: float = 60.0  # a Retry-After beyond it ends the request
    distance_s: float = 0.1  # between requests to one host
    rest_s: float = 30.0  # for a host that used up its tries
    stale_s: float = 6 * 3600.0  # oldest answer that may stand in


@dataclass(frozen=True)
class Answer(Generic[Parsed]):
    """What a source said, when (s since 1970), and if it is only the last good answer: what went wrong."""

    value: Parsed
    heard_at: float
    problem: str | None = None

    @property
    def stale(self) -> bool:
        return self.problem is not None


class Client:
    """Use as a context manager. ``clock`` gives seconds since 1970: the age of answers is measured on it."""

    def __init__(
        self, cache_folder: Path | str, terms: Terms | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.terms = terms or Terms()
        self.clock = clock
        self.sent = 0  # requests that went out, retries included
        Path(cache_folder).mkdir(parents=True, exist_ok=True)
        self._store = SqliteStorage(database_path=Path(cache_folder) / CACHE_FILE)
        timeout = httpx.Timeout(self.terms.silence_s, connect=self.terms.connect_s)
        self._http = httpx.Client(timeout=timeout, follow_redirects=True, headers={"user-agent": AGENT})
        self._not_before: dict[str, float] = {}  # host -> monotonic time of its next request
        self._resting: dict[str, tuple[float, str]] = {}  # host -> monotonic time until which it is left alone, why

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._store.close()

    def get(
        self,
        url: str,
        parse: Callable[[Any], Parsed],
        *,
        params: Mapping[str, str] | None = None,
        key: str | None = None,
        settled_at: float = float("inf"),
        fresh_s: float = 0.0,
    ) -> Answer[Parsed]:
        """JSON of ``url`` through ``parse``, from the store where it is still good.

        Args:
            parse: refuses a body of another form by KeyError, TypeError, IndexError or ValueError.
            key: names the answer in the store; None: the whole URL.
            settled_at: an answer heard at or after this time (s since 1970) never changes.
            fresh_s: any other is good for this long.

        Raises:
            SourceError: no answer, and none kept younger than ``Terms.stale_s``. RefusedError: refused for good.
        """
        request = httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
        key = key or str(request)
        kept = self._kept(key, parse)
        if kept is not None and (kept.heard_at >= settled_at or self.clock() - kept.heard_at < fresh_s):
            return kept
        try:
            body, value = self._with_retries(request, parse)
        except SourceError as error:
            if kept is None or self.clock() - kept.heard_at > self.terms.stale_s:
                raise
            return Answer(kept.value, kept.heard_at, str(error))
        heard_at = self.clock()
        self._keep(key, str(request), body, heard_at)
        return Answer(value, heard_at)

    def _with_retries(self, url: httpx.URL, parse: Callable[[Any], Parsed]) -> tuple[bytes, Parsed]:
        place = f"{url.host}{url.path}"
        until, why = self._resting.get(url.netloc.decode(), (0.0, ""))
        if time.monotonic() < until:
            raise SourceError(
                f"{place}: not asked, the host is left alone for {until - time.monotonic():.0f} s ({why})"
            )
        retrying = Retrying(
            stop=stop_after_attempt(self.terms.tries),
            wait=self._wait,
            retry=retry_if_exception_type(_PassingError),
            reraise=True,
        )
        try:
            return retrying(self._once, url, parse)
        except _PassingError as error:
            self._resting[url.netloc.decode()] = (time.monotonic() + self.terms.rest_s, str(error))
            raise SourceError(f"{place}: no usable answer in {self.terms.tries} tries, last {error}") from error

    def _wait(self, state: RetryCallState) -> float:
        """Full jitter above a quarter: many clients do not come back at once, and none at no distance."""
        longest = min(self.terms.backoff_s * 2.0 ** (state.attempt_number - 1), self.terms.longest_wait_s)
        return longest * random.uniform(0.25, 1.0)

    def _once(self, url: httpx.URL, parse: Callable[[Any], Parsed]) -> tuple[bytes, Parsed]:
        self._keep_distance(url)
        self.sent += 1
        try:
            with self._http.stream("GET", url) as response:
                body = self._body(response)
        except httpx.TransportError as error:
            raise _PassingError(f"{type(error).__name__} {error}".strip()) from error
        self._check_status(response, url, body)
        try:
            tree = json.loads(body)
            _refuse_error_body(tree)
            return body, parse(tree)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise _PassingError(f"an answer of another form than documented ({error!r})") from error

    def _body(self, response: httpx.Response) -> bytes:
        deadline, parts, size = time.monotonic() + self.terms.whole_s, [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if time.monotonic() > deadline:
                raise _PassingError(f"an answer that took longer than {self.terms.whole_s:g} s")
            if size > MAX_BODY_BYTES:
                raise _PassingError(f"an answer of more than {MAX_BODY_BYTES // 2**20} MiB")
        return b"".join(parts)

    def _check_status(self, response: httpx.Response, url: httpx.URL, body: bytes) -> None:
        code = response.status_code
        if code == 200:
            return
        said = f"status {code}: {_reason(body)}"
        if code < 500 and code not in TRY_LATER:
            raise RefusedError(f"{url.host}{url.path}: refused with {said}; check the dates and signals.base_urls")
        after = _retry_after_s(response.headers.get("retry-after"))
        self._not_before[url.netloc.decode()] = time.monotonic() + after
        if after > self.terms.longest_wait_s:
            self._resting[url.netloc.decode()] = (time.monotonic() + after, said)
            raise SourceError(f"{url.host}{url.path}: {said}; it asks to wait {after:.0f} s")
        raise _PassingError(said)

    def _keep_distance(self, url: httpx.URL) -> None:
        host = url.netloc.decode()
        time.sleep(max(0.0, self._not_before.get(host, 0.0) - time.monotonic()))
        self._not_before[host] = time.monotonic() + self.terms.distance_s

    def _kept(self, key: str, parse: Callable[[Any], Parsed]) -> Answer[Parsed] | None:
        """The newest answer in the store that can still be read."""
        found: list[Answer[Parsed]] = []
        for entry in self._store.get_entries(key):
            try:
                body = b"".join(entry.response.stream or ())  # type: ignore[arg-type]
                found.append(Answer(parse(json.loads(body)), float(entry.response.headers[HEARD_AT])))
            except (KeyError, TypeError, IndexError, ValueError, OSError, RuntimeError):
                continue  # another version's form, or removed meanwhile: as good as not there
        return max(found, key=lambda answer: answer.heard_at, default=None)

    def _keep(self, key: str, url: str, body: bytes, heard_at: float) -> None:
        older = [entry.id for entry in self._store.get_entries(key)]
        response = Response(200, Headers({HEARD_AT: repr(heard_at)}), iter([body]))
        entry = self._store.create_entry(Request("GET", url), response, key)
        for _ in entry.response.stream or ():  # type: ignore[union-attr]
            pass  # the store saves as it is read
        for identity in older:
            self._store.remove_entry(identity)


def _refuse_error_body(tree: Any) -> None:
    """Some servers say 200 and mean an error."""
    if isinstance(tree, dict) and tree.get("error"):
        raise ValueError(_reason(json.dumps(tree).encode()))


def _reason(body: bytes) -> str:
    """The server's own words, short: ``{"error": {"message"}}``, ``{"reason"}``, or the text."""
    try:
        tree = json.loads(body)
        error = tree.get("error")
        found = error.get("message") if isinstance(error, dict) else tree.get("reason") or tree.get("title")
    except (ValueError, AttributeError):
        found = None
    text = str(found) if found else body[:120].decode("utf-8", errors="replace")
    return " ".join(text.split())[:120] or "no words"


def _retry_after_s(header: str | None) -> float:
    """Seconds from a ``Retry-After`` header, a number or a date; 0 where there is none that can be read."""
    if header is None:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
