"""Which weeks a matrix runs on: Mondays, spread evenly over a period so that seasons are in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np


def spread_weeks(count: int, period: Sequence[date]) -> list[date]:
    """``count`` Mondays evenly spread over [first, last], ends of equal strata's middles; all of them if count says so.

    Raises:
        ValueError: the period holds fewer Mondays than asked for.
    """
    first, last = period
    mondays = mondays_of(period)
    if count > len(mondays):
        raise ValueError(
            f"evaluate.weeks: {count} asked for, but evaluate.period {first} .. {last} holds {len(mondays)} Mondays; "
            "ask for fewer weeks or widen the period"
        )
    strata = (np.arange(count) + 0.5) * len(mondays) / count
    return [mondays[int(k)] for k in strata]


def mondays_of(period: Sequence[date]) -> list[date]:
    """Every Monday of [first, last]."""
    first, last = period
    monday = first + timedelta(days=-first.weekday() % 7)
    return [monday + timedelta(weeks=k) for k in range((last - monday).days // 7 + 1)]
