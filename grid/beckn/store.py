"""One SQLite file (WAL): every message in and out, what is still to be sent, and the contracts that follow from them.

A message, the move it makes and the answer it calls for are one transaction, committed before the message is
acknowledged. The file is shared with ``deg run``; it holds no key.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grid.sqlite_file import close_whole, open_shared

SCHEMA = 1
BUSY_S = 10.0
KEEP_S = 24 * 3600.0  # how long a message id is remembered

_TABLES = """
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL, peer TEXT NOT NULL, action TEXT NOT NULL,
  transaction_id TEXT NOT NULL, message_id TEXT NOT NULL, contract_id TEXT NOT NULL, at REAL NOT NULL,
  expires REAL NOT NULL, digest TEXT NOT NULL, header TEXT NOT NULL, body BLOB NOT NULL, reply BLOB NOT NULL,
  outcome TEXT NOT NULL,
  UNIQUE (direction, peer, message_id, action));
CREATE INDEX messages_transaction ON messages (transaction_id);
CREATE INDEX messages_at ON messages (at);
CREATE TABLE outbox (
  message INTEGER PRIMARY KEY REFERENCES messages (seq), request_header TEXT, next_at REAL NOT NULL,
  attempts INTEGER NOT NULL);
CREATE TABLE contracts (
  id TEXT NOT NULL, role TEXT NOT NULL, peer TEXT NOT NULL, transaction_id TEXT NOT NULL, network_id TEXT NOT NULL,
  state TEXT NOT NULL, event_id TEXT NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL, deadline TEXT NOT NULL,
  published_at TEXT NOT NULL, requested_kw REAL NOT NULL, kw REAL NOT NULL, price REAL NOT NULL,
  currency TEXT NOT NULL, document TEXT NOT NULL, confirm INTEGER, error TEXT NOT NULL, resend_at REAL,
  PRIMARY KEY (id, role));
CREATE TABLE decisions (
  contract_id TEXT PRIMARY KEY, accepted INTEGER NOT NULL, reason TEXT NOT NULL, decided_at TEXT NOT NULL);
CREATE TABLE intervals (
  contract_id TEXT NOT NULL, start TEXT NOT NULL, settlement_date TEXT NOT NULL, settlement_period INTEGER NOT NULL,
  baseline_kwh REAL NOT NULL, metered_kwh REAL NOT NULL, sold_kwh REAL NOT NULL, PRIMARY KEY (contract_id, start));
CREATE TABLE site (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE heads (
  head TEXT PRIMARY KEY, lines INTEGER NOT NULL, peer TEXT NOT NULL, signature TEXT NOT NULL, key_id TEXT NOT NULL,
  at REAL NOT NULL, sent INTEGER NOT NULL);
CREATE TABLE windows (id TEXT PRIMARY KEY, peer TEXT NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL,
  body TEXT NOT NULL, at REAL NOT NULL);
"""


class Store:
    """The file, opened once per process and used from many threads.

    Raises ValueError on a file that is none of ours or of another version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        try:
            self._db = open_shared(self.path, timeout_s=BUSY_S, threads=True)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA synchronous=FULL")
            with self.transaction() as db:
                self._create(db)
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{self.path}: {error}; name another file with beckn.database") from None

    def _create(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _TABLES.split(";"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={SCHEMA}")
        elif version != SCHEMA:
            raise ValueError(f"{self.path}: written by another version ({version}); name a new file (beckn.database)")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; one writer at a time, across processes."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What a SELECT finds now."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            return self._db.execute(query, values).fetchone()

    def forget(self, now: float) -> None:
        """Drop messages past their 24 h that belong to no contract: discoveries, refusals."""
        with self.transaction() as db:
            db.execute(
                "DELETE FROM messages WHERE at < ? AND contract_id = '' AND seq NOT IN (SELECT message FROM outbox)",
                (now - KEEP_S,),
            )

    def close(self) -> None:
        with self._lock:
            close_whole(self._db)
