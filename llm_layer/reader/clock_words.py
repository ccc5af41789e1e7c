"""Times in words to UTC, as a notice means them: London wall clock, counted from when it was published.

All date arithmetic of the readers is here; a model only copies the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from grid.calendar import LONDON
from llm_layer.notices.phrases import NUMBER_WORDS, Words

_NUMBERS = {word: number for number, word in NUMBER_WORDS.items()} | {"an": 1, "a": 1}
_NUMBER = r"\d+(?:\.\d+)?|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))
_HALF = r"a\.?m\b\.?|p\.?m\b\.?"
_UNIT = r"(?!\s*(?:%|kg|t\b|tonnes|tons|metric|meg|mw|kilo|kw|pence|p/|hours|h\b|k\b|degrees|c\b)|\d)"
CLOCK = re.compile(
    rf"(?:\b|(?<=T))(?P<h>\d{{1,2}})[:.](?P<m>[0-5]\d)(?:\s*(?P<half>{_HALF})|{_UNIT})"
    rf"|\b(?P<h2>\d{{1,2}})\s*(?P<half2>{_HALF})"
    r"|\b(?P<h3>[01]\d|2[0-4])(?P<m3>[0-5]\d)\s*(?:hrs|hours|h)\b"
    r"|\b(?P<h4>\d{1,2})h(?P<m4>[0-5]\d)\b"
    # 1700-1900, and the first of 5-7pm
    r"|\b(?P<h5>[01]\d|2[0-4])(?P<m5>[0-5]\d)(?=\s*(?:-|–|to|until|till|and)\s*(?:[01]\d|2[0-4])[0-5]\d\b)"
    r"|(?<=\d\d\d\d[-–])(?P<h6>[01]\d|2[0-4])(?P<m6>[0-5]\d)\b"
    r"|(?<=\d\d\d\d to )(?P<h7>[01]\d|2[0-4])(?P<m7>[0-5]\d)\b"
    rf"|\b(?P<h8>\d{{1,2}})(?=\s*(?:-|–|to|until|till|and)\s*\d{{1,2}}\s*(?P<half8>{_HALF}))"
    r"|\b(?P<name>noon|midday|midnight|end of (?:the |this )?day|rest of (?:the |this )?day)\b",
    re.IGNORECASE,
)
_FIELDS = (
    ("h", "m"), ("h2", None), ("h3", "m3"), ("h4", "m4"), ("h5", "m5"), ("h6", "m6"), ("h7", "m7"), ("h8", None),
)  # fmt: skip
LENGTH = re.compile(
    rf"\b(?P<n>{_NUMBER})[\s-]*(?P<unit>hours?|hrs?|h|minutes?|mins?)\b|\b(?P<half>half an hour)\b", re.IGNORECASE
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "|".join(rf"{name}|{name[:3]}" for name in _MONTHS)
DAY = re.compile(
    r"\b(?P<iso>20\d\d-\d\d-\d\d)\b|\b(?P<d>\d{1,2})/(?P<m>\d{1,2})(?:/20\d\d)?\b"
    rf"|(?:\b(?:{'|'.join(_WEEKDAYS)}),?\s+)?(?:the\s+)?\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m2>{_MONTH})\b"
    r"|\b(?P<word>tomorrow|today|tonight|this (?:morning|afternoon|evening|night))"
    r"(?:\s+(?:morning|afternoon|evening|night)\b)?"
    rf"|\b(?P<weekday>{'|'.join(_WEEKDAYS)})(?:\s+(?:morning|afternoon|evening|night)\b)?",
    re.IGNORECASE,
)
OPEN = re.compile(r"\bfurther notice\b", re.IGNORECASE)
NOW = re.compile(r"^(?:now|immediately|at once|this moment|straight away|with immediate effect)$", re.IGNORECASE)
LONGEST = timedelta(days=8)


class UnclearTime(ValueError):
    """Words that name no time, or one that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Window:
    """[start, until) in UTC; None for start: from publication on; None for until: until further notice."""

    start: pd.Timestamp | None
    until: pd.Timestamp | None


def resolve(words: Words, published_at: pd.Timestamp) -> Window:
    """The window that copied words stand for.

    Raises:
        UnclearTime: no end, no time in them, or an end that is over.
    """
    now = published_at.tz_convert(LONDON)
    day = _day(words.day, now) if words.day else None
    tonight = "night" in words.day.lower()
    first, last = _paired(words.start.strip(), words.until.strip())
    start = None if not first or NOW.match(first) else _start(first, day, tonight, now)
    until = _until(last, start, day if start is None else None, tonight, now)
    origin = now if start is None else start
    if until is not None and not origin < until <= origin + LONGEST:
        raise UnclearTime(f"ends at {words.until!r}, which is over or too far off")
    return Window(_utc(start), _utc(until))


def _paired(first: str, last: str) -> tuple[str, str]:
    """A start and an end that say together what neither says alone: 5 and 7pm, 1700 and 1900."""
    half = re.search(_HALF, last, re.IGNORECASE)
    if re.fullmatch(r"\d{1,2}", first) and half:
        first = f"{first} {half[0]}"
    return tuple(f"{one[:2]}:{one[2:]}" if re.fullmatch(r"\d{4}", one) else one for one in (first, last))  # type: ignore[return-value]


def minutes_of(found: re.Match[str]) -> int:
    """Minutes after midnight of a match of ``CLOCK``; midnight is 0."""
    if found["name"]:
        return 720 if found["name"].lower() in ("noon", "midday") else 0
    hour, minute = next((int(found[h]), int(found[m]) if m and found[m] else 0) for h, m in _FIELDS if found[h])
    half = (found["half"] or found["half2"] or found["half8"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise UnclearTime(f"{found[0]!r} is no time of the day")
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 24 or (hour == 24 and minute):
        raise UnclearTime(f"{found[0]!r} is no time of the day")
    return (60 * hour + minute) % 1440


def length_of(found: re.Match[str]) -> pd.Timedelta:
    """A match of ``LENGTH``."""
    if found["half"]:
        return pd.Timedelta(minutes=30)
    word = found["n"].lower()
    number = float(_NUMBERS[word]) if word in _NUMBERS else float(word)
    return pd.Timedelta(minutes=number if found["unit"].lower().startswith("m") else 60.0 * number)


def _start(text: str, day: date | None, tonight: bool, now: pd.Timestamp) -> pd.Timestamp:
    found = CLOCK.search(text)
    if found is None:
        raise UnclearTime(f"{text!r} is no clock time")
    clock = minutes_of(found)
    if day is not None:
        return _at(day + timedelta(days=int(tonight and clock < 360)), clock)
    today = _at(now.date(), clock)
    return today if today >= now else _at(now.date() + timedelta(days=1), clock)


def _until(
    text: str, start: pd.Timestamp | None, day: date | None, tonight: bool, now: pd.Timestamp
) -> pd.Timestamp | None:
    if OPEN.search(text):
        return None
    origin = now if start is None else start
    clock_found, length = CLOCK.search(text), LENGTH.search(text)
    if clock_found is None and length is not None:
        return origin + length_of(length)
    if clock_found is None:
        raise UnclearTime(f"no end in {text!r}")
    clock = minutes_of(clock_found)
    if day is not None:
        # Midnight, and small hours after "tonight", belong to the day that follows.
        later = clock == 0 and not (day != now.date() and now.date() == day - timedelta(days=1) and not tonight)
        return _at(day + timedelta(days=int(later or (tonight and clock < 720))), clock)
    today = _at(origin.date(), clock)
    return today if today > origin else _at(origin.date() + timedelta(days=1), clock)


def _day(text: str, now: pd.Timestamp) -> date:
    found = DAY.search(text)
    if found is None:
        raise UnclearTime(f"{text!r} is no day")
    today = now.date()
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        if found["d"] or found["d2"]:
            number = int(found["d"] or found["d2"])
            month = int(found["m"]) if found["m"] else _month(found["m2"])
            years = (today.year - 1, today.year, today.year + 1)
            return min((date(year, month, number) for year in years), key=lambda one: abs(one - today))
    except ValueError:
        raise UnclearTime(f"{text!r} is no date") from None
    if found["word"]:
        return today + timedelta(days=int(found["word"].lower() == "tomorrow"))
    return today + timedelta(days=(_WEEKDAYS.index(found["weekday"].lower()) - today.weekday()) % 7)


def _month(name: str) -> int:
    return next(k for k, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()))


def _at(day: date, clock: int) -> pd.Timestamp:
    """A London wall-clock time; of a repeated hour the first, of a skipped one what follows it."""
    wall = pd.Timestamp(day) + pd.Timedelta(minutes=clock)
    return wall.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward")


def _utc(moment: pd.Timestamp | None) -> pd.Timestamp | None:
    return None if moment is None else moment.tz_convert("UTC")
