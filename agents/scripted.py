"""Controllers written by hand: neutral, event follower, and one threshold rule on any forecast signal.

They stand in for trained agents, and are the yardstick trained agents have to beat. Every number of a rule is a field
of a frozen dataclass with a declared range, so that a tuner can search it and a result row can be keyed by it; the
numbers in use are in ``agents/tuned``. Rules that look at less are in ``constant``, ``time_of_day`` and
``sustaindc_rules``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agents.policy import Offer
from agents.preparation import LOAD_MARGIN_SHARE, prepare
from agents.ranges import Range, Rule, check
from envs.params import neutral_actions
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.rows import FORECAST_SIGNALS

HALF_HOURS_PER_HOUR = 2
PRICES = ("day_ahead_gbp_per_mwh", "system_gbp_per_mwh")


class Scripted:
    """A controller whose every action follows from the view and its rule: nothing to learn, nothing to remember."""

    layout: str | None = None

    def __init__(self, name: str, rule: Rule | None = None, *, accepts_events: bool = False) -> None:
        self.name = name
        self.rule = rule
        self.accepts_events = accepts_events

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        """Nothing to forget."""

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        return neutral_actions(view.params)

    def offers(self, view: SiteView) -> list[Offer]:
        return []


class Neutral(Scripted):
    """Work passes through, the battery rests, supply air stays at its neutral set-point; sells nothing."""

    def __init__(self, name: str = "neutral") -> None:
        super().__init__(name)


@dataclass(frozen=True)
class FollowerRule:
    """margin_share: battery power kept ready beyond what was sold, share of the IT capacity; see ``preparation``."""

    margin_share: float

    RANGES: ClassVar[tuple[Range, ...]] = (Range("margin_share", 0.0, 0.5, LOAD_MARGIN_SHARE),)

    def __post_init__(self) -> None:
        check(self)


class EventFollower(Scripted):
    """Neutral, but sells requests: it charges ahead of what was sold, the delivery tracker does the rest."""

    rule: FollowerRule

    def __init__(self, rule: FollowerRule) -> None:
        super().__init__("event_follower", rule, accepts_events=True)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        return prepare(view, neutral_actions(view.params), self.rule.margin_share)


@dataclass(frozen=True)
class ThresholdRule:
    """When a signal counts as cheap or dear, and what follows.

    The present value is ranked in the coming window: it is cheap when less than ``*_low`` of the window lies below it,
    dear when less than ``1 - *_high`` of it lies above.

    signal             forecast signal to rank, one of ``grid.rows.FORECAST_SIGNALS``
    shift_window_h     hours ranked for the queue
    shift_low          drain while cheap
    shift_high         defer while dear
    shift_margin       defer only if the signal falls by more than this within the window [signal unit]
    battery_window_h   hours ranked for the battery
    battery_low        charge while cheap
    battery_high       discharge while dear
    battery_margin     a round trip has to gain more than this on what is discharged [signal unit]; for a price, the
                       wear is added to it
    cooling_offset     cooling action above the neutral one, in action units (1 is half the range, 5 K)
    cooling_swing      added to it while dear, taken from it while cheap (pre-cooling)
    """

    signal: str
    shift_window_h: float
    shift_low: float
    shift_high: float
    shift_margin: float
    battery_window_h: float
    battery_low: float
    battery_high: float
    battery_margin: float
    cooling_offset: float
    cooling_swing: float

    RANGES: ClassVar[tuple[Range, ...]] = (
        Range("shift_window_h", 0.5, 48.0, 24.0, "h", "half_hours"),
        Range("shift_low", 0.0, 1.0, 0.25),
        Range("shift_high", 0.0, 1.0, 0.75),
        Range("shift_margin", 0.0, 60.0, 0.0, "signal unit"),
        Range("battery_window_h", 0.5, 48.0, 24.0, "h", "half_hours"),
        Range("battery_low", 0.0, 1.0, 0.25),
        Range("battery_high", 0.0, 1.0, 0.75),
        Range("battery_margin", 0.0, 60.0, 0.0, "signal unit"),
        Range("cooling_offset", -1.0, 1.0, 0.0),
        Range("cooling_swing", -1.0, 1.0, 0.0),
    )

    def __post_init__(self) -> None:
        if self.signal not in FORECAST_SIGNALS:
            raise ValueError(
                f"ThresholdRule.signal={self.signal!r} has no forecast; choose {', '.join(FORECAST_SIGNALS)}"
            )
        check(self)


class Threshold(Scripted):
    """Charge and drain in the cheap part of the coming hours, discharge and defer in the dear part."""

    rule: ThresholdRule

    def __init__(self, name: str, rule: ThresholdRule, *, accepts_events: bool) -> None:
        super().__init__(name, rule, accepts_events=accepts_events)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        rule = self.rule
        outlook = view.outlook(rule.signal)
        now = outlook[:, 0]
        actions = neutral_actions(view.params)

        cheap, dear, window = _rank(outlook, rule.shift_window_h, rule.shift_low, rule.shift_high)
        defer = dear & ~cheap & (window.min(axis=1) < now - rule.shift_margin)
        actions[:, LOAD_SHIFT] = cheap
        actions[:, LOAD_SHIFT] -= defer
        cooling = actions[:, COOLING] + rule.cooling_offset
        if rule.cooling_swing:
            cooling += rule.cooling_swing * (dear.astype(np.float32) - cheap)
        actions[:, COOLING] = np.minimum(np.maximum(cooling, -1.0), 1.0)

        cheap, dear, window = _rank(outlook, rule.battery_window_h, rule.battery_low, rule.battery_high)
        charge, discharge = self._round_trip_pays(view.params, now, window)
        charge &= cheap
        discharge &= dear & ~charge
        actions[:, BATTERY] = charge.astype(np.float32) - discharge
        return prepare(view, actions) if self.accepts_events else actions

    def _round_trip_pays(self, p: np.ndarray, now: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """bool (B,) twice: charging now for the dearest, discharging now against the cheapest value of the window."""
        efficiency = p["charge_efficiency"] * p["discharge_efficiency"]
        margin = np.full(len(p), self.rule.battery_margin)
        if self.rule.signal in PRICES:
            margin = margin + p["wear_gbp_per_mwh"]
        charge = window.max(axis=1) - _stored(now, efficiency) > margin
        discharge = now - _stored(window.min(axis=1), efficiency) > margin
        return charge, discharge


def _stored(value: np.ndarray, efficiency: np.ndarray) -> np.ndarray:
    """Signal of energy bought at ``value``, per MWh discharged. Below zero, losses are paid for: no division then."""
    return np.maximum(value, 0.0) / efficiency + np.minimum(value, 0.0)


def _rank(outlook: np.ndarray, hours: float, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> cheap bool (B,), dear bool (B,), the window float64 (B, n) after the present half-hour."""
    count = max(1, round(hours * HALF_HOURS_PER_HOUR))
    window = outlook[:, 1 : count + 1]
    now = outlook[:, :1]
    cheap = (window < now).sum(axis=1) <= low * count
    dear = (window > now).sum(axis=1) <= (1.0 - high) * count
    return cheap, dear, window
