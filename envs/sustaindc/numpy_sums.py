"""Sums with numpy's rounding, for kernels that have to agree with numpy to the last bit."""

from __future__ import annotations

import numpy as np
from numba import njit

LANE_BLOCK = 128  # numpy adds up to so many values in eight lanes, and halves longer sums
EQUALS_UP_TO = 248  # equal numbers whose sum needs one halving at most; a rack has 200 servers
DEPTH = 16  # halvings of a sum, enough for 128 x 2^15 values


@njit(cache=True)
def pairwise_sum(values: np.ndarray, n: int) -> float:
    """Sum of the first n values in numpy's order: eight lanes up to 128 values, halves above.

    The halving is unrolled on a stack, because numba cannot cache a function that calls itself.
    """
    start = np.zeros(DEPTH, dtype=np.int64)
    length = np.zeros(DEPTH, dtype=np.int64)
    left = np.zeros(DEPTH)
    left_done = np.zeros(DEPTH, dtype=np.bool_)
    length[0] = n
    top = 0
    while True:
        if length[top] > LANE_BLOCK:
            half = length[top] // 2
            half -= half % 8
            start[top + 1], length[top + 1] = start[top], half
            left_done[top] = False
            top += 1
            continue
        total = lane_sum(values, start[top], length[top])
        top -= 1
        while top >= 0 and left_done[top]:
            total = left[top] + total
            top -= 1
        if top < 0:
            return total
        left[top] = total
        left_done[top] = True
        start[top + 1] = start[top] + length[top + 1]
        length[top + 1] = length[top] - length[top + 1]
        top += 1


@njit(cache=True)
def lane_sum(values: np.ndarray, start: int, n: int) -> float:
    v = values[start : start + n]
    if n < 8:
        total = 0.0
        for k in range(n):
            total += v[k]
        return total
    a, b, c, d, e, f, g, h = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
    whole = n - n % 8
    for k in range(8, whole, 8):
        a += v[k]
        b += v[k + 1]
        c += v[k + 2]
        d += v[k + 3]
        e += v[k + 4]
        f += v[k + 5]
        g += v[k + 6]
        h += v[k + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(whole, n):
        total += v[k]
    return total


@njit(cache=True, forceinline=True)
def lane_sum_of_equals(value: float, n: int) -> float:
    """``n`` times ``value`` (n <= 128), rounded as numpy's unrolled sum of equal numbers."""
    if n < 8:
        total = 0.0
        for _ in range(n):
            total += value
        return total
    lane = value
    for _ in range(n // 8 - 1):
        lane += value
    total = 8.0 * lane
    for _ in range(n % 8):
        total += value
    return total


@njit(cache=True, forceinline=True)
def sum_of_equals(value: float, n: int) -> float:
    """``n`` times ``value``, rounded as ``np.sum`` of n equal numbers (n <= 248; the plain product above)."""
    if n <= LANE_BLOCK:
        return lane_sum_of_equals(value, n)
    if n > EQUALS_UP_TO:
        return n * value
    half = n // 2
    half -= half % 8
    return lane_sum_of_equals(value, half) + lane_sum_of_equals(value, n - half)
