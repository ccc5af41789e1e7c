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
DRAWS = 50  # for a point not tried yet, before looking twice as far
DOUBLINGS = 8

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
    start = np.array([[allowed.share(allowed.start) for allowed in ranges]])
    points = np.concatenate([start, _spread(len(ranges), round(RANDOM_SHARE * trials), rng)])[:trials]
    done = [Trial(numbers, evaluate(numbers)) for numbers in (_numbers(ranges, point) for point in points)]
    best, best_value = points[np.argmax([trial.value for trial in done])], best_of(done).value
    step = FIRST_STEP
    again: np.ndarray | None = None
    while len(done) < trials:
        repeated = again is not None and _untried(ranges, best + again, done)
        move = again if again is not None and repeated else _new_move(ranges, best, step, done, rng)
        numbers = _numbers(ranges, best + move)
        done.append(Trial(numbers, evaluate(numbers)))
        gained = done[-1].value > best_value
        if gained:
            best, best_value = _inside(ranges, best + move), done[-1].value
        if gained or not repeated:
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


def _new_move(
    ranges: Sequence[Range], best: np.ndarray, step: float, done: Sequence[Trial], rng: np.random.Generator
) -> np.ndarray:
    """float64 (n,): one or two numbers moved by normal steps, the others left, to a point not tried yet."""
    steps = np.maximum(step, [allowed.notch for allowed in ranges])
    for draw in range(DRAWS * DOUBLINGS):
        chosen = rng.random(len(ranges)) < 1.0 / len(ranges)
        chosen[rng.integers(len(ranges))] = True
        move = 2.0 ** (draw // DRAWS) * steps * rng.standard_normal(len(ranges)) * chosen
        if _untried(ranges, best + move, done):
            break
    return move


def _untried(ranges: Sequence[Range], point: np.ndarray, done: Sequence[Trial]) -> bool:
    """A trial done twice tells nothing."""
    numbers = _numbers(ranges, point)
    return all(numbers != trial.numbers for trial in done)


def _numbers(ranges: Sequence[Range], point: np.ndarray) -> Numbers:
    """The numbers at a point, float64 (n,), brought back into the ranges where it lies outside."""
    shares = _inside(ranges, point)
    return {allowed.name: allowed.value(share) for allowed, share in zip(ranges, shares, strict=True)}


def _inside(ranges: Sequence[Range], point: np.ndarray) -> np.ndarray:
    return np.array([allowed.inside(share) for allowed, share in zip(ranges, point, strict=True)])
