"""Runs that are under way at once and share engines: what all of them ask one at a time is one batch.

Each run has a thread and seats of its own to ask at; the real engines are called by the thread that started all this,
once every run that is still going waits for an answer. So batches are the same each time, and an engine that is started
again belongs to a thread that lives on. What several runs ask in the same words is asked once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from llm_layer.engine import Answer, Engine, EngineFailure
from llm_layer.prompt import Prompt

T = TypeVar("T")


class StoppedError(RuntimeError):
    """The runs were given up: one of them failed, or somebody pressed Ctrl-C."""


def run_together(runs: Sequence[Callable[..., T]], *engines: Engine) -> list[T]:
    """Results of ``runs``, in their order. Each is called once, with the engines it is to use, in the order given.

    Raises:
        What a run or an engine raised first; the others are given up.
    """
    return _Table(runs, engines).serve()


class _Seat:
    """An engine as one run sees it."""

    def __init__(self, table: _Table, number: int, engine: int) -> None:
        self.model_id = table.engines[engine].model_id
        self._table, self._number, self._engine = table, number, engine

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        return self._table.ask(self._number, self._engine, prompts)

    def close(self) -> None:
        """The engine is the table's."""


class _Table(Generic[T]):
    def __init__(self, runs: Sequence[Callable[..., T]], engines: Sequence[Engine]) -> None:
        self.engines = engines
        self._changed = threading.Condition()
        self._going = len(runs)
        self._asked: dict[int, tuple[int, Sequence[Prompt]]] = {}  # run -> which engine, what
        self._answered: dict[int, list[Answer | EngineFailure]] = {}
        self._results: dict[int, T] = {}
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(number, run), daemon=True) for number, run in enumerate(runs)
        ]

    def serve(self) -> list[T]:
        for thread in self._threads:
            thread.start()
        try:
            while self._wait():
                self._answer()
        except BaseException as error:
            self._give_up(error)
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in range(len(self._threads))]

    def ask(self, number: int, engine: int, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        with self._changed:
            self._asked[number] = engine, prompts
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error is not None or number in self._answered)
            if self._error is not None:
                raise StoppedError("given up")
            return self._answered.pop(number)

    def _wait(self) -> bool:
        """Until every run that is going waits for an answer; False: none is going any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or len(self._asked) == self._going)
            return self._error is None and self._going > 0

    def _answer(self) -> None:
        found: dict[int, list[Answer | EngineFailure]] = {}
        for engine in sorted({engine for engine, _ in self._asked.values()}):
            mine = {number: asked for number, (of, asked) in sorted(self._asked.items()) if of == engine}
            once = {_words(prompt): prompt for asked in mine.values() for prompt in asked}
            answers = dict(zip(once, self.engines[engine].generate(list(once.values())), strict=True))
            found |= {number: [answers[_words(prompt)] for prompt in asked] for number, asked in mine.items()}
        with self._changed:
            self._answered = found
            self._asked.clear()
            self._changed.notify_all()

    def _run(self, number: int, run: Callable[..., T]) -> None:
        try:
            self._results[number] = run(*(_Seat(self, number, engine) for engine in range(len(self.engines))))
        except BaseException as error:
            self._give_up(error)
        with self._changed:
            self._going -= 1
            self._changed.notify_all()

    def _give_up(self, error: BaseException) -> None:
        with self._changed:
            if self._error is None:
                self._error = error
            self._changed.notify_all()


def _words(prompt: Prompt) -> tuple[str, str, int]:
    """What makes two prompts one question; schemas are made once each."""
    return prompt.system, prompt.user, id(prompt.schema)
