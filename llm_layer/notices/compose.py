"""From a meaning to a text: pick a wording of the split, fill its slots, put a frame around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grid.calendar import LONDON
from llm_layer.notices.notice import CANCEL, KINDS, Constraint
from llm_layer.notices.phrases import Timing, Words, amount_words
from llm_layer.notices.wordings import (
    ASK,
    INJECTION,
    Split,
    Wording,
    asides,
    commands,
    ending,
    frames,
    joined,
    wordings,
)

FRAMED = 0.35  # share of texts with a greeting, a reference or a signature
SHARED_ENDINGS = 0.5  # of cancellations: worded by an ending and a topic
INFORMATION_KINDS = ("price_warning", "margin_notice")  # their causes lie on the grid's side
_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_FILL: dict[str, tuple[str, ...]] = {
    "unit": ("chiller", "CRAH", "CRAC", "cooling tower", "pump", "dry cooler", "AHU", "fan wall", "condenser"),
    "units": ("chillers", "cooling units", "CRACs", "pumps"),
    "name": ("A", "B", "C", "Northwind", "Orchid Bank", "Acme", "Halden Games", "St Mary's", "Tideway", "Kestrel"),
    "desk": ("Facilities", "Network Control", "the control room", "Duty Desk", "Energy Desk", "Site Services"),
    "person": ("Sam", "Priya", "Tom", "Agnes", "Kofi", "Lena"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "order": (
        "empty the battery", "let the hall get as hot as it can", "turn the cooling off", "defer every job",
        "charge the battery to full", "hold 95% in the battery until 23:00", "stop all jobs", "keep import at 0 kW",
        "limit import to 1 kW until midnight", "run every queued job at once", "raise the set-point to 26 degrees",
    ),
    "ikind": tuple(KINDS),
    "ivalue": ("100%", "90%", "15%", "0 kW", "80 kW", "2 MW", "1 kg", "3 tonnes", "GBP 2000/MWh", "£700/MWh"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Composed:
    """A text, the family it was worded by, and what it says in its own words."""

    text: str
    wording: Wording
    words: Words


def compose(rng: np.random.Generator, meaning: Constraint, published_at: pd.Timestamp, split: Split) -> Composed:
    """A text of ``split`` that means ``meaning``.

    Noise may name times that mean nothing.
    """
    ends = meaning.bound == CANCEL
    fitting = [w for w in wordings(meaning.kind, split, ends) if ends or _fits(w, meaning)]
    wording = fitting[int(rng.integers(len(fitting)))]
    start, until = meaning.start, meaning.until
    if meaning.kind == "noise" or ends:
        start, until = _made_up(rng, published_at)
    text, words = _filled(rng, wording, Timing(rng, split, published_at, start, until), meaning, split)
    idle = meaning.kind == "noise" or ends
    return Composed(text, wording, Words() if idle else words)


def compose_injection(rng: np.random.Generator, published_at: pd.Timestamp, split: Split) -> Composed:
    """An attempt to give orders; what it truly means is noise."""
    fitting = wordings(INJECTION, split)
    wording = fitting[int(rng.integers(len(fitting)))]
    timing = Timing(rng, split, published_at, *_made_up(rng, published_at))
    text, _ = _filled(rng, wording, timing, None, split)
    return Composed(text, wording, Words())


def compose_aside(rng: np.random.Generator, published_at: pd.Timestamp, split: Split) -> str:
    """A sentence that may stand beside a notice and changes nothing of what it means."""
    template = chosen(rng, asides()[int(rng.integers(len(asides())))])
    return _text(rng, template, Timing(rng, split, published_at, None, None), "")


def _fits(wording: Wording, meaning: Constraint) -> bool:
    """Whether a template's time slots can say this window; ``{when}`` says any."""
    slots = wording.slots
    if meaning.kind == "noise" or "when" in slots:
        return True
    if meaning.until is None:
        return False
    return ("start" in slots) if meaning.start is not None else ("end" in slots and "start" not in slots)


def _made_up(rng: np.random.Generator, published_at: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    start = (published_at + pd.Timedelta(hours=int(rng.integers(1, 20)))).ceil("h")
    return start, start + pd.Timedelta(hours=int(rng.integers(1, 5)))


def _filled(
    rng: np.random.Generator, wording: Wording, timing: Timing, meaning: Constraint | None, split: Split
) -> tuple[str, Words]:
    def draw(several: Sequence[str]) -> str:
        return several[int(rng.integers(len(several)))]

    template = chosen(rng, wording.template)
    if wording.style == ASK:
        template = joined(template, split, wording.kind in INFORMATION_KINDS, draw)
    elif wording.ends and rng.random() < SHARED_ENDINGS:
        template = ending(wording.kind, split, draw)
    template = chosen(rng, template)
    around = frames(wording.style, split)
    if around and rng.random() < FRAMED:
        template = str(rng.choice(around)).replace("{}", template)
    value = amount_words(rng, meaning.kind, meaning.value, split) if meaning and meaning.value is not None else ""
    timing.words.value = value
    text = _text(rng, template, timing, value)
    return text, as_written(text, timing.words)


def chosen(rng: np.random.Generator, template: str) -> str:
    """One of each [a|b]."""
    return _CHOICE.sub(lambda found: str(rng.choice(found[1].split("|"))), template)


def _text(rng: np.random.Generator, template: str, timing: Timing, value: str) -> str:
    pieces = _SLOT.split(template)
    text = "".join(
        piece if k % 2 == 0 else _cased(piece, _slot(rng, piece.lower(), timing, value))
        for k, piece in enumerate(pieces)
    )
    return " ".join(text.replace("{{", "{").replace("}}", "}").split())


def _slot(rng: np.random.Generator, name: str, timing: Timing, value: str) -> str:
    made: dict[str, Any] = {
        "when": timing.when,
        "start": timing.start_atom,
        "end": timing.end_atom,
        "value": lambda: value,
        "k": lambda: str(rng.integers(1, 10)),
        "ref": lambda: f"{rng.choice(['INC', 'WO', 'REF', 'T'])}-{rng.integers(1000, 99999)}",
        "ext": lambda: str(rng.integers(200, 999)),
        "stamp": lambda: f"{timing.published_at.tz_convert(LONDON):%H:%M}",
        "command": lambda: _text(rng, chosen(rng, commands()[int(rng.integers(len(commands())))]), timing, ""),
    }
    if name in made:
        return str(made[name]())
    return str(rng.choice(_FILL[name]))


def _cased(slot: str, text: str) -> str:
    """{when} as it is, {When} with a capital, {WHEN} in capitals."""
    if slot.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if slot[0].isupper() else text


def as_written(text: str, words: Words) -> Words:
    """The copied words in the case they have in the text."""
    return Words(*(_found(text, part) for part in (words.value, words.day, words.start, words.until)))


def _found(text: str, part: str) -> str:
    at = text.lower().find(part.lower())
    return text[at : at + len(part)] if part and at >= 0 else part
