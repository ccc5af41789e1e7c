"""One week (or more) of one site: the world it meets, the state it starts from, and its neutral twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.scenario import Disturbance
from grid.rows import ExogenousRows


@dataclass(frozen=True)
class Case:
    """Everything about a run that does not depend on who controls it. Shared by all variants and seeds.

    rows            exogenous rows of the run, baseline included
    params          record of ``envs.params.SITE_DTYPE`` (0-d array of shape (1,))
    state           record array (1,) of ``envs.state.STATE_DTYPE``: end of the run-in, SoC at its start value
    queue_kwh       float64 (96,): deferred work at the start by steps left
    history_kwh     float64 (60, 48): metered import of the run-in by London day (oldest first) and clock half-hour
    neutral_kwh     float64 (rows.steps,): import of the neutral controller over the run, per step
    import_per_it   site kWh per IT kWh over the run-in, values queued work at the end
    keys            week_start, workload, site, data_hash: what result rows are keyed by
    notices         what grid and operator write during the run, with what it means (``llm_layer.notices``)
    scenario        what goes wrong during the run; ``rows`` have been through ``envs.scenario.disturb_rows``
    """

    rows: ExogenousRows
    params: np.ndarray
    state: np.ndarray
    queue_kwh: np.ndarray
    history_kwh: np.ndarray
    neutral_kwh: np.ndarray
    import_per_it: float
    keys: dict[str, str] = field(default_factory=dict)
    scenario: tuple[Disturbance, ...] = ()
    notices: tuple[Any, ...] = ()
