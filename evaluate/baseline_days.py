"""Which days the baseline of a settled day was made from: what a settlement body asks first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from configs.schema import Config
from envs.case import Case
from evaluate.own_baseline import LONGEST_FROZEN_DAYS
from grid.market.baseline import DayFlags, baseline_days
from grid.rows import RUN_IN_DAYS


def days_behind(config: Config, case: Case) -> Callable[[date], list[str]]:
    """London date -> the dates, as text, whose mean is its baseline; none in a long run, whose baseline follows its own
    meter from day to day.
    """
    flags = DayFlags.of_days(config.run.start - timedelta(days=RUN_IN_DAYS), RUN_IN_DAYS)

    def days(target: date) -> list[str]:
        if config.run.days > LONGEST_FROZEN_DAYS:
            return []
        used = baseline_days(case.history_kwh, flags, config.run.start, target, config.market.baseline_rule)
        return [day.isoformat() for day in used]

    return days
