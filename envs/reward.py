"""The reward: minus a step's share of ``objective_gbp``, from the same terms as the accounts.

The value of what is left at the end of a run (terminal terms) is the accounts' business, not a step's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.state import OUT

ENERGY, NETWORK, WEAR, FLEX, CARBON_COST, PENALTY = (
    OUT[f"{name}_gbp"] for name in ("energy", "network", "wear", "flex", "carbon_cost", "penalty")
)


def step_reward_gbp(outputs: np.ndarray) -> np.ndarray:
    """float64 (B,) from outputs (B, OUTPUTS): flexibility earned less bill, wear, carbon cost and penalties."""
    return reward_of(outputs.T)


def reward_of(out: Any) -> Any:
    """The same of one site's outputs as a list (OUTPUTS,), or of columns (OUTPUTS, B): same order, same bits."""
    return out[FLEX] - (out[ENERGY] + out[NETWORK] + out[WEAR] + out[CARBON_COST] + out[PENALTY])


kernel_reward_gbp = njit(reward_of, forceinline=True)  # the same inside a kernel
