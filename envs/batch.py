"""``SiteBatch``: B sites advanced together by the one kernel. Every other face is a shell over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from grid.market.commitments import Commitments

from envs.actions import check_actions
from envs.bounds import feasible
from envs.kernel import step_batch
from envs.params import batch_params
from envs.state import OUT_DTYPE, QUEUE_SLOTS, initial_state
from envs.view import SiteView
from grid.rows import BASELINE, EVENT_KW, FORECAST_HALF_HOURS, STEP_MINUTES, STEPS_PER_PERIOD

if TYPE_CHECKING:
    from grid.events import FlexEvent
    from grid.week import Case

_STEP = np.timedelta64(STEP_MINUTES, "m")


class SiteBatch:
    """B sites, each with its own parameters and its own case (series, baseline, initial state).

    Sites start together at step 0; one whose case is shorter (a clock-change week) rests at its end and reports zeros.

    Args:
        params: records of ``SITE_DTYPE``, one for all sites or one each.
        cases: the distinct cases. case_index: int (B,), the case of each site; default one site per case.

    Raises:
        ValueError: parameter count, an index outside the cases.
    """

    def __init__(self, params: np.ndarray, cases: Sequence[Case], case_index: Sequence[int] | None = None) -> None:
        index = np.arange(len(cases)) if case_index is None else np.asarray(case_index, dtype=np.int64)
        if len(cases) == 0 or len(index) == 0 or index.min() < 0 or index.max() >= len(cases):
            raise ValueError(f"case_index: values from 0 to {len(cases) - 1} expected, got {index.tolist()}")
        self.cases = tuple(cases)
        self.case_index = index
        self.params = batch_params(params, len(index))
        all_rows = [case.rows for case in cases]
        starts = np.cumsum([0] + [len(rows.values) for rows in all_rows])[:-1]
        self._values = np.ascontiguousarray(np.concatenate([rows.values for rows in all_rows]))
        self._forecast = _joined(all_rows, "forecast")
        self._published = _joined(all_rows, "published_steps")
        self._offset = starts[index].astype(np.int64)
        self.length = np.array([all_rows[i].steps for i in index], dtype=np.int64)
        self._start = np.array([rows.start_utc.tz_convert("UTC").to_datetime64() for rows in all_rows])[index]
        self._baseline = _baseline_by_period(cases)[index]
        self._event_steps = [_event_steps(case) for case in cases]
        self.reset()

    @property
    def batch_size(self) -> int:
        return len(self.case_index)

    @property
    def steps(self) -> int:
        """Control steps until the longest case ends."""
        return int(self.length.max())

    @property
    def done(self) -> bool:
        return self._step >= self.steps

    def reset(self) -> SiteView:
        """Back to each case's run-in end state, nothing committed."""
        self.state, self.queue = initial_state(self.params)
        for site, case in enumerate(self.case_index):
            initial = self.cases[case].initial
            if initial is not None:
                self.state[site], self.queue[site] = initial.state[0], initial.queue[0]
        self._step = 0
        self.commitments = Commitments(
            periods=self.steps // STEPS_PER_PERIOD,
            start_utc=self._start,
            baseline_kw=self._baseline[:, : self.steps // STEPS_PER_PERIOD],
            event_kw=self._requested_by_period(),
            min_kw=self.params["min_commitment_kw"],
            registered_kw=self.params["registered_kw"],
        )
        return self.view()

    def rows_now(self) -> np.ndarray:
        """float64 (B, columns): the present row of every site (a site past its end keeps its last one)."""
        return self._values[self._offset + np.minimum(self._step, self.length - 1)]

    def feasible(self) -> np.ndarray:
        """ActionBounds float32 (B, 3, 2) for the coming step."""
        return feasible(self.params, self.state, self.rows_now(), self.queue)

    def step(self, actions: np.ndarray, *, copy: bool = True) -> np.ndarray:
        """Advance one control step. -> record array (B,) of ``OUT_DTYPE``, the caller's own unless ``copy=False``.

        Raises:
            ValueError: stepping past the end, a wrong shape, NaN or a value outside [-1, 1].
        """
        if self.done:
            raise ValueError(f"step: all sites ended after {self.steps} steps; call reset() first")
        checked = check_actions(actions, self.batch_size)
        out = np.empty(self.batch_size, dtype=OUT_DTYPE) if copy else self._out()
        step_batch(
            self.params,
            self._values,
            self._offset,
            self.length,
            self.state,
            self.queue,
            checked,
            self.commitments.kw,
            out,
        )
        self._step += 1
        return out

    def view(self) -> SiteView:
        """What controllers may see at the start of the coming step."""
        at = np.minimum(self._step, self.length - 1)
        rows = self._offset + at
        slots = (self._step + np.arange(QUEUE_SLOTS)) % QUEUE_SLOTS
        queue = self.queue[:, slots]
        queue[:, 0] += self.state["overdue_kwh"]
        period = self._step // STEPS_PER_PERIOD
        open_events = [self._open_events(case) for case in range(len(self.cases))]
        return SiteView(
            step=self._step,
            now_utc=self._start + self._step * _STEP,
            row=self._values[rows],
            forecast=self._forecast[rows],
            published_steps=self._published[rows],
            baseline_kw=self._baseline[:, period : period + FORECAST_HALF_HOURS],
            state=self.state.copy(),
            queue_kwh=queue,
            params=self.params,
            commitments_kw=self.commitments.kw,
            events=tuple(open_events[case] for case in self.case_index),
        )

    def commit(self, site: int, periods: Sequence[int], kw: float, now_utc: np.datetime64) -> None:
        """Sell ``kw`` in each of ``periods``. Raises ValueError where contract 1 does not allow it."""
        self.commitments.commit(site, periods, kw, now_utc)

    def _open_events(self, case: int) -> tuple[FlexEvent, ...]:
        published, over, events = self._event_steps[case]
        return tuple(events[i] for i in np.flatnonzero((published <= self._step) & (over > self._step)))

    def _requested_by_period(self) -> np.ndarray:
        periods = self.steps // STEPS_PER_PERIOD
        requested = np.zeros((len(self.cases), periods))
        for i, case in enumerate(self.cases):
            column = case.rows.values[: case.rows.steps : STEPS_PER_PERIOD, EVENT_KW]
            requested[i, : len(column)] = column
        return requested[self.case_index]

    def _out(self) -> np.ndarray:
        if not hasattr(self, "_shared_out"):
            self._shared_out = np.empty(self.batch_size, dtype=OUT_DTYPE)
        return self._shared_out


def _joined(all_rows: list, name: str) -> np.ndarray:
    return np.concatenate([getattr(rows, name) for rows in all_rows])


def _baseline_by_period(cases: Sequence[Case]) -> np.ndarray:
    """float64 (cases, P + 96): baseline of every period of the run, zero-padded for the outlook past its end."""
    columns = [case.rows.values[: case.rows.steps : STEPS_PER_PERIOD, BASELINE] for case in cases]
    padded = np.zeros((len(cases), max(len(c) for c in columns) + FORECAST_HALF_HOURS))
    for i, column in enumerate(columns):
        padded[i, : len(column)] = column
    return padded


def _event_steps(case: Case) -> tuple[np.ndarray, np.ndarray, tuple[FlexEvent, ...]]:
    """Steps at which each request becomes visible and is over."""
    start = case.rows.start_utc

    def step_of(moment: pd.Timestamp) -> float:
        return (moment - start) / pd.Timedelta(minutes=STEP_MINUTES)

    events = case.rows.events
    published = np.array([np.ceil(step_of(e.published_at)) for e in events], dtype=np.int64)
    over = np.array([np.ceil(step_of(e.end)) for e in events], dtype=np.int64)
    return published, over, events
