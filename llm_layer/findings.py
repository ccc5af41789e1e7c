"""Conflicts and opportunities: what each proposal costs against the best it could be, in pounds, kilograms, words.

The wording is fixed: a finding reads the same in a prompt, in the audit trail and in a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from llm_layer.outlook import Outlook
from llm_layer.site_curves import SUPPLY_LEVELS
from llm_layer.situation import Finding, Kind
from llm_layer.verbs import TOLERANCE

LEAST_GAIN_GBP = 0.01  # smaller differences are noise of the look-ahead's grid
STEP_MINUTES = 15.0

Site = dict[str, float]  # parameters by name
Best = Sequence[float]  # level that does best, GBP it gains on what was proposed, kWh it takes more


def battery_finding(p: Site, outlook: Outlook, proposal: float, best: Best) -> Finding | None:
    """What the battery should rather do until the next decision, from ``battery_value.best_battery``."""
    level, gain, more_kwh = best
    if gain < LEAST_GAIN_GBP or p["battery_kw"] <= 0.0 or p["battery_kwh"] <= 0.0:
        return None
    other = outlook.dearest if more_kwh > 0.0 else outlook.cheapest
    kg = more_kwh * float(outlook.carbon[other] - outlook.carbon[0])
    conflict = proposal > TOLERANCE if more_kwh < 0.0 else proposal < -TOLERANCE
    meant = proposal if conflict else level
    what = f"{'charging' if meant > 0.0 else 'discharging'} {p['battery_kw'] * abs(meant):.0f} kW {outlook.now()}"
    if conflict:
        when = outlook.clock(outlook.cheapest if proposal > 0.0 else outlook.dearest)
        text = f"{what} costs GBP {gain:.2f} more than waiting until {when} ({-kg:+.0f} kg)"
    elif level == 0.0:
        text = f"holding the battery {outlook.now()} gains GBP {gain:.2f} ({-kg:+.0f} kg)"
    else:
        there = f"GBP {outlook.bill_gbp_per_mwh(other):.0f}/MWh at {outlook.clock(other)}"
        text = f"{what} gains GBP {gain:.2f}: power costs {there} ({-kg:+.0f} kg)"
    kind: Kind = "conflict" if conflict else "opportunity"
    return Finding("battery", kind, _reason(outlook, more_kwh, gain, kg), level, gain, kg, text)


def work_finding(p: Site, outlook: Outlook, best: Best) -> Finding | None:
    """How much deferrable work should rather run until the next decision, from ``work_value.best_work``."""
    level, gain, more_kwh = best
    if gain < LEAST_GAIN_GBP or p["deferrable_share"] <= 0.0:
        return None
    kg = more_kwh * float(outlook.carbon[outlook.cheapest] - outlook.carbon[0])
    what = f"running {abs(more_kwh):.0f} kWh of deferrable work {outlook.now()}"
    when = outlook.clock(outlook.cheapest)
    kind: Kind = "conflict" if more_kwh < 0.0 else "opportunity"
    if kind == "conflict":
        text = f"{what} costs GBP {gain:.2f} more than at {when} ({-kg:+.0f} kg)"
    else:
        text = f"{what} saves GBP {gain:.2f} against {when} ({-kg:+.0f} kg)"
    return Finding("load_shift", kind, _reason(outlook, more_kwh, gain, kg), level, gain, kg, text)


def cooling_finding(p: Site, outlook: Outlook, import_by_supply: np.ndarray, proposal: float) -> Finding | None:
    """A set-point at which servers and plant together take less.

    Args:
        import_by_supply: float64 (len(SUPPLY_LEVELS),), site kWh per step.
    """
    best = int(np.argmin(import_by_supply))
    asked = float(np.interp(proposal, SUPPLY_LEVELS, import_by_supply))
    saved_kwh = (asked - float(import_by_supply[best])) * outlook.hold
    gain = saved_kwh * float(outlook.price[0])
    if gain < LEAST_GAIN_GBP:
        return None
    level = float(SUPPLY_LEVELS[best])
    kg = saved_kwh * float(outlook.carbon[0])
    low, span = p["supply_min_degc"], p["supply_max_degc"] - p["supply_min_degc"]
    there, here = (low + span * (action + 1.0) / 2.0 for action in (level, proposal))
    text = f"supply air at {there:.1f} degC in place of {here:.1f} saves GBP {gain:.2f} ({-kg:+.0f} kg)"
    return Finding("cooling", "opportunity", "efficiency", level, gain, kg, text)


def heat_finding(p: Site, inlet_degc: float, proposal: float, coldest: float) -> Finding | None:
    """An inlet near its limit while supply air is not as cold as it can be; coldest: lowest cooling action left."""
    if proposal <= coldest + 1e-6:
        return None
    risk = STEP_MINUTES * p["overheat_gbp_per_minute"]
    text = (
        f"inlet {inlet_degc:.1f} degC is near its limit of {p['overheat_limit_degc']:.1f}: "
        f"warmer supply air risks GBP {risk:.0f} a step"
    )
    return Finding("cooling", "conflict", "safety", -1.0, risk, 0.0, text)


def _reason(
    outlook: Outlook, more_kwh: float, gain_gbp: float, gain_kg: float
) -> Literal["carbon", "price_low", "price_high"]:
    if gain_kg * outlook.carbon_gbp_per_kg > 0.5 * gain_gbp:
        return "carbon"
    return "price_low" if more_kwh > 0.0 else "price_high"
