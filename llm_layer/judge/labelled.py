"""Situations with the answer they should get, what causes are in them, and which combinations are kept for the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from llm_layer.judge.classes import Classes, answer_text
from llm_layer.prompt import Form, Prompt, build_prompt
from llm_layer.situation import Situation

Part = Literal["single", "seen", "held_out"]

# Pairs of causes that no training situation holds. Fixed, so that every model is tested on what none has met.
HELD_OUT = frozenset(
    frozenset(pair)
    for pair in (
        ("battery price_high", "load_shift price_high"),
        ("battery price_low", "load_shift price_high"),
        ("battery price_low", "cooling safety"),
        ("battery price_low", "late work"),
        ("cooling efficiency", "request"),
    )
)


@dataclass(frozen=True)
class Labelled:
    """classes: the answer by ``judge.classes``. causes: see ``causes_of``."""

    situation: Situation
    classes: Classes

    @property
    def causes(self) -> frozenset[str]:
        return causes_of(self.situation)

    @property
    def part(self) -> Part:
        """One cause at most, a combination that training may hold, or one that it may not."""
        return part_of(self.causes)


def causes_of(situation: Situation) -> frozenset[str]:
    """What speaks for not following: a finding an agent with its reason, a request worth selling, late work."""
    found = {f"{finding.agent} {finding.reason}" for finding in situation.findings}
    if any(request.kw > 0.0 for request in situation.requests):
        found.add("request")
    if situation.facts["overdue_kwh"] > 0.0:
        found.add("late work")
    return frozenset(found)


def part_of(causes: frozenset[str]) -> Part:
    if any(frozenset(pair) in HELD_OUT for pair in combinations(causes, 2)):
        return "held_out"
    return "seen" if len(causes) > 1 else "single"


def trainable(labelled: Sequence[Labelled]) -> list[Labelled]:
    """Those without a combination that is kept for the test."""
    return [one for one in labelled if one.part != "held_out"]


def pairs(
    labelled: Sequence[Labelled], *, show_proposals: bool = False, form: Form = "short"
) -> Iterator[tuple[Prompt, str]]:
    """(prompt, the JSON that should come back) of each: what a language model is tuned on, in the words it is asked in.

    Give it ``trainable(...)`` to tune on, everything to test on.
    """
    for one in labelled:
        yield build_prompt(one.situation, show_proposals, form), answer_text(one.classes, one.situation)


def thinned(labelled: Sequence[Labelled], most: int) -> list[Labelled]:
    """At most ``most`` of them, evenly spaced, an equal share of each part as far as there are that many."""
    found: list[Labelled] = []
    parts = ("held_out", "single", "seen")
    for number, part in enumerate(parts):
        mine = [one for one in labelled if one.part == part]
        share = (most - len(found)) // (len(parts) - number)
        step = max(1.0, len(mine) / share) if share else 1.0
        found += [mine[int(k * step)] for k in range(min(share, len(mine)))]
    return found


def shuffled(labelled: Sequence[Labelled], seed: int = 0) -> list[Labelled]:
    """The same situations and the same labels, put together by chance: what an answer earns that is of no situation."""
    order = np.random.default_rng(seed).permutation(len(labelled))
    return [replace(one, classes=labelled[other].classes) for one, other in zip(labelled, order, strict=True)]
