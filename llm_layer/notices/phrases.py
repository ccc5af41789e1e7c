"""Times, days and amounts in words: each form is a way people write them, and what a reader should copy of it.

Everything is said in London clock time. Forms are split like wordings: a few are kept for the test alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from grid.calendar import LONDON
from llm_layer.notices.wordings import Split

HOUR = pd.Timedelta(hours=1)
NUMBER_WORDS = {
    1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten",
    11: "eleven", 12: "twelve", 20: "twenty", 25: "twenty-five", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty",
    70: "seventy", 80: "eighty", 90: "ninety",
}  # fmt: skip
_FRACTIONS = {0.25: "a quarter", 0.5: "half", 0.75: "three quarters"}

_UNTIL = ("until {b}", "till {b}", "up to {b}", "from now until {b}", "between now and {b}", "from now to {b}")
_UNTIL_TEST = ("'til {b}", "right up until {b}", "from this moment until {b}")
_UNTIL_TRAIN = (
    "until about {b}", "until around {b}", "through to {b}", "till roughly {b}", "now to {b}",
    "starting now and ending {b}", "immediately, until {b}", "up to about {b}", "straight away and up to {b}",
)  # fmt: skip
_NEXT = ("for the next {n}", "over the next {n}", "in the next {n}")
_NEXT_TRAIN = ("for {n}", "for {n} from now", "during the coming {n}", "the next {n}", "for {n}, starting now")
_NEXT_TEST = ("for another {n}",)
_SPAN = (
    "from {a} to {b}", "from {a} until {b}", "between {a} and {b}", "{a}-{b}", "{a} to {b}", "from {a} till {b}",
    "{a} - {b}", "from {a} for {n}", "starting {a}, ending {b}",
)  # fmt: skip
_SPAN_TRAIN = (
    "from {a} up to {b}", "as of {a} until {b}", "starting at {a} until {b}", "{a} till {b}", "{a} – {b}",
    "from {a} until about {b}", "between {a} and roughly {b}", "from {a} on, until {b}", "after {a} and before {b}",
    "{a} until {b}", "start {a}, end {b}", "from {a} onwards for {n}", "at {a} for {n}",
    "from {a} for the following {n}",
)  # fmt: skip
_SPAN_TEST = ("{a} through {b}", "beginning at {a} and finishing at {b}", "for {n} from {a}")


_CLOCK_FORMS: dict[Split, int | tuple[int, ...]] = {"train": (0, 1, 2, 3, 4, 6, 7), "valid": 5, "test": 6}


@dataclass
class Words:
    """What a text says, in the words it says it in; "" where it says nothing.

    value, day, start, until   copied from the text: an amount, the day of the start (of the end where there is no
    start), the clock time it starts, and the clock time or length it ends by
    """

    value: str = ""
    day: str = ""
    start: str = ""
    until: str = ""


@dataclass
class Timing:
    """A window as it will be worded for one notice: one clock form, one day word."""

    rng: np.random.Generator
    split: Split
    published_at: pd.Timestamp
    start: pd.Timestamp | None
    until: pd.Timestamp | None
    words: Words = field(default_factory=Words)

    def __post_init__(self) -> None:
        self._form = int(self.rng.choice(_CLOCK_FORMS[self.split]))
        self._start_day = _day_words(self.rng, self.published_at, self.start) if self.start is not None else ""

    def when(self) -> str:
        """The whole window as one phrase."""
        if self.until is None:
            self.words.until = "further notice"
            return "until further notice"
        return self._until() if self.start is None else self._span()

    def start_atom(self) -> str:
        """The start alone, with its day."""
        assert self.start is not None
        self.words.start, self.words.day = self._clock(self.start), self._start_day
        return f"{self.words.start} {_spoken(self._start_day)}".strip()

    def end_atom(self) -> str:
        """The end alone, with its day where there is no start to count from."""
        assert self.until is not None
        self.words.until = self._clock(self.until)
        if self.start is None:
            self.words.day = self._end_day()
            return f"{self.words.until} {_spoken(self.words.day)}".strip()
        return self.words.until

    def _until(self) -> str:
        assert self.until is not None
        length = _length(self.rng, self.until - self.published_at)
        if length and self.rng.random() < 0.25:
            self.words.until = length
            return self._pick(_NEXT, _NEXT_TRAIN, _NEXT_TEST).format(n=length)
        return self._pick(_UNTIL, _UNTIL_TRAIN, _UNTIL_TEST).format(b=self.end_atom())

    def _span(self) -> str:
        assert self.start is not None
        assert self.until is not None
        length = _length(self.rng, self.until - self.start)
        form = self._pick(_SPAN, _SPAN_TRAIN, _SPAN_TEST)
        if "{n}" in form and not length:
            form = _SPAN[0]
        a, b = self._clock(self.start), self._clock(self.until)
        span, day = form.format(a=a, b=b, n=length), _spoken(self._start_day)
        placed = (f"{day} {span}", f"{span} {day}", f"{day} ({a}-{b})")
        place = int(self.rng.choice(3)) if day else 0
        self.words.day, self.words.start = self._start_day, a
        self.words.until = length if "{n}" in form and place < 2 else b
        return placed[place].strip()

    def _end_day(self) -> str:
        """ "tomorrow" where the end is past midnight, mostly; midnight itself needs no day."""
        assert self.until is not None
        local, today = self.until.tz_convert(LONDON), self.published_at.tz_convert(LONDON)
        if local.date() == today.date():
            return str(self.rng.choice(["", "", "", "today"]))
        if local.hour == 0 and local.minute == 0:
            return str(self.rng.choice(["", "tonight"]))
        needed = self.until - self.published_at >= 24 * HOUR
        return _later_day(self.rng, today, local) if needed or self.rng.random() < 0.8 else ""

    def _clock(self, moment: pd.Timestamp) -> str:
        """One clock time in this notice's form; noon and midnight now and then by name."""
        local = moment.tz_convert(LONDON)
        hour, minute = local.hour, local.minute
        if minute == 0 and hour in (0, 12) and self.rng.random() < 0.5:
            return "midnight" if hour == 0 else "noon"
        twelve, half = (hour % 12 or 12), "a" if hour < 12 else "p"
        return (
            f"{hour:02d}:{minute:02d}",
            f"{hour:02d}:{minute:02d}",
            f"{twelve}:{minute:02d}{half}m" if minute else f"{twelve}{half}m",
            f"{hour:02d}.{minute:02d}",
            f"{hour:02d}{minute:02d} hrs",
            f"{twelve}.{minute:02d} {half}.m." if minute else f"{twelve} {half}.m.",
            f"{hour:02d}h{minute:02d}",
            f"{twelve}:{minute:02d} {half.upper()}M" if minute else f"{twelve} {half.upper()}M",
        )[self._form]

    def _pick(self, common: tuple[str, ...], train_only: tuple[str, ...], test_only: tuple[str, ...]) -> str:
        only: dict[str, tuple[str, ...]] = {"train": train_only, "test": test_only}
        return str(self.rng.choice(common + only.get(self.split, ())))


def _day_words(rng: np.random.Generator, published_at: pd.Timestamp, moment: pd.Timestamp) -> str:
    """The day of a start: nothing or a word for today, else tomorrow, a weekday or a date."""
    local, today = moment.tz_convert(LONDON), published_at.tz_convert(LONDON)
    if local.date() != today.date():
        return _later_day(rng, today, local)
    part = "this morning" if local.hour < 12 else "this afternoon" if local.hour < 18 else "tonight"
    return str(rng.choice(["", "", "today", part]))


def _later_day(rng: np.random.Generator, today: pd.Timestamp, local: pd.Timestamp) -> str:
    part = "morning" if 5 <= local.hour < 12 else "afternoon" if 12 <= local.hour < 18 else "evening"
    dates = [f"{local:%A}", f"{local.day} {local:%B}", f"{local:%A} {local.day} {local:%B}", f"{local:%d/%m}"]
    if (local.date() - today.date()).days > 1:
        return str(rng.choice(dates))
    soon = ["tomorrow"] * 5 + ([f"tomorrow {part}"] if 5 <= local.hour < 22 else [])
    return str(rng.choice(soon + dates[: 1 + int(rng.random() < 0.5) * 3]))


def _spoken(day: str) -> str:
    """Weekdays and dates take "on"."""
    return f"on {day}" if day and day.split()[0] not in ("tomorrow", "today", "tonight", "this") else day


def _length(rng: np.random.Generator, span: pd.Timedelta) -> str:
    """A length up to 12 h in words; "" where it is no multiple of a half-hour."""
    halves = span / (0.5 * HOUR)
    if halves != int(halves) or not 1 <= halves <= 24:
        return ""
    if halves == 1:
        return str(rng.choice(["30 minutes", "half an hour"]))
    hours = halves / 2
    if hours != int(hours):
        return str(rng.choice([f"{hours:g} hours", f"{hours:g} h", f"{int(30 * halves)} minutes"]))
    unit = "hour" if hours == 1 else "hours"
    return str(rng.choice([f"{int(hours)} {unit}", f"{NUMBER_WORDS[int(hours)]} {unit}", f"{int(hours)} h"]))


def amount_words(rng: np.random.Generator, kind: str, value: float, split: Split) -> str:
    """A value in one of the ways people write it."""
    forms, test_only = _AMOUNTS[kind](value)
    return str(rng.choice(forms + test_only if split == "test" else forms))


def _fraction(value: float) -> tuple[list[str], list[str]]:
    percent = round(100 * value)
    forms = [f"{percent}%", f"{percent}%", f"{percent} %", f"{percent} per cent", f"{percent} percent"]
    forms += [_FRACTIONS[value]] if value in _FRACTIONS else []
    forms += [f"{NUMBER_WORDS[percent]} percent"] if percent in NUMBER_WORDS else []
    return forms, [f"{percent} pct"]


def _mass(value: float) -> tuple[list[str], list[str]]:
    if value % 10:
        return [f"{value:.0f} kg", f"{value:.0f}kg"], [f"{value:.0f} kilograms"]
    tonnes = f"{value / 1000:.2f}"
    forms = [f"{value:.0f} kg", f"{value:.0f}kg", f"{value:.0f} kilograms", f"{tonnes} tonnes", f"{tonnes} t"]
    return forms + ([f"{value:,.0f} kg"] if value >= 1000 else []), [f"{tonnes} metric tons"]


def _price(value: float) -> tuple[list[str], list[str]]:
    pounds = f"{value:.0f}"
    forms = [
        f"GBP {pounds}/MWh",
        f"£{pounds}/MWh",
        f"{pounds} pounds per MWh",
        f"{pounds} GBP/MWh",
        f"£{pounds} per MWh",
    ]
    return [*forms, f"{pounds} pounds a megawatt-hour", f"{value / 10:g}p/kWh"], [f"{value / 10:g} pence per kWh"]


def _power(value: float) -> tuple[list[str], list[str]]:
    if value % 10:
        return [f"{value:.0f} kW", f"{value:.0f}kW"], [f"{value:.0f} kilowatts"]
    mega = f"{value / 1000:.2f}"
    forms = [
        f"{value:.0f} kW",
        f"{value:.0f} kW",
        f"{value:.0f}kW",
        f"{mega} MW",
        f"{mega}MW",
        f"{value:.0f} kilowatts",
    ]
    return forms, [f"{mega} megawatts"]


_AMOUNTS = {
    "battery_reserve": _fraction,
    "carbon_cap": _mass,
    "price_warning": _price,
    "maintenance_window": _power,
}
