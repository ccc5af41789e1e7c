"""SQLite files that several connections write to at once (WAL): safe for the first to come and the last to go.

SQLite keeps what was written of late in a file beside the main one, ``-wal``. Two things follow that its timeout does
not cover: whoever opens a new file while another does is refused at once, and where the last connections close
together, each leaves the ``-wal`` to the other and it stays; a file that is then copied or moved lacks its end.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_PAUSE_S = 0.01


def open_shared(path: Path, statement: str = "", *, timeout_s: float, threads: bool = False) -> sqlite3.Connection:
    """A connection in autocommit, with ``statement`` (such as CREATE TABLE IF NOT EXISTS) executed.

    Args:
        timeout_s: longest wait for another connection, here and in all that is executed later.
        threads: whether other threads may use it; they take turns by themselves.

    Raises:
        sqlite3.Error: no file of SQLite's, or it cannot be opened.
    """
    db = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=not threads)
    try:
        _patiently(db, "PRAGMA journal_mode=WAL", timeout_s)
        if statement:
            _patiently(db, statement, timeout_s)
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody writes to: the writer has closed it, or was killed.

    Works in a folder that cannot be written to, unless the writer was killed: what it left in ``-wal`` has to be
    brought in.
    """
    left = path.with_name(f"{path.name}-wal")
    whole = not left.is_file() or left.stat().st_size == 0
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if whole else ''}", uri=True)


def close_whole(db: sqlite3.Connection) -> None:
    """Close, with all that was committed in the main file: it may be copied or moved once everyone has closed it.

    What was begun and not committed is taken back, as it is when a connection is merely closed.
    """
    try:
        db.rollback()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


def _patiently(db: sqlite3.Connection, statement: str, timeout_s: float) -> None:
    """Execute what SQLite refuses at once, whatever the timeout, while another connection opens the file."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            db.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
