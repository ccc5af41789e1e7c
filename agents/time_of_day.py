"""time_of_day: a fixed timetable on the London clock, two battery cycles and one deferral a day, every day the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from agents.ranges import DAY_HOURS, Range, check
from agents.scripted import Scripted
from envs.params import neutral_actions
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView

LONDON = "Europe/London"


@dataclass(frozen=True)
class TimetableRule:
    """Windows of the day: ``*_from`` on the London clock, ``*_h`` hours long; 0 h is never. Battery at full power.

    Where a window to charge and one to discharge overlap, the battery rests; deferring goes before draining.
    ``cooling_offset`` is the cooling action above the neutral one, in action units.
    """

    night_charge_from: float
    night_charge_h: float
    morning_discharge_from: float
    morning_discharge_h: float
    day_charge_from: float
    day_charge_h: float
    evening_discharge_from: float
    evening_discharge_h: float
    defer_from: float
    defer_h: float
    drain_from: float
    drain_h: float
    cooling_offset: float

    # The start follows the two peaks of a British day: charged at night for the morning, at noon for the evening.
    RANGES: ClassVar[tuple[Range, ...]] = (
        Range("night_charge_from", 0.0, DAY_HOURS, 2.0, "h", "clock"),
        Range("night_charge_h", 0.0, 8.0, 2.0, "h", "half_hours"),
        Range("morning_discharge_from", 0.0, DAY_HOURS, 8.0, "h", "clock"),
        Range("morning_discharge_h", 0.0, 8.0, 1.0, "h", "half_hours"),
        Range("day_charge_from", 0.0, DAY_HOURS, 13.0, "h", "clock"),
        Range("day_charge_h", 0.0, 8.0, 1.5, "h", "half_hours"),
        Range("evening_discharge_from", 0.0, DAY_HOURS, 17.0, "h", "clock"),
        Range("evening_discharge_h", 0.0, 8.0, 2.0, "h", "half_hours"),
        Range("defer_from", 0.0, DAY_HOURS, 16.0, "h", "clock"),
        Range("defer_h", 0.0, 24.0, 4.0, "h", "half_hours"),
        Range("drain_from", 0.0, DAY_HOURS, 1.0, "h", "clock"),
        Range("drain_h", 0.0, 24.0, 4.0, "h", "half_hours"),
        Range("cooling_offset", -1.0, 1.0, 0.0),
    )

    def __post_init__(self) -> None:
        check(self)


class TimeOfDay(Scripted):
    """Sees the clock and nothing else; sells nothing."""

    rule: TimetableRule

    def __init__(self, rule: TimetableRule) -> None:
        super().__init__("time_of_day", rule)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        rule, hour = self.rule, _london_hour(view.now_utc)
        night = _within(hour, rule.night_charge_from, rule.night_charge_h)
        morning = _within(hour, rule.morning_discharge_from, rule.morning_discharge_h)
        day = _within(hour, rule.day_charge_from, rule.day_charge_h)
        evening = _within(hour, rule.evening_discharge_from, rule.evening_discharge_h)
        defer = _within(hour, rule.defer_from, rule.defer_h)
        drain = _within(hour, rule.drain_from, rule.drain_h) & ~defer

        actions = neutral_actions(view.params)
        actions[:, BATTERY] = (night | day).astype(np.float32) - (morning | evening)
        actions[:, LOAD_SHIFT] = drain.astype(np.float32) - defer
        actions[:, COOLING] = np.clip(actions[:, COOLING] + rule.cooling_offset, -1.0, 1.0)
        return actions


def _london_hour(now_utc: np.ndarray) -> np.ndarray:
    """float64 (B,): hours since London midnight by the wall clock, [0, 24)."""
    local = pd.DatetimeIndex(now_utc).tz_localize("UTC").tz_convert(LONDON)
    return local.hour.to_numpy() + local.minute.to_numpy() / 60.0


def _within(hour: np.ndarray, start: float, hours: float) -> np.ndarray:
    """bool (B,): inside a window that may pass midnight."""
    return (hour - start) % DAY_HOURS < hours
