"""Contract 3: what each actuator can follow in the coming step. Masks, schema bounds and the guard all ask here."""

from __future__ import annotations

import numpy as np

from envs.actions import AGENTS
from envs.kernel import feasible_batch


def feasible(params: np.ndarray, state: np.ndarray, rows: np.ndarray, queue: np.ndarray) -> np.ndarray:
    """ActionBounds float32 (B, 3, 2): lowest and highest action of each agent, in the order of ``AGENTS``.

    Args:
        params, state: records (B,). rows: float64 (B, columns), the present rows. queue: float64 (B, 96) by slot.
    """
    bounds = np.empty((len(params), len(AGENTS), 2), dtype=np.float32)
    feasible_batch(params, rows, state, queue, bounds)
    return bounds


def clip_to(actions: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Executed action = clip(raw, lo, hi), float32 (B, 3)."""
    return np.clip(np.asarray(actions, dtype=np.float32), bounds[..., 0], bounds[..., 1])


def code_mask(bounds: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """bool (B, 3, n): discrete codes inside the bounds; the code nearest to them is always allowed."""
    low, high = bounds[..., 0:1], bounds[..., 1:2]
    inside = (levels >= low - 1e-6) & (levels <= high + 1e-6)
    distance = np.maximum(low - levels, 0.0) + np.maximum(levels - high, 0.0)
    nearest = np.argmin(distance, axis=-1)
    np.put_along_axis(inside, nearest[..., None], True, axis=-1)
    return inside
