"""Runs a batch kernel over slices of the sites, in as many threads. Kernels release the interpreter's lock."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from envs.kernel import find_bad_action


class Call(NamedTuple):
    """A kernel's arguments after the actions and bounds, slice by slice, and the result they write into."""

    result: Any
    parts: tuple[tuple[Any, ...], ...]


class Slices:
    """Cuts [0, size) into equal parts; one is worked on here, each other by a thread that waits between steps.

    Raises:
        ValueError: fewer than one thread, or more threads than sites.
    """

    def __init__(self, size: int, threads: int) -> None:
        if not 1 <= threads <= size:
            raise ValueError(f"threads: {threads} for {size} sites; give 1 to {size}")
        edges = [size * k // threads for k in range(threads + 1)]
        self._slices = [slice(*edge) for edge in itertools.pairwise(edges)]
        self._workers = [_Worker() for _ in range(threads - 1)]

    def call(self, result: Any, by_site: tuple[np.ndarray, ...], shared: tuple[Any, ...]) -> Call:
        """by_site arrays have one entry per site and are cut; every slice is given the shared ones."""
        if not self._workers:
            return Call(result, (by_site + shared,))
        return Call(result, tuple((*(array[part] for array in by_site), *shared) for part in self._slices))

    def run(self, kernel: Callable[..., int], raw: np.ndarray, bounds: np.ndarray, call: Call) -> int:
        """The kernel over every slice; -> -1 when all are done, or the first bad action before any has begun."""
        if not self._workers:
            return kernel(raw, bounds, *call.parts[0])
        wrong = find_bad_action(raw, bounds)
        if wrong >= 0:
            return wrong
        for worker, part, arrays in zip(self._workers, self._slices[1:], call.parts[1:], strict=True):
            worker.start(kernel, (raw[part], bounds[part], *arrays))
        own = self._slices[0]
        try:
            kernel(raw[own], bounds[own], *call.parts[0])
        finally:
            for worker in self._workers:
                worker.wait()
        return -1


class _Worker:
    """A thread that makes one call after the other and ends with this object.

    ``concurrent.futures`` would do, and takes 30 microseconds a step more: 5 % of half a batch of 4,096 sites.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue = SimpleQueue()
        self._ends: SimpleQueue = SimpleQueue()
        threading.Thread(target=_serve, args=(self._calls, self._ends), name="sites", daemon=True).start()
        weakref.finalize(self, self._calls.put, None)

    def start(self, kernel: Callable[..., int], arguments: tuple[Any, ...]) -> None:
        """Begin a call; ``wait`` has to follow before the next."""
        self._calls.put((kernel, arguments))

    def wait(self) -> None:
        """Return when the call has ended; what it raised is raised here."""
        error = self._ends.get()
        if error is not None:
            raise error


def _serve(calls: SimpleQueue, ends: SimpleQueue) -> None:
    while (call := calls.get()) is not None:
        kernel, arguments = call
        error = None
        try:
            kernel(*arguments)
        except BaseException as raised:
            error = raised
        del call, arguments  # the arrays are not held between steps
        ends.put(error)
