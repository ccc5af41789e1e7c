"""What a reader is tuned on says what the notice says, and nothing of what it is tested on."""

import json

from llm_layer.distil.pairs import reader_pairs
from llm_layer.reader.answer import parse_reading
from llm_layer.reader.training import examples, lessons


def test_every_answer_is_one_that_the_host_accepts_for_its_notice() -> None:
    for pair in reader_pairs(200, seed=3):
        _, _, text = pair.user.partition(": ")
        kind, ends, _ = parse_reading(pair.answer, text)
        told = json.loads(pair.answer)
        assert (kind, "cancel" if ends else "ask") == (told["kind"], told["say"])


def test_pairs_are_the_same_for_a_seed_and_others_for_another() -> None:
    assert list(reader_pairs(40, seed=1)) == list(reader_pairs(40, seed=1))
    assert list(reader_pairs(40, seed=1)) != list(reader_pairs(40, seed=2))


def test_no_wording_of_the_test_is_trained_on() -> None:
    trained = {example.wording for example in lessons(2000, 1)}
    assert trained.isdisjoint(example.wording for example in examples(2000, 1, "test"))
