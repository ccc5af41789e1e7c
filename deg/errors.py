"""How a command ends: exit code, and one line on standard error for each mistake."""

from __future__ import annotations

import errno
import sys

# What a wrong path or missing right looks like. A full disk, for one, is no bad input.
_BAD_PATH = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS,
    errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip


def exit_code_of(error: Exception) -> int:
    """2 for bad input, 1 for anything else."""
    return 1 if isinstance(error, OSError) and error.errno not in _BAD_PATH else 2


def report_error(error: Exception) -> None:
    """One line for each mistake: place, value, fix."""
    for line in _lines(error):
        print(f"error: {' '.join(line.split())}", file=sys.stderr)


def _lines(error: Exception) -> list[str]:
    if not isinstance(error, OSError) or error.errno is None:
        return list(getattr(error, "problems", [str(error)]))
    what = (error.strerror or str(error)).lower()
    place = f"{error.filename}: " if error.filename is not None else ""
    fix = "; give a path that exists and that you may use" if exit_code_of(error) == 2 else ""
    return [f"{place}{what}{fix}"]
