"""BL01 for long runs: each London day's baseline from the site's own last 60 days, days it sold on left out.

Runs up to 14 days freeze the baseline of the neutral run-in; beyond that it would answer for a site that has long
behaved otherwise. The difference between the two is reported once (design section 4).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from envs.batch import SiteBatch
from envs.state import OUT
from evaluate.desk import Desk
from grid.calendar import settlement_index
from grid.market.baseline import Baseline, DayFlags, NoBaselineError, baseline_kw_rows, fold_days
from grid.rows import RUN_IN_DAYS, STEPS_PER_DAY, STEPS_PER_PERIOD

LONGEST_FROZEN_DAYS = 14
DAYS_AHEAD = 3  # controllers look 48 h ahead at their baseline


class OwnBaseline:
    """Rewrites the baseline of every site of a one-case batch at each London midnight of the run."""

    def __init__(self, batch: SiteBatch, desk: Desk) -> None:
        if len(batch.cases) > 1:
            raise ValueError("own baseline: sites of one batch share their days; run long cases one by one")
        self._batch, self._desk = batch, desk
        case = batch.cases[0]
        self._times = case.rows.times_utc[: case.rows.steps]
        dates, _ = settlement_index(self._times)
        self._first_step: dict[date, int] = {}
        for step, day in enumerate(dates):
            self._first_step.setdefault(day, step)
        self._day_of_step = {step: day for day, step in self._first_step.items()}
        self._start: date = dates[0]
        self._metered = [case.history_kwh.copy() for _ in range(batch.batch_size)]
        self._sold_on: list[set[date]] = [set() for _ in range(batch.batch_size)]

    def before(self, step: int, outputs: np.ndarray) -> None:
        """At a midnight after the first: yesterday joins the history, the days ahead get their baseline."""
        today = self._day_of_step.get(step)
        if today is None or today == self._start:
            return
        yesterday = today - timedelta(days=1)
        first = self._first_step[yesterday]
        import_kwh = outputs[first:step, :, OUT["import_kwh"]]
        sold_kw = self._batch.commitments_kw[:, first // STEPS_PER_PERIOD : step // STEPS_PER_PERIOD].sum(axis=1)
        for site in range(self._batch.batch_size):
            day = fold_days(import_kwh[:, site], self._times[first], 1)
            self._metered[site] = np.concatenate([self._metered[site][1:], day])
            if sold_kw[site] > 0.0:
                self._sold_on[site].add(yesterday)
            self._publish(site, today, step)

    def _publish(self, site: int, today: date, step: int) -> None:
        flags = DayFlags.of_days(today - timedelta(days=RUN_IN_DAYS), RUN_IN_DAYS, self._sold_on[site])
        times = self._times[step : step + DAYS_AHEAD * STEPS_PER_DAY + 4 : STEPS_PER_PERIOD]  # 25 h days too
        try:
            kwh = Baseline.from_history(self._metered[site], flags, today, DAYS_AHEAD, self._desk.rules.baseline_rule)
        except NoBaselineError:
            kwh = np.zeros((0, 48))  # no baseline, so nothing can be sold
        kw = baseline_kw_rows(kwh, today, times)
        self._batch.set_baseline(site, step // STEPS_PER_PERIOD, kw)
        self._desk.set_baseline(site, step // STEPS_PER_PERIOD, kw)
