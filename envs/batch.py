"""``SiteBatch``: B sites advanced together by the one kernel. Every other face is a shell over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from envs.actions import as_actions, bad_action
from envs.batch_setup import (
    first_rows,
    joined,
    of_dtype,
    params_of_sites,
    run_lengths,
    site_case_index,
    stacked_baselines,
)
from envs.case import Case
from envs.kernel import advance_batch, feasible_batch, run_rows, step_batch
from envs.observe import Observer
from envs.open_events import OpenEvents
from envs.outages import Outages
from envs.results import Advance, StepResult, new_advance, new_result
from envs.state import AGENTS, OUTPUTS, QUEUE_STEPS, STATE_DTYPE
from envs.threads import Call, Slices
from envs.view import SiteView
from grid.events import FlexEvent
from grid.rows import (
    COLUMNS,
    EVENT_KW,
    EVENT_PRICE,
    FORECAST_HALF_HOURS,
    STEP_MINUTES,
    STEPS_PER_PERIOD,
    ExogenousRows,
)

_STEP = np.timedelta64(STEP_MINUTES, "m")
_HALF_HOURS = np.arange(FORECAST_HALF_HOURS)
_SLOTS = np.arange(QUEUE_STEPS)


class SiteBatch:
    """B sites, each in its own case (week, parameters, start state), all at the same step of their run.

    Sites start together at step 0. One whose case is shorter than the longest (a clock-change week) rests at its end:
    it reports zeros and its state stays.

    Args:
        cases: the distinct cases.
        site_case: int (B,), the case of each site; one site per case if left out.
        params: records of ``SITE_DTYPE``, (1,) for all sites or (B,), in place of the cases' own. The battery then
            starts at their start charge; the rest of the start state is the case's.
        start_steps: int (B,), even: the row of its case at which each site starts (0 if left out). The start state
            and charge are the case's.
        episode_steps: control steps of a run; to the end of the case if left out.
        threads: slices of the batch that are advanced at the same time. Results do not depend on it; it pays from
            about 4,096 sites on.

    Raises:
        ValueError: an index outside the cases, a wrong count, an odd start, a case shorter than the episode.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        site_case: np.ndarray | Sequence[int] | None = None,
        params: np.ndarray | None = None,
        *,
        start_steps: np.ndarray | Sequence[int] | None = None,
        episode_steps: int | None = None,
        threads: int = 1,
    ) -> None:
        self.cases = tuple(cases)
        if not self.cases:
            raise ValueError("cases: none given; give at least one Case")
        self._all_rows = [case.rows for case in self.cases]
        self._episode_steps = episode_steps
        self._values = joined([rows.values for rows in self._all_rows])
        self._seen = joined([rows.visible for rows in self._all_rows])
        self._forecast = joined([rows.forecast for rows in self._all_rows])
        self._published = joined([rows.published_steps for rows in self._all_rows])
        self._case_steps = np.array([rows.steps for rows in self._all_rows])
        self._case_start = np.cumsum([0] + [len(rows.values) for rows in self._all_rows])[:-1]
        starts = [rows.start_utc.tz_convert("UTC").tz_localize(None).to_datetime64() for rows in self._all_rows]
        self._case_start_utc = np.array(starts, dtype="datetime64[ns]")
        self._case_baselines, self._case_baseline_start = stacked_baselines([rows.values for rows in self._all_rows])
        self._start_state = np.concatenate([case.state for case in self.cases])
        self._start_queue = np.stack([case.queue_kwh for case in self.cases])
        self._observers: dict[str, Observer] = {}
        self._begin(site_case, start_steps, params)
        self._slices = Slices(self.batch_size, threads)
        self._no_bounds = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (self.batch_size, len(AGENTS), 1))
        self.reset()

    def _begin(
        self,
        site_case: np.ndarray | Sequence[int] | None,
        start_steps: np.ndarray | Sequence[int] | None,
        params: np.ndarray | None,
    ) -> None:
        """Say which case each site meets, from which row on, and with which parameters."""
        self.site_case = site_case_index(len(self.cases), site_case)
        self.batch_size = len(self.site_case)
        self.first_row = first_rows(start_steps, self.batch_size)
        self.length = run_lengths(self._case_steps[self.site_case], self.first_row, self._episode_steps)
        self.steps = int(self.length.max())
        self.params = params_of_sites(self.cases, self.site_case, params)
        self.offset = self._case_start[self.site_case] + self.first_row
        self._start_utc = self._case_start_utc[self.site_case] + self.first_row * _STEP
        self._baseline = self._case_baselines
        self._baseline_offset = self._case_baseline_start[self.site_case] + self.first_row // STEPS_PER_PERIOD
        self._private = np.zeros(self.batch_size, dtype=bool)
        self._events = OpenEvents(self._all_rows, self.site_case, self.first_row)
        self._outages = Outages(self.cases, self.site_case, self.first_row, self.params)
        for observer in self._observers.values():
            observer.start_at(self.site_case, self.first_row)

    @property
    def now(self) -> int:
        """Control steps since the start of the run."""
        return self._step

    @property
    def done(self) -> bool:
        """True once the longest run has ended."""
        return self._step >= self.steps

    @property
    def now_utc(self) -> np.ndarray:
        """Start of the coming step at each site, datetime64[ns] in UTC, (B,)."""
        return self._start_utc + self._step * _STEP

    def reset(
        self,
        *,
        site_case: np.ndarray | Sequence[int] | None = None,
        start_steps: np.ndarray | Sequence[int] | None = None,
        params: np.ndarray | None = None,
    ) -> None:
        """Back to the start of each run, nothing sold. The site itself is deterministic: there is nothing to seed.

        Any argument, as in the constructor and for as many sites, begins other runs: what is left out is then as the
        constructor has it by default, and a baseline that was set is forgotten.
        """
        if site_case is not None or start_steps is not None or params is not None:
            if site_case is None:
                site_case = self.site_case
            if len(site_case) != self.batch_size:
                raise ValueError(f"site_case: {len(site_case)} sites, this batch has {self.batch_size}")
            self._begin(site_case, start_steps, params)
        self._outages.reset()
        self.state = of_dtype(self._start_state[self.site_case], STATE_DTYPE)
        self.state["step"] = 0
        self.state["soc_kwh"] = self.params["soc_start"] * self.params["battery_kwh"]
        self.queue = self._start_queue[self.site_case]
        sold = (self.batch_size, -(-self.steps // STEPS_PER_PERIOD))
        self.commitments_kw = np.zeros(sold)
        self.own_trades = np.zeros(sold, dtype=bool)
        self._kept_calls: dict[str, Call] = {}
        self._events.reset()
        self.notices: tuple[tuple[Any, ...], ...] = ()  # shown in the view as they are
        self._step = 0
        if self._outages.next_edge == 0:
            self._outages.apply(0, self.state)

    def step(self, raw: np.ndarray, bounds: np.ndarray | None = None, *, copy: bool = True) -> StepResult:
        """Advance one control step.

        Args:
            raw: float32 (B, 3), agents in the order of ``AGENTS``, each in [-1, 1].
            bounds: ActionBounds float32 (B, 3, 2) that ``raw`` is clipped to; left out, only physics limits it.
            copy: False returns buffers that the next step overwrites.

        Raises:
            ValueError: stepping past the end, a wrong shape, NaN, a value outside [-1, 1], a low bound above its high.
        """
        call = self._call_of(new_result(self.batch_size)) if copy else self._kept_call("")
        self._run(step_batch, raw, bounds, call)
        return call.result

    def advance(
        self, raw: np.ndarray, information: str, bounds: np.ndarray | None = None, *, copy: bool = True
    ) -> Advance:
        """``step``, then reward, observation and feasible range, in one pass. Arguments and errors as there.

        information: the information set that is observed, as in ``observe``.
        """
        observer = self._observer(information)
        call = (
            self._call_of(new_advance(self.batch_size, observer.size), observer)
            if copy
            else self._kept_call(information)
        )
        self._run(advance_batch, raw, bounds, call)
        result = call.result
        assert isinstance(result, Advance)
        if self._outages.blind:
            result.observed[:] = self._observed(observer)
        return result

    def _run(self, kernel: Callable[..., int], raw: np.ndarray, bounds: np.ndarray | None, call: Call) -> None:
        """Check the actions, run the kernel over all sites, move the clock."""
        if self._step >= self.steps:
            raise ValueError(f"step: the run ended after {self.steps} steps; call reset() first")
        raw = as_actions(raw, self.batch_size)
        bounds = self._no_bounds if bounds is None else self._checked_bounds(bounds)
        wrong = self._slices.run(kernel, raw, bounds, call)
        if wrong >= 0:
            raise bad_action(raw, bounds, wrong)
        self._step += 1
        if self._step >= self._outages.next_edge:
            self._outages.apply(self._step, self.state)

    def _checked_bounds(self, bounds: np.ndarray) -> np.ndarray:
        """Contiguous bounds. Raises ValueError on shape or dtype; their order is the kernel's to check."""
        bounds = np.asarray(bounds)
        if bounds.shape != self._no_bounds.shape:
            raise ValueError(f"bounds: shape {bounds.shape}, expected {self._no_bounds.shape}")
        if bounds.dtype != np.float32:
            raise ValueError(f"bounds: dtype {bounds.dtype}, expected float32")
        return np.ascontiguousarray(bounds)

    def _call_of(self, result: StepResult, observer: Observer | None = None) -> Call:
        """Arguments of the kernel after the actions, for this result."""
        by_site: tuple[np.ndarray, ...] = (
            self.params,
            self.state,
            self.queue,
            self.offset,
            self.length,
            self.commitments_kw,
            self.own_trades,
            self._baseline_offset,
            result.outputs,
            result.executed,
            result.clipped,
        )
        shared: tuple[Any, ...] = (self._values, self._baseline)
        if observer is not None:
            assert isinstance(result, Advance)
            by_site += (observer.offset, result.reward, result.observed, result.bounds)
            shared += (observer.table, observer.limits, observer.sales)
        return self._slices.call(result, by_site, shared)

    def _kept_call(self, information: str) -> Call:
        """The call whose result is overwritten step by step: ``step`` for an empty name, else ``advance``."""
        call = self._kept_calls.get(information)
        if call is None:
            observer = self._observer(information) if information else None
            result = new_advance(self.batch_size, observer.size) if observer else new_result(self.batch_size)
            call = self._kept_calls[information] = self._call_of(result, observer)
        return call

    def feasible(self) -> np.ndarray:
        """ActionBounds float32 (B, 3, 2) of the coming step (see ``envs.feasible``)."""
        bounds = np.empty((self.batch_size, len(AGENTS), 2), dtype=np.float32)
        feasible_batch(self.params, self._values, self.offset, self.length, self.state, self.queue, bounds)
        return bounds

    def view(self) -> SiteView:
        """What controllers may see at the start of the coming step. Parameters and commitments are not copied."""
        rows = self.offset + np.minimum(self._step, self.length)
        queue = self.queue[:, (_SLOTS + self._step) % QUEUE_STEPS]
        queue[:, 0] += self.state["overdue_kwh"]
        period = self._step // STEPS_PER_PERIOD
        return SiteView(
            step=self._step,
            now_utc=self.now_utc,
            row=self._seen[rows],
            forecast=self._forecast[rows],
            published_steps=self._published[rows],
            baseline_kw=self._baseline[(self._baseline_offset + period)[:, None] + _HALF_HOURS],
            state=self._outages.seen(self.state),
            queue_kwh=queue,
            params=self.params,
            commitments_kw=self.commitments_kw,
            events=self._events.at(self._step),
            notices=self.notices,
        )

    def observe(self, information: str) -> dict[str, np.ndarray]:
        """Agent -> float32 (B, d), the layout of an information set (``envs.layouts``); one array serves all agents.

        Raises:
            ValueError: unknown information set.
        """
        return dict.fromkeys(AGENTS, self._observed(self._observer(information)))

    def _observer(self, information: str) -> Observer:
        observer = self._observers.get(information)
        if observer is None:
            observer = Observer(information, self._all_rows, self.site_case, self.first_row)
            self._observers[information] = observer
        return observer

    def _observed(self, observer: Observer) -> np.ndarray:
        return observer.observe(
            self.params,
            self._outages.seen(self.state) if self._outages.blind else self.state,
            self.queue,
            self.length,
            self.commitments_kw,
            self._baseline,
            self._baseline_offset,
        )

    def set_commitment(self, site: int, periods: Sequence[int], kw: float, *, own: bool = False) -> None:
        """Store ``kw`` sold in each of ``periods`` of one site. Whether it may be sold is checked by the market.

        own: an own trade, which keeps the day-ahead price less the half-spread should a request follow.
        """
        self.commitments_kw[site, list(periods)] = kw
        self.own_trades[site, list(periods)] = own

    def announce(self, case: int, event: FlexEvent) -> None:
        """A request that came up during the run: its rows carry it from now on, and sites of ``case`` can see it.

        The case's own row table changes with it. Whether the request may stand there is checked by the market.
        """
        rows = self.cases[case].rows
        first, end = (
            round((at - rows.start_utc).total_seconds() / 60) // STEP_MINUTES for at in (event.start, event.end)
        )
        start = self._case_start[case]
        joint = slice(start, start + len(rows.values))
        for values in (rows.values, rows.visible, self._values[joint], self._seen[joint]):
            values[first:end, EVENT_KW], values[first:end, EVENT_PRICE] = event.kw, event.price_gbp_per_mwh
        rows = replace(rows, events=tuple(sorted((*rows.events, event), key=lambda one: one.start)))
        self._take(case, rows)

    def renew(self, case: int, rows: ExogenousRows) -> None:
        """The rows of a case that is happening, as they are known now: the same steps, requests and baseline."""
        start = self._case_start[case]
        joint = slice(start, start + len(rows.values))
        for mine, theirs in (
            (self._values, rows.values),
            (self._seen, rows.visible),
            (self._forecast, rows.forecast),
            (self._published, rows.published_steps),
        ):
            mine[joint] = theirs
        self._take(case, rows)

    def _take(self, case: int, rows: ExogenousRows) -> None:
        self.cases = (*self.cases[:case], replace(self.cases[case], rows=rows), *self.cases[case + 1 :])
        self._all_rows = [one.rows for one in self.cases]
        self._events = OpenEvents(self._all_rows, self.site_case, self.first_row)
        self._observers.clear()  # they precompute what rows say
        self._kept_calls.clear()

    def set_baseline(self, site: int, first_period: int, kw: np.ndarray) -> None:
        """Replace one site's baseline, kW (n,) by period of the run from ``first_period`` on (long runs)."""
        at = self._own_baseline(site) + first_period
        self._baseline[at : at + len(kw)] = kw

    def simulate(self, site: int, rows: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Look ahead from one site's present state without changing it. -> import_kwh float64 (n,).

        rows: float64 (n, columns), what is assumed of the present and coming steps; actions: (n, 3), in [-1, 1].
        """
        actions = as_actions(actions, len(rows))
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        if rows.shape != (len(actions), len(COLUMNS)):
            raise ValueError(f"rows: shape {rows.shape}, expected ({len(actions)}, {len(COLUMNS)})")
        import_kwh = np.empty(len(rows))
        state, queue = self.state[site : site + 1].copy(), self.queue[site].copy()
        run_rows(self.params[site : site + 1], rows, state, queue, actions, np.empty(len(OUTPUTS)), import_kwh)
        return import_kwh

    def _own_baseline(self, site: int) -> int:
        """Offset of a site's private baseline: sites of one case share a table until one of them is changed."""
        offset = self._baseline_offset[site]
        if not self._private[site]:
            size = -(-self.steps // STEPS_PER_PERIOD) + FORECAST_HALF_HOURS
            own = self._baseline[offset : offset + size].copy()
            self._baseline_offset[site] = len(self._baseline)
            self._baseline = np.concatenate([self._baseline, own])
            self._kept_calls = {}
            self._private[site] = True
        return int(self._baseline_offset[site])
