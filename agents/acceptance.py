"""The one shared selling rule: how much of a request a site should sell, 0 to decline.

Two plans are run forward from the present state through the site's own kernel, on what is published by now: neutral,
and delivering (charge in the cheapest hours before the request, then defer and discharge evenly through it). What can
be sold is the smallest reduction between them in any period of the request; it is sold if the payment and the energy
avoided exceed what recovery, wear and a likely shortfall cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from envs.params import neutral_actions
from envs.state import BATTERY, LOAD_SHIFT
from envs.view import SiteView
from grid.events import FlexEvent
from grid.rows import (
    BASELINE,
    CARBON,
    COLUMNS,
    DAY_AHEAD,
    FORECAST_HALF_HOURS,
    FORECAST_SIGNALS,
    REFERENCE_PRICE,
    STEP_HOURS,
    STEP_MINUTES,
    STEPS_PER_PERIOD,
    TARIFF,
    UTILISATION,
)

if TYPE_CHECKING:
    from envs.batch import SiteBatch

LEAST_SLOPE_KWH = 1e-9  # of a step's import, per unit of utilisation
PROBE_UTILISATION = (0.25, 0.75)  # neutral import is close to linear in utilisation between them
KWH_PER_MWH = 1000.0


@dataclass(frozen=True)
class SellingRule:
    """Caution of the rule; both numbers are assumptions.

    safety           share of the simulated reduction that is sold: the load of the day may lie above the baseline
    shortfall_share  share of the sale expected to be bought back at the system price
    """

    safety: float = 0.9
    shortfall_share: float = 0.1


DEFAULT_RULE = SellingRule()


def acceptable_kw(
    view: SiteView, batch: SiteBatch, site: int, event: FlexEvent, rule: SellingRule = DEFAULT_RULE
) -> float:
    """Whole kW of ``event`` that one site should sell in all its periods; 0.0 declines.

    Uses only what the view holds. A request is decided once, at the first step it is seen; the caller remembers that.
    Declined outright: after gate closure, past the end of the run or of the 48 h outlook, over a period already sold.
    """
    p = view.params[site]
    now = view.timestamp(site)
    first = round((event.start - now) / pd.Timedelta(minutes=STEP_MINUTES))
    steps = round((event.end - now) / pd.Timedelta(minutes=STEP_MINUTES))
    if now > event.gate_closes_at() or steps > FORECAST_HALF_HOURS * STEPS_PER_PERIOD:
        return 0.0
    periods = slice((view.step + first) // STEPS_PER_PERIOD, (view.step + steps) // STEPS_PER_PERIOD)
    sold_kw = view.commitments_kw[site]
    if periods.stop > len(sold_kw) or sold_kw[periods].any():
        return 0.0
    baseline_kw = view.baseline_kw[site, periods.start - view.period : periods.stop - view.period].min()
    limit_kw = min(event.kw, p["registered_kw"], baseline_kw)
    if limit_kw < p["min_commitment_kw"]:
        return 0.0

    rows = predicted_rows(view, batch, site, steps)
    plan = _delivering_plan(view, site, rows, first, reserved_kwh(view, site, event))
    reduction_kwh = batch.simulate(site, rows, _neutral(p, steps)) - batch.simulate(site, rows, plan)
    by_period_kw = reduction_kwh[first:].reshape(-1, STEPS_PER_PERIOD).mean(axis=1) / STEP_HOURS
    kw = float(np.floor(min(limit_kw, rule.safety * by_period_kw.min())))
    if kw < p["min_commitment_kw"]:
        return 0.0
    from_battery = min(1.0, -plan[first, BATTERY] * p["battery_kw"] / kw)
    return kw if _value_gbp_per_mwh(view, site, event, rows, first, from_battery, rule) > 0.0 else 0.0


def predicted_rows(view: SiteView, batch: SiteBatch, site: int, steps: int) -> np.ndarray:
    """float64 (steps, columns): the coming rows of one site as far as published values tell.

    Prices, carbon and weather by their forecasts, held through the half-hour; network charge and reference price as
    now. Utilisation is the one at which the neutral site would import exactly its baseline: a request lies hours
    ahead, where past days at the same time say more than the present load does, and a sale is measured from the
    baseline. The first row is the present one.
    """
    half_hour = np.minimum(np.arange(steps) // STEPS_PER_PERIOD, FORECAST_HALF_HOURS)
    rows = np.repeat(view.row[site][None], steps, axis=0)
    for signal in FORECAST_SIGNALS:
        rows[:, COLUMNS.index(signal)] = view.outlook(signal)[site, half_hour]
    rows[:, TARIFF] = rows[:, DAY_AHEAD] + view.row[site, TARIFF] - view.row[site, DAY_AHEAD]
    # Periods are counted from the present one, half-hours from the present row.
    period = np.minimum((view.step % STEPS_PER_PERIOD + np.arange(steps)) // STEPS_PER_PERIOD, FORECAST_HALF_HOURS - 1)
    rows[:, BASELINE] = view.baseline_kw[site, period]
    rows[1:, UTILISATION] = _baseline_utilisation(batch, site, rows)[1:]
    return rows


def _baseline_utilisation(batch: SiteBatch, site: int, rows: np.ndarray) -> np.ndarray:
    """Utilisation float64 (n,) at which the neutral import of each row meets its baseline, by linear interpolation."""
    idle = _neutral(batch.params[site], len(rows))
    low, high = PROBE_UTILISATION
    probes = []
    for utilisation in PROBE_UTILISATION:
        probe = rows.copy()
        probe[:, UTILISATION] = utilisation
        probes.append(batch.simulate(site, probe, idle))
    # A plant that throttles may not draw more for more work; the clip then says which end the baseline lies beyond.
    slope = np.maximum((probes[1] - probes[0]) / (high - low), LEAST_SLOPE_KWH)
    return np.clip(low + (rows[:, BASELINE] * STEP_HOURS - probes[0]) / slope, 0.0, 1.0)


def _neutral(p: np.void, steps: int) -> np.ndarray:
    """float32 (steps, 3): the neutral site's actions."""
    return np.repeat(neutral_actions(np.atleast_1d(p)), steps, axis=0)


def reserved_kwh(view: SiteView, site: int, event: FlexEvent) -> float:
    """Charge that has to be left when a request is over: the lowest there is, or what a notice read by now reserves,
    less what can be charged between the request and the reserve.
    """
    p = view.params[site]
    floor_kwh = float(p["soc_min"] * p["battery_kwh"])
    for asked in view.notices[site] if view.notices else ():
        if asked.bound != "min_soc" or (asked.until is not None and asked.until <= event.start):
            continue
        wait = pd.Timedelta(0) if asked.start is None else max(pd.Timedelta(0), asked.start - event.end)
        again_kwh = wait / pd.Timedelta(hours=1) * float(p["battery_kw"] * p["charge_efficiency"])
        floor_kwh = max(floor_kwh, asked.value * float(p["battery_kwh"]) - again_kwh)
    return min(floor_kwh, float(p["soc_max"] * p["battery_kwh"]))


def _delivering_plan(view: SiteView, site: int, rows: np.ndarray, first: int, floor_kwh: float) -> np.ndarray:
    """Actions float64 (n, 3): fill the battery in the cheapest rows before ``first``, then defer and discharge down to
    ``floor_kwh``.
    """
    p = view.params[site]
    plan = _neutral(p, len(rows))
    plan[first:, LOAD_SHIFT] = -1.0
    if p["battery_kw"] <= 0.0:
        return plan
    soc_kwh = view.state["soc_kwh"][site]
    row_kwh = p["battery_kw"] * STEP_HOURS * p["charge_efficiency"]
    fill_rows = int(np.ceil((p["soc_max"] * p["battery_kwh"] - soc_kwh) / row_kwh - 1e-9))
    cheapest = np.argsort(rows[:first, TARIFF], kind="stable")[: max(0, fill_rows)]
    plan[cheapest, BATTERY] = 1.0
    full_kwh = min(soc_kwh + row_kwh * len(cheapest), p["soc_max"] * p["battery_kwh"])
    given_kwh = max(0.0, full_kwh - floor_kwh) * p["discharge_efficiency"]
    hours = (len(rows) - first) * STEP_HOURS
    plan[first:, BATTERY] = -np.clip(given_kwh / hours / p["battery_kw"], 0.0, 1.0)
    return plan


def _value_gbp_per_mwh(
    view: SiteView, site: int, event: FlexEvent, rows: np.ndarray, first: int, from_battery: float, rule: SellingRule
) -> float:
    """What a MWh sold brings less what it costs, in objective pounds (carbon at the site's carbon price).

    Battery energy is bought back at the cheapest half-hours of the 48 h outlook, deferred work runs at the mean price
    of the hours between the request and its deadline.
    """
    p = view.params[site]
    carbon_gbp_per_g = p["carbon_price_gbp_per_t"] / KWH_PER_MWH  # g/kWh is kg/MWh; GBP/t / 1000 is GBP/kg
    during = float((rows[first:, TARIFF] + carbon_gbp_per_g * rows[first:, CARBON]).mean())
    system = float(rows[first:, COLUMNS.index("system_gbp_per_mwh")].mean())
    earned = event.price_gbp_per_mwh - rule.shortfall_share * system - p["vtp_pays"] * rows[first, REFERENCE_PRICE]

    price = view.tariff_outlook_gbp_per_mwh()[site] + carbon_gbp_per_g * view.outlook("carbon_gco2_per_kwh")[site]
    after = len(rows) // STEPS_PER_PERIOD
    until = after + 1 + int(p["deadline_steps"]) // STEPS_PER_PERIOD
    later = float(price[after:until].mean()) if after < len(price) else float(price.mean())
    cost = (1.0 - from_battery) * later
    if from_battery > 0.0:
        efficiency = p["charge_efficiency"] * p["discharge_efficiency"]
        half_hours = int(np.ceil(event.hours * STEPS_PER_PERIOD / efficiency))
        elsewhere = np.delete(price, np.s_[first // STEPS_PER_PERIOD : after])
        cheapest = float(np.sort(elsewhere)[:half_hours].mean())
        cost += from_battery * (cheapest / efficiency + p["wear_gbp_per_mwh"])
    return float((1.0 - p["aggregator_share"]) * earned + during - cost)
