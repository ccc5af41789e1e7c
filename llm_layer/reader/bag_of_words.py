"""The control of every language model that reads: naive Bayes over words and pairs of words, slots by rules.

Multinomial naive Bayes (McCallum and Nigam 1998) on the wordings of the train split; numbers are one word. It is no
language model and is never called one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from llm_layer.notices.notice import Notice
from llm_layer.reader.reading import Reading, judged, shortened
from llm_layer.reader.slots import words_of
from llm_layer.reader.training import Example, lessons

EXAMPLES, SEED = 6000, 9
SMOOTHING = 0.1
TEMPER = 0.3  # words are not independent: log odds are divided by their number to this power (valid split)
_WORD = re.compile(r"[^\W\d_]+|#|[£%<>=]", re.UNICODE)
_NUMBER = re.compile(r"\d[\d.,:/]*")


class BagOfWordsReader:
    """A kind by its words, what else it says by rules. A text of unknown words is unsure."""

    engine = "bag_of_words"

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        return [self._read(notice) for notice in notices]

    def close(self) -> None:
        """Nothing runs."""

    def _read(self, notice: Notice) -> Reading:
        text, cut = shortened(notice.text)
        kind, ends, confidence = classifier().classify(text)
        return judged(notice, kind, ends, words_of(kind, text), confidence, self.engine, cut)


class NaiveBayes:
    """Classes are (kind, whether it cancels); weights float64 (classes, words)."""

    def __init__(self, trained_on: Sequence[Example]) -> None:
        self.classes = sorted({(one.kind, one.ends) for one in trained_on})
        counts: dict[tuple[str, bool], Counter[str]] = {label: Counter() for label in self.classes}
        for one in trained_on:
            counts[one.kind, one.ends].update(_features(one.text))
        self._words = {word: k for k, word in enumerate(sorted(set().union(*counts.values())))}
        table = np.full((len(self.classes), len(self._words)), SMOOTHING)
        for k, label in enumerate(self.classes):
            for word, count in counts[label].items():
                table[k, self._words[word]] += count
        self._weights = np.log(table / table.sum(axis=1, keepdims=True))

    def classify(self, text: str) -> tuple[str, bool, float]:
        """-> kind, whether it cancels, confidence (the tempered posterior, classes equally likely before)."""
        features = _features(text)
        known = [self._words[word] for word in features if word in self._words]
        if not _mostly_known(features, self._words):
            return "noise", False, 0.0
        score = self._weights[:, known].sum(axis=1)
        chance = np.exp((score - score.max()) / len(known) ** TEMPER)
        best = int(np.argmax(score))
        kind, ends = self.classes[best]
        return kind, ends, float(1.0 / chance.sum())


@lru_cache(maxsize=1)
def classifier() -> NaiveBayes:
    """Trained once a process, in a second or two, on the train split alone."""
    return NaiveBayes(list(lessons(EXAMPLES, SEED)))


def _mostly_known(features: Collection[str], known: Collection[str]) -> bool:
    """Whether a third of the words, numbers and signs aside, have been seen before: not so in another alphabet."""
    words = [word for word in features if word.isalpha()]
    return bool(words) and sum(word in known for word in words) >= len(words) / 3


def _features(text: str) -> set[str]:
    words = _WORD.findall(_NUMBER.sub("#", text.lower()))
    return set(words) | {f"{a} {b}" for a, b in pairwise(words)}
