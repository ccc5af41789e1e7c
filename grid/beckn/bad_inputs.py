"""``python -m grid.beckn.bad_inputs FILE``: a line per bad message, exit 1 where the code is not the stated one.

Each case is delivered, signed by its buyer, to a fresh provider that has taken the messages in ``given`` and sells
``max_kw``, at the clock ``now``; its code is looked for in the answer or in the callback, as ``where`` says. The
messages a case builds on lie beside the file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from grid.beckn.bench import Bench, instant_of, terms_of
from grid.beckn.times import parse_instant
from grid.beckn.wire import Json, decode


def judge(case: Json, folder: Path, work: Path) -> tuple[str, str]:
    """Code and place (``sync`` or the callback's action) that a fresh provider answers a case with; '' for none."""
    processed = [_message(folder, name) for name in case["given"]["processed"]]
    first = processed[0]
    bench = Bench(work, first["context"], terms_of(first), case["given"]["max_kw"], instant_of(first))
    for message in processed:
        action = message["context"]["action"]
        bench.at(instant_of(message))
        if action == "on_confirm":
            bench.accept(message["message"]["contract"]["id"])
        if action.startswith("on_"):
            continue  # the provider gives its own answers
        reply = bench.post(action, message)
        if reply.http != 200:
            raise ValueError(f"{case['name']}: what it builds on was refused: {reply.body.decode()}")
    bench.at(parse_instant(case["now"]))
    reply = bench.post(case["path"], case["payload"])
    if reply.http != 200:
        return decode(reply.body)["message"]["error"]["code"], "sync"
    row = bench.store.row("SELECT action, body FROM messages WHERE direction = 'out' ORDER BY seq DESC LIMIT 1")
    error = decode(row["body"]).get("error") if row is not None else None
    return (error["code"], row["action"]) if error and row is not None else ("", "")


def run(path: Path) -> int:
    """Print a line per case; -> number of misses."""
    cases: list[Json] = json.loads(path.read_text(encoding="utf-8"))
    misses = 0
    for case in cases:
        with tempfile.TemporaryDirectory() as work:
            code, where = judge(case, path.parent, Path(work))
        wanted = case["want_error_code"], case["where"]
        hit = (code, where) == wanted
        misses += not hit
        stated = "" if hit else f"   stated: {wanted[0]} in {wanted[1]}"
        print(f"{'ok  ' if hit else 'MISS'} {case['name']}: {code or 'accepted'} in {where or 'nothing'}{stated}")
    print(f"{len(cases) - misses} of {len(cases)} bad messages as stated")
    return misses


def _message(folder: Path, name: str) -> Any:
    found = sorted(folder.rglob(f"{name}.json"))
    if not found:
        raise ValueError(f"{folder}: no {name}.json beside the file, on which its cases build")
    return json.loads(found[0].read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m grid.beckn.bad_inputs FILE", file=sys.stderr)
        return 2
    try:
        return 1 if run(Path(arguments[0])) else 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
