"""A text says what it means: the words it is said in stand in it, and lead back to the meaning."""

import re

import pytest

from llm_layer.notices.notice import CANCEL
from llm_layer.notices.wordings import SPLITS
from llm_layer.reader.reading import constrained
from llm_layer.reader.training import examples


@pytest.mark.parametrize("worn", [False, True])
@pytest.mark.parametrize("split", SPLITS)
def test_copied_words_are_in_the_text_and_mean_what_was_meant(split, worn):
    wrong = []
    for one in examples(800, 5, split, worn):
        words = one.words
        assert all(part in one.text for part in (words.value, words.day, words.start, words.until)), one.text
        assert not re.search(r"\{\w+\}|\[[^\[\]]*\|", one.text), one.text
        got = constrained(one.kind, one.ends, words, one.notice.published_at, 1.0)
        wrong += [one.text] if got != one.meaning else []
    # The hour that the clocks repeat has one name and two meanings.
    assert len(wrong) <= 2, wrong


def test_the_same_seed_gives_the_same_texts_and_cancellations_say_nothing_else():
    first, again = list(examples(200, 3, "train")), list(examples(200, 3, "train"))
    assert first == again
    assert all(one.words.until == "" for one in first if one.meaning.bound == CANCEL)
