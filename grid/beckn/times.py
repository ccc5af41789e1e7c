"""RFC 3339 instants and ISO 8601 durations as they stand in messages; refused where they could be read two ways."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
)  # fmt: skip
_DURATION = re.compile(r"P(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?)")
LONGEST = timedelta(days=3660)


def parse_instant(text: str) -> datetime:
    """UTC instant of an RFC 3339 text with a zone.

    Raises ValueError for anything else: a naive time could be an hour off for half the year.
    """
    found = _INSTANT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not an RFC 3339 time with a zone, such as 2026-09-22T15:03:00Z")
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no date and time of the calendar") from None


def instant_text(at: datetime) -> str:
    """The instant in UTC with ``Z``, milliseconds only where there are some."""
    at = at.astimezone(UTC)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = at.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, days, hours, minutes and seconds.

    Raises ValueError for months and years, which have no length, and for durations beyond ten years.
    """
    found = _DURATION.fullmatch(text)
    if not found or text == "P" or not any(found.groups()):
        raise ValueError(f"{text!r} is not an ISO 8601 duration in days, hours, minutes or seconds, such as PT30S")
    weeks, days, hours, minutes, seconds, fraction = found.groups()
    if any(part and len(part) > 9 for part in found.groups()):
        raise ValueError(f"{text!r} is longer than ten years")
    duration = timedelta(
        weeks=int(weeks or 0), days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0),
        seconds=float(f"{seconds or 0}.{fraction or 0}"),
    )  # fmt: skip
    if duration > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years")
    return duration


def duration_text(duration: timedelta) -> str:
    """Whole minutes as PT..M, whole hours as PT..H, anything else in seconds."""
    seconds = duration.total_seconds()
    if seconds % 3600 == 0 and seconds:
        return f"PT{int(seconds // 3600)}H"
    return f"PT{int(seconds // 60)}M" if seconds % 60 == 0 and seconds else f"PT{seconds:g}S"
