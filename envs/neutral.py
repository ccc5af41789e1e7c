"""The neutral site: work passes, the battery rests, supply air stays at its neutral set-point.

Its metered import is the history behind every baseline, and the yardstick of real against phantom flexibility.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from envs.kernel import run_rows
from envs.params import neutral_actions
from envs.scenario import Disturbance, derated, window_edges
from envs.state import OUTPUTS, QUEUE_STEPS, initial_state


@dataclass(frozen=True)
class NeutralRun:
    """A neutral site's meter over some rows, and where it ends: what a run starts from.

    import_kwh float64 (n,); it_kwh float, over all rows; state record array (1,) with its clock at 0 and the battery
    at its start charge; queue_kwh float64 (96,) by steps left.
    """

    import_kwh: np.ndarray
    it_kwh: float
    state: np.ndarray
    queue_kwh: np.ndarray

    @property
    def import_per_it(self) -> float:
        """Site kWh per IT kWh."""
        return float(self.import_kwh.sum()) / self.it_kwh


def run_neutral(
    params: np.ndarray,
    values: np.ndarray,
    state: np.ndarray | None = None,
    queue_kwh: np.ndarray | None = None,
    scenario: tuple[Disturbance, ...] = (),
) -> NeutralRun:
    """Run a neutral site of ``params`` (1,) through ``values`` float64 (n, columns), from ``state`` or a settled room.

    The same state and queue as a ``Case`` holds start it where a run would start: that gives ``Case.neutral_kwh``. Of
    a ``scenario`` the lost capacities count; what it does to the rows is in them already.
    """
    state = initial_state(params) if state is None else state.copy()
    queue = np.zeros(QUEUE_STEPS) if queue_kwh is None else np.array(queue_kwh, dtype=np.float64)
    actions = np.repeat(neutral_actions(params), len(values), axis=0)
    import_kwh = np.empty(len(values))
    values = np.ascontiguousarray(values)
    it_kwh = 0.0
    for first, last in itertools.pairwise(window_edges(scenario, len(values))):
        now, part = derated(params, scenario, first), slice(first, last)
        it_kwh += run_rows(now, values[part], state, queue, actions[part], np.empty(len(OUTPUTS)), import_kwh[part])
    by_steps_left = np.roll(queue, -(int(state["step"][0]) % QUEUE_STEPS))
    state["step"] = 0
    state["period_kwh"] = 0.0
    state["soc_kwh"] = params["soc_start"] * params["battery_kwh"]
    return NeutralRun(import_kwh, float(it_kwh), state, by_steps_left)
