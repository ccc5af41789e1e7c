"""Runs that are under way at once and share one engine: what all of them ask at a time is one batch.

Each run has a thread and an engine of its own to talk to; the real one is called by the thread that started all this,
once every run that is still going waits for an answer. So batches are the same each time, and an engine that is started
again belongs to a thread that lives on.
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


def run_together(runs: Sequence[Callable[[Engine], T]], engine: Engine) -> list[T]:
    """Results of ``runs``, in their order. Each is called once, with the engine it is to use.

    Raises:
        What a run or the engine raised first; the others are given up.
    """
    return _Table(runs, engine).serve()


class _Seat:
    """The engine as one run sees it."""

    def __init__(self, table: _Table, number: int) -> None:
        self.model_id = table.engine.model_id
        self._table, self._number = table, number

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        return self._table.ask(self._number, prompts)

    def close(self) -> None:
        """The engine is the table's."""


class _Table(Generic[T]):
    def __init__(self, runs: Sequence[Callable[[Engine], T]], engine: Engine) -> None:
        self.engine = engine
        self._changed = threading.Condition()
        self._going = len(runs)
        self._asked: dict[int, Sequence[Prompt]] = {}
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

    def ask(self, number: int, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        with self._changed:
            self._asked[number] = prompts
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
        order = sorted(self._asked)
        answers = iter(self.engine.generate([prompt for number in order for prompt in self._asked[number]]))
        with self._changed:
            self._answered = {number: [next(answers) for _ in self._asked[number]] for number in order}
            self._asked.clear()
            self._changed.notify_all()

    def _run(self, number: int, run: Callable[[Engine], T]) -> None:
        try:
            self._results[number] = run(_Seat(self, number))
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
