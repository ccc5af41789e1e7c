"""Answers that models have given, kept by content: who was asked, and what. The artefact of record of a run.

Temperature 0 is not deterministic under batching, so an answer that was once accepted is the answer from then on. Only
answers that became a directive (or a constraint) are kept; what failed is asked again. One SQLite file; each write is a
transaction, so processes may share it and a killed one leaves it whole.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from grid.sqlite_file import close_whole, open_shared, open_to_read
from llm_layer.prompt import Prompt

FILE_NAME = "answers.sqlite"
LONGEST_WAIT_S = 30.0  # for another process that writes
_BATCH = 500  # keys of one query

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    energy_kwh REAL NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An accepted answer as the model wrote it. energy_kwh: electricity it took, charged again with every use."""

    text: str
    tokens_in: int
    tokens_out: int
    energy_kwh: float


def answer_key(policy_id: str, power_w: float, prompt: Prompt) -> str:
    """64 hex digits of who is asked, what, and at which stated power, which the stored electricity depends on.

    policy_id names model, revision, prompt version, schemas and sampling.
    """
    asked = f"{policy_id}\0{power_w:g}\0{prompt.system}\0{prompt.user}"
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


class AnswerCache:
    """``path``: its file, made where it is not there. read_only: of a run that has ended or was killed: nobody writes
    to it any more.

    Raises:
        ValueError: the file is none of this kind, or cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self._read_only = path, read_only
        try:
            if read_only:
                self._db = open_to_read(path)
                self._db.execute("SELECT key FROM answers LIMIT 1")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = open_shared(path, _TABLE, timeout_s=LONGEST_WAIT_S)
                # No wait for the disk at each of thousands of small writes.
                self._db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error as error:
            fix = "take a whole folder, where files can be written" if read_only else "remove the file, or name another"
            raise ValueError(f"{path}: no store of answers ({error}); {fix}") from None

    def get(self, keys: Iterable[str]) -> dict[str, Stored]:
        """What is there of these keys."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Stored] = {}
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT key, text, tokens_in, tokens_out, energy_kwh FROM answers WHERE key IN ({marks})", some
            )
            found |= {key: Stored(*rest) for key, *rest in rows}
        return found

    def put(self, answers: Mapping[str, Stored]) -> dict[str, Stored]:
        """Keep them; -> what is there now: where another process was first, its answer stands."""
        if not answers:
            return {}
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
            [(key, *astuple(stored)) for key, stored in answers.items()],
        )
        self._db.execute("COMMIT")
        return self.get(answers)

    def close(self) -> None:
        if self._read_only:
            self._db.close()
        else:
            close_whole(self._db)
