"""BL01: what a site would have imported, from its own recent days (Elexon Baselining Methodology Document v3.1).

For a target day D, look back over D-60 .. D-1 and keep complete days of the same type (working or not) that are
neither clock-change days nor event days. The most recent 10 (4 for a non-working day) are ranked by daily total, and
the rule picks among them; the baseline is their plain mean per local half-hour. There is no in-day adjustment for a
trade, so nothing done on the day itself can move its baseline. All energies are kWh per 30-minute period.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from grid.calendar import (
    HALF_HOURS_PER_DAY,
    LONDON,
    clock_half_hour,
    is_clock_change,
    is_working_day,
    london_midnight_utc,
    settlement_index,
)
from grid.rows import RUN_IN_DAYS, STEP_MINUTES

ELIGIBLE_WORKING_DAYS = 10
ELIGIBLE_OTHER_DAYS = 4
# Which of the days ranked by rising total are averaged. Of 10 and of 4 alike two are dropped ("mid 8 of 10");
# one secondary text reads high X of Y, hence the parameter.
RULES = {"mid": slice(1, -1), "high": slice(2, None), "all": slice(None)}


class NoBaselineError(ValueError):
    """Too few eligible days: no baseline, so no event may be accepted."""


@dataclass(frozen=True)
class DayFlags:
    """What each history day was, oldest first: four bool arrays (days,)."""

    working_day: np.ndarray
    event_day: np.ndarray  # balancing service, virtual trading or outage
    complete: np.ndarray  # all half-hours metered
    clock_change: np.ndarray

    @classmethod
    def of_days(cls, first: date, days: int, event_days: Collection[date] = ()) -> DayFlags:
        """Flags by the calendar for ``days`` London dates from ``first`` on, all taken as complete."""
        dates = [first + timedelta(days=i) for i in range(days)]
        return cls(
            working_day=np.array([is_working_day(day) for day in dates]),
            event_day=np.array([day in event_days for day in dates]),
            complete=np.ones(days, dtype=bool),
            clock_change=np.array([is_clock_change(day) for day in dates]),
        )


class Baseline:
    """BL01 for the days of a run."""

    @staticmethod
    def from_history(
        metered_kwh: np.ndarray, flags: DayFlags, first_target: date, days: int, rule: str = "mid"
    ) -> np.ndarray:
        """Baseline kWh per local clock half-hour, float64 (days, 48), for ``first_target`` and the days after it.

        ``metered_kwh`` (60, 48) and ``flags`` describe D-60 .. D-1 of ``first_target``, oldest first. The history is
        frozen there for all target days; each target takes the baseline of its own day type. NaN makes a day
        incomplete. Raises ``NoBaselineError`` with the first target day that has too few eligible days.
        """
        by_type: dict[bool, np.ndarray] = {}
        targets = [first_target + timedelta(days=i) for i in range(days)]
        for target in targets:
            working = is_working_day(target)
            if working not in by_type:
                by_type[working] = day_baseline_kwh(metered_kwh, flags, target, working, rule)
        return np.array([by_type[is_working_day(target)] for target in targets]).reshape(days, HALF_HOURS_PER_DAY)


def day_baseline_kwh(
    metered_kwh: np.ndarray, flags: DayFlags, target: date, working_day: bool, rule: str = "mid"
) -> np.ndarray:
    """BL01 of one target day, float64 (48,), given its type; arguments and errors as ``Baseline.from_history``."""
    history = np.asarray(metered_kwh, dtype=np.float64)
    if history.shape != (RUN_IN_DAYS, HALF_HOURS_PER_DAY):
        raise ValueError(
            f"metered_kwh has shape {history.shape}; give ({RUN_IN_DAYS}, {HALF_HOURS_PER_DAY}), D-60 first"
        )
    return history[_used_days(history, flags, target, working_day, rule)].mean(axis=0)


def baseline_days(
    metered_kwh: np.ndarray, flags: DayFlags, first_target: date, target: date, rule: str = "mid"
) -> list[date]:
    """The London dates whose mean is the baseline of ``target``; arguments and errors as ``Baseline.from_history``."""
    first = first_target - timedelta(days=RUN_IN_DAYS)
    used = _used_days(np.asarray(metered_kwh), flags, target, is_working_day(target), rule)
    return sorted(first + timedelta(days=int(day)) for day in used)


def fold_history(
    import_kwh: np.ndarray, start_utc: pd.Timestamp, event_days: Collection[date] = ()
) -> tuple[np.ndarray, DayFlags]:
    """60 days of metered import by 15-minute step -> kWh per local clock half-hour (60, 48), and the days' flags.

    ``start_utc`` is the London midnight of D-60 and ``import_kwh`` ends with D-1; see ``fold_days``.
    """
    history = fold_days(import_kwh, start_utc, RUN_IN_DAYS)
    return history, DayFlags.of_days(start_utc.tz_convert(LONDON).date(), RUN_IN_DAYS, event_days)


def fold_days(import_kwh: np.ndarray, start_utc: pd.Timestamp, days: int) -> np.ndarray:
    """Whole London days of metered import by 15-minute step -> kWh per local clock half-hour (days, 48).

    On a clock-change day the skipped half-hours are NaN and the repeated ones the mean of both passes; such a day is
    never used. Raises ValueError where the steps are not whole London days from ``start_utc`` on.
    """
    first = start_utc.tz_convert(LONDON).date()
    end = london_midnight_utc(first + timedelta(days=days))
    steps = int((end - start_utc) / pd.Timedelta(minutes=STEP_MINUTES))
    if start_utc != london_midnight_utc(first) or len(import_kwh) != steps:
        raise ValueError(
            f"history of {len(import_kwh)} steps from {start_utc}: give {days} whole London days, "
            f"that is from {london_midnight_utc(first)} to the London midnight {days} days later"
        )
    times = pd.date_range(start_utc, periods=steps, freq=f"{STEP_MINUTES}min")
    day = np.array([(day - first).days for day in settlement_index(times)[0]])
    cell = day * HALF_HOURS_PER_DAY + clock_half_hour(times)
    cells = days * HALF_HOURS_PER_DAY
    passes = np.bincount(cell, minlength=cells) / 2.0  # two steps make one pass through a half-hour
    energy = np.bincount(cell, weights=np.asarray(import_kwh, dtype=np.float64), minlength=cells)
    history = np.divide(energy, passes, out=np.full(cells, np.nan), where=passes > 0)
    return history.reshape(days, HALF_HOURS_PER_DAY)


def baseline_kw_rows(baseline_kwh: np.ndarray, first_target: date, times_utc: pd.DatetimeIndex) -> np.ndarray:
    """Baseline kW at each instant, float64 (n,), by local clock half-hour: 2 x kWh.

    A repeated clock hour reads the same values twice and a skipped one is never read. Instants outside the target
    days get 0: there is no baseline there, so nothing can be sold.
    """
    day = np.array([(d - first_target).days for d in settlement_index(times_utc)[0]], dtype=np.int64)
    inside = (day >= 0) & (day < len(baseline_kwh))
    kw = np.zeros(len(times_utc))
    kw[inside] = 2.0 * np.asarray(baseline_kwh)[day[inside], clock_half_hour(times_utc)[inside]]
    return kw


def _used_days(history: np.ndarray, flags: DayFlags, target: date, working_day: bool, rule: str) -> np.ndarray:
    """Row numbers of the days averaged: the latest eligible ones, less those the rule drops by daily total."""
    if rule not in RULES:
        raise ValueError(f"baseline rule {rule!r} is not one of {', '.join(RULES)}")
    eligible = _latest_eligible(history, flags, target, working_day)
    ranked = np.argsort(history[eligible].sum(axis=1), kind="stable")
    return eligible[ranked[RULES[rule]]]


def _latest_eligible(history: np.ndarray, flags: DayFlags, target: date, working_day: bool) -> np.ndarray:
    """Row numbers of the most recent eligible days."""
    needed = ELIGIBLE_WORKING_DAYS if working_day else ELIGIBLE_OTHER_DAYS
    complete = np.asarray(flags.complete) & np.isfinite(history).all(axis=1)
    same_type = np.asarray(flags.working_day) == working_day
    eligible = np.flatnonzero(complete & same_type & ~np.asarray(flags.event_day) & ~np.asarray(flags.clock_change))
    if len(eligible) < needed:
        kind = "working" if working_day else "non-working"
        raise NoBaselineError(
            f"no baseline for {target}: {len(eligible)} eligible {kind} days in the {RUN_IN_DAYS} days of history, "
            f"{needed} needed; no event can be accepted for it"
        )
    return eligible[-needed:]
