"""A language model on a server: many requests at once, retried while it is worth it, each within one time limit.

What differs between servers is a ``Dialect``: where a prompt is sent and how, and where the answer stands in the reply.
Keys come from the environment, travel in a header, and are taken out of every message that a server sends back.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import httpx

from llm_layer.engine import Answer, EngineError, EngineFailure, Rest, one_line
from llm_layer.prompt import Prompt, build_prompt
from llm_layer.sample import SAMPLE

ATTEMPTS = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
CONNECT_S = 5.0
MAX_REPLY_BYTES = 1 << 20
# Too many requests, overloaded, or a fault of the server's own; anything else would fail again.
WORTH_RETRYING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Refused(Exception):
    """No answer. status: of HTTP, 0 where none came. pause_s: how long the server asks to wait, if it does."""

    def __init__(self, message: str, status: int = 0, retry: bool = False, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry, self.pause_s = status, retry, pause_s


class Dialect(Protocol):
    """How one kind of server is spoken to.

    model: as the server names it. key_name: environment variable of the key. url: where prompts are sent.
    """

    model: str
    key_name: str
    url: str
    models_url: str
    needs_key: bool

    def headers(self, key: str) -> dict[str, str]: ...

    def body(self, prompt: Prompt) -> dict[str, Any]: ...

    def read(self, reply: Any) -> tuple[str, int, int]:
        """-> text of the answer, tokens in, tokens out.

        Raises:
            KeyError, TypeError, IndexError, ValueError: they are not there.
        """


class HttpEngine:
    """One model behind one address.

    Args:
        timeout_s: longest a batch of decisions may take, retries included.
        max_concurrency: requests under way at once.

    Raises:
        EngineError: no key, nothing reachable at the address, or a trial prompt that is refused.
    """

    def __init__(self, dialect: Dialect, *, timeout_s: float, max_concurrency: int) -> None:
        self._dialect, self._timeout_s = dialect, timeout_s
        self.model_id = f"{dialect.__class__.__name__.lower()}:{dialect.model}"
        key = os.environ.get(dialect.key_name, "").strip()
        if dialect.needs_key and not key:
            raise EngineError(f"supervisor.model {dialect.model}: {dialect.url} needs a key; set {dialect.key_name}")
        self._key = key
        self._rest = Rest()
        self._client = httpx.Client(
            headers=dialect.headers(key), limits=httpx.Limits(max_connections=max_concurrency), follow_redirects=False
        )
        self._threads = ThreadPoolExecutor(max_concurrency, thread_name_prefix="llm")
        try:
            self._attempts(build_prompt(SAMPLE), time.monotonic() + timeout_s)
        except Refused as error:
            message = self._at_start(error)
            self.close()
            raise EngineError(message) from None

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        if self._rest.left_s > 0.0:
            return self._rest.failures(len(prompts))
        start = time.monotonic()
        deadline = start + self._timeout_s
        found = list(self._threads.map(lambda prompt: self._answer(prompt, deadline), prompts))
        busy_s = (time.monotonic() - start) / max(1, len(prompts))
        answers = [replace(answer, busy_s=busy_s) for answer in found]
        if prompts and all(isinstance(answer, EngineFailure) for answer in answers):
            self._rest.failed()
        else:
            self._rest.succeeded()
        return answers

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._client.close()

    def _answer(self, prompt: Prompt, deadline: float) -> Answer | EngineFailure:
        try:
            return self._attempts(prompt, deadline)
        except Refused as error:
            return EngineFailure(str(error))

    def _attempts(self, prompt: Prompt, deadline: float) -> Answer:
        body = json.dumps(self._dialect.body(prompt)).encode()
        pause_s = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(body, deadline)
            except Refused as error:
                # Jitter, so that requests refused together do not come back together.
                wait_s = error.pause_s if error.pause_s is not None else pause_s * random.uniform(0.75, 1.25)
                if not error.retry or attempt == ATTEMPTS or time.monotonic() + wait_s >= deadline:
                    raise
                time.sleep(wait_s)
                pause_s = min(LONGEST_PAUSE_S, 2.0 * pause_s)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, body: bytes, deadline: float) -> Answer:
        start = time.monotonic()
        reply = self._exchange("POST", self._dialect.url, body, deadline)
        try:
            text, tokens_in, tokens_out = self._dialect.read(reply)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise Refused(f"reply without an answer ({one_line(self._redacted(repr(error)), 80)})") from None
        return Answer(text, tokens_in, tokens_out, time.monotonic() - start)

    def _exchange(self, method: str, url: str, body: bytes | None, deadline: float) -> Any:
        """Send, and read the reply as it comes: a server that drips may not take longer than one that is silent."""
        left_s = deadline - time.monotonic()
        if left_s <= 0.0:
            raise Refused(f"no answer within {self._timeout_s:g} s")
        timeout = httpx.Timeout(left_s, connect=min(CONNECT_S, left_s))
        try:
            with self._client.stream(method, url, content=body, timeout=timeout) as response:
                content = b""
                for some in response.iter_bytes():
                    content += some
                    if time.monotonic() > deadline:
                        raise Refused(f"no answer within {self._timeout_s:g} s")
                    if len(content) > MAX_REPLY_BYTES:
                        raise Refused(f"reply of over {MAX_REPLY_BYTES} bytes")
        except httpx.ConnectTimeout:
            raise Refused("cannot be reached: no connection in time", retry=True) from None
        except httpx.TimeoutException:
            raise Refused(f"no answer within {self._timeout_s:g} s") from None
        except httpx.ConnectError as error:
            raise Refused(f"cannot be reached: {one_line(str(error), 100)}", retry=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise Refused(f"connection failed: {type(error).__name__}", retry=True) from None
        if response.status_code != 200:
            raise self._refusal(response.status_code, response.headers, content)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise Refused(f"reply is not JSON: {one_line(self._redacted(_text(content)), 60)!r}", retry=True) from None

    def _refusal(self, status: int, headers: Mapping[str, str], content: bytes) -> Refused:
        said = one_line(self._redacted(_message(content)))
        try:
            pause_s = max(0.0, float(headers["retry-after"]))
        except (KeyError, ValueError):
            pause_s = None
        return Refused(f"answers {status}: {said}", status, status in WORTH_RETRYING, pause_s)

    def _at_start(self, error: Refused) -> str:
        """One line for whoever configured it."""
        dialect = self._dialect
        place = f"supervisor.model {dialect.model} at {dialect.url}"
        if error.status in (401, 403):
            return f"{place}: {error}; check the key in {dialect.key_name}"
        if error.status == 404:
            return f"{place}: {error}; check model and supervisor.base_url{self._served()}"
        if error.status == 0:
            return f"{place}: {error}; start the server, or set supervisor.base_url (such as http://127.0.0.1:8000/v1)"
        return f"{place}: {error}"

    def _served(self) -> str:
        """Names of the models there, where the server tells."""
        try:
            listed = self._exchange("GET", self._dialect.models_url, None, time.monotonic() + CONNECT_S)
            names = [str(model["id"]) for model in listed["data"]]
        except (Refused, KeyError, TypeError):
            return ""
        return f" (models there: {one_line(', '.join(names))})"

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _message(content: bytes) -> str:
    """What a server says is wrong: ``error.message`` where it speaks JSON, else its own words."""
    try:
        error = json.loads(content)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return _text(content)[:400] or "nothing more"
