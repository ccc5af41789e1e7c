"""Amounts in words to the unit of their kind: the host converts, a model only copies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_layer.notices.phrases import NUMBER_WORDS

_WORDS = {word: float(number) for number, word in NUMBER_WORDS.items()} | {"hundred": 100.0, "a hundred": 100.0}
_FRACTIONS = {
    "three quarters": 0.75, "three-quarters": 0.75, "two thirds": 2 / 3, "two-thirds": 2 / 3, "a quarter": 0.25,
    "one quarter": 0.25, "a third": 1 / 3, "one third": 1 / 3, "half": 0.5, "full": 1.0,
}  # fmt: skip
_N = r"(?P<n>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|" + "|".join(sorted(_WORDS, key=len, reverse=True)) + ")"
_CURRENCY = r"(?:gbp|£|pounds?(?: sterling)?|quid)"
_PER_MWH = r"(?:\s*(?:/|per|a)\s*(?:mwh|megawatt[- ]?hour))"
_PER_KWH = r"(?:\s*(?:/|per|a)\s*(?:kwh|kilowatt[- ]?hour|unit))"
_FORMS: dict[str, tuple[tuple[str, float], ...]] = {
    "battery_reserve": ((rf"{_N}\s*(?:%|per ?cent|pct)", 0.01),),
    "carbon_cap": (
        (r"(?P<n>half) a (?:metric )?ton(?:ne)?", 500.0),
        (rf"{_N}\s*(?:kg|kilos?|kilograms?)(?:\s*co2e?)?\b", 1.0),
        (rf"{_N}\s*(?:metric tons?|tonnes?|tons?|t)(?:\s*co2e?)?\b", 1000.0),
    ),
    "price_warning": (
        (rf"{_N}\s*(?:p|pence){_PER_KWH}", 10.0),
        (rf"{_CURRENCY}\s*{_N}{_PER_KWH}", 1000.0),
        (rf"{_CURRENCY}\s*{_N}{_PER_MWH}?", 1.0),
        (rf"{_N}\s*{_CURRENCY}{_PER_MWH}?", 1.0),
        (rf"{_N}{_PER_MWH}", 1.0),
    ),
    "maintenance_window": (
        (r"(?P<n>half) a (?:mw\b|megawatt)", 500.0),
        (rf"{_N}\s*(?:kw|kilowatts?|kva)\b", 1.0),
        (rf"{_N}\s*(?:mw|megawatts?|mva)\b", 1000.0),
    ),
}
_COMPILED = {
    kind: tuple((re.compile(rf"(?<![\w.]){form}", re.IGNORECASE), factor) for form, factor in forms)
    for kind, forms in _FORMS.items()
}
_FRACTION = re.compile(rf"\b({'|'.join(_FRACTIONS)})\b(?! (?:an |past |hour))", re.IGNORECASE)
_DECIMAL = re.compile(r"(?<![\d.])(?:0\.\d+|1\.0+)(?![\d.])")
HIGHEST = {"battery_reserve": 1.0, "carbon_cap": 1e6, "price_warning": 1e4, "maintenance_window": 1e6}


class UnclearAmount(ValueError):
    """Words that hold no amount of the kind's unit, or one that cannot be meant."""


def amount(kind: str, text: str) -> tuple[float, str]:
    """First amount of this kind in ``text``. -> value in the kind's unit, the words it stands in.

    Raises:
        UnclearAmount: there is none, or it is out of any bounds.
    """
    # The first, and of those that start together the one that says most: GBP 0.25 is less than GBP 0.25/kWh.
    found = min(_amounts(kind, text), key=lambda one: (one[0], -len(one[2])), default=None)
    if found is None:
        raise UnclearAmount(f"no amount for {kind} in {text[:60]!r}")
    _, value, words = found
    if not 0.0 <= value <= HIGHEST[kind]:
        raise UnclearAmount(f"{words!r} is out of range for {kind}")
    return round(value, 6), words


def _amounts(kind: str, text: str) -> Iterator[tuple[int, float, str]]:
    """(place, value, words) of each form's first match."""
    for pattern, factor in _COMPILED[kind]:
        if found := pattern.search(text):
            word = found["n"].lower()
            number = 1.0 if word == "half" else _WORDS[word] if word in _WORDS else float(word.replace(",", ""))
            yield found.start(), number * factor, found[0]
    if kind == "battery_reserve":
        if found := _FRACTION.search(text):
            yield found.start(), _FRACTIONS[found[0].lower()], found[0]
        if found := _DECIMAL.search(text):
            yield found.start(), float(found[0]), found[0]
