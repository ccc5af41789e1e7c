"""What every command shares: options, error lines, JSON output, and the folder of a run."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Experiment file laid over the defaults.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY.PATH=VALUE]...", help="Overrides, such as run.days=14.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output and nothing else.")]

# What a wrong path or missing right looks like. A full disk, for one, is no bad input.
_BAD_PATH = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS,
    errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip
# By these files a folder is known as a run's own, which the next run of that name may replace.
RUN_MARK = "config.yaml"


def exit_code_of(error: Exception) -> int:
    """2 for bad input, 1 for anything else."""
    return 1 if isinstance(error, OSError) and error.errno not in _BAD_PATH else 2


def report_error(error: Exception) -> None:
    """One line on standard error for each mistake."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        lines = [f"{place}{error.strerror.lower()}; give a path that exists and that you may use"]
        if exit_code_of(error) == 1:
            lines = [f"{place}{error.strerror.lower()}"]
    else:
        lines = list(getattr(error, "problems", [str(error)]))
    for line in lines:
        print(f"error: {' '.join(line.split())}", file=sys.stderr)


def print_json(result: Mapping[str, Any]) -> None:
    """One JSON object; what JSON has no number for becomes null."""
    print(json.dumps(_plain(result), indent=2, default=str, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # NumPy scalars
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def stdout_kept(keep: bool) -> Iterator[None]:
    """While work is done, send what libraries and their child processes print to standard error."""
    if not keep:
        yield
        return
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def run_folder(parent: str, name: str) -> Iterator[Path]:
    """A folder to write a run into; it becomes ``parent/name`` when the work ends well and goes away when it fails.

    An earlier run of that name is replaced as a whole, at the end.

    Raises ValueError before any work: ``parent/name`` is there and is not a run, or the place cannot be written to.
    """
    target = Path(parent) / name
    staging = target.with_name(f".{name}.{secrets.token_hex(4)}")
    if target.exists() and not (target / RUN_MARK).is_file() and not _is_empty_folder(target):
        raise ValueError(f"run folder {target}: is there and holds no run; choose another run.name or run.dir")
    try:
        staging.mkdir(parents=True)
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable", str(target))
    except OSError as error:
        raise ValueError(f"run folder {target}: cannot be written ({error}); choose another run.dir") from None
    try:
        yield staging
        _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` where ``target`` is; what was there is removed last."""
    old = new.with_name(f"{new.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
