"""Runs a batch kernel over slices of the sites, in as many threads. Kernels release the interpreter's lock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from envs.kernel import find_bad_action


class Call(NamedTuple):
    """A kernel's arguments after the actions and bounds, and the result they write into.

    by_site arrays have one entry per site and are cut into slices; shared ones are not; all is both end to end.
    """

    result: Any
    by_site: tuple[np.ndarray, ...]
    shared: tuple[Any, ...]
    all: tuple[Any, ...]


class Slices:
    """Cuts [0, size) into equal parts; one is worked on here, the others by a pool that waits between steps.

    Raises:
        ValueError: fewer than one thread, or more threads than sites.
    """

    def __init__(self, size: int, threads: int) -> None:
        if not 1 <= threads <= size:
            raise ValueError(f"threads: {threads} for {size} sites; give 1 to {size}")
        edges = [size * k // threads for k in range(threads + 1)]
        self._slices = [slice(*edge) for edge in itertools.pairwise(edges)]
        self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="sites") if threads > 1 else None

    def run(self, kernel: Callable[..., int], raw: np.ndarray, bounds: np.ndarray, call: Call) -> int:
        """The kernel over every slice; -> -1 when all are done, or the first bad action before any has begun."""
        if self._pool is None:
            return kernel(raw, bounds, *call.all)
        wrong = find_bad_action(raw, bounds)
        if wrong >= 0:
            return wrong
        first, *others = ([array[part] for array in (raw, bounds, *call.by_site)] for part in self._slices)
        waiting = [self._pool.submit(kernel, *arrays, *call.shared) for arrays in others]
        kernel(*first, *call.shared)
        for done in waiting:
            done.result()
        return -1
