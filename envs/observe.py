"""Builds observation vectors for a batch: own state by kernel, series features from their table."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.cooling import action_of_supply
from envs.features import row_table
from envs.layouts import (
    INFORMATION_SETS,
    QUEUE_BINS_STEPS,
    ROW_FEATURES,
    SALE_FEATURES,
    STATE_FEATURES,
    layout,
    limits,
)
from envs.load_shift import full_work_kwh
from envs.state import QUEUE_STEPS, Record
from grid.rows import STEPS_PER_PERIOD, ExogenousRows

_BINS = np.array(QUEUE_BINS_STEPS)
_FIRST_BIN = [f.name for f in STATE_FEATURES].index(f"due_in_{_BINS[0]}_{_BINS[1]}_steps")
_PERIODS_4H = 8
_STATES = len(STATE_FEATURES)


class Observer:
    """Observations of one information set for the sites of a batch.

    Args:
        all_rows: the batch's series. series, first: int64 (B,), the series of each site and its first row there.
    """

    def __init__(self, information: str, all_rows: list[ExogenousRows], series: np.ndarray, first: np.ndarray) -> None:
        self.size = len(layout(information))
        level = INFORMATION_SETS.index(information)
        columns = sum(INFORMATION_SETS.index(f.information) <= level for f in ROW_FEATURES)
        tables = [row_table(rows)[:, :columns] for rows in all_rows]  # smaller sets are prefixes of larger ones
        starts = np.cumsum([0] + [len(table) for table in tables])[:-1]
        self._table = np.ascontiguousarray(np.concatenate(tables))
        self._offset = starts[series] + first
        self._limits = limits((*STATE_FEATURES, *SALE_FEATURES))
        self._sales = information == "grid_aware"

    def observe(
        self,
        params: np.ndarray,
        state: np.ndarray,
        queue: np.ndarray,
        length: np.ndarray,
        commitments_kw: np.ndarray,
        baseline_kw: np.ndarray,
        baseline_offset: np.ndarray,
    ) -> np.ndarray:
        """float32 (B, size). Arguments as in ``envs.kernel.step_batch``."""
        out = np.empty((len(params), self.size), dtype=np.float32)
        observe_batch(
            params, state, queue, length, self._table, self._offset, commitments_kw, baseline_kw, baseline_offset,
            self._limits, self._sales, out,
        )  # fmt: skip
        return out


@njit(cache=True, error_model="numpy", nogil=True)
def observe_batch(
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    length: np.ndarray,
    table: np.ndarray,
    offset: np.ndarray,
    commitments: np.ndarray,
    baseline: np.ndarray,
    baseline_offset: np.ndarray,
    bounds: np.ndarray,
    sales: bool,
    out: np.ndarray,
) -> None:
    """Fill ``out`` float32 (B, size). table float32 (rows, columns) of ``ROW_FEATURES``; offset int64 (B,), first rows."""
    states, columns = _STATES, table.shape[1]
    for i in range(len(params)):
        t = min(state[i].step, length[i])
        _own_state(params[i], state[i], queue[i], length[i] - t, out[i])
        out[i, states : states + columns] = table[offset[i] + t]
        if sales:
            period = t // STEPS_PER_PERIOD
            base = baseline[baseline_offset[i] + period]
            _sold(params[i], state[i], commitments[i], period, base, out[i, states + columns :])
        for k in range(states):
            out[i, k] = min(max(out[i, k], bounds[k, 0]), bounds[k, 1])
        for k in range(states + columns, out.shape[1]):
            at = k - columns
            out[i, k] = min(max(out[i, k], bounds[at, 0]), bounds[at, 1])


@njit(cache=True, forceinline=True)
def _own_state(p: Record, s: Record, queue: np.ndarray, steps_left: int, out: np.ndarray) -> None:
    """The ``STATE_FEATURES`` of one site, in their order."""
    hour = max(4.0 * full_work_kwh(p) * p.deferrable_share, 1e-9)
    out[0] = s.soc_kwh / max(p.battery_kwh, 1e-9)
    out[1] = action_of_supply(p, s.supply_degc)
    out[2] = (p.overheat_limit_degc - s.inlet_degc) / 10.0
    out[3] = (s.mass_degc - s.air_degc) / 10.0
    out[4] = s.load_kw / p.it_capacity_kw
    out[5] = s.queued_kwh / (24.0 * hour)
    per_bin = 1.0 / (4.0 * hour)
    slot = s.step % QUEUE_STEPS
    for b in range(len(_BINS) - 1):
        due = s.overdue_kwh if b == 0 else 0.0
        for ahead in range(_BINS[b], _BINS[b + 1]):
            at = slot + ahead
            due += queue[at if at < QUEUE_STEPS else at - QUEUE_STEPS]
        out[_FIRST_BIN + b] = due * per_bin
    out[_FIRST_BIN + len(_BINS) - 1] = min(steps_left, 96) / 96.0


@njit(cache=True, forceinline=True)
def _sold(p: Record, s: Record, commitments: np.ndarray, period: int, baseline_kw: float, out: np.ndarray) -> None:
    """The ``SALE_FEATURES`` of one site, in their order."""
    now = commitments[period] if period < len(commitments) else 0.0
    most = 0.0
    for ahead in range(period, min(period + _PERIODS_4H, len(commitments))):
        most = max(most, commitments[ahead])
    out[0] = now / p.it_capacity_kw
    out[1] = most / p.it_capacity_kw
    out[2] = (baseline_kw - now - s.load_kw) / p.it_capacity_kw if now > 0.0 else 0.0
