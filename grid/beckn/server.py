"""The participant over HTTP: one POST route, limits on what is read, loopback unless told otherwise."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from grid.beckn.book import site_state
from grid.beckn.faults import Refused
from grid.beckn.participant import Participant
from grid.beckn.wire import MAX_BODY_BYTES, encode

log = logging.getLogger("grid.beckn")

LOOPBACK = "127.0.0.1"
TICK_S = 0.05
FORGET_EVERY_S = 600.0
MOST_CONNECTIONS = 256
KEEP_ALIVE_S = 15
# Above the limit on headers, so that a message a little over it gets our answer and not a bare 400.
HTTP_BUFFER_BYTES = 64 * 1024


def app_of(participant: Participant) -> FastAPI:
    """The application: while it runs, what is queued is sent and contracts are moved on."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        ticker = Ticker(participant)
        participant.courier.start()
        ticker.start()
        try:
            yield
        finally:
            ticker.stop()
            participant.courier.stop()

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/{path:path}")
    async def receive(path: str, request: Request) -> Response:
        body = await _read(request)
        reply = await run_in_threadpool(participant.receive, path, request.headers, body)
        return Response(reply.body, reply.http, reply.headers)

    @app.get("/health")
    async def health() -> Response:
        site = await run_in_threadpool(site_state, participant.store)
        return Response(encode({"subscriber": participant.identity.subscriber_id, "site": site is not None}), 200)

    return app


async def _read(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large: the rest is never held."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        parts.append(part)
        if size > MAX_BODY_BYTES:
            break
    return b"".join(parts)


class Ticker:
    """Calls ``participant.tick`` at short intervals until stopped."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="beckn-ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10.0)

    def _work(self) -> None:
        since_s = 0.0
        while not self._stop.wait(TICK_S):
            since_s += TICK_S
            try:
                self._participant.tick()
                if since_s > FORGET_EVERY_S:
                    since_s = 0.0
                    self._participant.store.forget(self._participant.clock().timestamp())
            except Refused as refused:
                log.warning("tick: %s", refused)
            except Exception as error:
                log.exception("tick: %s", type(error).__name__)


class Server(uvicorn.Server):
    """Uvicorn with our limits; ``start``/``stop`` run it in a thread, ``run_here`` in this one."""

    def __init__(self, participant: Participant, host: str = LOOPBACK, port: int = 0) -> None:
        config = uvicorn.Config(
            app_of(participant), host=host, port=port, log_level="warning", access_log=False, server_header=False,
            log_config=None,  # uvicorn's own would close every other library's handlers in this process
            limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=KEEP_ALIVE_S,
            h11_max_incomplete_event_size=HTTP_BUFFER_BYTES, timeout_graceful_shutdown=3,
        )  # fmt: skip
        super().__init__(config)
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self.run_here, name="beckn-server", daemon=True)

    def run_here(self) -> None:
        """Serve in this thread until stopped. Raises ValueError where the address cannot be listened on."""
        self._bind()
        assert self._socket is not None, "bound just now"
        self.run(sockets=[self._socket])

    def _bind(self) -> None:
        if self._socket is not None:
            return
        host, port = self.config.host, self.config.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=self.config.backlog)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise ValueError(f"{host}:{port}: cannot be listened on ({said}); choose another beckn.port") from None

    def start(self) -> None:
        """Serve in a thread; returns once connections are taken. Raises ValueError where the address is in use."""
        self._bind()
        self._thread.start()
        while not self.started and self._thread.is_alive():
            self._thread.join(0.01)

    def join(self) -> None:
        """Until asked to stop. Short waits: a signal has to find the main thread awake."""
        while self._thread.is_alive():
            self._thread.join(0.2)

    def ask_to_stop(self) -> None:
        self.should_exit = True

    def stop(self) -> None:
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    @property
    def port(self) -> int:
        """The port that is listened on, also where the system chose it."""
        assert self._socket is not None, "start comes first"
        return int(self._socket.getsockname()[1])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the command that runs us."""
        yield
