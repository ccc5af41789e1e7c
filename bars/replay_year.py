"""A year under a language model, repeated from its folder with nothing left that could answer. One JSON on stdout.

The model is a stand-in on this machine that answers at once and differently to different prompts: what a replay takes,
and whether it is the same run, does not depend on who answered. (The real one: ``pytest -m llm``, for a day.)
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deg.cli import exit_code
from llm_layer.audit import read_lines, verify_file

MOST_CPU_S = 300.0  # a year
DAYS = 357


class Handler(BaseHTTPRequestHandler):
    """Speaks the chat form of OpenAI's API."""

    def do_GET(self) -> None:
        self._reply({"object": "list", "data": [{"id": "stand-in"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        schema = body["response_format"]["json_schema"]["schema"]
        told = json.dumps(_answer(schema, body["messages"][-1]["content"]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": told}}
        self._reply({"choices": [choice], "usage": {"prompt_tokens": 220, "completion_tokens": 40}})

    def _reply(self, content: dict[str, Any]) -> None:
        payload = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _answer(schema: dict[str, Any], asked: str) -> dict[str, Any]:
    """Words of the schema, drawn by what was asked; every request shown is accepted."""
    draw = hashlib.sha256(asked.encode()).digest()
    found: dict[str, Any] = {}
    for number, (name, part) in enumerate(schema["properties"].items()):
        if part.get("type") == "array":
            found[name] = part["items"]["enum"]
        elif part.get("type") == "string":
            found[name] = "drawn"
        else:
            words = part.get("enum") or part["anyOf"][0]["enum"]
            found[name] = words[draw[number] % len(words)]
    return found


@contextlib.contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def measure(days: int, folder: Path) -> dict[str, Any]:
    common = [
        *("run", "--json", "run.start=2023-01-02", f"run.days={days}", f"run.dir={folder}", "signals.source=file"),
        *("wandb.mode=disabled", "supervisor.backend=openai", "supervisor.model=stand-in"),
    ]
    with served() as url:
        first = _run([*common, f"supervisor.base_url={url}", "run.name=first"])
    again = _run([*common, f"supervisor.base_url={url}", "run.name=again", f"supervisor.replay={folder}/first"])
    steps = [(folder / name / "steps.parquet").read_bytes() for name in ("first", "again")]
    bodies = [[line["body"] for line in read_lines(folder / name)] for name in ("first", "again")]
    summary = json.loads((folder / "again" / "summary.json").read_text(encoding="utf-8"))
    return {
        "days": days,
        "decisions": summary["decisions"],
        "overrides": summary["overrides"],
        "answered": first,
        "replayed": again,
        "steps_identical": steps[0] == steps[1],
        "bodies_equal": bodies[0] == bodies[1],
        "audit_lines": len(bodies[1]),
        "audit_holds": verify_file(folder / "again").ok,
    }


def _run(command: list[str]) -> dict[str, float]:
    wall, cpu = time.monotonic(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        code = exit_code(command)
    if code != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    return {"wall_s": round(time.monotonic() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(parser.parse_args().days, Path(folder))
    same = found["steps_identical"] and found["bodies_equal"] and found["audit_holds"]
    holds = same and found["replayed"]["cpu_s"] <= MOST_CPU_S
    claim = f"a run under a model is replayed without it, the same to the byte, in {MOST_CPU_S:.0f} CPU s at most"
    print(json.dumps({"claim": claim, "holds": holds, **found}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
