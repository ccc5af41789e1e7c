"""Reward scale: the running standard deviation of each agent's discounted return."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.state import AGENTS

LEAST_SD = 1e-6


@njit(cache=True, error_model="numpy")
def _gather(
    reward: np.ndarray, done: np.ndarray, gamma: float, running: np.ndarray, count: float, mean: np.ndarray,
    square: np.ndarray,
) -> float:  # fmt: skip
    """Follow discounted returns through (T, B, k) rewards; Welford's running moments. -> new count."""
    steps, sites, heads = reward.shape
    for t in range(steps):
        for i in range(sites):
            count += 1.0
            for k in range(heads):
                running[i, k] = running[i, k] * gamma + reward[t, i, k]
                change = running[i, k] - mean[k]
                mean[k] += change / count
                square[k] += change * (running[i, k] - mean[k])
                if done[t, i]:
                    running[i, k] = 0.0
    return count


class ReturnScale:
    """Divides rewards so that discounted returns have unit spread, agent by agent."""

    def __init__(self, sites: int, gamma: float) -> None:
        self._gamma = gamma
        self._running = np.zeros((sites, len(AGENTS)))
        self._count = 0.0
        self._mean, self._square = np.zeros(len(AGENTS)), np.zeros(len(AGENTS))

    @property
    def sd(self) -> np.ndarray:
        """float64 (3,)"""
        return np.sqrt(self._square / max(self._count, 1.0))

    def apply(self, reward: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Take rewards float64 (T, B, 3) into account, then -> the same divided by the spread so far."""
        self._count = _gather(reward, done, self._gamma, self._running, self._count, self._mean, self._square)
        return reward / np.maximum(self.sd, LEAST_SD)

    def get_state(self) -> dict[str, Any]:
        return {k: np.copy(getattr(self, k)) for k in ("_running", "_count", "_mean", "_square")}

    def set_state(self, state: dict[str, Any]) -> None:
        self._running[...], self._mean[...], self._square[...] = state["_running"], state["_mean"], state["_square"]
        self._count = float(state["_count"])
