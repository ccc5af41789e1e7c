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
from envs.load_shift import full_work_kwh, may_wait_share
from envs.state import QUEUE_STEPS, Record
from envs.unowned import unowned
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
        self.table = np.ascontiguousarray(np.concatenate(tables))
        self._starts = starts
        self.start_at(series, first)
        self.limits = limits((*STATE_FEATURES, *SALE_FEATURES))
        self.sales = information == "grid_aware"

    def start_at(self, series: np.ndarray, first: np.ndarray) -> None:
        """Sites begin at these series and rows from now on, int64 (B,) both."""
        self.offset = self._starts[series] + first

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
            params, state, queue, length, self.table, self.offset, commitments_kw, baseline_kw, baseline_offset,
            self.limits, self.sales, out,
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
    """Fill ``out`` float32 (B, size). table float32 (rows, columns) of ``ROW_FEATURES``; offset int64 (B,)."""
    params, state, queue, table = unowned(params), unowned(state), unowned(queue), unowned(table)
    commitments, bounds, out = unowned(commitments), unowned(bounds), unowned(out)
    for i in range(len(params)):
        t = min(state[i].step, length[i])
        period = t // STEPS_PER_PERIOD
        observe_site(
            params[i], state[i], queue[i], length[i] - t, table[offset[i] + t], commitments[i], period,
            baseline[baseline_offset[i] + period], bounds, sales, out[i],
        )  # fmt: skip


@njit(cache=True, forceinline=True)
def observe_site(
    p: Record,
    s: Record,
    queue: np.ndarray,
    steps_left: int,
    row_features: np.ndarray,
    commitments: np.ndarray,
    period: int,
    baseline_kw: float,
    bounds: np.ndarray,
    sales: bool,
    out: np.ndarray,
) -> None:
    """One site of ``observe_batch``: row_features float32 (columns,), commitments float64 (P,), out float32 (size,)."""
    states, columns = _STATES, len(row_features)
    _own_state(p, s, queue, steps_left, out)
    for k in range(columns):  # a loop compiles to a plain copy, a slice to a general one
        out[states + k] = row_features[k]
    if sales:
        _sold(p, s, commitments, period, baseline_kw, out[states + columns :])
    for k in range(states):
        out[k] = min(max(out[k], bounds[k, 0]), bounds[k, 1])
    for k in range(states + columns, len(out)):
        at = k - columns
        out[k] = min(max(out[k], bounds[at, 0]), bounds[at, 1])


@njit(cache=True, forceinline=True)
def _own_state(p: Record, s: Record, queue: np.ndarray, steps_left: int, out: np.ndarray) -> None:
    """The ``STATE_FEATURES`` of one site, in their order."""
    hour = max(4.0 * full_work_kwh(p) * may_wait_share(p), 1e-9)
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
        first, last = slot + _BINS[b], slot + _BINS[b + 1]
        for at in range(first, min(last, QUEUE_STEPS)):
            due += queue[at]
        for at in range(max(first, QUEUE_STEPS) - QUEUE_STEPS, last - QUEUE_STEPS):
            due += queue[at]
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
