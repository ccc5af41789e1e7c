"""What a step of a batch returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.state import AGENTS, OUT, OUTPUTS


@dataclass(frozen=True)
class StepResult:
    """What one step did: outputs float64 (B, OUTPUTS), executed float32 (B, 3), clipped bool (B, 3).

    ``executed`` is what the actuators did in action units: the raw action clipped to the bounds, then as far as the
    plant could follow; ``clipped`` where it differs from the raw action by more than 1e-6.
    """

    outputs: np.ndarray
    executed: np.ndarray
    clipped: np.ndarray

    def __getitem__(self, name: str) -> np.ndarray:
        """float64 (B,): one output by name."""
        return self.outputs[:, OUT[name]]


@dataclass(frozen=True)
class Advance(StepResult):
    """A step and what follows it: reward float64 (B,) in GBP (``envs.reward``); of the coming step, observed float32
    (B, d), the same for every agent, and bounds float32 (B, 3, 2), the feasible range."""

    reward: np.ndarray
    observed: np.ndarray
    bounds: np.ndarray


def new_result(size: int) -> StepResult:
    """An empty one for ``size`` sites."""
    return StepResult(
        np.empty((size, len(OUTPUTS))),
        np.empty((size, len(AGENTS)), dtype=np.float32),
        np.empty((size, len(AGENTS)), dtype=bool),
    )


def new_advance(size: int, observed: int) -> Advance:
    """An empty one for ``size`` sites that observe ``observed`` numbers each."""
    done = new_result(size)
    return Advance(
        done.outputs,
        done.executed,
        done.clipped,
        np.empty(size),
        np.empty((size, observed), dtype=np.float32),
        np.empty((size, len(AGENTS), 2), dtype=np.float32),
    )
