"""Every scripted controller whose numbers are tuned: its rule, and how it is made from one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.constant import BestConstant, ConstantRule
from agents.ranges import Rule
from agents.scripted import EventFollower, FollowerRule, Scripted, Threshold, ThresholdRule
from agents.sustaindc_rules import SustainDcRule, SustainDcRules
from agents.time_of_day import TimeOfDay, TimetableRule
from agents.tuned import tuned_rule


@dataclass(frozen=True)
class Tunable:
    """kind: class of its rule; make: controller of a rule; fixed: fields of the rule that are not tuned."""

    kind: type[Rule]
    make: Callable[[Any], Scripted]
    fixed: Mapping[str, Any] = field(default_factory=dict)


TUNABLE: dict[str, Tunable] = {
    "threshold": Tunable(
        ThresholdRule,
        lambda rule: Threshold("threshold", rule, accepts_events=True),
        {"signal": "day_ahead_gbp_per_mwh"},
    ),
    "carbon_threshold": Tunable(
        ThresholdRule,
        lambda rule: Threshold("carbon_threshold", rule, accepts_events=False),
        {"signal": "carbon_gco2_per_kwh"},
    ),
    "time_of_day": Tunable(TimetableRule, TimeOfDay),
    "event_follower": Tunable(FollowerRule, EventFollower),
    "best_constant": Tunable(ConstantRule, BestConstant),
    "sustaindc_rules": Tunable(SustainDcRule, SustainDcRules),
}


def make_tuned(name: str) -> Scripted:
    """The controller with the numbers of ``agents/tuned``. Raises ValueError where its file is missing or damaged."""
    return TUNABLE[name].make(tuned_rule(name, TUNABLE[name].kind))
