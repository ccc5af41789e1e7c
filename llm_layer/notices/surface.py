"""How a notice may look and what may stand beside it, for training alone: letters slip, capitals go, people digress.

A reader that has seen each wording in one clean form learns the form; all shares are assumptions.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from llm_layer.notices.compose import as_written, compose_aside, compose_injection
from llm_layer.notices.phrases import Words

ASIDE_SHARE, SMUGGLED_SHARE = 0.05, 0.03  # of texts with a sentence beside the matter; with an order smuggled in
UPPER_SHARE, LOWER_SHARE, SLIPPED_SHARE = 0.03, 0.06, 0.12
_WORD = re.compile(r"[A-Za-z]{5,}")  # that may slip


def worn(
    rng: np.random.Generator, text: str, words: Words, published_at: pd.Timestamp, asks: bool
) -> tuple[str, Words]:
    """A text as it may arrive, and what it says in the words that then stand in it.

    Args:
        asks: whether it asks for something, so that an order smuggled in beside it changes nothing of what it means.
    """
    drawn = rng.random(3)
    if drawn[0] < ASIDE_SHARE:
        text = _beside(rng, text, compose_aside(rng, published_at, "train"))
    elif asks and drawn[0] < ASIDE_SHARE + SMUGGLED_SHARE:
        text = f"{text} {compose_injection(rng, published_at, 'train').text}"
    if drawn[1] < SLIPPED_SHARE:
        text = _slipped(rng, text, words)
    if drawn[2] < UPPER_SHARE + LOWER_SHARE:
        text = text.upper() if drawn[2] < UPPER_SHARE else text.lower()
    return text, as_written(text, words)


def _beside(rng: np.random.Generator, text: str, aside: str) -> str:
    return f"{aside} {text}" if rng.random() < 0.4 else f"{text} {aside}"


def _slipped(rng: np.random.Generator, text: str, words: Words) -> str:
    """One letter doubled, lost or swapped in one word, none of those to be copied."""
    copied = {part for said in (words.value, words.day, words.start, words.until) for part in _WORD.findall(said)}
    found = [hit for hit in _WORD.finditer(text) if hit[0] not in copied]
    if not found:
        return text
    hit = found[int(rng.integers(len(found)))]
    at = hit.start() + int(rng.integers(1, len(hit[0]) - 1))
    way = int(rng.integers(3))
    middle = (text[at] * 2 + text[at + 1], text[at + 1], text[at + 1] + text[at])[way]
    return text[:at] + middle + text[at + 2 :]
