"""Contract 9: the audit trail, one hash-chained JSON line a record, verified on bytes.

A line is compact JSON with the keys ``body, runtime, prev, hash`` in that order. ``hash`` is the SHA-256 hex of the
previous line's hash (64 zeros for the first) followed by the line as it would read without its ``hash`` key:

    sha256(prev + '{"body":...,"runtime":...,"prev":"<prev>"}')

Lines end in one LF and are split on that byte alone. ``body`` is what a replay must reproduce; ``runtime`` is what
differs from run to run: wall times, where an answer came from, paths, host.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

FIRST_PREV = "0" * 64
FILE_NAME = "audit.jsonl"
_HEX = frozenset(b"0123456789abcdef")
_HEAD = re.compile(r"[0-9a-f]{64}")
_START, _MIDDLE = b'{"body":', b',"runtime":{'
_PREV, _HASH = b',"prev":"', b'","hash":"'
# ...,"prev":"<64>","hash":"<64>"}
_HASH_AT = len(_HASH) + 64 + 2
_TAIL = len(_PREV) + 64 + _HASH_AT
_SHORTEST = len(_START) + len(_MIDDLE) + 1 + _TAIL
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class AuditError(ValueError):
    """The chain cannot be extended or read; the message names file, line and what is wrong."""


@dataclass(frozen=True)
class VerifyResult:
    """What a verification found.

    lines     complete lines that hold, from the first on
    head      hash of the last of them (64 zeros for none)
    bad_line  number of the first line that does not hold, from 1; None where every line does
    reason    what is wrong, naming the line; empty when ``ok``
    """

    ok: bool
    lines: int
    head: str
    bad_line: int | None = None
    reason: str = ""


def line_of(body: Mapping[str, Any], runtime: Mapping[str, Any], prev: str) -> tuple[bytes, str]:
    """One line, LF included, and its hash.

    Raises:
        ValueError: a value JSON has no word for (NaN, infinity, an object).
    """
    try:
        open_text = f'{{"body":{_encode(body)},"runtime":{_encode(runtime)},"prev":"{prev}"'
        hashed = open_text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"audit: a record cannot be written as JSON ({error}); give finite numbers and text"
        ) from error
    digest = hashlib.sha256(prev.encode("ascii") + hashed + b"}").hexdigest()
    return b'%b,"hash":"%b"}\n' % (hashed, digest.encode("ascii")), digest


class AuditWriter:
    """Appends lines to one file; each is handed to the operating system before the call returns.

    An existing file is verified and continued. A last line without its LF (a run that was killed) is cut, and the cut
    is recorded as a line of its own.

    Raises:
        AuditError: an existing chain that does not hold.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        cut = _cut_unterminated(self.path) if self.path.exists() else 0
        found = verify_file(self.path) if self.path.exists() else VerifyResult(True, 0, FIRST_PREV)
        if not found.ok:
            raise AuditError(f"{self.path}: {found.reason}; a broken chain is not continued, start a new run")
        self.head = found.head
        self.lines = found.lines
        self._file: BinaryIO = open(self.path, "ab", buffering=0)  # noqa: SIM115 - held open for the run
        if cut:
            self.write({"kind": "cut", "after_line": found.lines, "bytes": cut}, {})

    def write(self, body: Mapping[str, Any], runtime: Mapping[str, Any]) -> str:
        """Append one record; -> its hash."""
        line, digest = line_of(body, runtime, self.head)
        if self._file.write(line) != len(line):
            raise AuditError(f"{self.path}: line {self.lines + 1} was written in part (disk full?); free space, resume")
        self.head = digest
        self.lines += 1
        return digest

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> AuditWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _cut_unterminated(path: Path) -> int:
    """Cut what follows the last LF; -> bytes cut."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            file.truncate(end)
        return size - end


def audit_file(path: Path | str) -> Path:
    """The chain itself: ``path``, or ``audit.jsonl`` inside it where ``path`` is a run folder.

    Raises:
        AuditError: there is no such file.
    """
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise AuditError(f"{file}: no such file; give an {FILE_NAME} or the run folder that holds one")
    return file


def verify_file(path: Path | str, head: str | None = None) -> VerifyResult:
    """Verify a chain in a file or run folder, on bytes and in one pass.

    Args:
        head: hash of a line that must be in the chain; later lines are fine. Guards against a rewritten or cut file.

    Raises:
        AuditError: no such file, or a head that is not 64 hex digits.
    """
    wanted = None if head is None else head.strip().lower()
    if wanted is not None and not _HEAD.fullmatch(wanted):
        raise AuditError(f"head {head!r}: not a SHA-256 in 64 hex digits; `deg audit verify` prints the present one")
    file = audit_file(path)
    prev, lines, seen = FIRST_PREV.encode(), 0, False
    target = None if wanted is None else wanted.encode()
    sha256 = hashlib.sha256
    with open(file, "rb", buffering=1 << 20) as chain:
        for line in chain:
            wrong = _wrong_form(line, prev)
            if not wrong:
                claimed = line[-67:-3]
                digest = sha256(prev + line[: -1 - _HASH_AT] + b'"}').hexdigest().encode()
                wrong = "" if claimed == digest else "its content does not match its hash"
            if wrong:
                reason = f"line {lines + 1}: {wrong}"
                return VerifyResult(False, lines, prev.decode(), lines + 1, reason)
            prev = claimed
            lines += 1
            seen = seen or prev == target
    if target is not None and not seen:
        reason = f"head {wanted} is not in the chain, which ends at line {lines}: lines were cut or rewritten"
        return VerifyResult(False, lines, prev.decode(), None, reason)
    return VerifyResult(True, lines, prev.decode())


def _wrong_form(line: bytes, prev: bytes) -> str:
    """What is wrong with a line before its hash is looked at; empty when nothing is. ``line`` includes its LF."""
    if line[-1:] != b"\n":
        return "it is not terminated (a run that was stopped mid-write; resuming cuts it)"
    body_end = len(line) - 1 - _TAIL
    if len(line) <= _SHORTEST or not line.startswith(_START) or line.find(_MIDDLE) < 0 or line[-3:] != b'"}\n':
        return "it is not an audit line"
    if line[body_end : body_end + len(_PREV)] != _PREV or line[-67 - len(_HASH) : -67] != _HASH:
        return "it is not an audit line"
    if not _HEX.issuperset(line[-67:-3]):
        return "its hash is not hexadecimal"
    if line[body_end + len(_PREV) : body_end + len(_PREV) + 64] != prev:
        return "it does not follow the line before it (a line was removed, inserted or moved)"
    return ""


def read_lines(path: Path | str) -> list[dict[str, Any]]:
    """Every terminated line of a chain, parsed; nothing is verified here."""
    data = audit_file(path).read_bytes()
    return [json.loads(line) for line in data.split(b"\n")[:-1]]
