"""Order statistics over the last 10,000 meter readings of a site, exact and fast.

SustainDC keeps its readings in a ``deque`` and calls ``np.percentile`` on all of it six times a step, which takes half
of its time. Here each site has the readings in time order (``ring``) and once more in ascending order, cut into
blocks of at most 128: a reading enters or leaves by shifting one block, and quartiles are found by counting blocks.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

HISTORY = 10_000  # maxlen of SustainDC's deque
BLOCK = 128
SPARE = 1.3  # blocks beyond the number that half-full ones need; a full table is packed anew, rarely
EXACT_UP_TO = 128  # readings up to which mean and deviation are rounded as numpy rounds them
CANCELLATION = 1e-6  # share of the mean square below which the variance is computed in two passes

HISTORY_DTYPE = np.dtype([("size", np.int64), ("next", np.int64), ("blocks", np.int64), ("origin", np.float64)])
BLOCK_DTYPE = np.dtype(
    [
        ("low", np.float64),  # smallest reading of the block
        ("high", np.float64),
        ("total", np.float64),  # sum of (reading - origin)
        ("squares", np.float64),
        ("count", np.int64),
        ("slot", np.int64),  # where its readings lie; slots past the used blocks are free
    ]
)


class EnergyHistory:
    """Readings of B sites. One history a site: SustainDC has one a process, and runs one site in each."""

    def __init__(self, batch_size: int) -> None:
        self._sites = np.zeros(batch_size, dtype=HISTORY_DTYPE)
        self._capacity = 0
        self._grow(2 * BLOCK)

    def normalise(self, readings: np.ndarray) -> np.ndarray:
        """Append one reading per site (B,), then return its distance from the clipped mean in deviations (B,)."""
        if self._appended() == self._capacity and self._capacity < HISTORY:
            self._grow(min(HISTORY, 4 * self._capacity))
        z = np.empty(len(readings))
        _normalise(self._sites, self._ring, self._blocks, self._slots, readings, z)
        return z

    def _appended(self) -> int:
        return int(self._sites["size"][0])

    def _grow(self, capacity: int) -> None:
        """Room for ``capacity`` readings: memory follows what was seen, not what may come."""
        batch_size = len(self._sites)
        count = int(SPARE * capacity / (BLOCK // 2)) + 2
        ring = np.zeros((batch_size, capacity))
        blocks = np.zeros((batch_size, count), dtype=BLOCK_DTYPE)
        blocks["slot"] = np.arange(count)
        slots = np.zeros((batch_size, count, BLOCK))
        if self._capacity:
            ring[:, : self._capacity] = self._ring
            blocks[:, : self._blocks.shape[1]] = self._blocks
            slots[:, : self._slots.shape[1]] = self._slots
            self._sites["next"] = self._capacity
        self._ring, self._blocks, self._slots, self._capacity = ring, blocks, slots, capacity


@njit(cache=True, error_model="numpy")
def _normalise(sites, ring, blocks, slots, readings, z):
    scratch = np.empty(ring.shape[1])
    for i in range(len(sites)):
        site = sites[i]
        if site.size == ring.shape[1]:
            _remove(site, blocks[i], slots[i], ring[i, site.next])
            site.size -= 1
        if site.size == 0:
            site.origin = readings[i]
        ring[i, site.next] = readings[i]
        site.next = (site.next + 1) % ring.shape[1]
        site.size += 1
        _insert(site, blocks[i], slots[i], readings[i], scratch)
        z[i] = _distance(site, ring[i], blocks[i], slots[i], readings[i], scratch)


@njit(cache=True)
def _distance(site, ring, blocks, slots, reading, scratch):
    """(reading - mean) / deviation of the history clipped to 1.5 interquartile ranges; 0 for a first reading."""
    if site.size < 2:
        return 0.0
    lower = _quantile(site, blocks, slots, 0.25)
    upper = _quantile(site, blocks, slots, 0.75)
    low = lower - 1.5 * (upper - lower)
    high = upper + 1.5 * (upper - lower)
    if site.size <= EXACT_UP_TO:
        mean, deviation = _two_pass(ring, site.size, low, high, scratch)
    else:
        mean, deviation = _from_blocks(site, ring, blocks, slots, low, high, scratch)
    return (reading - mean) / (deviation if deviation > 0.0 else 1.0)


@njit(cache=True)
def _quantile(site, blocks, slots, share):
    """Linear between ranks, in the operations of ``np.percentile``."""
    position = share * (site.size - 1)
    rank = int(position)
    weight = position - rank
    below, above = _ranked(site, blocks, slots, rank)
    if weight >= 0.5:
        return above - (above - below) * (1.0 - weight)
    return below + (above - below) * weight


@njit(cache=True)
def _ranked(site, blocks, slots, rank):
    """Readings of ``rank`` and of the one after it (the last one twice)."""
    b = 0
    while rank >= blocks[b].count:
        rank -= blocks[b].count
        b += 1
    value = slots[blocks[b].slot, rank]
    if rank + 1 < blocks[b].count:
        return value, slots[blocks[b].slot, rank + 1]
    if b + 1 < site.blocks:
        return value, blocks[b + 1].low
    return value, value


@njit(cache=True)
def _from_blocks(site, ring, blocks, slots, low, high, scratch):
    """Mean and deviation of the clipped history from the blocks' sums."""
    total = 0.0
    squares = 0.0
    for b in range(site.blocks):
        block = blocks[b]
        if block.low >= low and block.high <= high:
            total += block.total
            squares += block.squares
        else:
            for k in range(block.count):
                d = min(max(slots[block.slot, k], low), high) - site.origin
                total += d
                squares += d * d
    mean = total / site.size
    variance = squares / site.size - mean * mean
    if variance < CANCELLATION * (squares / site.size):
        return _two_pass(ring, site.size, low, high, scratch)
    return site.origin + mean, math.sqrt(variance)


@njit(cache=True)
def _two_pass(ring, size, low, high, scratch):
    for k in range(size):
        scratch[k] = min(max(ring[k], low), high)
    mean = _pairwise_sum(scratch, size) / size
    for k in range(size):
        d = scratch[k] - mean
        scratch[k] = d * d
    return mean, math.sqrt(_pairwise_sum(scratch, size) / size)


@njit(cache=True)
def _pairwise_sum(values, n):
    """Sum in numpy's order for up to 128 values (eight lanes): a deviation may be nothing but this rounding."""
    if n < 8:
        total = 0.0
        for k in range(n):
            total += values[k]
        return total
    a, b, c, d, e, f, g, h = values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]
    whole = n - n % 8
    for k in range(8, whole, 8):
        a += values[k]
        b += values[k + 1]
        c += values[k + 2]
        d += values[k + 3]
        e += values[k + 4]
        f += values[k + 5]
        g += values[k + 6]
        h += values[k + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(whole, n):
        total += values[k]
    return total


@njit(cache=True)
def _block_of(site, blocks, value):
    """The last block that starts at or below ``value``, or the first one."""
    left = 0
    right = site.blocks
    while left < right:
        middle = (left + right) // 2
        if blocks[middle].low <= value:
            left = middle + 1
        else:
            right = middle
    return max(0, left - 1)


@njit(cache=True)
def _summarise(site, block, slots):
    """Sums anew from the readings, so that no rounding accumulates."""
    total = 0.0
    squares = 0.0
    for k in range(block.count):
        d = slots[block.slot, k] - site.origin
        total += d
        squares += d * d
    block.total = total
    block.squares = squares
    block.low = slots[block.slot, 0]
    block.high = slots[block.slot, block.count - 1]


@njit(cache=True)
def _insert(site, blocks, slots, value, scratch):
    if site.blocks == 0:
        site.blocks = 1
        blocks[0].count = 0
    b = _block_of(site, blocks, value)
    if blocks[b].count == BLOCK:
        if site.blocks == len(blocks):
            _pack(site, blocks, slots, scratch)
        else:
            _split(site, blocks, slots, b)
        b = _block_of(site, blocks, value)
    block = blocks[b]
    k = block.count
    while k > 0 and slots[block.slot, k - 1] > value:
        slots[block.slot, k] = slots[block.slot, k - 1]
        k -= 1
    slots[block.slot, k] = value
    block.count += 1
    _summarise(site, block, slots)


@njit(cache=True)
def _remove(site, blocks, slots, value):
    b = _block_of(site, blocks, value)
    block = blocks[b]
    k = block.count - 1
    while slots[block.slot, k] != value:
        k -= 1
    for j in range(k, block.count - 1):
        slots[block.slot, j] = slots[block.slot, j + 1]
    block.count -= 1
    if block.count > 0:
        _summarise(site, block, slots)
        return
    freed = block.slot
    for j in range(b, site.blocks - 1):
        _copy_block(blocks, j, j + 1)
    site.blocks -= 1
    blocks[site.blocks].slot = freed


@njit(cache=True)
def _split(site, blocks, slots, b):
    """Move the upper half of block ``b`` into a free slot behind it."""
    free = blocks[site.blocks].slot
    for j in range(site.blocks, b + 1, -1):
        _copy_block(blocks, j, j - 1)
    site.blocks += 1
    half = BLOCK // 2
    blocks[b + 1].slot = free
    blocks[b + 1].count = BLOCK - half
    for k in range(BLOCK - half):
        slots[free, k] = slots[blocks[b].slot, half + k]
    blocks[b].count = half
    _summarise(site, blocks[b], slots)
    _summarise(site, blocks[b + 1], slots)


@njit(cache=True)
def _pack(site, blocks, slots, scratch):
    """Spread all readings over half-full blocks."""
    n = 0
    for b in range(site.blocks):
        for k in range(blocks[b].count):
            scratch[n] = slots[blocks[b].slot, k]
            n += 1
    half = BLOCK // 2
    site.blocks = (n + half - 1) // half
    for b in range(site.blocks):
        block = blocks[b]
        block.count = min(half, n - b * half)
        for k in range(block.count):
            slots[block.slot, k] = scratch[b * half + k]
        _summarise(site, block, slots)


@njit(cache=True)
def _copy_block(blocks, to, source):
    blocks[to].low = blocks[source].low
    blocks[to].high = blocks[source].high
    blocks[to].total = blocks[source].total
    blocks[to].squares = blocks[source].squares
    blocks[to].count = blocks[source].count
    blocks[to].slot = blocks[source].slot
