"""Runs under way at once share an engine: one batch of what all of them ask, by the thread that started them."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count

import pytest

from llm_layer.engine import Answer
from llm_layer.prompt import build_prompt
from llm_layer.sample import SAMPLE
from llm_layer.together import StoppedError, run_together

PROMPT = build_prompt(SAMPLE)


class Counts:
    """Answers each prompt with its place in the batch; keeps the sizes of batches and who asked."""

    model_id = "counts:1"

    def __init__(self):
        self.batches, self.threads = [], set()

    def generate(self, prompts):
        self.batches.append(len(prompts))
        self.threads.add(threading.current_thread())
        return [Answer(str(k), 1, 1, 0.0) for k in range(len(prompts))]

    def close(self):
        pass


def asks(times, each=1):
    """Asks ``times`` times for the answers to ``each`` prompts that nobody else asks about."""

    def run(engine):
        return [answer.text for _ in range(times) for answer in engine.generate([other() for _ in range(each)])]

    return run


def other(numbers=count()):
    return replace(PROMPT, user=f"{PROMPT.user} {next(numbers)}")


def test_what_all_ask_at_a_time_is_one_batch():
    engine = Counts()
    results = run_together([asks(3), asks(3, each=2), asks(1)], engine)
    assert engine.batches == [4, 3, 3]
    assert engine.threads == {threading.current_thread()}
    assert results == [["0", "0", "0"], ["1", "2", "1", "2", "1", "2"], ["3"]]


def test_what_several_ask_in_the_same_words_is_asked_once():
    def same(engine):
        return [answer.text for answer in engine.generate([PROMPT, PROMPT])]

    engine = Counts()
    assert run_together([same, asks(1), same], engine) == [["0", "0"], ["1"], ["0", "0"]]
    assert engine.batches == [2]


def test_each_run_asks_the_engine_it_wants():
    judge, reader = Counts(), Counts()

    def both(judge, reader):
        return [reader.generate([other()])[0].text, judge.generate([other()])[0].text]

    assert run_together([both, lambda judge, reader: judge.generate([other()])[0].text], judge, reader) == [
        ["0", "0"],
        "0",
    ]
    assert (judge.batches, reader.batches) == ([1, 1], [1])


def test_a_run_that_asks_nothing_holds_nobody_up():
    engine = Counts()
    assert run_together([asks(2), lambda engine: "idle"], engine) == [["0", "0"], "idle"]


def test_one_that_fails_ends_all_and_its_error_is_the_one_seen():
    stopped = []

    def fails(engine):
        engine.generate([PROMPT])
        raise ValueError("no such week")

    def goes_on(engine):
        try:
            asks(100)(engine)
        except StoppedError:
            stopped.append(True)
            raise

    with pytest.raises(ValueError, match="no such week"):
        run_together([goes_on, fails], Counts())
    assert stopped == [True]


def test_an_engine_that_cannot_start_ends_all():
    class Broken(Counts):
        def generate(self, prompts):
            raise ValueError("vLLM does not start")

    with pytest.raises(ValueError, match="vLLM does not start"):
        run_together([asks(1), asks(1)], Broken())
