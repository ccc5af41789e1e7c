"""A search with a fixed number of trials: where to start, a spread of random points, then steps from the best so far.

The same budget for every controller is what makes their comparison fair, so nothing here stops early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.ranges import Range

RANDOM_SHARE = 0.1  # of the trials: in ten dimensions few random points are any good
FIRST_STEP, SHORTEST_STEP, LONGEST_STEP = 0.2, 0.01, 0.4  # standard deviation, share of a range
LONGER, SHORTER = 1.2, 0.92  # after a gain and after none
FURTHER = 1.5  # a step that gained is taken again, this much longer

Numbers = dict[str, float]


@dataclass(frozen=True)
class Trial:
    """One point of a search and what it is worth; more is better."""

    numbers: Numbers
    value: float


def search(
    ranges: Sequence[Range], evaluate: Callable[[Numbers], float], trials: int, rng: np.random.Generator
) -> list[Trial]:
    """``trials`` trials in order; the first is the ranges' start, the best is the answer.

    Raises:
        ValueError: fewer than one trial.
    """
    if trials < 1:
        raise ValueError(f"tuning with {trials} trials; give at least 1")
    spread = _spread(len(ranges), max(0, round(RANDOM_SHARE * trials)), rng)
    done: list[Trial] = []
    best = np.array([allowed.share(allowed.start) for allowed in ranges])
    best_value, step = -np.inf, FIRST_STEP
    again: np.ndarray | None = None
    for k in range(trials):
        refining = k > len(spread)
        if refining:
            move = _one_move(len(ranges), step, rng) if again is None else again
            point = np.array([allowed.moved(*at) for allowed, *at in zip(ranges, best, move, strict=True)])
        else:
            point = spread[k - 1] if k else best
        numbers = {allowed.name: allowed.value(share) for allowed, share in zip(ranges, point, strict=True)}
        done.append(Trial(numbers, evaluate(numbers)))
        gained = done[-1].value > best_value
        if gained:
            best, best_value = point, done[-1].value
        if refining:
            if gained or again is None:
                step = float(np.clip(step * (LONGER if gained else SHORTER), SHORTEST_STEP, LONGEST_STEP))
            again = FURTHER * move if gained else None
    return done


def best_of(trials: Sequence[Trial]) -> Trial:
    """The first of the best."""
    return max(trials, key=lambda trial: trial.value)


def _spread(count: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """float64 (points, count) in [0, 1): a Latin hypercube, so that each number is tried all over its range."""
    strata = np.stack([rng.permutation(points) for _ in range(count)], axis=1)
    return (strata + rng.random((points, count))) / max(points, 1)


def _one_move(count: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """float64 (count,): one or two numbers moved by normal steps, the others left."""
    chosen = rng.random(count) < 1.0 / count
    chosen[rng.integers(count)] = True
    return step * rng.standard_normal(count) * chosen
