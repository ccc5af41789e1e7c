"""Look one step ahead on a copy: the same kernel, the real state untouched."""

from __future__ import annotations

import numpy as np

from envs.kernel import step_batch
from envs.state import OUT_DTYPE, QUEUE_SLOTS
from envs.view import SiteView


def preview(view: SiteView, actions: np.ndarray) -> np.ndarray:
    """What the coming step would report under ``actions`` float (B, 3). -> record array (B,) of ``OUT_DTYPE``.

    Uses only what the view holds: the present row, the state, the queue.
    """
    size = view.batch_size
    state = view.state.copy()
    queue = np.ascontiguousarray(view.queue_kwh.copy())
    queue[:, 0] -= state["overdue_kwh"]
    # The view's queue is ordered from now: shift it back to deadline slots.
    queue = np.roll(queue, view.step % QUEUE_SLOTS, axis=1)
    out = np.empty(size, dtype=OUT_DTYPE)
    sites = np.arange(size)
    step_batch(
        view.params,
        view.row,
        sites - state["step"],  # row i serves whatever step site i is at
        np.full(size, np.iinfo(np.int64).max),
        state,
        queue,
        np.ascontiguousarray(actions, dtype=np.float64),
        view.commitments_kw,
        out,
    )
    return out
