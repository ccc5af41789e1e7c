"""Flexibility requests written by hand: a YAML or JSON list, in place of the modelled ones.

    - id: evening-test
      published_at: 2023-11-14T10:00:00Z
      start: 2023-11-14T16:30:00Z        # or periods: [2023-11-14T16:30:00Z, 2023-11-14T17:00:00Z]
      end: 2023-11-14T18:00:00Z
      kw: 300
      price_gbp_per_mwh: 250

Times carry their zone. A request is one unbroken stretch of half-hours with one power, published before its gate
closes; requests do not overlap. Anything else is refused with its place, value and fix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from grid.calendar import PERIOD
from grid.events import FlexEvent
from grid.series import GridDataError

KEYS = ("id", "published_at", "start", "end", "periods", "kw", "price_gbp_per_mwh")
NEEDED = ("id", "published_at", "kw", "price_gbp_per_mwh")


def read_events(path: str) -> tuple[FlexEvent, ...]:
    """The file's requests by start. GridDataError names the file and the entry."""
    try:
        entries = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GridDataError(f"{path}: cannot be read ({error}); set market.events to a YAML or JSON file") from error
    except yaml.YAMLError as error:
        raise GridDataError(f"{path}: is no YAML or JSON ({' '.join(str(error).split())})") from error
    if not isinstance(entries, list):
        raise GridDataError(f"{path}: holds no list of requests; see grid/scripted_events.py for the form")
    events = sorted((_event(entry, f"{path}: entry {n}") for n, entry in enumerate(entries, 1)), key=lambda e: e.start)
    for earlier, later in pairwise(events):
        if later.start < earlier.end:
            raise GridDataError(f"{path}: requests {earlier.id} and {later.id} overlap at {later.start}; drop one")
    seen: set[str] = set()
    for event in events:
        if event.id in seen:
            raise GridDataError(f"{path}: two requests are called {event.id!r}; rename one")
        seen.add(event.id)
    return tuple(events)


def _event(entry: Any, place: str) -> FlexEvent:
    if not isinstance(entry, Mapping):
        raise GridDataError(f"{place}: is {entry!r}; give keys {', '.join(NEEDED)} and start, end or periods")
    for key in entry:
        if key not in KEYS:
            raise GridDataError(f"{place}: unknown key {key!r}; known: {', '.join(KEYS)}")
    for key in NEEDED:
        if key not in entry:
            raise GridDataError(f"{place}: {key} is missing")
    start, end = _stretch(entry, place)
    try:
        event = FlexEvent(
            id=str(entry["id"]),
            published_at=_time(entry["published_at"], "published_at", place),
            start=start,
            end=end,
            kw=_number(entry["kw"], "kw", place),
            price_gbp_per_mwh=_number(entry["price_gbp_per_mwh"], "price_gbp_per_mwh", place),
        )
    except GridDataError:
        raise
    except ValueError as error:
        raise GridDataError(f"{place}: {error}") from error
    if event.published_at > event.gate_closes_at():
        raise GridDataError(
            f"{place}: {event.id} is published at {event.published_at}, after its gate closed at "
            f"{event.gate_closes_at()}: a past period cannot be sold; publish it earlier or move it"
        )
    return event


def _stretch(entry: Mapping[str, Any], place: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Start and end, from both of them or from the list of periods."""
    if "periods" in entry:
        if "start" in entry or "end" in entry:
            raise GridDataError(f"{place}: has periods and start or end; give one or the other")
        listed = entry["periods"] if isinstance(entry["periods"], list) else []
        starts = sorted(_time(value, "periods", place) for value in listed)
        if not starts:
            raise GridDataError(f"{place}: periods is empty; list the start of each half-hour")
        for earlier, later in pairwise(starts):
            if later != earlier + PERIOD:
                raise GridDataError(
                    f"{place}: has a hole, {earlier + PERIOD} does not follow {earlier}; "
                    "split it into two requests or add the missing half-hours"
                )
        return starts[0], starts[-1] + PERIOD
    for key in ("start", "end"):
        if key not in entry:
            raise GridDataError(f"{place}: {key} is missing")
    return _time(entry["start"], "start", place), _time(entry["end"], "end", place)


def _time(value: Any, key: str, place: str) -> pd.Timestamp:
    try:
        if not isinstance(value, (str, datetime)):
            raise ValueError
        time = pd.Timestamp(value)
    except ValueError as error:
        raise GridDataError(f"{place}: {key} is {value!r}; give a time like 2023-11-14T16:30:00Z") from error
    if time.tzinfo is None:
        raise GridDataError(f"{place}: {key} {value} is naive; end it in Z or give its offset")
    return time.tz_convert("UTC")


def _number(value: Any, key: str, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise GridDataError(f"{place}: {key} is {value!r}; give a finite number")
    return float(value)
