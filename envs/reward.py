"""The reward: minus a step's share of ``objective_gbp``, from the same terms as the accounts.

The value of what is left at the end of a run (terminal terms) is the accounts' business, not a step's.
"""

from __future__ import annotations

import numpy as np

from envs.state import OUT

COST_TERMS = ("energy_gbp", "network_gbp", "wear_gbp", "carbon_cost_gbp", "penalty_gbp")
_COSTS = np.array([OUT[name] for name in COST_TERMS])
_FLEX = OUT["flex_gbp"]


def step_reward_gbp(outputs: np.ndarray) -> np.ndarray:
    """float64 (B,) from outputs (B, OUTPUTS): flexibility earned less bill, wear, carbon cost and penalties."""
    return outputs[:, _FLEX] - outputs[:, _COSTS].sum(axis=1)
