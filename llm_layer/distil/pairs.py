"""What a model is fine-tuned on: a prompt's volatile part and the answer it should give.

The static part is left out: a tuned model has it in its weights, and on a CPU it would take half of the training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_layer.notices.wordings import Split
from llm_layer.reader.answer import answer_text, reading_prompt
from llm_layer.reader.training import examples


@dataclass(frozen=True, slots=True)
class Pair:
    """user: what the model is shown. answer: JSON as the role's schema asks for it."""

    user: str
    answer: str


def reader_pairs(count: int, seed: int, split: Split = "train") -> Iterator[Pair]:
    """``count`` notices of a split with their readings; the same seed gives the same ones."""
    for example in examples(count, seed, split):
        prompt, _ = reading_prompt(example.notice.source, example.text)
        yield Pair(prompt.user, answer_text(example.kind, example.ends, example.words))
