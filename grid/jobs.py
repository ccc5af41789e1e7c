"""Work as jobs: seeded classes of interactive and batch jobs, each job with a size, a run time and a deadline.

Nothing repeats: jobs are a pure function of (seed, time), drawn week by week, for any stretch. The forms are those of
workload studies (Feitelson, Workload Modeling for Computer Systems Performance Evaluation, 2015): Poisson arrivals
under a daily and a weekly cycle, log-normal run times and widths. The numbers are assumptions, chosen to give the mean
and spread of the recorded traces and the design's share of work that may wait.

A site knows its work as a utilisation and constant shares that may wait (``envs.load_shift``): ``site_shares`` says
which ones these classes come to. What the site defers at an instant is that share of what arrives, not the jobs' own
mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from grid.calendar import LONDON, london_midnight_utc
from grid.noise import WEEK, ar1, hashed_generator, mondays_between
from grid.rows import STEPS_PER_PERIOD
from grid.series import STEP, GridSeries

FLOOR, CEILING = 0.02, 0.98  # of utilisation: the site's own housekeeping; what a scheduler would still start
LEVEL_SD, LEVEL_CORRELATION = 0.08, 0.95  # slow demand common to a class, by hour
LONGEST_STEPS = 96  # run time of a job, so that a week depends on itself and the one before alone
RUN_SPREAD = 0.6  # sd of the logarithm of run time; of width too


@dataclass(frozen=True)
class JobClass:
    """One kind of job.

    share: mean utilisation it asks for. run_steps, width: medians of a job's run time (15-min steps) and of the share
    of the site it occupies meanwhile. deadline_steps: how long it may wait, 0 for work that may not. day_swing,
    peak_hour, weekend: relative swing of arrivals over the London day, its peak, and their level at weekends.
    """

    name: str
    share: float
    run_steps: float
    width: float
    deadline_steps: int
    day_swing: float
    peak_hour: float
    weekend: float

    @property
    def may_wait(self) -> bool:
        return self.deadline_steps > 0


CLASSES = (
    JobClass("interactive", 0.4, 1.0, 0.004, 0, 0.25, 15.0, 0.88),
    JobClass("batch_short", 0.05, 4.0, 0.004, 16, 0.5, 12.0, 0.6),  # wanted the same morning or afternoon
    JobClass("batch_long", 0.05, 16.0, 0.006, 96, 0.4, 20.0, 1.0),  # wanted by the same time tomorrow
)


def site_shares(classes: tuple[JobClass, ...] = CLASSES) -> dict[str, float]:
    """Site parameters of these classes: shares that may wait and their deadlines, the longer in ``deferrable_share``.

    Raises:
        ValueError: more classes that may wait than the site has.
    """
    total = sum(c.share for c in classes)
    waiting = sorted((c for c in classes if c.may_wait), key=lambda c: -c.deadline_steps)
    if len(waiting) > 2:
        raise ValueError(f"classes: {len(waiting)} that may wait; a site tells two apart, by their deadline")
    shares: dict[str, float] = {"deferrable_share": 0.0, "short_share": 0.0}
    for c, (share, deadline) in zip(
        waiting, (("deferrable_share", "deadline_steps"), ("short_share", "short_deadline_steps")), strict=False
    ):
        shares[share] = c.share / total
        shares[deadline] = float(c.deadline_steps)
    return shares


def jobs(
    start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int, classes: tuple[JobClass, ...] = CLASSES
) -> pd.DataFrame:
    """Every job that arrives in [start, end), in time order.

    Columns: arrival_utc, class, width (share of the site), run_steps, work (their product: utilisation x steps),
    deadline_utc (arrival where it may not wait).
    """
    parts = []
    for c in classes:
        for monday in mondays_between(start_utc, end_utc):
            start = london_midnight_utc(monday)
            step, run_steps, width = _week_of_jobs(c, monday, seed)
            parts.append(
                pd.DataFrame(
                    {
                        "arrival_utc": start + step * STEP,
                        "class": c.name,
                        "width": width,
                        "run_steps": run_steps,
                        "work": width * run_steps,
                        "deadline_utc": start + (step + c.deadline_steps) * STEP,
                    }
                )
            )
    table = pd.concat(parts).sort_values("arrival_utc", kind="stable", ignore_index=True)
    return table[(table["arrival_utc"] >= start_utc) & (table["arrival_utc"] < end_utc)].reset_index(drop=True)


def utilisation_by_class(
    start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int, classes: tuple[JobClass, ...] = CLASSES
) -> pd.DataFrame:
    """Utilisation that each class asks for, by step of [start, end), if every job runs as it arrives.

    Where the sum would pass the ceiling all classes are cut in proportion.
    """
    first, last = mondays_between(start_utc - WEEK, end_utc)[0], mondays_between(start_utc, end_utc)[-1]
    origin, end = london_midnight_utc(first), london_midnight_utc(last + WEEK)
    times = pd.date_range(origin, end, freq=STEP, inclusive="left", name="time_utc")
    asked = np.zeros((len(times), len(classes)))
    for k, c in enumerate(classes):
        change = np.zeros(len(times) + LONGEST_STEPS + 1)
        for monday in mondays_between(origin, end):
            offset = int((london_midnight_utc(monday) - origin) / STEP)
            step, run_steps, width = _week_of_jobs(c, monday, seed)
            np.add.at(change, offset + step, width)
            np.add.at(change, offset + step + run_steps, -width)
        asked[:, k] = np.maximum(np.cumsum(change)[: len(times)], 0.0)
    asked *= np.minimum(1.0, (CEILING - FLOOR) / np.maximum(asked.sum(axis=1), 1e-9))[:, None]
    return pd.DataFrame(asked, index=times, columns=[c.name for c in classes]).loc[start_utc : end_utc - STEP]


def generated_jobs(start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int) -> GridSeries:
    """The column ``utilisation`` over [start, end)."""
    total = FLOOR + utilisation_by_class(start_utc, end_utc, seed).sum(axis=1)
    return GridSeries.validated(total.to_frame("utilisation"), {"utilisation": "synthetic"}, f"jobs, seed {seed}")


def _week_of_jobs(c: JobClass, monday: date, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jobs of the London week from ``monday`` on: step of arrival, run time in steps, width."""
    start = london_midnight_utc(monday)
    local = pd.date_range(start, london_midnight_utc(monday + WEEK), freq=STEP, inclusive="left").tz_convert(LONDON)
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60.0
    weekend = np.where(local.day_of_week.to_numpy() >= 5, c.weekend, 1.0)
    level = ar1(("jobs", seed, c.name), start, len(local) // STEPS_PER_PERIOD, LEVEL_CORRELATION)
    shape = 1.0 + c.day_swing * np.cos(2 * np.pi * (hour - c.peak_hour) / 24.0)
    mean_level = np.exp(0.5 * LEVEL_SD**2) * (5.0 + 2.0 * c.weekend) / 7.0
    rng = hashed_generator("jobs", seed, c.name, monday)
    rate = _arrivals_per_step(c) * shape * weekend * np.exp(LEVEL_SD * np.repeat(level, STEPS_PER_PERIOD)) / mean_level
    step = np.repeat(np.arange(len(local)), rng.poisson(rate))
    run_steps = np.rint(c.run_steps * np.exp(RUN_SPREAD * rng.standard_normal(len(step))))
    width = c.width * np.exp(RUN_SPREAD * rng.standard_normal(len(step)))
    return step, np.clip(run_steps, 1, LONGEST_STEPS).astype(np.int64), width


def _arrivals_per_step(c: JobClass) -> float:
    """Jobs a step that ask for ``share`` on average: rounding and the limits of run time are counted in."""
    at = np.linspace(-6.0, 6.0, 4801)
    weight = np.exp(-0.5 * at**2)
    run = np.clip(np.rint(c.run_steps * np.exp(RUN_SPREAD * at)), 1, LONGEST_STEPS)
    mean_run = float((run * weight).sum() / weight.sum())
    return c.share / (mean_run * c.width * float(np.exp(0.5 * RUN_SPREAD**2)))
