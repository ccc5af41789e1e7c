"""The reward normaliser equals numpy on a deque of 10,000 readings, whatever the readings do."""

from __future__ import annotations

from collections import deque

import numpy as np

from envs.sustaindc.energy_history import HISTORY, EnergyHistory


def by_numpy(history: deque[float], reading: float) -> float:
    if len(history) < 2:
        return 0.0
    values = np.array(history)
    lower, upper = np.percentile(values, 25), np.percentile(values, 75)
    clipped = np.clip(values, lower - 1.5 * (upper - lower), upper + 1.5 * (upper - lower))
    deviation = clipped.std()
    return float((reading - clipped.mean()) / (deviation if deviation > 0 else 1))


def columns(n: int) -> np.ndarray:
    """float64 (n, 7): noise, a rising and a falling drift (blocks empty and fill up), ties, a near-constant that is
    clipped to one value, a constant, a daily wave with spikes."""
    rng = np.random.default_rng(1)
    k = np.arange(n)
    return np.column_stack(
        [
            rng.normal(400.0, 60.0, n),
            5.0 + 0.37 * k,
            -0.1 * k + rng.normal(size=n),
            np.round(rng.normal(400.0, 20.0, n)),
            np.where(rng.random(n) < 0.9, 400.123, rng.normal(400.0, 30.0, n)),
            np.full(n, 333.19685571284026),
            400.0 + 50.0 * np.sin(k / 15.0) + 1000.0 * (rng.random(n) < 0.01),
        ]
    )


def test_equals_numpy_before_and_after_the_history_is_full() -> None:
    readings = columns(2 * HISTORY + 1500)
    history = EnergyHistory(readings.shape[1])
    kept: list[deque[float]] = [deque(maxlen=HISTORY) for _ in range(readings.shape[1])]
    for k, row in enumerate(readings):
        z = history.normalise(row)
        for past, reading in zip(kept, row, strict=True):
            past.append(float(reading))
        if k < 200 or k % 331 == 0 or abs(k - HISTORY) < 5:
            expected = [by_numpy(past, float(reading)) for past, reading in zip(kept, row, strict=True)]
            np.testing.assert_allclose(z, expected, rtol=1e-10, atol=1e-10)
        if k < 128:
            assert z.tolist() == expected, "short histories agree to the last bit: their deviation may be rounding"
