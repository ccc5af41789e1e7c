"""A server on this machine that speaks the wire formats of OpenAI and Anthropic, and misbehaves on request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {
    "reason_code": "price_high",
    "load_shift": "defer",
    "battery": {"mode": "set", "level": -0.5},
    "cooling": "follow",
    "text": "power is dear now",
}
NOISE = {"kind": "noise", "say": "ask", "value": "", "day": "", "from": "", "until": ""}


def good_answer(body: dict[str, Any]) -> str:
    """An answer in the form that the request's own schema asks for: everything shown is accepted."""
    return json.dumps({**GOOD, **({"accept": [1]} if "accept" in schema_of(body)["properties"] else {})})


def schema_of(body: dict[str, Any]) -> dict[str, Any]:
    if "tools" in body:
        schema: dict[str, Any] = body["tools"][0]["input_schema"]
    else:
        schema = body["response_format"]["json_schema"]["schema"]
    return schema


Behaviour = Callable[["Handler", dict[str, Any]], None]


class Server(ThreadingHTTPServer):
    """behaviour: what to do with a prompt; ``well`` by default. seen: (path, headers, body) of every prompt."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour: Behaviour = well
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.under_way: set[Handler] = set()
        self.most_at_once = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.reply(200, {"object": "list", "data": [{"id": "tiny"}, {"id": "small"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        with server.lock:
            server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            server.under_way.add(self)
            server.most_at_once = max(server.most_at_once, len(server.under_way))
        try:
            server.behaviour(self, body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the caller gave up, as it should
        finally:
            self._is_over()

    def _is_over(self) -> None:
        with self.server.lock:
            self.server.under_way.discard(self)

    def answer(self, text: str) -> None:
        """``text`` as the model's answer, in the form of whoever asked."""
        if self.path == "/v1/messages":
            block = {"type": "tool_use", "id": "t1", "name": "directive", "input": json.loads(text)}
            usage = {"input_tokens": 280, "output_tokens": 60}
            self.reply(200, {"content": [block], "stop_reason": "tool_use", "usage": usage})
        else:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            usage = {"prompt_tokens": 280, "completion_tokens": 60}
            self.reply(200, {"choices": [choice], "usage": usage})

    def reply(self, status: int, content: dict[str, Any] | bytes, **headers: str) -> None:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._is_over()  # before the caller knows: it may send its next while this thread sleeps
        self.send_response(status)
        for name, value in {"content-length": str(len(payload)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def well(handler: Handler, body: dict[str, Any]) -> None:
    handler.answer(good_answer(body))


def refuses(status: int, message: str = "no", times: int = 10**9, **headers: str) -> Behaviour:
    """Answers so many times with an error, then well."""
    left = [times]

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        left[0] -= 1
        if left[0] >= 0:
            handler.reply(status, {"error": {"type": "error", "message": message}}, **headers)
        else:
            well(handler, body)

    return behave


def says(text: str) -> Behaviour:
    return lambda handler, _: handler.answer(text)


def sends(payload: bytes) -> Behaviour:
    return lambda handler, _: handler.reply(200, payload)


def hangs(handler: Handler, _: dict[str, Any]) -> None:
    time.sleep(3.0)


def drips(handler: Handler, _: dict[str, Any]) -> None:
    """Never silent for long, never done."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def hangs_up(handler: Handler, _: dict[str, Any]) -> None:
    handler.connection.close()
