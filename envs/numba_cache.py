"""Keeps Numba's on-disk cache honest.

Numba recompiles a cached kernel when the kernel's own file changes, not when a file it inlines does: an edit to
``battery.py`` would leave ``kernel.py`` running the old battery. So cache indices older than any source are dropped.
"""

from __future__ import annotations

import os
from pathlib import Path

_ROOM = Path(__file__).parent


def drop_stale(room: Path = _ROOM) -> None:
    """Remove a room's Numba cache indices written before its newest source. Safe beside other processes."""
    sources = [*room.rglob("*.py"), _ROOM.parent / "grid" / "rows.py"]
    newest = max(source.stat().st_mtime for source in sources if source.exists())
    for index in room.rglob("__pycache__/*.nbi"):
        try:
            if index.stat().st_mtime < newest:
                os.unlink(index)
        except OSError:  # another process was faster, or the folder is read-only: then Numba keeps its cache elsewhere
            continue
