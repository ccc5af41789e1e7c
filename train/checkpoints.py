"""Checkpoints of a training run: RLlib's own, with what it leaves out, written whole or not at all.

``<folder>/checkpoints/step-<env steps>/`` holds RLlib's files and ``run.json``: who it belongs to, and the loop's own
counters. A new one is written beside its place and moved in; only then is the older one removed, so a full disk or a
kill leaves the last good one.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

FOLDER, OWN = "checkpoints", "run.json"
VERSION = 3  # of what a checkpoint holds and means; raise it when an older one could not go on exactly


class ResumeError(ValueError):
    """A checkpoint that belongs to another run, or cannot be read."""


def save(folder: Path, algorithm: Any, env_steps: int, identity: dict[str, Any], counters: dict[str, Any]) -> Path:
    """Write a checkpoint and drop the older ones.

    Raises:
        OSError: it cannot be written (disk full, say); the older ones are untouched.
    """
    root = folder / FOLDER
    part, place = root / ".part", root / f"step-{env_steps:012d}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        algorithm.save_to_path(str(part.resolve()))
        (part / OWN).write_text(json.dumps({"identity": identity, "env_steps": env_steps, **counters}))
        if place.exists():
            shutil.rmtree(place)
        os.replace(part, place)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            reason = f"{error.strerror or error}; the last checkpoint is kept: make room, then give the same command"
            raise OSError(error.errno, reason, str(place)) from error
        raise
    for old in root.glob("step-*"):
        if old != place:
            shutil.rmtree(old, ignore_errors=True)
    return place


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run folder."""
    found = sorted(path for path in (folder / FOLDER).glob("step-*") if (path / OWN).is_file())
    return found[-1] if found else None


def read_counters(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """The loop's counters, if the checkpoint is of this very run.

    Raises:
        ResumeError: made by another algorithm, layout, seed or version; the first difference is named.
    """
    try:
        own = json.loads((path / OWN).read_text())
        theirs = own["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResumeError(f"{path}: not a checkpoint of `deg train` ({error}); remove it to start again") from None
    for key, value in identity.items():
        if theirs.get(key) != value:
            raise ResumeError(
                f"{path}: its {key} is {theirs.get(key)!r}, this run's is {value!r}; choose another run.name, or "
                "remove the folder to start again"
            )
    return dict(own)


def restore(algorithm: Any, path: Path) -> None:
    """Put a live algorithm where the checkpoint left off. Raises ResumeError if its files are damaged."""
    try:
        algorithm.restore_from_path(str(path.resolve()))
    except Exception as error:
        raise ResumeError(f"{path}: cannot be restored ({error}); remove it to start again") from error
