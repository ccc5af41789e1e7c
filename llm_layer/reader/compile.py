"""Contract 7: constraints become bounds, recompiled every step, inside what is feasible and safe.

Rank: max_import, not_warmer, no_defer, min_soc, max_carbon. Each narrows what the ones before it left; what cannot be
kept any more becomes the nearest point that can. Information binds nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from envs.view import SiteView
from grid.rows import CARBON, FORECAST_SIGNALS, STEP_HOURS, STEPS_PER_PERIOD
from llm_layer.notices.force import InForce, by_rank

STEP_NS = 900 * 10**9
LONGEST_NS = 7 * 96 * STEP_NS  # a budget without an end is paced over a week
CLOSE = 0.002  # a cap on import is aimed at from this far below: load is not quite linear in the queue's action
_CARBON_FORECAST = FORECAST_SIGNALS.index("carbon_gco2_per_kwh")


@dataclass(frozen=True, slots=True)
class Kept:
    """What has happened since a constraint came into force.

    supply_degc  set-point executed when it did: ``not_warmer`` is frozen at it
    spent_kg     carbon emitted since then
    """

    supply_degc: float
    spent_kg: float


Standing = tuple[InForce, Kept]


def compile_constraints(
    constraints: Sequence[Sequence[Standing]],
    state: SiteBatch,
    published: SiteView,
    now: np.ndarray,
    within: np.ndarray,
) -> np.ndarray:
    """Bounds float32 (B, 3, 2) of the coming step.

    Args:
        constraints: for each site what is in force or still to come, with what has happened since.
        state: the sites themselves, asked what a step would import.
        published: their view, the only source of forecasts.
        now: int64 (B,), nanoseconds UTC, start of the coming step.
        within: float32 (B, 3, 2), feasible and safe; returned as it is where nothing binds.
    """
    if not any(constraints):
        return within
    bounds = within.copy()
    for site, standing in enumerate(constraints):
        kept = {id(entry): what for entry, what in standing}
        for entry in by_rank(tuple(entry for entry, _ in standing)):
            _apply(entry, kept[id(entry)], state, published, site, int(now[site]), bounds[site])
    return bounds


def _apply(
    entry: InForce, kept: Kept, batch: SiteBatch, view: SiteView, site: int, now_ns: int, bounds: np.ndarray
) -> None:
    """Narrow one site's bounds (3, 2) in place by one constraint."""
    bound, value = entry.constraint.bound, entry.constraint.value
    if bound == "min_soc" and value is not None:
        _hold_charge(view, site, entry, value, now_ns, bounds)
    elif bound == "max_carbon" and value is not None and now_ns < entry.start_ns:
        _store_for_carbon(view, site, entry, value, now_ns, bounds)
    elif not entry.active(now_ns):
        return
    elif bound == "max_import" and value is not None:
        cap_import(batch, view, site, value, bounds)
    elif bound == "not_warmer":
        level = _supply_level(view.params[site], kept.supply_degc)
        bounds[COOLING, 1] = max(bounds[COOLING, 0], min(bounds[COOLING, 1], np.float32(level)))
    elif bound == "no_defer":
        bounds[LOAD_SHIFT, 0] = min(bounds[LOAD_SHIFT, 1], max(bounds[LOAD_SHIFT, 0], np.float32(0.0)))
    elif bound == "max_carbon" and value is not None:
        _pace_carbon(batch, view, site, entry, value - kept.spent_kg, now_ns, bounds)


def needed_kwh(entry: InForce, value: float, params: np.void, now_ns: int) -> float:
    """Energy in the battery that ``min_soc`` wants at the end of the step that starts now.

    Before its start: the value less what can still be charged until then.
    """
    wanted = min(value, float(params["soc_max"])) * float(params["battery_kwh"])
    steps_left = max(0, (entry.start_ns - now_ns) // STEP_NS - 1) if entry.start_ns > now_ns else 0
    return wanted - steps_left * float(params["battery_kw"] * params["charge_efficiency"]) * STEP_HOURS


def _hold_charge(view: SiteView, site: int, entry: InForce, value: float, now_ns: int, bounds: np.ndarray) -> None:
    p = view.params[site]
    step_kwh = float(p["battery_kw"]) * STEP_HOURS
    if step_kwh <= 0.0:
        return
    short_kwh = needed_kwh(entry, value, p, now_ns) - float(view.state["soc_kwh"][site])
    share = short_kwh / p["charge_efficiency"] if short_kwh > 0.0 else short_kwh * p["discharge_efficiency"]
    least = np.float32(max(-1.0, share / step_kwh))
    bounds[BATTERY, 0] = min(bounds[BATTERY, 1], max(bounds[BATTERY, 0], least))


def cap_import(batch: SiteBatch, view: SiteView, site: int, cap_kw: float, bounds: np.ndarray) -> None:
    """Narrow one site's bounds (3, 2) in place so that the step imports ``cap_kw`` at most, as far as that goes.

    In this order: no charging beyond the cap, less drained, more deferred, discharge. Where the cap bites, cooling may
    not get colder than it is either: that would draw more than is counted here.
    """
    p = view.params[site]
    hold = np.clip(_supply_level(p, float(view.state["supply_degc"][site])), bounds[COOLING, 0], bounds[COOLING, 1])
    low, high = float(bounds[BATTERY, 0]), float(bounds[BATTERY, 1])
    battery_kw = float(p["battery_kw"])
    cap_kw *= 1.0 - CLOSE

    def load_kw(shift: float, cooling: float) -> float:
        return float(batch.simulate(site, view.row[site : site + 1], np.array([[shift, 0.0, cooling]]))[0]) / STEP_HOURS

    shift = float(bounds[LOAD_SHIFT, 1])
    if load_kw(shift, float(bounds[COOLING, 0])) + high * battery_kw <= cap_kw:
        return
    bounds[COOLING, 0] = hold
    top_kw = load_kw(shift, float(hold))
    for lower in (min(shift, max(0.0, float(bounds[LOAD_SHIFT, 0]))), float(bounds[LOAD_SHIFT, 0])):
        if top_kw <= cap_kw or lower >= shift:
            continue
        least_kw = load_kw(lower, float(hold))
        share = 0.0 if least_kw >= cap_kw or top_kw <= least_kw else (cap_kw - least_kw) / (top_kw - least_kw)
        shift = lower + share * (shift - lower)
        top_kw = load_kw(shift, float(hold)) if share > 0.0 else least_kw
    bounds[LOAD_SHIFT, 1] = max(bounds[LOAD_SHIFT, 0], np.float32(shift))
    if battery_kw > 0.0:
        bounds[BATTERY, 1] = np.float32(min(high, max(low, (cap_kw - top_kw) / battery_kw)))


def _pace_carbon(
    batch: SiteBatch, view: SiteView, site: int, entry: InForce, left_kg: float, now_ns: int, bounds: np.ndarray
) -> None:
    """This step's part of what is left of a budget, by what baseline and published carbon say of the rest of it."""
    load_kw, carbon = _expected(view, site, now_ns, now_ns, entry.until_ns)
    expected_kg = float((load_kw * carbon).sum()) * STEP_HOURS / 1000.0
    cap_import(batch, view, site, float(load_kw[0]) * max(0.0, left_kg) / max(1e-9, expected_kg), bounds)


def _store_for_carbon(
    view: SiteView, site: int, entry: InForce, budget_kg: float, now_ns: int, bounds: np.ndarray
) -> None:
    """Before a budget begins: be charged for what the baseline would emit beyond it, as for a reserve."""
    p = view.params[site]
    load_kw, carbon = _expected(view, site, now_ns, entry.start_ns, entry.until_ns)
    if len(load_kw) == 0 or p["battery_kwh"] <= 0.0:
        return
    over_kg = float((load_kw * carbon).sum()) * STEP_HOURS / 1000.0 - budget_kg
    over_kwh = 1000.0 * max(0.0, over_kg) / max(1.0, float(carbon.mean()))
    share = float(p["soc_min"]) + over_kwh / float(p["discharge_efficiency"] * p["battery_kwh"])
    _hold_charge(view, site, entry, share, now_ns, bounds)


def _expected(view: SiteView, site: int, now_ns: int, from_ns: int, until_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Baseline kW and published gCO2/kWh of each step of a window, float64 (steps,) each; the last known ones hold."""
    steps = np.arange((from_ns - now_ns) // STEP_NS, (min(until_ns, now_ns + LONGEST_NS) - now_ns) // STEP_NS)
    half_hours = (view.step % STEPS_PER_PERIOD + steps) // STEPS_PER_PERIOD
    load_kw = view.baseline_kw[site][np.minimum(half_hours, view.baseline_kw.shape[1] - 1)]
    carbon = np.concatenate([view.row[site, CARBON : CARBON + 1], view.forecast[site, _CARBON_FORECAST]])
    return np.maximum(1.0, load_kw), carbon[np.minimum(half_hours, len(carbon) - 1)]


def _supply_level(p: np.void, supply_degc: float) -> float:
    span = float(p["supply_max_degc"] - p["supply_min_degc"])
    return min(1.0, max(-1.0, 2.0 * (supply_degc - float(p["supply_min_degc"])) / span - 1.0))
