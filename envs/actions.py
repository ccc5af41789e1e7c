"""The three agents, in the order of every action and bounds array, and what their numbers mean.

Actions are continuous in [-1, 1]:

load_shift  -1 defer all arriving work that may wait, 0 pass it through, +1 drain all queued work that fits;
            in between is proportional
battery     -1 full discharge, +1 full charge (battery power is positive when charging)
cooling     target supply air, -1 coldest to +1 warmest, reached at most ``supply_slew_k`` a step

``discrete: n`` (odd) maps the codes 0 .. n-1 evenly onto [-1, 1].
"""

from __future__ import annotations

import numpy as np

AGENTS = ("load_shift", "battery", "cooling")
LOAD_SHIFT, BATTERY, COOLING = range(3)


def code_levels(n: int) -> np.ndarray:
    """float32 (n,): the action of each discrete code. Raises ValueError unless ``n`` is odd and at least 3."""
    if n < 3 or n % 2 == 0:
        raise ValueError(f"discrete: got {n}; use an odd number of at least 3, so that one code is neutral")
    return np.linspace(-1.0, 1.0, n, dtype=np.float32)


def check_actions(actions: np.ndarray, batch_size: int) -> np.ndarray:
    """Return ``actions`` as float64 (B, 3), or say which agent's value is wrong.

    Raises ValueError on a wrong shape, a NaN or a value outside [-1, 1].
    """
    values = np.asarray(actions, dtype=np.float64)
    if values.shape != (batch_size, len(AGENTS)):
        raise ValueError(f"actions: shape {values.shape}, expected ({batch_size}, {len(AGENTS)}) in the order {AGENTS}")
    inside = np.abs(values) <= 1.0 + 1e-6  # NaN compares false
    if not inside.all():
        site, agent = np.argwhere(~inside)[0]
        raise ValueError(
            f"actions[{site}] of {AGENTS[agent]}: {values[site, agent]} is not a number in [-1, 1]; clip it first"
        )
    return np.clip(values, -1.0, 1.0)
