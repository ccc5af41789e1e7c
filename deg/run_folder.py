"""The folder of a run: written beside its place, moved into it as a whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# By this file a folder is known as a run's own, which the next run of that name may replace.
RUN_MARK = "config.yaml"
# With this file written there is something to read, even where the run was stopped before its end.
READABLE_MARK = "summary.json"


@contextlib.contextmanager
def run_folder(target: Path, resume: bool = False) -> Iterator[Path]:
    """A folder to write a run into; it becomes ``target`` when the work ends well and goes away when it fails.

    An earlier run of that name is replaced as a whole, at the end. A run stopped by Ctrl-C is kept if it is readable.
    With ``resume`` an unfinished folder stays, however the run ended, and the next one goes on in it.

    Raises ValueError before any work: ``target`` is there and is no run, cannot be written to, or is being written.
    """
    if target.exists() and not (target / RUN_MARK).is_file() and not _is_empty_folder(target):
        raise ValueError(f"run folder {target}: is there and holds no run; choose another run.name or run.dir")
    partial = target.with_name(f".{target.name}.partial")
    lock = _claim(partial, target, keep=resume)
    keep = False
    try:
        yield partial
        keep = True
    except KeyboardInterrupt:
        keep = (partial / READABLE_MARK).is_file()
        left = "start it again to go on" if resume else "nothing was kept"
        raise KeyboardInterrupt(f"what ran is in {target}" if keep else left) from None
    finally:
        if keep:
            _swap(partial, target)
        elif not resume:
            shutil.rmtree(partial, ignore_errors=True)
        os.close(lock)


def _claim(partial: Path, target: Path, *, keep: bool) -> int:
    """Make ``partial`` and lock it while this process lives; what a killed run left in it is removed, or kept."""
    try:
        partial.mkdir(parents=True, exist_ok=True)
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable", str(target))
        lock = os.open(partial, os.O_RDONLY)
    except OSError as error:
        raise ValueError(
            f"run folder {target}: cannot be written ({(error.strerror or str(error)).lower()}); choose another run.dir"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ValueError(f"run folder {target}: another run is writing it; choose another run.name") from None
    for left in () if keep else partial.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    return lock


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` where ``target`` is; what was there is removed last."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
