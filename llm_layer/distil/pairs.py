"""What a model is fine-tuned on: a prompt's volatile part and the answer it should give.

The static part is left out: a tuned model has it in its weights, and on a CPU it would take half of the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from llm_layer.judge.labelled import Labelled, pairs, thinned, trainable
from llm_layer.reader.answer import answer_text, reading_prompt
from llm_layer.reader.training import lessons


@dataclass(frozen=True, slots=True)
class Pair:
    """user: what the model is shown. answer: JSON as the role's schema asks for it."""

    user: str
    answer: str


def reader_pairs(count: int, seed: int) -> Iterator[Pair]:
    """``count`` notices of the train split with their readings; the same seed gives the same ones."""
    for example in lessons(count, seed):
        prompt, _ = reading_prompt(example.notice.source, example.text)
        yield Pair(prompt.user, answer_text(example.kind, example.ends, example.words))


def judge_pairs(labelled: Sequence[Labelled], count: int, seed: int) -> list[Pair]:
    """At most ``count`` situations with their labels, in seeded order, none with a combination kept for the test."""
    chosen = [Pair(prompt.user, answer) for prompt, answer in pairs(thinned(trainable(labelled), count))]
    return [chosen[place] for place in np.random.default_rng(seed).permutation(len(chosen))]
