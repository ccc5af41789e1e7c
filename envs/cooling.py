"""Room and cooling plant: two thermal nodes, CRAH fans, water-side free cooling, chiller, tower, pumps."""

from __future__ import annotations

from numba import njit

from envs.it_load import server_fan_speed
from grid.rows import STEP_HOURS

SUBSTEPS = 3
SUBSTEP_S = STEP_HOURS * 3600.0 / SUBSTEPS
KELVIN = 273.15


@njit(cache=True, forceinline=True)
def move_setpoint(p, s, action):
    """Set-point of this step: the action's target supply air, at most ``supply_slew_k`` from the last one."""
    target = p.supply_min_degc + 0.5 * (action + 1.0) * (p.supply_max_degc - p.supply_min_degc)
    return min(max(target, s.setpoint_degc - p.supply_slew_k), s.setpoint_degc + p.supply_slew_k)


@njit(cache=True, forceinline=True)
def cool_room(p, s, heat_kw, setpoint_degc, airflow):
    """Advance room air and thermal mass through one step. -> (heat removed kWh, overheat minutes).

    Lumped two-node model (air; racks, floor and water), implicit Euler with exact balance: heat in = heat removed +
    heat stored. The coil cannot remove more than its capacity, nor less than nothing.
    """
    conductance = p.airflow_kw_per_k * p.it_capacity_kw * airflow
    capacity_kw = p.cooling_capacity * p.it_capacity_kw
    air_rate = p.air_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    mass_rate = p.mass_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    couple = p.mass_kw_per_k * p.it_capacity_kw
    pull = couple * mass_rate / (mass_rate + couple)  # mass eliminated from the implicit step

    removed_kwh = 0.0
    overheat_minutes = 0.0
    for _ in range(SUBSTEPS):
        known = air_rate * s.air_degc + heat_kw + pull * s.mass_degc
        air = (known + conductance * setpoint_degc) / (air_rate + pull + conductance)
        removed_kw = min(max(conductance * (air - setpoint_degc), 0.0), capacity_kw)
        air = (known - removed_kw) / (air_rate + pull)
        s.mass_degc = (mass_rate * s.mass_degc + couple * air) / (mass_rate + couple)
        s.air_degc = air
        s.supply_degc = air - removed_kw / conductance
        s.inlet_degc = s.supply_degc + p.recirculation_k
        removed_kwh += removed_kw * SUBSTEP_S / 3600.0
        if s.inlet_degc > p.inlet_limit_degc + 1e-6:
            overheat_minutes += SUBSTEP_S / 60.0
    s.setpoint_degc = setpoint_degc
    return removed_kwh, overheat_minutes


@njit(cache=True, forceinline=True)
def plant_power_kw(p, heat_kw, setpoint_degc, wet_bulb_degc):
    """Chiller, tower and pump power for a heat flow. Falls with the set-point, rises with the wet bulb.

    Water-side economiser in series: tower water pre-cools the return as far as its approach allows, the chiller lifts
    the rest. Chiller COP = share of Carnot over the lift, bounded (Carnot share as in ASHRAE 90.4's worked examples;
    every number is in ``envs.params``).
    """
    water = setpoint_degc - p.coil_approach_k
    tower_water = wet_bulb_degc + p.tower_approach_k
    free = (water + p.water_range_k - tower_water - p.exchanger_approach_k) / p.water_range_k
    chilled_kw = heat_kw * (1.0 - min(1.0, max(0.0, free)))
    lift = max(p.lift_min_k, tower_water + p.condenser_approach_k - water)
    cop = min(p.cop_max, p.carnot_share * (water + KELVIN) / lift)
    chiller_kw = chilled_kw / cop
    flow = max(p.airflow_min, heat_kw / p.it_capacity_kw)
    pumps_kw = p.pump_share * p.it_capacity_kw * flow * flow * flow
    return chiller_kw + p.tower_share * (heat_kw + chiller_kw) + pumps_kw


@njit(cache=True, forceinline=True)
def airflow_share(p, it_kw, inlet_degc):
    """CRAH air flow relative to full load: it follows the servers' own fans."""
    return max(p.airflow_min, it_kw / p.it_capacity_kw * server_fan_speed(p, inlet_degc))


@njit(cache=True, forceinline=True)
def crah_power_kw(p, airflow):
    """CRAH fans, cube law."""
    return p.crah_fan_share * p.it_capacity_kw * airflow * airflow * airflow
