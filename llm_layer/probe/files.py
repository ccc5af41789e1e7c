"""A probe file: a JSON list of notices (items with ``text``) or of situations (items with ``proposals``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Items = list[dict[str, Any]]
FileKind = Literal["notices", "situations"]


def read_probe(path: Path) -> tuple[FileKind, Items]:
    """Which kind of file it is, and its items.

    Raises:
        ValueError: no JSON list, an empty one, or items of both kinds or neither.
    """
    try:
        items = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: no JSON ({error}); give a list of notices or of situations") from None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{path}: not a list of objects; give a list of notices or of situations")
    for kind, name in (("notices", "text"), ("situations", "proposals")):
        if all(name in item for item in items):
            return kind, items  # type: ignore[return-value]
    raise ValueError(f"{path}: items have neither all text (notices) nor all proposals (situations)")


def needed(item: Mapping[str, Any], name: str, number: int) -> Any:
    """One field of an item. Raises ValueError naming item and field where it is missing."""
    if name not in item:
        raise ValueError(f"item {number} (id {item.get('id', '?')}): {name} is missing")
    return item[name]
