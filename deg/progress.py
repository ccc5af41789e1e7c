"""Tell the user on standard error what a long job is at, and take Ctrl-C as a wish to stop in good order."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType, TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

REDRAW_S = 0.2


class Progress:
    """Progress of one command. On a terminal a bar; elsewhere one line a stage.

    Long loops call ``advance`` and end early, leaving readable results, once ``stop_requested`` is True. The first
    Ctrl-C (or SIGTERM) sets it; the second raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = (
            Bars(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TimeElapsedColumn(), console=console, transient=True,
            )  # fmt: skip
            if console.is_terminal
            else None
        )
        self._task: TaskID | None = None
        self._pending = 0
        self._drawn_at = 0.0
        self._handlers: dict[int, object] = {}
        self.stop_requested = False

    def stage(self, text: str, total: int | None = None) -> None:
        """Begin a new stage of ``total`` steps (None: unknown)."""
        if self._bars is None:
            print(f"{text} ...", file=sys.stderr, flush=True)
            return
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(text, total=total)
        self._pending = 0

    def advance(self, steps: int = 1) -> None:
        """``steps`` more of the present stage are done. Cheap enough for every control step."""
        self._pending += steps
        now = time.monotonic()
        if self._bars is not None and self._task is not None and now - self._drawn_at > REDRAW_S:
            self._bars.advance(self._task, self._pending)
            self._pending, self._drawn_at = 0, now

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.stop_requested or number not in self._handlers:
            raise KeyboardInterrupt
        self.stop_requested = True
        print("stopping after this settlement period; once more to drop the run", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._on_signal)
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
