"""Contract 3: a directive becomes bounds inside what is feasible, step after step while it is held.

``follow`` is the feasible range, ``limit`` its intersection with the limit, ``set`` a single point. What lies outside
the feasible range becomes its nearest feasible point and is flagged ``clamped``; nothing turns into ``follow`` by being
infeasible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from envs.state import AGENTS
from envs.view import SiteView
from llm_layer.directive import Directive
from llm_layer.verbs import FOLLOW

EDGE = 1e-6  # float32 rounding of an action is not an infeasible order


class Compiled(NamedTuple):
    """bounds: float32 (B, 3, 2), (lo, hi) per agent. clamped: bool (B, 3), the order lay outside the feasible range."""

    bounds: np.ndarray
    clamped: np.ndarray


class Held:
    """Orders in force at B sites, resolved to numbers when they were given.

    mode: int8 (B, 3). lo, hi: float32 (B, 3). A site starts with ``follow`` for every agent.
    """

    def __init__(self, batch_size: int) -> None:
        shape = (batch_size, len(AGENTS))
        self.mode = np.full(shape, FOLLOW, dtype=np.int8)
        self.lo = np.full(shape, -1.0, dtype=np.float32)
        self.hi = np.full(shape, 1.0, dtype=np.float32)

    def give(self, site: int, directive: Directive, supply_level: float, level_per_k: float) -> bool:
        """Put a directive in force at one site; -> whether it overrides at least one agent."""
        orders = directive.orders(supply_level, level_per_k)
        for agent, order in enumerate(orders):
            self.mode[site, agent], self.lo[site, agent], self.hi[site, agent] = order
        return any(order.mode != FOLLOW for order in orders)

    def compile(self, feasible: np.ndarray) -> Compiled:
        """Bounds of the coming step from ``feasible`` float32 (B, 3, 2)."""
        bounds = np.empty_like(feasible)
        clamped = np.empty(self.mode.shape, dtype=np.bool_)
        _compile(self.mode, self.lo, self.hi, feasible, bounds, clamped)
        return Compiled(bounds, clamped)


@njit(cache=True)
def _compile(
    mode: np.ndarray, lo: np.ndarray, hi: np.ndarray, feasible: np.ndarray, bounds: np.ndarray, clamped: np.ndarray
) -> None:
    for i in range(mode.shape[0]):
        for k in range(mode.shape[1]):
            low, high = feasible[i, k, 0], feasible[i, k, 1]
            # Following clips to the feasible range too; only an order that misses it altogether has been moved.
            bounds[i, k, 0] = min(max(lo[i, k], low), high)
            bounds[i, k, 1] = min(max(hi[i, k], low), high)
            missed = lo[i, k] > high + EDGE or hi[i, k] < low - EDGE
            clamped[i, k] = missed and mode[i, k] != FOLLOW


def supply_levels(state: np.ndarray, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Present set-point on the action axis and action per kelvin of supply air, float64 (B,) each."""
    per_k = 2.0 / (params["supply_max_degc"] - params["supply_min_degc"])
    return np.clip((state["supply_degc"] - params["supply_min_degc"]) * per_k - 1.0, -1.0, 1.0), per_k


def compile_directive(directive: Directive | Sequence[Directive], state: SiteView, feasible: np.ndarray) -> Compiled:
    """One directive for all sites, or one each, as bounds float32 (B, 3, 2) inside ``feasible``.

    Args:
        state: the sites' view; it says where "hold" and "raise" start from.

    Raises:
        ValueError: another number of directives than sites.
    """
    given = [directive] * len(feasible) if isinstance(directive, Directive) else list(directive)
    if len(given) != len(feasible):
        raise ValueError(f"{len(given)} directives for {len(feasible)} sites; give one, or one each")
    held = Held(len(feasible))
    levels, per_k = supply_levels(state.state, state.params)
    for site, one in enumerate(given):
        held.give(site, one, float(levels[site]), float(per_k[site]))
    return held.compile(feasible)
