"""sustaindc_rules: the rule-based controllers that come with SustainDC, translated to this site.

Source: HewlettPackard/dc-rl (MIT), read and rewritten. Their three rules look at carbon intensity and temperature
alone; here they meet half-hourly forecasts to 48 h, another battery and another cooling plant, so every number is
tuned like those of the other controllers, starting at theirs.

battery     ``RBCBatteryAgent``: charge while the smoothed intensity some steps ahead is above the present one, else
            discharge; its limits on the state of charge, which the original holds but does not use, are kept to.
load shift  the simple rule of their studies: defer while the intensity is above the mean of its forecast, else process
            (``RBCLoadShiftingAgent``, with trends of past and future, never defers as written).
set-point   ``trim_and_respond_ctrl``: lower it at once while the watched temperature is above its limit, else raise it
            once an hour. The server inlet takes the place of their room temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agents.ranges import Range, check
from agents.scripted import HALF_HOURS_PER_HOUR, Scripted
from envs.params import neutral_actions
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView

TRIM_EVERY_STEPS = 4  # "assuming 1 hour if sampling interval is 15mins"
HALF_FAHRENHEIT_K = 0.278  # their move of the set-point, up and down


@dataclass(frozen=True)
class SustainDcRule:
    """Numbers of the three rules.

    look_ahead_h, smooth_h  battery: hours ahead of the intensity compared with the present one, and of its mean
    soc_low, soc_high       battery: discharge above the one, charge below the other, share of its capacity
    shift_window_h          load shift: hours of the forecast whose mean decides
    inlet_limit_degc        set-point: warmest inlet before it is lowered
    trim_k, respond_k       set-point: how far it is raised each hour, and lowered each step
    """

    look_ahead_h: float
    smooth_h: float
    soc_low: float
    soc_high: float
    shift_window_h: float
    inlet_limit_degc: float
    trim_k: float
    respond_k: float

    RANGES: ClassVar[tuple[Range, ...]] = (
        Range("look_ahead_h", 0.5, 24.0, 1.0, "h", "half_hours"),  # theirs: 3 steps, 45 min
        Range("smooth_h", 0.5, 12.0, 0.5, "h", "half_hours"),
        Range("soc_low", 0.0, 0.5, 0.2),
        Range("soc_high", 0.5, 1.0, 0.9),
        Range("shift_window_h", 0.5, 48.0, 2.0, "h", "half_hours"),  # theirs: 8 steps, 2 h
        Range("inlet_limit_degc", 17.0, 27.0, 21.0, "degC"),
        Range("trim_k", 0.0, 2.0, HALF_FAHRENHEIT_K, "K"),
        Range("respond_k", 0.0, 2.0, HALF_FAHRENHEIT_K, "K"),
    )

    def __post_init__(self) -> None:
        check(self)


class SustainDcRules(Scripted):
    """Sees carbon and temperature; sells nothing."""

    rule: SustainDcRule

    def __init__(self, rule: SustainDcRule) -> None:
        super().__init__("sustaindc_rules", rule)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        outlook = view.outlook("carbon_gco2_per_kwh")
        actions = neutral_actions(view.params)
        actions[:, BATTERY] = self._battery(view, outlook)
        window = outlook[:, 1 : 1 + _half_hours(self.rule.shift_window_h)]
        actions[:, LOAD_SHIFT] = np.where(outlook[:, 0] > window.mean(axis=1), -1.0, 1.0)
        actions[:, COOLING] = self._set_point(view)
        return actions

    def _battery(self, view: SiteView, outlook: np.ndarray) -> np.ndarray:
        """float64 (B,): full power or rest."""
        rule = self.rule
        first = _half_hours(rule.look_ahead_h)
        ahead = outlook[:, first : first + _half_hours(rule.smooth_h)].mean(axis=1)
        charged = view.state["soc_kwh"] / np.maximum(view.params["battery_kwh"], 1e-9)
        charge = (ahead > outlook[:, 0]) & (charged < rule.soc_high)
        discharge = (ahead <= outlook[:, 0]) & (charged > rule.soc_low)
        return charge.astype(np.float64) - discharge

    def _set_point(self, view: SiteView) -> np.ndarray:
        """float64 (B,): cooling action of the set-point trimmed up or responded down from where it is."""
        p, state, rule = view.params, view.state, self.rule
        trim_k = rule.trim_k if view.step % TRIM_EVERY_STEPS == 0 else 0.0
        moved_k = np.where(state["inlet_degc"] > rule.inlet_limit_degc, -rule.respond_k, trim_k)
        target = np.clip(state["supply_degc"] + moved_k, p["supply_min_degc"], p["supply_max_degc"])
        return 2.0 * (target - p["supply_min_degc"]) / (p["supply_max_degc"] - p["supply_min_degc"]) - 1.0


def _half_hours(hours: float) -> int:
    return max(1, round(hours * HALF_HOURS_PER_HOUR))
