"""Amounts and times found in a text by rules: what a reader without a language model copies from a notice."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_layer.notices.notice import KINDS
from llm_layer.notices.phrases import Words
from llm_layer.reader.amounts import UnclearAmount, amount
from llm_layer.reader.clock_words import CLOCK, DAY, LENGTH, OPEN

_STAMP = re.compile(r"(?:issued|sent|published|raised|received|printed)\W+(?:at\W+|on\W+)?$", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|–|to|until|till|through)", re.IGNORECASE)
_STARTS = re.compile(r"(?:from|start(?:s|ing|ed)?:?|begin(?:s|ning)?|after|as of|at)\W*(?:at\W*)?$", re.IGNORECASE)
_ENDS = re.compile(
    r"(?:until|till|'til|til|before|by|up to|to|and|end(?:s|ing)?:?|back(?: around| at)?|through)\W*$", re.IGNORECASE
)
_ONWARD = re.compile(r"(?:next|another|coming|following|over the|in the)\W*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Hit:
    text: str
    start: int
    before: str  # of the text, up to 24 characters
    after: str


def words_of(kind: str, text: str) -> Words:
    """What a notice of this kind says of amount and time, by rules; "" where it says nothing that they find."""
    value = ""
    if KINDS[kind].unit is not None:
        try:
            value = amount(kind, text)[1]
        except UnclearAmount:
            value = ""
    start, until = _window(text)
    return Words(value, _day(text, start or until), start, until)


def _day(text: str, clock: str) -> str:
    """The day named nearest to the clock time it goes with."""
    days = _hits(DAY, text)
    place = text.find(clock) if clock else 0
    return min(days, key=lambda hit: abs(hit.start - place)).text if days else ""


def _window(text: str) -> tuple[str, str]:
    """(start, until): two clock times are a span, one is an end unless it says start and a length follows."""
    clocks = [hit for hit in _hits(CLOCK, text) if not (_STAMP.search(hit.before) and not _RANGE.match(hit.after))]
    inside = [(hit.start, hit.start + len(hit.text)) for hit in clocks]
    lengths = [hit for hit in _hits(LENGTH, text) if not any(a <= hit.start < b for a, b in inside)]
    if len(clocks) >= 2:
        return clocks[0].text, clocks[1].text
    if clocks:
        only = clocks[0]
        starts = _STARTS.search(only.before) and not _ENDS.search(only.before)
        if starts and lengths:
            return only.text, lengths[0].text
        return "", only.text
    if lengths:
        onward = next((hit for hit in lengths if _ONWARD.search(hit.before)), lengths[0])
        return "", onward.text
    found = OPEN.search(text)
    return "", "" if found is None else found[0]


def _hits(pattern: re.Pattern[str], text: str) -> list[_Hit]:
    spans = [(found[0], *found.span()) for found in pattern.finditer(text)]
    return [_Hit(words, a, text[max(0, a - 24) : a], text[b : b + 12]) for words, a, b in spans]
