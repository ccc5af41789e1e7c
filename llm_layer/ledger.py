"""The ledger of a run: which answer was used at which site, step and role, so that the run can be repeated without it.

``ledger.jsonl`` holds a head line with the policy id, then a line a use: site, step, role, and the key of an answer in
the ``answers.sqlite`` beside it, or ``fallback`` with its reason and what it cost. A run that goes on after it was
stopped reads its own ledger first: what was a fallback then is one again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from llm_layer.answers import FILE_NAME as ANSWERS
from llm_layer.answers import AnswerCache, Stored

FILE_NAME = "ledger.jsonl"
FALLBACK = "fallback"
JUDGE = "judge"  # role of a directive

Use = tuple[int, int, str]  # site, step, role


@dataclass(frozen=True, slots=True)
class Entry:
    """One use. key: of the answer, or ``FALLBACK``; the rest is known of fallbacks only."""

    key: str
    error: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    energy_kwh: float = 0.0


@dataclass(frozen=True)
class Record:
    """A ledger that was read. uses: (site, step, role) -> entry; answers: by key."""

    policy_id: str
    uses: Mapping[Use, Entry]
    answers: Mapping[str, Stored]


def read_ledger(folder: Path) -> Record:
    """The ledger of a run folder. An unterminated last line (a run that was killed) is left out.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise ValueError(f"supervisor.replay {folder}: no {FILE_NAME}; give the folder of a run under a language model")
    policy_id, uses = "", {}
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            record: dict[str, Any] = json.loads(line)
            if "policy_id" in record:
                policy_id = str(record["policy_id"])
            else:
                use = (int(record.pop("site")), int(record.pop("step")), str(record.pop("role")))
                uses[use] = Entry(**record)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} line {number}: no ledger line ({error}); take another run") from None
    return Record(policy_id, uses, _answers(folder, {entry.key for entry in uses.values()} - {FALLBACK}))


def _answers(folder: Path, keys: set[str]) -> dict[str, Stored]:
    if not keys:
        return {}
    cache = AnswerCache(folder / ANSWERS, read_only=True)
    try:
        return cache.get(keys)
    finally:
        cache.close()


class Ledger:
    """Writes the ledger of a run as it goes, and keeps a copy of every answer it used beside it.

    An existing ledger is gone on with; a last line cut short is taken away.
    """

    def __init__(self, folder: Path, policy_id: str) -> None:
        path = folder / FILE_NAME
        before = path.read_bytes() if path.is_file() else b""
        whole = before[: before.rfind(b"\n") + 1]
        if whole != before:
            path.write_bytes(whole)
        self._answers = AnswerCache(folder / ANSWERS)
        self._copied: set[str] = set()
        self._file: BinaryIO = open(path, "ab", buffering=0)  # noqa: SIM115 - held open for the run
        if not whole:
            self._write({"policy_id": policy_id})

    def used(self, use: Use, key: str, stored: Stored) -> None:
        """An answer was used."""
        if key not in self._copied:
            self._answers.put({key: stored})
            self._copied.add(key)
        self._note(use, {"key": key})

    def fell_back(self, use: Use, entry: Entry) -> None:
        """There was no usable answer."""
        spent = {"tokens_in": entry.tokens_in, "tokens_out": entry.tokens_out, "energy_kwh": entry.energy_kwh}
        self._note(use, {"key": FALLBACK, "error": entry.error, **spent})

    def close(self) -> None:
        self._file.close()
        self._answers.close()

    def _note(self, use: Use, rest: Mapping[str, Any]) -> None:
        site, step, role = use
        self._write({"site": site, "step": step, "role": role, **rest})

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
