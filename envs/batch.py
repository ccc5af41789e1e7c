"""``SiteBatch``: B sites advanced together by the one kernel. Every other face is a shell over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.actions import as_actions, bad_action
from envs.case import Case
from envs.kernel import feasible_batch, run_rows, step_batch
from envs.observe import Observer
from envs.open_events import OpenEvents
from envs.params import validate
from envs.state import AGENTS, OUT, OUTPUTS, QUEUE_STEPS
from envs.view import SiteView
from grid.events import FlexEvent
from grid.rows import BASELINE, COLUMNS, EVENT_KW, EVENT_PRICE, FORECAST_HALF_HOURS, STEP_MINUTES, STEPS_PER_PERIOD

_STEP = np.timedelta64(STEP_MINUTES, "m")
_HALF_HOURS = np.arange(FORECAST_HALF_HOURS)
_SLOTS = np.arange(QUEUE_STEPS)


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


class SiteBatch:
    """B sites, each in its own case (week, parameters, start state), all at the same step of their run.

    Sites start together at step 0. One whose case is shorter than the longest (a clock-change week) rests at its end:
    it reports zeros and its state stays.

    Args:
        cases: the distinct cases.
        site_case: int (B,), the case of each site; one site per case if left out.
        params: records of ``SITE_DTYPE``, (1,) for all sites or (B,), in place of the cases' own.
        start_steps: int (B,), even: the row of its case at which each site starts (0 if left out). The start state
            and charge are the case's.
        episode_steps: control steps of a run; to the end of the case if left out.

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
    ) -> None:
        self.cases = tuple(cases)
        self.site_case = _site_case(len(self.cases), site_case)
        self.batch_size = len(self.site_case)
        self.params = _site_params(self.cases, self.site_case, params)
        all_rows = [case.rows for case in self.cases]
        self.first_row = _first_rows(start_steps, self.batch_size)
        self.length = _lengths(np.array([r.steps for r in all_rows])[self.site_case], self.first_row, episode_steps)
        self.steps = int(self.length.max())

        self._case_start = np.cumsum([0] + [len(rows.values) for rows in all_rows])[:-1]
        self.offset = self._case_start[self.site_case] + self.first_row
        self._values = _joined([rows.values for rows in all_rows])
        self._forecast = _joined([rows.forecast for rows in all_rows])
        self._published = _joined([rows.published_steps for rows in all_rows])
        starts = np.array([rows.start_utc.tz_convert("UTC").tz_localize(None).to_datetime64() for rows in all_rows])
        self._start_utc = starts.astype("datetime64[ns]")[self.site_case] + self.first_row * _STEP
        self._baseline, baseline_start = _baselines([rows.values for rows in all_rows])
        self._baseline_offset = baseline_start[self.site_case] + self.first_row // STEPS_PER_PERIOD
        self._private = np.zeros(self.batch_size, dtype=bool)
        self._events = OpenEvents(all_rows, self.site_case, self.first_row)
        self._start_state = np.concatenate([case.state for case in self.cases])
        self._start_queue = np.stack([case.queue_kwh for case in self.cases])
        self._no_bounds = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (self.batch_size, len(AGENTS), 1))
        self._observers: dict[str, Observer] = {}
        self._shared = self._new_result()
        self.reset()

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

    def reset(self) -> None:
        """Back to the start of each run, nothing sold. The site itself is deterministic: there is nothing to seed."""
        self.state = self._start_state[self.site_case]
        self.state["step"] = 0
        self.queue = self._start_queue[self.site_case]
        self.commitments_kw = np.zeros((self.batch_size, -(-self.steps // STEPS_PER_PERIOD)))
        self.own_trades = np.zeros(self.commitments_kw.shape, dtype=bool)
        self._events.reset()
        self._step = 0

    def step(self, raw: np.ndarray, bounds: np.ndarray | None = None, *, copy: bool = True) -> StepResult:
        """Advance one control step.

        Args:
            raw: float32 (B, 3), agents in the order of ``AGENTS``, each in [-1, 1].
            bounds: ActionBounds float32 (B, 3, 2) that ``raw`` is clipped to; left out, only physics limits it.
            copy: False returns buffers that the next step overwrites.

        Raises:
            ValueError: stepping past the end, a wrong shape, NaN, a value outside [-1, 1], a low bound above its high.
        """
        if self._step >= self.steps:
            raise ValueError(f"step: the run ended after {self.steps} steps; call reset() first")
        raw = as_actions(raw, self.batch_size)
        if bounds is None:
            bounds = self._no_bounds
        elif bounds.shape != self._no_bounds.shape:
            raise ValueError(f"bounds: shape {bounds.shape}, expected {self._no_bounds.shape}")
        elif bounds.dtype != np.float32:
            raise ValueError(f"bounds: dtype {bounds.dtype}, expected float32")
        result = self._new_result() if copy else self._shared
        wrong = step_batch(
            self.params,
            self._values,
            self.offset,
            self.length,
            self.state,
            self.queue,
            raw,
            np.ascontiguousarray(bounds),
            self.commitments_kw,
            self.own_trades,
            self._baseline,
            self._baseline_offset,
            result.outputs,
            result.executed,
            result.clipped,
        )
        if wrong >= 0:
            raise bad_action(raw, bounds, wrong)
        self._step += 1
        return result

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
            row=self._values[rows],
            forecast=self._forecast[rows],
            published_steps=self._published[rows],
            baseline_kw=self._baseline[(self._baseline_offset + period)[:, None] + _HALF_HOURS],
            state=self.state.copy(),
            queue_kwh=queue,
            params=self.params,
            commitments_kw=self.commitments_kw,
            events=self._events.at(self._step),
        )

    def observe(self, information: str) -> dict[str, np.ndarray]:
        """Agent -> float32 (B, d), the layout of an information set (``envs.layouts``); one array serves all agents.

        Raises:
            ValueError: unknown information set.
        """
        observer = self._observers.get(information)
        if observer is None:
            all_rows = [case.rows for case in self.cases]
            observer = self._observers[information] = Observer(information, all_rows, self.site_case, self.first_row)
        observed = observer.observe(
            self.params,
            self.state,
            self.queue,
            self.length,
            self.commitments_kw,
            self._baseline,
            self._baseline_offset,
        )
        return dict.fromkeys(AGENTS, observed)

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
        for values in (rows.values, self._values[start : start + len(rows.values)]):
            values[first:end, EVENT_KW], values[first:end, EVENT_PRICE] = event.kw, event.price_gbp_per_mwh
        rows = replace(rows, events=tuple(sorted((*rows.events, event), key=lambda one: one.start)))
        self.cases = (*self.cases[:case], replace(self.cases[case], rows=rows), *self.cases[case + 1 :])
        self._events = OpenEvents([one.rows for one in self.cases], self.site_case, self.first_row)
        self._observers.clear()  # they precompute what rows say of requests

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
            self._private[site] = True
        return int(self._baseline_offset[site])

    def _new_result(self) -> StepResult:
        size = self.batch_size
        return StepResult(
            np.empty((size, len(OUTPUTS))),
            np.empty((size, len(AGENTS)), dtype=np.float32),
            np.empty((size, len(AGENTS)), dtype=bool),
        )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)


def _site_case(cases: int, site_case: np.ndarray | Sequence[int] | None) -> np.ndarray:
    index = np.arange(cases) if site_case is None else np.asarray(site_case, dtype=np.int64)
    if cases == 0 or index.ndim != 1 or len(index) == 0 or index.min() < 0 or index.max() >= cases:
        raise ValueError(f"site_case: {index.tolist()}; give for each site the index of one of the {cases} cases")
    return index


def _site_params(cases: tuple[Case, ...], site_case: np.ndarray, params: np.ndarray | None) -> np.ndarray:
    if params is None:
        return np.concatenate([case.params for case in cases])[site_case]
    if len(params) not in (1, len(site_case)):
        raise ValueError(f"params: {len(params)} records for {len(site_case)} sites; give 1 or {len(site_case)}")
    validate(params)
    return np.ascontiguousarray(np.broadcast_to(params, (len(site_case),)))


def _first_rows(start_steps: np.ndarray | Sequence[int] | None, batch_size: int) -> np.ndarray:
    if start_steps is None:
        return np.zeros(batch_size, dtype=np.int64)
    first = np.asarray(start_steps, dtype=np.int64)
    if first.shape != (batch_size,) or (first < 0).any() or (first % STEPS_PER_PERIOD).any():
        raise ValueError(
            f"start_steps: {first.tolist()}; give {batch_size} even rows from 0 on (a settlement period starts there)"
        )
    return first


def _lengths(available: np.ndarray, first: np.ndarray, episode_steps: int | None) -> np.ndarray:
    length = available - first if episode_steps is None else np.full_like(first, episode_steps)
    short = (length < 1) | (first + length > available)
    if short.any():
        site = int(np.argmax(short))
        raise ValueError(
            f"site {site}: its case has {available[site]} steps, fewer than start {first[site]} plus an episode of "
            f"{length[site]}"
        )
    return length


def _baselines(all_values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Baseline kW by period, all cases end to end with 48 h of zeros behind each, and where each case begins."""
    columns = [np.pad(v[::STEPS_PER_PERIOD, BASELINE], (0, FORECAST_HALF_HOURS)) for v in all_values]
    return np.concatenate(columns), np.cumsum([0] + [len(c) for c in columns])[:-1]
