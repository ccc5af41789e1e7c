"""The one home of tuned numbers: ``<controller>.json``, written by ``python -m evaluate.tune`` (``make tune``).

Each file holds the rule's fields and how they were found: trials, seed, objective, data, hash of the code.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from agents.ranges import R

FOLDER = Path(__file__).parent


@cache
def tuned_rule(name: str, kind: type[R], folder: Path = FOLDER) -> R:
    """The tuned rule of a controller.

    Raises:
        ValueError: no such file, not JSON, other fields than the rule has, a number outside its range.
    """
    path = folder / f"{name}.json"
    try:
        numbers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["rule"]
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no tuned numbers for {name!r}; write them with `make tune`") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no JSON object with a `rule` ({error}); write it anew with `make tune`") from error
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if known != numbers.keys():
        wrong = ", ".join(sorted(known ^ numbers.keys()))
        raise ValueError(f"{path}: fields of {kind.__name__} and of the file differ ({wrong}); run `make tune`")
    try:
        return kind(**numbers)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}; run `make tune`") from error
