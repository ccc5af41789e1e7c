"""Discrete codes and the words for a bad action. What actions mean is said where they act and in ``envs.state``.

Actions are continuous in [-1, 1]:

load_shift  -1 defer all arriving work that may wait, 0 pass it on, +1 drain all queued work that fits
battery     -1 full discharge, +1 full charge
cooling     target supply air, -1 coldest to +1 warmest

and proportional in between; ``discrete: n`` (odd) maps the codes 0 .. n-1 evenly onto [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.state import AGENTS


def code_levels(n: int) -> np.ndarray:
    """float32 (n,): the action of each discrete code. Raises ValueError unless ``n`` is odd and at least 3."""
    if not isinstance(n, (int, np.integer)) or n < 3 or n % 2 == 0:
        raise ValueError(f"discrete: {n} levels; give an odd number of at least 3, so that one code is neutral")
    return np.linspace(-1.0, 1.0, n, dtype=np.float32)


def level_table(levels: Sequence[int]) -> np.ndarray:
    """float32 (agents, most): the action of each agent's codes; NaN where an agent has fewer."""
    table = np.full((len(levels), max(levels)), np.nan, dtype=np.float32)
    for row, n in zip(table, levels, strict=True):
        row[:n] = code_levels(n)
    return table


def numbers(name: str, given: Any) -> np.ndarray:
    """An array of real numbers. Raises ValueError on anything else: text, complex numbers, lists of unequal length."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: not numbers ({error})") from None
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: not numbers (dtype {array.dtype}); give float32")
    return array


def as_actions(raw: np.ndarray, batch_size: int) -> np.ndarray:
    """``raw`` as contiguous float32 (B, 3). Raises ValueError on shape or dtype; values are the kernel's to check."""
    actions = np.ascontiguousarray(numbers("actions", raw), dtype=np.float32)
    if actions.shape != (batch_size, len(AGENTS)):
        raise ValueError(f"actions: shape {actions.shape}, expected ({batch_size}, {len(AGENTS)}) for {AGENTS}")
    return actions


def bad_action(raw: np.ndarray, bounds: np.ndarray, flat: int) -> ValueError:
    """The error for entry ``flat`` (site x 3 + agent), as the kernel found it."""
    site, agent = divmod(flat, len(AGENTS))
    low, high = bounds[site, agent]
    if not low <= high:
        return ValueError(f"bounds[{site}] of {AGENTS[agent]}: low {low:g} is above high {high:g}")
    return ValueError(f"actions[{site}] of {AGENTS[agent]}: {raw[site, agent]} is not a number in [-1, 1]")
