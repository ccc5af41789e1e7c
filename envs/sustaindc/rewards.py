"""Rewards (s. 6): built from a step's outputs and the history of meter readings, outside the kernel."""

from __future__ import annotations

import numpy as np

from envs.sustaindc.constants import AGENTS, OLDEST_AGE, OVERDUE_FOUND


def rewards(energy_z: np.ndarray, carbon_norm: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """float64 (B, 3) in the order of ``AGENTS``.

    Args:
        energy_z: (B,) from ``EnergyHistory.normalise``. outputs: (B, outputs) of the step.
        carbon_norm: (B,) scaled carbon intensity two rows after the step whose energy it multiplies (kept quirk).
    """
    result = np.empty((len(energy_z), len(AGENTS)))
    footprint = -1.0 * (carbon_norm * energy_z / 0.5)
    overdue = -0.3 * np.sqrt(outputs[:, OVERDUE_FOUND]) + 0.3
    result[:, 0] = np.clip(footprint + overdue - 0.1 * outputs[:, OLDEST_AGE], -10.0, 10.0)
    result[:, 1] = footprint  # the documented cooling reward is minus the energy; the code makes both equal
    result[:, 2] = footprint
    return result
