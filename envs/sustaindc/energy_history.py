"""Clipped mean and deviation of the last 10,000 meter readings of a site, exact and fast.

SustainDC keeps its readings in a ``deque`` and calls ``np.percentile`` on all of it six times a step, which takes half
of its time. Here each site has the readings in time order (``ring``), in ascending order (``sorted_blocks``) for the
quartiles, and their sums; the few readings beyond the clipping fences correct the sums.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.sustaindc.constants import Record
from envs.sustaindc.numpy_sums import pairwise_sum
from envs.sustaindc.sorted_blocks import BLOCK, Sorted, empty_blocks, insert, ranked, remove

HISTORY = 10_000  # maxlen of SustainDC's deque
SPARE = 1.3  # blocks beyond the number that half-full ones need; a full table is packed anew, rarely
EXACT_UP_TO = 128  # readings up to which mean and deviation are rounded as numpy rounds them
CANCELLATION = 1e-4  # share of the mean square below which the variance is computed in two passes

SUMS_DTYPE = np.dtype(
    [
        ("size", np.int64),
        ("next", np.int64),  # place in the ring of the coming reading
        ("blocks", np.int64),
        ("origin", np.float64),  # first reading; sums are taken about it
        ("total", np.float64),  # sum of (reading - origin)
        ("squares", np.float64),
    ]
)


class EnergyHistory:
    """Readings of B sites. One history a site: SustainDC has one a process, and runs one site in each."""

    def __init__(self, batch_size: int) -> None:
        self._sums = np.zeros(batch_size, dtype=SUMS_DTYPE)
        self._ring = np.zeros((batch_size, 0))
        self._sorted = empty_blocks(batch_size, 0)
        self._grow(2 * BLOCK)

    def normalise(self, readings: np.ndarray) -> np.ndarray:
        """Append one reading per site (B,), then return its distance from the clipped mean in deviations (B,)."""
        capacity = self._ring.shape[1]
        if capacity < HISTORY and self._sums["size"].max() == capacity:
            self._grow(min(HISTORY, 4 * capacity))
        z = np.empty(len(readings))
        _normalise(self._sums, self._ring, self._sorted, readings, z)
        return z

    def forget(self, sites: np.ndarray) -> None:
        """Begin anew at the sites where this bool (B,) is true."""
        self._sums[sites] = np.zeros((), dtype=SUMS_DTYPE)
        for new, old in zip(empty_blocks(1, self._sorted.low.shape[1]), self._sorted, strict=True):
            old[sites] = new

    def _grow(self, capacity: int) -> None:
        """Room for ``capacity`` readings: memory follows what was seen, not what may come."""
        batch_size, used = self._ring.shape
        ring = np.zeros((batch_size, capacity))
        ring[:, :used] = self._ring
        larger = empty_blocks(batch_size, int(SPARE * capacity / (BLOCK // 2)) + 2)
        for new, old in zip(larger, self._sorted, strict=True):
            new[:, : old.shape[1]] = old
        self._ring, self._sorted = ring, larger
        self._sums["next"] = self._sums["size"]  # none has gone round yet


@njit(cache=True, error_model="numpy")
def _normalise(sums: np.ndarray, ring: np.ndarray, blocks: Sorted, readings: np.ndarray, z: np.ndarray) -> None:
    capacity = ring.shape[1]
    scratch = np.empty(capacity)
    for i in range(len(sums)):
        s = sums[i]
        b = Sorted(blocks.low[i], blocks.held[i], blocks.slot[i], blocks.readings[i])
        reading = readings[i]
        if s.size == 0:
            s.origin = reading
        if s.size == capacity:
            remove(s, b, ring[i, s.next])
            _add_to_sums(s, ring[i, s.next], -1.0)
            s.size -= 1
        ring[i, s.next] = reading
        insert(s, b, reading, scratch)
        _add_to_sums(s, reading, 1.0)
        s.size += 1
        s.next = (s.next + 1) % capacity
        if s.next == 0:
            _sum_anew(s, ring[i])
        z[i] = _distance(s, ring[i], b, reading, scratch)


@njit(cache=True)
def _add_to_sums(s: Record, reading: float, sign: float) -> None:
    d = reading - s.origin
    s.total += sign * d
    s.squares += sign * d * d


@njit(cache=True)
def _sum_anew(s: Record, ring: np.ndarray) -> None:
    """Once a round, so that rounding does not accumulate."""
    s.total = 0.0
    s.squares = 0.0
    for reading in ring:
        _add_to_sums(s, reading, 1.0)


@njit(cache=True)
def _distance(s: Record, ring: np.ndarray, b: Sorted, reading: float, scratch: np.ndarray) -> float:
    """(reading - mean) / deviation of the history clipped to 1.5 interquartile ranges; 0 for a first reading."""
    if s.size < 2:
        return 0.0
    lower = _quantile(s, b, 0.25)
    upper = _quantile(s, b, 0.75)
    low = lower - 1.5 * (upper - lower)
    high = upper + 1.5 * (upper - lower)
    if s.size <= EXACT_UP_TO:
        mean, deviation = _two_pass(s, ring, low, high, scratch)
    else:
        mean, deviation = _from_sums(s, ring, b, low, high, scratch)
    return (reading - mean) / (deviation if deviation > 0.0 else 1.0)


@njit(cache=True)
def _quantile(s: Record, b: Sorted, share: float) -> float:
    """Linear between ranks, in the operations of ``np.percentile``."""
    position = share * (s.size - 1)
    rank = int(position)
    weight = position - rank
    below, above = ranked(s, b, rank)
    if weight >= 0.5:
        return above - (above - below) * (1.0 - weight)
    return below + (above - below) * weight


@njit(cache=True)
def _from_sums(
    s: Record, ring: np.ndarray, b: Sorted, low: float, high: float, scratch: np.ndarray
) -> tuple[float, float]:
    """Mean and deviation of the clipped history: the sums, corrected for what lies outside."""
    total = s.total
    squares = s.squares
    k = 0
    while k < s.blocks and b.low[k] < low:
        for j in range(b.held[k]):
            reading = b.readings[b.slot[k], j]
            if reading < low:
                total += low - reading
                squares += (low - s.origin) ** 2 - (reading - s.origin) ** 2
        k += 1
    k = s.blocks - 1
    while k >= 0 and b.readings[b.slot[k], b.held[k] - 1] > high:
        for j in range(b.held[k]):
            reading = b.readings[b.slot[k], j]
            if reading > high:
                total += high - reading
                squares += (high - s.origin) ** 2 - (reading - s.origin) ** 2
        k -= 1
    mean = total / s.size
    variance = squares / s.size - mean * mean
    if variance <= CANCELLATION * (s.squares / s.size):
        return _two_pass(s, ring, low, high, scratch)
    return s.origin + mean, math.sqrt(variance)


@njit(cache=True)
def _two_pass(s: Record, ring: np.ndarray, low: float, high: float, scratch: np.ndarray) -> tuple[float, float]:
    """Mean and deviation with numpy's rounding: where all readings are clipped to one, rounding is all there is."""
    capacity = len(ring)
    oldest = (s.next - s.size) % capacity
    for k in range(s.size):
        scratch[k] = min(max(ring[(oldest + k) % capacity], low), high)
    mean = pairwise_sum(scratch, s.size) / s.size
    for k in range(s.size):
        d = scratch[k] - mean
        scratch[k] = d * d
    return mean, math.sqrt(pairwise_sum(scratch, s.size) / s.size)
