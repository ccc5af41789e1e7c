"""A search with a fixed number of trials: where to start, a spread of random points, then steps from the best so far.

The same budget for every controller is what makes their comparison fair, so nothing here stops early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.ranges import Range

RANDOM_SHARE = 0.3  # of the trials
FIRST_STEP, SHORTEST_STEP, LONGEST_STEP = 0.2, 0.01, 0.4  # standard deviation, share of a range
LONGER, SHORTER = 1.5, 0.92  # after a gain and after none: balanced at about one gain in six trials (Rechenberg's rule)
MOVED_AT_ONCE = 2.0  # numbers changed together, on average

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
    step, best_value = FIRST_STEP, -np.inf
    for k in range(trials):
        refining = k > len(spread)
        point = best if k == 0 else _near(best, ranges, step, rng) if refining else spread[k - 1]
        numbers = {allowed.name: allowed.value(share) for allowed, share in zip(ranges, point, strict=True)}
        trial = Trial(numbers, evaluate(numbers))
        gained = trial.value > best_value
        if gained:
            best, best_value = point, trial.value
        if refining:
            step = float(np.clip(step * (LONGER if gained else SHORTER), SHORTEST_STEP, LONGEST_STEP))
        done.append(trial)
    return done


def best_of(trials: Sequence[Trial]) -> Trial:
    """The first of the best."""
    return max(trials, key=lambda trial: trial.value)


def _spread(count: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """float64 (points, count) in [0, 1): a Latin hypercube, so that each number is tried all over its range."""
    strata = np.stack([rng.permutation(points) for _ in range(count)], axis=1)
    return (strata + rng.random((points, count))) / max(points, 1)


def _near(best: np.ndarray, ranges: Sequence[Range], step: float, rng: np.random.Generator) -> np.ndarray:
    """A point near the best: few numbers moved, by normal steps; at least one."""
    chosen = rng.random(len(ranges)) < MOVED_AT_ONCE / len(ranges)
    chosen[rng.integers(len(ranges))] = True
    by = step * rng.standard_normal(len(ranges))
    return np.array(
        [
            allowed.moved(share, move) if picked else share
            for allowed, share, move, picked in zip(ranges, best, by, chosen, strict=True)
        ]
    )
