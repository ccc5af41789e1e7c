"""Site power as the plan model sees it: linear pieces that never lie above what the kernel meters.

For a fixed set-point the power of servers, distribution and cooling is convex in the work done and in the heat the
room stores meanwhile; over all set-points it is not. A piece is a plane under the lowest power of all set-points,
found by support: its slopes are those of the power at an anchor, its height is the lowest that any work, stored heat
and set-point leave. So whatever a controller does, the kernel's power lies on or above every piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from envs.cooling import (
    SUBSTEP_S,
    SUBSTEPS,
    airflow_share,
    crah_power_kw,
    free_share,
    plant_capacity_kw,
    plant_power_kw,
)
from envs.it_load import distribution_loss_kw, it_power_kw, power_factor, server_fan_speed
from envs.load_shift import full_work_kwh
from envs.state import Record

WORK_LEVELS = 41
HEAT_LEVELS = 33
ROOF_LEVELS = 11  # of work, for the roof
SUPPLY_STEP_K = 0.5
# Anchors of the pieces: share of full work, stored heat as a share of the most.
ANCHORS = np.array([(0.08, 0.0), (0.25, 0.0), (0.42, 0.0), (0.6, 0.0), (0.8, 0.0), (0.4, -0.25), (0.4, 0.25)])
# Power between two levels of the grid lies below the chords by less than this share of IT capacity (measured: 6e-5).
GRID_MARGIN = 1e-4


class Pieces(NamedTuple):
    """Planes under the site's power, kW, without the battery: p >= work_kw x work + per_heat x stored_kw + base_kw.

    work is the share of full work in [0, 1], stored_kw the heat flow into room and mass (negative: taken out).
    Each float64 (n, anchors), one row a slot.
    """

    work_kw: np.ndarray
    per_heat: np.ndarray
    base_kw: np.ndarray


class Roof(NamedTuple):
    """Planes over the site's power, p <= work_kw x work + per_heat x stored_kw + base_kw; float64 (n, planes) each."""

    work_kw: np.ndarray
    per_heat: np.ndarray
    base_kw: np.ndarray


class HeatStore(NamedTuple):
    """Heat held by room air and mass, kWh, against 0 degC: where it starts and between what it always stays.

    low_degc, high_degc: between what air and mass stay. most_kw: the largest flow into or out of it over one step.
    """

    start_kwh: float
    low_kwh: float
    high_kwh: float
    low_degc: float
    high_degc: float
    most_kw: float


@njit(cache=True)
def site_power_kw(
    p: Record, work: float, stored_kw: float, supply_degc: float, inlet_degc: float, wet_bulb_degc: float
) -> float:
    """Power of servers, distribution and cooling in one step, kW: the kernel's own formulas in its own order."""
    fan_speed = server_fan_speed(p, inlet_degc)
    it_kw = it_power_kw(p, work * full_work_kwh(p), 1.0, power_factor(p, inlet_degc, fan_speed))
    crah_kw = crah_power_kw(p, airflow_share(p, it_kw, fan_speed))
    removed_kw = max(0.0, it_kw + crah_kw - stored_kw)
    free = free_share(p, supply_degc, wet_bulb_degc)
    return (
        it_kw
        + distribution_loss_kw(p, it_kw)
        + crah_kw
        + plant_power_kw(p, removed_kw, supply_degc, wet_bulb_degc, free)
    )


def pieces(params: np.ndarray, wet_bulb_degc: np.ndarray, heat: HeatStore | None) -> Pieces:
    """Planes under the mean power of each slot, for any heat flow that room and mass allow.

    ``heat`` None: for a settled room, no heat stored or taken out.

    params: record array (1,). wet_bulb_degc: float64 (n, m), the m steps of each slot; the steps share slopes, so that
    the mean of their planes is a plane under their mean power.
    """
    p = params[0]
    works = np.linspace(0.0, 1.0, WORK_LEVELS)
    stored, low_degc, high_degc = _flows(heat)
    anchors = ANCHORS if heat else ANCHORS[ANCHORS[:, 1] == 0.0]
    work, per_heat, base = (np.empty((len(wet_bulb_degc), len(anchors))) for _ in range(3))
    wet_bulbs, supplies = np.ascontiguousarray(wet_bulb_degc), _supplies(p)
    _fit(params, wet_bulbs, works, stored, supplies, anchors, low_degc, high_degc, work, per_heat, base)
    return Pieces(work, per_heat, base - GRID_MARGIN * p["it_capacity_kw"])


def roof(params: np.ndarray, wet_bulb_degc: np.ndarray, heat: HeatStore | None, least_work: np.ndarray) -> Roof:
    """Planes over the mean power of each slot, as ``pieces`` are under it; work lies between ``least_work`` (n,) and 1.

    At any set-point, any inlet up to the limit, and any heat flow that goes with the set-point.
    """
    p = params[0]
    stored, low_degc, high_degc = _flows(heat)
    work, per_heat, base = (np.empty((len(wet_bulb_degc), 2 if heat else 1)) for _ in range(3))
    wet_bulbs, supplies = np.ascontiguousarray(wet_bulb_degc), _supplies(p)
    _cover(params, wet_bulbs, least_work, stored, supplies, low_degc, high_degc, work, per_heat, base)
    return Roof(work, per_heat, base + GRID_MARGIN * p["it_capacity_kw"])


def _flows(heat: HeatStore | None) -> tuple[np.ndarray, float, float]:
    """Levels of heat flow, kW, and between what temperatures the room stays, degC."""
    if heat is None:
        return np.zeros(1), 0.0, 0.0
    return np.linspace(-heat.most_kw, heat.most_kw, HEAT_LEVELS), heat.low_degc, heat.high_degc


def _supplies(p: np.void) -> np.ndarray:
    """Set-points that are tried, degC."""
    levels = np.arange(p["supply_min_degc"], p["supply_max_degc"] + SUPPLY_STEP_K, SUPPLY_STEP_K)
    return np.minimum(levels, p["supply_max_degc"])


@njit(cache=True)
def _fit(
    params: np.ndarray,
    wet_bulbs: np.ndarray,
    works: np.ndarray,
    stored: np.ndarray,
    supplies: np.ndarray,
    anchors: np.ndarray,
    low_degc: float,
    high_degc: float,
    work_out: np.ndarray,
    heat_out: np.ndarray,
    base_out: np.ndarray,
) -> None:
    p = params[0]
    slots, steps = wet_bulbs.shape
    lowest = np.empty((steps, len(works), len(stored)))
    for t in range(slots):
        for m in range(steps):
            _least_power(p, wet_bulbs[t, m], works, stored, supplies, low_degc, high_degc, lowest[m])
        for a in range(len(anchors)):
            i = round(anchors[a, 0] * (len(works) - 1))
            j = round((anchors[a, 1] + 1.0) * 0.5 * (len(stored) - 1))
            # Any slope gives a valid plane, a good one a tight plane: differences across the anchor.
            i0, i1 = max(0, i - 1), min(len(works) - 1, i + 1)
            j0, j1 = max(0, j - 1), min(len(stored) - 1, j + 1)
            per_work = (lowest[0, i1, j] - lowest[0, i0, j]) / (works[i1] - works[i0])
            per_heat = (lowest[0, i, j1] - lowest[0, i, j0]) / (stored[j1] - stored[j0]) if j1 > j0 else 0.0
            base = 0.0
            for m in range(steps):
                base += _support(lowest[m], works, stored, per_work, per_heat) / steps
            work_out[t, a], heat_out[t, a], base_out[t, a] = per_work, per_heat, base


@njit(cache=True)
def _cover(
    params: np.ndarray,
    wet_bulbs: np.ndarray,
    least_work: np.ndarray,
    stored: np.ndarray,
    supplies: np.ndarray,
    low_degc: float,
    high_degc: float,
    work_out: np.ndarray,
    heat_out: np.ndarray,
    base_out: np.ndarray,
) -> None:
    p = params[0]
    slots, steps = wet_bulbs.shape
    highest = np.empty((steps, ROOF_LEVELS, len(stored)))
    rest, top = len(stored) // 2, ROOF_LEVELS - 1
    for t in range(slots):
        works = np.linspace(min(least_work[t], 1.0 - 1e-6), 1.0, ROOF_LEVELS)
        for m in range(steps):
            _most_power(p, wet_bulbs[t, m], works, stored, supplies, low_degc, high_degc, highest[m])
        # Any slope gives a valid plane: here across the work, and across the heat that can flow at one end of it.
        per_work = (highest[0, top, rest] - highest[0, 0, rest]) / (works[top] - works[0])
        for a in range(work_out.shape[1]):
            level, first, last = a * top, 0, len(stored) - 1
            while np.isinf(highest[0, level, first]):
                first += 1
            while np.isinf(highest[0, level, last]):
                last -= 1
            per_heat = 0.0
            if last > first:
                per_heat = (highest[0, level, last] - highest[0, level, first]) / (stored[last] - stored[first])
            base = 0.0
            for m in range(steps):
                base -= _support(-highest[m], works, stored, -per_work, -per_heat) / steps
            work_out[t, a], heat_out[t, a], base_out[t, a] = per_work, per_heat, base


@njit(cache=True)
def _support(power: np.ndarray, works: np.ndarray, stored: np.ndarray, per_work: float, per_heat: float) -> float:
    """Height of the highest plane of given slopes that lies nowhere above ``power`` (works, stored)."""
    base = np.inf
    for i in range(len(works)):
        for j in range(len(stored)):
            base = min(base, power[i, j] - per_work * works[i] - per_heat * stored[j])  # infinite: cannot be
    return base


@njit(cache=True)
def _least_power(
    p: Record,
    wet_bulb: float,
    works: np.ndarray,
    stored: np.ndarray,
    supplies: np.ndarray,
    low_degc: float,
    high_degc: float,
    lowest: np.ndarray,
) -> None:
    """Lowest power of all set-points, (works, stored); infinite where no set-point lets that heat flow."""
    kinks = np.empty(3)
    _kinks(p, wet_bulb, kinks)
    level = stored[1] - stored[0] if len(stored) > 1 else 1.0
    lowest[:] = np.inf
    for k in range(len(supplies) + len(kinks)):
        supply = supplies[k] if k < len(supplies) else kinks[k - len(supplies)]
        inlet = supply + p.recirculation_k
        for i in range(len(works)):
            least_kw, most_kw = flow_range_kw(p, works[i], supply, low_degc, high_degc)
            for j in range(len(stored)):
                # One level beyond the range on either side, so that the levels enclose it.
                if len(stored) == 1 or least_kw - level < stored[j] < most_kw + level:
                    lowest[i, j] = min(lowest[i, j], site_power_kw(p, works[i], stored[j], supply, inlet, wet_bulb))


@njit(cache=True)
def _most_power(
    p: Record,
    wet_bulb: float,
    works: np.ndarray,
    stored: np.ndarray,
    supplies: np.ndarray,
    low_degc: float,
    high_degc: float,
    highest: np.ndarray,
) -> None:
    """Highest power of all set-points, (works, stored), the inlet at its limit; -infinite where heat cannot flow so.

    For a fixed set-point power is convex in work and heat, so nothing between lies above a plane over these.
    """
    kinks = np.empty(3)
    _kinks(p, wet_bulb, kinks)
    level = stored[1] - stored[0] if len(stored) > 1 else 1.0
    highest[:] = -np.inf
    for k in range(len(supplies) + len(kinks)):
        supply = supplies[k] if k < len(supplies) else kinks[k - len(supplies)]
        for i in range(len(works)):
            least_kw, most_kw = flow_range_kw(p, works[i], supply, low_degc, high_degc)
            for j in range(len(stored)):
                if len(stored) == 1 or least_kw - level < stored[j] < most_kw + level:
                    at = site_power_kw(p, works[i], stored[j], supply, p.overheat_limit_degc, wet_bulb)
                    highest[i, j] = max(highest[i, j], at)


@njit(cache=True)
def flow_range_kw(p: Record, work: float, supply_degc: float, low_degc: float, high_degc: float) -> tuple[float, float]:
    """Least and most mean heat flow into room and mass over one step at a set-point, kW.

    What is stored is heat less conductance x (air - supply), so most is stored from air and mass at their coldest and
    least at their warmest: warm supply air cannot empty the store, cold air cannot fill it. Where the plant is at its
    limit less is removed than that, but still more than the servers give (its capacity is checked): nothing is stored.
    """
    least, most = 0.0, 0.0
    for inlet in (supply_degc + p.recirculation_k, p.overheat_limit_degc):  # an inlet left warm speeds up the fans
        rise, conductance = settled_rise(p, work, inlet)
        settled = supply_degc + rise
        least = min(least, conductance * (settled - _mean_air(p, high_degc, settled, conductance)))
        most = max(most, conductance * (settled - _mean_air(p, low_degc, settled, conductance)))
    return least, most


@njit(cache=True)
def _mean_air(p: Record, start_degc: float, settled_degc: float, conductance: float) -> float:
    """Mean room air of one step that starts with air and mass alike: the kernel's steps, plant not at its limit."""
    air_rate = p.air_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    mass_rate = p.mass_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    couple = p.mass_kw_per_k * p.it_capacity_kw
    pull = couple * mass_rate / (mass_rate + couple)
    air, mass, mean = start_degc, start_degc, 0.0
    for _ in range(SUBSTEPS):
        air = (air_rate * air + pull * mass + conductance * settled_degc) / (air_rate + pull + conductance)
        mass = (mass_rate * mass + couple * air) / (mass_rate + couple)
        mean += air / SUBSTEPS
    return mean


@njit(cache=True)
def settled_rise(p: Record, work: float, inlet_degc: float) -> tuple[float, float]:
    """Return air above supply air in a settled room, K, and the conductance of the air flow, kW/K."""
    fan_speed = server_fan_speed(p, inlet_degc)
    it_kw = it_power_kw(p, work * full_work_kwh(p), 1.0, power_factor(p, inlet_degc, fan_speed))
    airflow = airflow_share(p, it_kw, fan_speed)
    conductance = p.airflow_kw_per_k * p.it_capacity_kw * airflow
    return (it_kw + crah_power_kw(p, airflow)) / conductance, conductance


@njit(cache=True)
def _kinks(p: Record, wet_bulb: float, kinks: np.ndarray) -> None:
    """Set-points at which free cooling begins or is complete, or the lift meets its floor: minima may sit there."""
    tower = wet_bulb + p.tower_approach_k
    kinks[0] = tower + p.exchanger_approach_k + p.coil_approach_k
    kinks[1] = kinks[0] - p.water_range_k
    kinks[2] = tower + p.condenser_approach_k - p.lift_min_k + p.coil_approach_k
    for k in range(3):
        kinks[k] = min(max(kinks[k], p.supply_min_degc), p.supply_max_degc)


def heat_store(params: np.ndarray, state: np.ndarray) -> HeatStore:
    """Between what temperatures room and mass stay, whatever set-points a controller chooses.

    Each implicit step is a weighted mean of air, mass, and supply air + heat / conductance, so none leaves the range
    of these three; where the plant is at its limit that needs a plant that carries the most heat there can be.

    Raises:
        ValueError: coils or chillers are smaller than the servers' most heat: room temperatures have no limit then.
    """
    p = params[0]
    limit = p["overheat_limit_degc"]
    check_plant(params)
    low, high = np.inf, -np.inf
    for supply in np.linspace(p["supply_min_degc"], p["supply_max_degc"], 41):
        for work in np.linspace(0.0, 1.0, 11):
            low = min(low, supply + settled_rise(p, work, limit)[0])  # an inlet left warm speeds up the fans
            high = max(high, supply + settled_rise(p, work, supply + p["recirculation_k"])[0])
    air, mass = float(state["air_degc"][0]), float(state["mass_degc"][0])
    low, high = min(low, air, mass), max(high, air, mass)
    air_kwh, mass_kwh = (p[name] * p["it_capacity_kw"] / 3600.0 for name in ("air_kj_per_k", "mass_kj_per_k"))
    total = air_kwh + mass_kwh
    most_kw = 0.0
    for supply in (p["supply_min_degc"], p["supply_max_degc"]):
        for work in np.linspace(0.0, 1.0, 11):
            flows = flow_range_kw(p, work, supply, low, high)
            most_kw = max(most_kw, -flows[0], flows[1])
    return HeatStore(air_kwh * air + mass_kwh * mass, total * low, total * high, low, high, most_kw)


def check_plant(params: np.ndarray) -> None:
    """Raise ValueError where coils or chillers are smaller than the servers' most heat: temperatures have no limit."""
    p = params[0]
    limit = p["overheat_limit_degc"]
    fan_speed = server_fan_speed(p, limit)
    factor = power_factor(p, limit, fan_speed)
    most_kw = p["it_capacity_kw"] * factor
    most_kw += crah_power_kw(p, airflow_share(p, most_kw, fan_speed))
    capacity_kw = plant_capacity_kw(p, 0.0)
    if capacity_kw < most_kw:
        raise ValueError(
            f"cooling capacity {capacity_kw:g} kW (coil_capacity, chiller_capacity) is below the servers' most heat "
            f"{most_kw:g} kW: the room can overheat whatever is planned, so no bound holds; enlarge the plant"
        )
