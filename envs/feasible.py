"""Contract 3: what each actuator can follow in the coming step. Masks, schema bounds and the guard all ask here."""

from __future__ import annotations

import numpy as np

from envs.kernel import feasible_batch
from envs.state import AGENTS


def feasible(params: np.ndarray, state: np.ndarray, queue: np.ndarray, row: np.ndarray) -> np.ndarray:
    """ActionBounds float32 (B, 3, 2): lowest and highest action of each agent, in the order of ``AGENTS``.

    The battery's range rests on the load expected if arriving and due work runs and the set-point holds; the step
    itself enforces the exact limits, so deferring work in the same step may shorten a discharge (no export).

    Args:
        params, state: records (B,). queue: float64 (B, 96) by deadline slot. row: float64 (B, columns), present rows.
    """
    bounds = np.empty((len(params), len(AGENTS), 2), dtype=np.float32)
    sites = np.arange(len(params))
    # Row i of ``row`` serves site i whatever its step is.
    feasible_batch(params, row, sites - state["step"], state["step"] + 1, state, queue, bounds)
    return bounds


def ring_from_ages(queue_kwh: np.ndarray, step: int, overdue_kwh: np.ndarray) -> np.ndarray:
    """The queue of a ``SiteView``, float64 (B, 96) by steps left and overdue work first, back by deadline slot."""
    by_age = queue_kwh.copy()
    by_age[:, 0] -= overdue_kwh
    return np.roll(by_age, step % queue_kwh.shape[1], axis=1)


def clip_to(actions: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Executed action = clip(raw, lo, hi), float32 (B, 3)."""
    return np.clip(np.asarray(actions, dtype=np.float32), bounds[..., 0], bounds[..., 1])


def code_mask(bounds: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """bool (B, 3, n): discrete codes inside the bounds; the code nearest to them is always allowed."""
    low, high = bounds[..., 0:1], bounds[..., 1:2]
    inside = (levels >= low - 1e-6) & (levels <= high + 1e-6)
    distance = np.maximum(low - levels, 0.0) + np.maximum(levels - high, 0.0)
    np.put_along_axis(inside, np.argmin(distance, axis=-1)[..., None], True, axis=-1)
    return inside


def reachable_codes(bounds: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """bool (B, 3, n): the mask of ``code_mask`` and, for a bound between two codes, the code just beyond it as well.

    That one is executed as the bound itself: without it a battery could never be filled or emptied to the end. Also for
    one agent alone: bounds (B, 2) -> (B, n).
    """
    step = np.float32(levels[1] - levels[0])
    outward = np.empty_like(bounds)
    outward[..., 0] = np.floor((bounds[..., 0] + 1.0) / step + 1e-5) * step - 1.0
    outward[..., 1] = np.ceil((bounds[..., 1] + 1.0) / step - 1e-5) * step - 1.0
    return code_mask(outward, levels)
