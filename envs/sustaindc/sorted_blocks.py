"""Readings of one site in ascending order, cut into blocks of at most 128: insert, remove and look up by rank.

A reading enters or leaves by shifting one block, a rank is found by counting blocks: both stay cheap at 10,000
readings, where one sorted array would move kilobytes. Functions take the site's record ``s`` for its number of used
blocks (``s.blocks``) and the site's ``Sorted`` arrays ``b``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from envs.sustaindc.constants import Record

BLOCK = 128


class Sorted(NamedTuple):
    """Ascending readings of one site. low float64 (N,), held int32 (N,), slot int32 (N,): smallest reading, number
    of readings and place of each block; slots past the used blocks are free. readings float64 (N, 128): by slot."""

    low: np.ndarray
    held: np.ndarray
    slot: np.ndarray
    readings: np.ndarray


def empty_blocks(batch_size: int, blocks: int) -> Sorted:
    slots = np.tile(np.arange(blocks, dtype=np.int32), (batch_size, 1))
    return Sorted(
        low=np.zeros((batch_size, blocks)),
        held=np.zeros((batch_size, blocks), dtype=np.int32),
        slot=slots,
        readings=np.zeros((batch_size, blocks, BLOCK)),
    )


@njit(cache=True)
def ranked(s: Record, b: Sorted, rank: int) -> tuple[float, float]:
    """Readings of ``rank`` and of the one after it (the last one twice)."""
    k = 0
    while rank >= b.held[k]:
        rank -= b.held[k]
        k += 1
    value = b.readings[b.slot[k], rank]
    if rank + 1 < b.held[k]:
        return value, b.readings[b.slot[k], rank + 1]
    if k + 1 < s.blocks:
        return value, b.low[k + 1]
    return value, value


@njit(cache=True)
def _block_of(s: Record, b: Sorted, value: float) -> int:
    """The last block that starts at or below ``value``, or the first one."""
    left = 0
    right = s.blocks
    while left < right:
        middle = (left + right) // 2
        if b.low[middle] <= value:
            left = middle + 1
        else:
            right = middle
    return max(0, left - 1)


@njit(cache=True)
def insert(s: Record, b: Sorted, value: float, scratch: np.ndarray) -> None:
    if s.blocks == 0:
        s.blocks = 1
    k = _block_of(s, b, value)
    if b.held[k] == BLOCK:
        if s.blocks == len(b.low):
            _pack(s, b, scratch)
        else:
            _split(s, b, k)
        k = _block_of(s, b, value)
    readings = b.readings[b.slot[k]]
    j = b.held[k]
    while j > 0 and readings[j - 1] > value:
        readings[j] = readings[j - 1]
        j -= 1
    readings[j] = value
    b.held[k] += 1
    b.low[k] = readings[0]


@njit(cache=True)
def remove(s: Record, b: Sorted, value: float) -> None:
    k = _block_of(s, b, value)
    readings = b.readings[b.slot[k]]
    j = b.held[k] - 1
    while readings[j] != value:
        j -= 1
    b.held[k] -= 1
    for i in range(j, b.held[k]):
        readings[i] = readings[i + 1]
    b.low[k] = readings[0]
    if b.held[k] == 0:
        freed = b.slot[k]
        s.blocks -= 1
        for i in range(k, s.blocks):
            _copy_block(b, i, i + 1)
        b.held[s.blocks] = 0
        b.slot[s.blocks] = freed


@njit(cache=True)
def _split(s: Record, b: Sorted, k: int) -> None:
    """Move the upper half of block ``k`` into a free slot behind it."""
    free = b.slot[s.blocks]
    for i in range(s.blocks, k + 1, -1):
        _copy_block(b, i, i - 1)
    s.blocks += 1
    half = BLOCK // 2
    b.readings[free, : BLOCK - half] = b.readings[b.slot[k], half:]
    b.slot[k + 1] = free
    b.held[k + 1] = BLOCK - half
    b.low[k + 1] = b.readings[free, 0]
    b.held[k] = half


@njit(cache=True)
def _pack(s: Record, b: Sorted, scratch: np.ndarray) -> None:
    """Spread all readings over half-full blocks."""
    n = 0
    for k in range(s.blocks):
        for j in range(b.held[k]):
            scratch[n] = b.readings[b.slot[k], j]
            n += 1
    half = BLOCK // 2
    s.blocks = (n + half - 1) // half
    for k in range(len(b.low)):
        b.held[k] = max(0, min(half, n - k * half))
        for j in range(b.held[k]):
            b.readings[b.slot[k], j] = scratch[k * half + j]
        b.low[k] = b.readings[b.slot[k], 0]


@njit(cache=True)
def _copy_block(b: Sorted, to: int, source: int) -> None:
    b.low[to] = b.low[source]
    b.held[to] = b.held[source]
    b.slot[to] = b.slot[source]
