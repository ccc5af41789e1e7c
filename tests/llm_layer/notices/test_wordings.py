"""What is tested is never trained on: families, frames, causes and endings are split, and none repeats the fixtures."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from llm_layer.notices.compose import chosen
from llm_layer.notices.notice import KINDS
from llm_layer.notices.wordings import ASK, INJECTION, NUMBERED_FROM, SPLITS, all_wordings, frames, wordings
from llm_layer.reader.training import examples, lessons

IDLE = (
    {"a", "an", "the", "of", "to", "is", "be", "in", "on", "at", "and", "or", "no", "not", "it", "we", "you", "our"}
    | {"your", "for", "that", "this", "with", "by", "as", "will", "are", "has", "have", "from"}
)  # fmt: skip
SHARED = Path(os.environ.get("DEG_SHARED", "../shared"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_fifty_wordings_of_several_styles_in_every_split(kind: str) -> None:
    own = [w for w in all_wordings() if w.kind == kind and not w.ends]
    assert len(own) >= 50
    assert {"email", "terse", "bulletin", "chatty", "form", "hand", ASK} <= {w.style for w in own}
    assert sum(w.style == "hand" for w in own) >= 15
    for split in SPLITS:
        assert len(wordings(kind, split)) >= 5
        assert kind == "noise" or wordings(kind, split, True)
    assert wordings(INJECTION, "test")


def test_a_family_says_its_window_in_one_way_so_that_any_window_can_be_said_by_it() -> None:
    both = [w.name for w in all_wordings() if "when" in w.slots and w.slots & {"start", "end"}]
    assert not both


def test_no_family_or_frame_is_in_two_splits() -> None:
    seen: dict[str, str] = {}
    for wording in all_wordings():
        assert seen.setdefault(wording.template, wording.split) == wording.split, wording.name
    for style in ("email", "bulletin", "chatty", "terse"):
        found = [frame for split in SPLITS for frame in frames(style, split)]
        assert len(found) == len(set(found))


def test_no_test_text_was_ever_a_training_text() -> None:
    def masked(text: str) -> str:
        return re.sub(r"\d[\d.,:/]*", "#", text.lower())

    train = {masked(one.text) for one in (*lessons(4000, 1), *examples(4000, 1, "train"), *examples(4000, 1, "valid"))}
    tested = list(examples(2000, 2, "test"))
    assert not [one.text for one in tested if masked(one.text) in train]
    assert {one.wording for one in tested}.isdisjoint({one.wording for one in lessons(4000, 1)})


def test_wordings_added_for_training_are_not_near_those_kept_for_the_test() -> None:
    """Half of the telling words in common is near: hardly one in a hundred of the others is, by chance."""
    rng = np.random.default_rng(0)
    near = []
    for kind in (*KINDS, INJECTION):
        for ends in (False, True):
            kept = [_telling(wording.template) for wording in wordings(kind, "test", ends)]
            for wording in wordings(kind, "train", ends):
                if wording.number >= NUMBERED_FROM:
                    said = [_telling(chosen(rng, wording.template)) for _ in range(8)]
                    near += [wording.template] * any(len(a & b) >= 0.5 * len(a | b) for a in said for b in kept)
    assert not near


def _telling(template: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z']+", re.sub(r"\{\w+\}", " ", template.lower()))) - IDLE


def test_no_wording_repeats_the_shared_probe() -> None:
    path = SHARED / "fixtures/llm/notices.json"
    if not path.is_file():
        pytest.skip("needs DEG_SHARED: the shared probe of notices")
    probe = {words for item in json.loads(path.read_text()) for words in _runs(item["text"])}
    assert not [w.template for w in all_wordings() if probe & _runs(w.template)]
    rendered = lessons(6000, 3)  # choices, asides and causes put together; amounts are alike everywhere
    assert not [one.text for one in rendered if any("#" not in words for words in probe & _runs(one.text))]


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    """Every run of so many words, numbers and slots masked."""
    plain = re.sub(r"\d[\d.,:/]*|\{\w+\}", " # ", text.lower())
    words = re.findall(r"[a-z']+|#", plain)
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
