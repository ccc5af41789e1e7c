"""Every tampering with an audit trail is found, and at the right line; a million records are verified in time.

    python bars/audit_tamper.py [--n 10000] [--records 1000000] [--seed 1]

Edit, deletion, insertion, swap, duplication, white space; a trail cut short, and one edited and rehashed throughout,
against a head known from before. Exit 1 on a miss.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from llm_layer.audit import AuditWriter, line_of, verify_file

LINES = 120
LIMIT_S = 90.0


def trail(path: Path, lines: int) -> str:
    """Write a trail; -> its head."""
    with AuditWriter(path) as writer:
        for number in range(lines):
            body = {"kind": "decision", "step": number, "text": f"hold until {number % 24}:00", "kw": number * 1.5}
            writer.write(body, {"wall_s": 0.0})
        return writer.head


def tamper(lines: list[bytes], draw: random.Random) -> tuple[str, list[bytes], int | None]:
    """One random change; -> its kind, the new lines, and the number of the first line that breaks (None: cut at the
    end, which only the head shows).
    """
    kind = draw.choice(("edit", "delete", "insert", "swap", "duplicate", "white space", "cut", "rehash"))
    at = draw.randrange(len(lines) - 1)
    changed = list(lines)
    if kind == "edit":
        place = draw.randrange(len(changed[at]) - 1)
        byte = draw.choice([b for b in range(32, 127) if b != changed[at][place]])
        changed[at] = changed[at][:place] + bytes([byte]) + changed[at][place + 1 :]
    elif kind == "delete":
        del changed[at]
    elif kind == "insert":
        prev = json.loads(lines[at])["prev"]
        changed.insert(at, line_of({"kind": "decision", "step": -1}, {}, prev)[0])
        return kind, changed, at + 2  # the forged line itself may follow; the next one no longer does
    elif kind == "swap":
        other = draw.randrange(at + 1, len(changed))
        changed[at], changed[other] = changed[other], changed[at]
    elif kind == "duplicate":
        changed.insert(at + 1, changed[at])
        return kind, changed, at + 2
    elif kind == "white space":
        place = draw.choice([k for k, byte in enumerate(changed[at]) if byte in b",:"])
        changed[at] = changed[at][: place + 1] + b" " + changed[at][place + 1 :]
    elif kind == "cut":
        return kind, changed[: at + 1], None
    else:
        return kind, _rehashed(changed, at), None
    return kind, changed, at + 1


def _rehashed(lines: list[bytes], at: int) -> list[bytes]:
    """A consistent forgery: one body changed, every hash after it made anew."""
    prev, forged = "0" * 64, []
    for number, line in enumerate(lines):
        record = json.loads(line)
        body = {**record["body"], "kw": -1.0} if number == at else record["body"]
        written, prev = line_of(body, record["runtime"], prev)
        forged.append(written)
    return forged


def tamperings(count: int, seed: int) -> int:
    draw, missed, done = random.Random(seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        head = trail(path, LINES)
        lines = path.read_bytes().splitlines(keepends=True)
        for _ in range(count):
            kind, changed, breaks_at = tamper(lines, draw)
            path.write_bytes(b"".join(changed))
            found = verify_file(path, head)
            done[kind] += 1
            missed[kind] += found.ok or found.bad_line != breaks_at
    for kind in sorted(done):
        print(
            f"{'MISS' if missed[kind] else 'ok  '} {kind}: {done[kind] - missed[kind]} of {done[kind]} found in place"
        )
    return missed.total()


def speed(records: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        head = trail(path, records)
        began = time.monotonic()
        found = verify_file(path, head)
        took_s = time.monotonic() - began
    good = found.ok and found.lines == records and took_s < LIMIT_S
    print(f"{'ok  ' if good else 'MISS'} {records} records verified in {took_s:.1f} s")
    return not good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="tamperings")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    return 1 if tamperings(options.n, options.seed) + speed(options.records) else 0


if __name__ == "__main__":
    sys.exit(main())
