"""Statistics of (seed, week) tables: pure functions, pairs kept, every draw from a ``np.random.Generator``.

A table is float64 (S, W): one value a seed and week, workloads averaged first. A controller without randomness has
S = 1 and is compared with every seed of the other. Weeks and seeds are resampled independently of each other
(crossed, or "pigeonhole", bootstrap: Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A statistic with its percentile bootstrap interval; ``p_value`` is two-sided against 0."""

    estimate: float
    low: float
    high: float
    p_value: float
    level: float
    seeds: int
    weeks: int

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0.0 or self.high < 0.0


def paired_difference(
    a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Mean of a - b over seeds and weeks with its crossed bootstrap interval. Raises ValueError: see ``_paired``."""
    a, b = _paired(a, b)
    difference = a - b
    seeds, weeks = _weights(difference.shape, rng, resamples)
    return _interval(float(difference.mean()), _means(difference, seeds, weeks), level, difference.shape)


def ratio_of_sums(
    part: np.ndarray, whole: np.ndarray, *, rng: np.random.Generator, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """sum(part) / sum(whole), both resampled together: shares are ratios of sums, never means of weekly ratios.

    Raises ValueError: see ``_paired``; or a whole that sums to zero.
    """
    part, whole = _paired(part, whole)
    if whole.sum() == 0.0:
        raise ValueError("ratio_of_sums: the whole sums to 0, a share of it has no meaning")
    seeds, weeks = _weights(part.shape, rng, resamples)
    draws = _means(part, seeds, weeks) / _means(whole, seeds, weeks)
    return _interval(float(part.sum() / whole.sum()), draws, level, part.shape)


def share_of_saving(
    variant: np.ndarray,
    neutral: np.ndarray,
    bound: np.ndarray,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Share of the saving open to perfect foresight: sum(neutral - variant) / sum(neutral - bound)."""
    return ratio_of_sums(neutral - variant, neutral - bound, rng=rng, level=level, resamples=resamples)


def probability_of_improvement(
    a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Chance that a is lower (better) than b in the same seed and week, ties counting half. No test against 0."""
    a, b = _paired(a, b)
    wins = (a < b) + 0.5 * (a == b)
    seeds, weeks = _weights(wins.shape, rng, resamples)
    return _interval(float(wins.mean()), _means(wins, seeds, weeks), level, wins.shape)


def interquartile_mean(values: np.ndarray) -> float:
    """Mean of the middle half, float cuts weighted: robust against a few odd runs (Agarwal et al. 2021)."""
    ordered = np.sort(np.ravel(values))
    size = len(ordered)
    low, high = 0.25 * size, 0.75 * size
    left = np.arange(size, dtype=np.float64)
    weight = np.clip(np.minimum(left + 1.0, high) - np.maximum(left, low), 0.0, 1.0)
    return float((weight * ordered).sum() / weight.sum())


def iqm_interval(
    values: np.ndarray, *, rng: np.random.Generator, level: float = 0.95, resamples: int = 2_000
) -> Interval:
    """Interquartile mean of a table with its crossed bootstrap interval."""
    table = _table(values)
    seeds, weeks = table.shape
    pick_seeds = rng.integers(0, seeds, (resamples, seeds))
    pick_weeks = rng.integers(0, weeks, (resamples, weeks))
    draws = np.array([interquartile_mean(table[np.ix_(s, w)]) for s, w in zip(pick_seeds, pick_weeks, strict=True)])
    return _interval(interquartile_mean(table), draws, level, table.shape)


def performance_profile(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """float64 (len(thresholds),): share of seeds and weeks whose value is at or above each threshold."""
    flat = np.ravel(values)
    return (flat[None, :] >= np.asarray(thresholds)[:, None]).mean(axis=1)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction: adjusted p-values in the order given (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def _table(values: np.ndarray) -> np.ndarray:
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"table of shape {np.shape(values)}: expected (seeds, weeks), at least one of each")
    if not np.isfinite(table).all():
        seed, week = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(f"table: value at seed {seed}, week {week} is not finite; a run is missing or failed")
    return table


def _paired(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two tables of the same seeds and weeks; a single seed stands against all of the other's.

    Raises ValueError on unequal weeks, unequal seeds, or a value that is not finite.
    """
    a, b = _table(a), _table(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"pairs: {a.shape[1]} weeks against {b.shape[1]}; compare the same weeks")
    if a.shape[0] != b.shape[0] and 1 not in (a.shape[0], b.shape[0]):
        raise ValueError(f"pairs: {a.shape[0]} seeds against {b.shape[0]}; give the same seeds, or one")
    shape = np.broadcast_shapes(a.shape, b.shape)
    return np.broadcast_to(a, shape), np.broadcast_to(b, shape)


def _weights(shape: tuple[int, int], rng: np.random.Generator, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (R, S) and (R, W) with which each resample counts each seed and each week."""
    seeds, weeks = shape
    if weeks < 2:
        raise ValueError(f"interval: {weeks} week; the bootstrap resamples weeks and needs at least 2")
    by_seed = rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples) / seeds
    by_week = rng.multinomial(weeks, np.full(weeks, 1.0 / weeks), size=resamples) / weeks
    return by_seed, by_week


def _means(table: np.ndarray, seeds: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    return ((seeds @ table) * weeks).sum(axis=1)


def _interval(estimate: float, draws: np.ndarray, level: float, shape: tuple[int, int]) -> Interval:
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(draws, [tail, 100.0 - tail])
    below, above = float((draws <= 0.0).mean()), float((draws >= 0.0).mean())
    return Interval(estimate, float(low), float(high), min(1.0, 2.0 * min(below, above)), level, *shape)
