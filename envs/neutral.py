"""The neutral site: work passes, the battery rests, supply air stays at its neutral set-point.

Its metered import is the run-in history behind every baseline, and the yardstick of real against phantom flexibility.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from grid.week import MeterResult
from numba import njit

from envs.kernel import step
from envs.state import OUT_DTYPE, initial_state
from grid.rows import STEPS_PER_PERIOD


@dataclass(frozen=True)
class SiteState:
    """One site's state record (1,) and queue float64 (1, 96), to start from."""

    state: np.ndarray
    queue: np.ndarray


@njit(cache=True, error_model="numpy")
def _run_neutral(params, values, state, queue, action, out, import_kwh, it_kwh):
    for t in range(len(values)):
        step(params[0], values[t], state[0], queue[0], action, 0.0, out[0])
        import_kwh[t // STEPS_PER_PERIOD] += out[0].import_kwh
        it_kwh[t // STEPS_PER_PERIOD] += out[0].it_kwh


class NeutralMeter:
    """Callable for ``grid.week_rows(..., meter=)``: runs a neutral site of given parameters through rows.

    The end state is where a run starts from: temperatures and queue as they are, the battery at its start charge,
    the step counter at zero.
    """

    def __init__(self, params: np.ndarray) -> None:
        self.params = params

    def __call__(self, values: np.ndarray, initial: Any | None) -> MeterResult:
        """Run ``values`` float64 (T, columns) from ``initial`` (None: a settled site)."""
        if initial is None:
            state, queue = initial_state(self.params)
        else:
            state, queue = initial.state.copy(), initial.queue.copy()
        import_kwh = np.zeros(len(values) // STEPS_PER_PERIOD)
        it_kwh = np.zeros_like(import_kwh)
        out = np.zeros(1, dtype=OUT_DTYPE)
        _run_neutral(self.params, values, state, queue, np.zeros(3), out, import_kwh, it_kwh)
        state["step"] = 0
        state["soc_kwh"] = self.params["soc_start"] * self.params["battery_kwh"]
        return MeterResult(import_kwh=import_kwh, it_kwh=float(it_kwh.sum()), end_state=SiteState(state, queue))
