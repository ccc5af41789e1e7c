"""What an engine is: prompts in, as many answers or failures out, within a time limit; and when to let it rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llm_layer.prompt import Prompt

MAX_TOKENS = 256  # an answer takes 60-90; 120 characters of text of any alphabet still fit
SAMPLING = f"temperature=0,max_tokens={MAX_TOKENS}"
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, not yet looked at. tokens_in includes the prompt's static part.

    latency_s: until it was there. busy_s: this prompt's equal share of the time the engine was at work on its batch.
    """

    text: str
    tokens_in: int
    tokens_out: int
    latency_s: float
    busy_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """No answer for one prompt, and why, in one line; busy_s: as of an answer."""

    error: str
    busy_s: float = 0.0


class EngineError(ValueError):
    """An engine that cannot be started as configured; the message names place, value and fix."""


class Engine(Protocol):
    """A language model behind ``generate``.

    model_id: model and revision, as far as they can be known; part of the policy id.
    """

    model_id: str

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        """One answer or failure a prompt, in their order. Never raises, and never takes longer than its time limit."""

    def close(self) -> None:
        """End whatever runs for it. May be called twice."""


class Rest:
    """How long to leave a failing engine alone: not at all after the first failure in a row, then 1, 2, 4 ... 60 s.

    A control step must not wait for an engine that has just failed; between two attempts it is not asked at all.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def left_s(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def failed(self) -> None:
        self._failures += 1
        if self._failures > 1:
            self._until = time.monotonic() + min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** (self._failures - 2))

    def succeeded(self) -> None:
        self._failures = 0
        self._until = 0.0

    def failures(self, count: int) -> list[Answer | EngineFailure]:
        """What to answer meanwhile."""
        error = f"engine left alone for another {self.left_s:.0f} s after {self._failures} failures in a row"
        return [EngineFailure(error) for _ in range(count)]


def one_line(text: str, length: int = 200) -> str:
    """Someone else's words, fit for a message of one line."""
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 3] + "..."
