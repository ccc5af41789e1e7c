"""Room and cooling plant: two thermal nodes, CRAH fans, water-side free cooling, chiller, tower, pumps.

The forms are textbook ones, named function by function; their numbers are parameters, each with its own source or
"assumption" in ``envs.params``.
"""

from __future__ import annotations

from numba import njit

from envs.state import Record
from grid.rows import STEP_HOURS

STEP_S = STEP_HOURS * 3600.0
SUBSTEPS = 3  # the air's time constant is about 3 minutes: one implicit step of 15 would smear it
SUBSTEP_S = STEP_S / SUBSTEPS
KELVIN = 273.15


@njit(cache=True, forceinline=True)
def action_of_supply(p: Record, supply_degc: float) -> float:
    """A supply temperature as an action: -1 coldest, +1 warmest."""
    return 2.0 * (supply_degc - p.supply_min_degc) / (p.supply_max_degc - p.supply_min_degc) - 1.0


@njit(cache=True, forceinline=True)
def move_supply(p: Record, s: Record, action: float) -> float:
    """Set-point of this step: the action's target supply air, at most ``slew_k_per_step`` from the last one.

    The limit keeps the inlet within ASHRAE's rate of change (Thermal Guidelines, TC 9.9, 5th edition 2021).
    """
    target = p.supply_min_degc + 0.5 * (action + 1.0) * (p.supply_max_degc - p.supply_min_degc)
    return min(max(target, s.supply_degc - p.slew_k_per_step), s.supply_degc + p.slew_k_per_step)


@njit(cache=True, forceinline=True)
def delivered_inlet(p: Record, s: Record, supply_degc: float) -> float:
    """Server inlet to expect: a plant at its limit left the room warmer than asked, and servers feel that first.

    Supply air plus a constant recirculation is a simplification (assumption): one lumped aisle.
    """
    asked = supply_degc + p.recirculation_k
    if s.inlet_degc > s.supply_degc + p.recirculation_k + 1e-9:
        return max(asked, s.inlet_degc)
    return asked


@njit(cache=True, forceinline=True)
def airflow_share(p: Record, it_kw: float, fan_speed: float) -> float:
    """CRAH air flow against full load: it follows what the servers draw (assumption: controlled by
    pressure, no bypass), down to the fans' lowest speed.
    """
    return max(p.airflow_min, it_kw / p.it_capacity_kw * fan_speed)


@njit(cache=True, forceinline=True)
def crah_power_kw(p: Record, airflow: float) -> float:
    """CRAH fans: power goes with the cube of flow (fan affinity laws, ASHRAE Handbook, HVAC Systems and Equipment)."""
    return p.crah_fan_share * p.it_capacity_kw * airflow * airflow * airflow


@njit(cache=True, forceinline=True)
def free_share(p: Record, supply_degc: float, wet_bulb_degc: float) -> float:
    """Share of the heat that tower water takes without the chiller, by pre-cooling the chilled-water return.

    An integrated water-side economiser (as ASHRAE 90.1 has it): approaches of tower, heat exchanger and coil in
    series; what the return is cooled by before the chiller, as a share of the chilled-water range.
    """
    water = supply_degc - p.coil_approach_k
    tower_water = wet_bulb_degc + p.tower_approach_k
    share = (water + p.water_range_k - tower_water - p.exchanger_approach_k) / p.water_range_k
    return min(1.0, max(0.0, share))


@njit(cache=True, forceinline=True)
def plant_capacity_kw(p: Record, free: float) -> float:
    """Most heat the plant removes: the coils' limit, or the chillers' where free cooling does not do it all."""
    coils = p.coil_capacity * p.it_capacity_kw
    if free >= 1.0:
        return coils
    return min(coils, p.chiller_capacity * p.it_capacity_kw / (1.0 - free))


@njit(cache=True, forceinline=True)
def plant_power_kw(p: Record, heat_kw: float, supply_degc: float, wet_bulb_degc: float, free: float) -> float:
    """Chiller, tower fans and pumps for a heat flow. Never rises with the set-point, never falls with the wet bulb.

    COP is a constant share of Carnot's T / lift (second-law efficiency, as in any thermodynamics textbook) from
    chilled water to condensing, with a floor on the lift and a ceiling on the COP. Tower fans go with the heat that is
    rejected (assumption), pumps with the cube of flow (affinity laws).
    """
    water = supply_degc - p.coil_approach_k
    lift = max(p.lift_min_k, wet_bulb_degc + p.tower_approach_k + p.condenser_approach_k - water)
    cop = min(p.cop_max, p.carnot_share * (water + KELVIN) / lift)
    chiller_kw = heat_kw * (1.0 - free) / cop
    flow = max(p.airflow_min, heat_kw / p.it_capacity_kw)
    pumps_kw = (p.chilled_pump_share + p.condenser_pump_share) * p.it_capacity_kw * flow * flow * flow
    return chiller_kw + p.tower_share * (heat_kw + chiller_kw) + pumps_kw


@njit(cache=True, forceinline=True)
def room_rates(p: Record, airflow: float) -> tuple[float, float, float, float, float, float, float]:
    """What a substep of the room needs of its air flow: conductance of the coil, rates of air and mass, their
    exchange, and the reciprocals of the implicit step. All in kW/K, kJ/K and s of the whole site.
    """
    conductance = p.airflow_kw_per_k * p.it_capacity_kw * airflow
    air_rate = p.air_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    mass_rate = p.mass_kj_per_k * p.it_capacity_kw / SUBSTEP_S
    couple = p.mass_kw_per_k * p.it_capacity_kw
    per_mass = 1.0 / (mass_rate + couple)
    return conductance, air_rate, mass_rate, couple, per_mass, 1.0 / conductance, couple * mass_rate * per_mass


@njit(cache=True, forceinline=True)
def through_substep(
    p: Record,
    rates: tuple[float, float, float, float, float, float, float],
    air_degc: float,
    mass_degc: float,
    heat_kw: float,
    supply_degc: float,
    capacity_kw: float,
) -> tuple[float, float, float, float]:
    """Room air and mass after a substep. -> (air, mass, inlet, heat removed in kW).

    Lumped capacitances (Incropera and DeWitt, chapter 5): return air; racks, floor and water. Implicit Euler with
    exact balance: heat in = heat removed + heat stored. The coil removes between nothing and the plant's capacity.
    """
    conductance, air_rate, mass_rate, couple, per_mass, per_flow, pull = rates  # pull: the mass eliminated
    known = air_rate * air_degc + heat_kw + pull * mass_degc
    held_air = (known + conductance * supply_degc) * (1.0 / (air_rate + pull + conductance))
    removed_kw = min(max(conductance * (held_air - supply_degc), 0.0), capacity_kw)
    air = (known - removed_kw) * (1.0 / (air_rate + pull))
    mass = (mass_rate * mass_degc + couple * air) * per_mass
    return air, mass, air - removed_kw * per_flow + p.recirculation_k, removed_kw


@njit(cache=True, forceinline=True)
def cool_room(
    p: Record, s: Record, heat_kw: float, supply_degc: float, airflow: float, capacity_kw: float
) -> tuple[float, float]:
    """Advance the room through one step. -> (heat removed in kWh, overheat minutes)."""
    rates = room_rates(p, airflow)
    removed_kwh = 0.0
    overheat_minutes = 0.0
    inlet = s.inlet_degc
    for _ in range(SUBSTEPS):
        s.air_degc, s.mass_degc, inlet, removed_kw = through_substep(
            p, rates, s.air_degc, s.mass_degc, heat_kw, supply_degc, capacity_kw
        )
        removed_kwh += removed_kw * (SUBSTEP_S / 3600.0)
        if inlet > p.overheat_limit_degc + 1e-6:
            overheat_minutes += SUBSTEP_S / 60.0
    s.inlet_degc = inlet
    s.supply_degc = supply_degc
    return removed_kwh, overheat_minutes
