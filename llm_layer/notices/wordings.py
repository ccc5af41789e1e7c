"""The wordings of ``words/*.md``, and which of them may be trained on: split by family, never by rendered text.

A family is one line of a file. Lines of the style ``ask`` are clauses: each is joined to a cause, any cause, because a
notice is of the kind of what it asks and not of why; ``topic`` lines are joined to an ending. Of each kind a quarter is
kept for the test and a tenth for validation, picked by a hash of the text. Greetings and closings are split as well.
``words_more/*.md`` is for training alone: it widens what readers learn from and moves no line into another split.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from llm_layer.notices.notice import CANCEL, KINDS

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
INJECTION, ASK, TOPIC = "injection", "ask", "topic"
ASIDE, COMMAND = "aside", "command"  # of words_more: a sentence beside the matter, an order to smuggle in
MORE, NUMBERED_FROM = "words_more", 101
TEST_SHARE, VALID_SHARE = 0.25, 0.1
_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")

# Greetings and the like, by style and split; the text goes where the braces are. Other styles stand alone.
_FRAMES: dict[Split, dict[str, tuple[str, ...]]] = {
    "train": {
        "email": (
            "Dear team, {} Kind regards, {desk}",
            "Good morning, {} Many thanks, {desk}",
            "Hello, {} Regards, the {desk} (ext. {ext})",
            "Dear colleagues, {} Yours sincerely, {desk}",
            "Good afternoon. {} Thank you. {desk}",
        ),
        "bulletin": (
            "[{ref}] {}",
            "{desk}: {}",
            "{} Issued at {stamp}, {desk}.",
            "{} Questions to {desk}, tel. {ext}.",
        ),
        "chatty": ("{} Cheers, {person}", "{person} here. {}", "{} Any questions, call {ext}."),
        "terse": ("{ref} {}", "{} ACK."),
    },
    "valid": {"email": ("To whom it may concern: {} {desk}, ref. {ref}",), "bulletin": ("{} Reference {ref}.",)},
    "test": {
        "email": (
            "Dear operator, {} Best wishes, {desk}",
            "Dear all, {} This message was sent to all shifts by {desk}.",
        ),
        "bulletin": ("No. {ext}. {}", "{} Published {stamp} by {desk}."),
        "chatty": ("{} - {person}",),
        "terse": ("{} //{desk}",),
    },
}

# How a cause and an ask make a text.
_JOINTS: dict[Split, tuple[str, ...]] = {
    "train": (
        "{Cause}, so {ask}.",
        "{Ask}, because {cause}.",
        "{Cause}. {Ask}.",
        "{Ask}: {cause}.",
        "{Ask}.",
        "{cause} - {ask}",
    ),
    "valid": ("{Cause}; {ask}.", "{Ask} ({cause})."),
    "test": ("As {cause}, {ask}.", "{Ask} since {cause}.", "Please note: {cause}, therefore {ask}."),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """One family. kind: of ``KINDS``, or ``injection``; ends: it cancels; template: text with slots and [a|b]."""

    kind: str
    style: str
    number: int
    ends: bool
    template: str
    split: Split = "train"

    @property
    def name(self) -> str:
        """kind/style/number, as an authored notice names it."""
        return f"{self.kind}/{self.style}/{self.number}"

    @property
    def slots(self) -> frozenset[str]:
        """Names of its slots in lower case."""
        return frozenset(name.lower() for name in _SLOT.findall(self.template))


@lru_cache(maxsize=1)
def all_wordings() -> tuple[Wording, ...]:
    """Every family, in the order of the kinds and of their files."""
    kinds = (*KINDS, INJECTION)
    read = [[w for w in _read(kind) if w.style != TOPIC] for kind in kinds]
    split = [wording for found in read for ends in (False, True) for wording in _split(found, ends)]
    return (*split, *(w for kind in kinds for w in _more(kind) if w.style not in (TOPIC, ASIDE, COMMAND)))


@lru_cache(maxsize=64)
def wordings(kind: str, split: Split, ends: bool = False) -> tuple[Wording, ...]:
    """Families of one kind and split; those that cancel apart."""
    return tuple(w for w in all_wordings() if w.kind == kind and w.ends == ends and w.split == split)


@lru_cache(maxsize=32)
def frames(style: str, split: Split) -> tuple[str, ...]:
    """What may stand around a text of this style; may be empty."""
    return _FRAMES[split].get(style, ())


def joined(ask: str, split: Split, grid: bool, draw: Callable[[Sequence[str]], str]) -> str:
    """A template made of a clause of the style ``ask`` and a cause of the same split, in one of the split's ways.

    grid: only causes on the grid's side. draw: picks one of several.
    """
    causes = [w.template for w in _shared("causes") if w.split == split and (w.style == "grid" or not grid)]
    cause, joint = draw(causes), draw(_JOINTS[split])
    for name, text in (("cause", cause), ("ask", ask)):
        # A slot's own name keeps its capital where the clause begins with one.
        first = text[:1].upper() if text[0] != "{" else "{" + text[1].upper()
        joint = joint.replace(f"{{{name}}}", text).replace(f"{{{name.title()}}}", first + text[len(first) :])
    return joint


def ending(kind: str, split: Split, draw: Callable[[Sequence[str]], str]) -> str:
    """A template that cancels: one of the split's endings over one of its topics of this kind."""
    end = draw([w.template for w in _shared("endings") if w.split == split])
    topic = draw([w.template for w in _topics(kind) if w.split == split])
    cased = {"{topic}": topic, "{Topic}": topic[:1].upper() + topic[1:], "{TOPIC}": topic.upper()}
    for slot, text in cased.items():
        end = end.replace(slot, text)
    return end


@lru_cache(maxsize=4)
def _shared(name: str) -> tuple[Wording, ...]:
    return (*_split(_read(name), False), *_more(name))


@lru_cache(maxsize=16)
def _topics(kind: str) -> tuple[Wording, ...]:
    split = _split([w for w in _read(kind) if w.style == TOPIC], False)
    return (*split, *(w for w in _more(kind) if w.style == TOPIC))


@lru_cache(maxsize=2)
def asides() -> tuple[str, ...]:
    """Templates of sentences that may stand beside a notice and change nothing of it; for training."""
    return tuple(w.template for w in _more("noise") if w.style == ASIDE)


@lru_cache(maxsize=2)
def commands() -> tuple[str, ...]:
    """Templates of orders that somebody might smuggle in; for training."""
    return tuple(w.template for w in _more(INJECTION) if w.style == COMMAND)


def _split(found: list[Wording], ends: bool) -> list[Wording]:
    """Families that cancel, or the others, each with its split, in the order of their file."""
    own = [wording for wording in found if wording.ends == ends]
    ranked = sorted(own, key=lambda wording: hashlib.sha256(wording.template.encode()).digest())
    test = round(TEST_SHARE * len(own))
    valid = test + round(VALID_SHARE * len(own))
    of: dict[str, Split] = {
        wording.template: "test" if k < test else "valid" if k < valid else "train" for k, wording in enumerate(ranked)
    }
    return [replace(wording, split=of[wording.template]) for wording in own]


@lru_cache(maxsize=16)
def _more(name: str) -> tuple[Wording, ...]:
    """Families of the train split beyond those of ``words/``, with numbers of their own."""
    return tuple(replace(w, number=w.number + NUMBERED_FROM - 1) for w in _read(name, MORE))


def _read(kind: str, folder: str = "words") -> list[Wording]:
    found: list[Wording] = []
    style = ""
    text = (files(f"llm_layer.notices.{folder}") / f"{kind}.md").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("## "):
            style = line[3:].strip()
        elif line.startswith("- "):
            number = sum(wording.style == style for wording in found) + 1
            found.append(Wording(kind, style, number, style == CANCEL, line[2:].strip()))
    return found
