"""Tell the user on standard error what a long job is at, and take Ctrl-C as a wish to stop in good order."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType, TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

REDRAW_S = 0.2
LINE_EVERY_S = 5.0  # where standard error is no terminal


class Reporter:
    """``reporter(done, total)`` shows how far a job is: a bar on a terminal, elsewhere a line now and then.

    Once steps are being done, the first Ctrl-C (or SIGTERM) raises KeyboardInterrupt from the next such call, that is
    between two steps, so that what has been done can still be written. A second one, or one before the first step,
    raises it at once.
    """

    def __init__(self, task: str, unit: str = "step") -> None:
        console = Console(stderr=True)
        self._name, self._unit = task, unit
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(task, total=None)
        self._quiet_s = REDRAW_S if console.is_terminal else LINE_EVERY_S
        self._began_at = self._shown_at = time.monotonic()
        self._stepping = False
        self._stop = False
        self._handlers: dict[int, object] = {}

    def __call__(self, done: int, total: int) -> None:
        """Cheap enough for every control step. Raises KeyboardInterrupt once the user wants to stop."""
        self._stepping = True
        if self._stop:
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - self._shown_at < self._quiet_s:
            return
        self._shown_at = now
        if self._bar.disable:
            left = self._left(done, total, now)
            print(f"{self._name}: {done} of {total} {self._unit}s{left}", file=sys.stderr, flush=True)
        else:
            self._bar.update(self._task, completed=done, total=total)

    def _left(self, done: int, total: int, now: float) -> str:
        """Time left at the pace so far, once there is one."""
        if done == 0:
            return ""
        minutes = (now - self._began_at) * (total - done) / done / 60.0
        return f", about {minutes:.0f} min left" if minutes >= 1.0 else ", less than 1 min left"

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stop or not self._stepping:
            raise KeyboardInterrupt
        self._stop = True
        print(f"stopping after this {self._unit}; once more to stop at once", file=sys.stderr, flush=True)

    def __enter__(self) -> Reporter:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
