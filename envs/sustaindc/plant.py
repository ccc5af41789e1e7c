"""Set-point, servers, chiller and tower (s. 3): algebraic, no thermal inertia.

Racks with equal records are computed once (a "kind"); totals are added rack by rack in SustainDC's order, and sums
over the equal servers of a rack are rounded as numpy's pairwise sum rounds them. That costs little and gives meter
readings equal to the last bit, which matters to the reward: its normaliser divides by a standard deviation that may
consist of rounding alone.
"""

from __future__ import annotations

from numba import njit

from envs.sustaindc.battery import round_to
from envs.sustaindc.constants import (
    CAPACITY_CURVE,
    COLDER,
    DESIGN_CONDENSER_DEGC,
    DESIGN_EVAPORATOR_DEGC,
    FAN_LOAD_DIVISOR,
    FAN_OFFSET_SCALE,
    FAN_SLOPE_SCALE,
    LEAKAGE_PER_K,
    MIN_PART_LOAD,
    OUTLET_FLOW_EXPONENT,
    OUTLET_FLOW_SCALE,
    OUTLET_OFFSET,
    OUTLET_POWER_EXPONENT,
    OUTLET_SCALE,
    PART_LOAD_CURVE,
    POWER_CURVE,
    RATED_COP,
    TEMPERATURE_RISE_COEFFICIENT,
    TOWER_APPROACH_DEGC,
    TOWER_FAN_OFF_BELOW_DEGC,
    WATER_DRIFT,
    WATER_OFFSET,
    WATER_RANGE,
    WATER_WET_BULB,
    Record,
)
from envs.sustaindc.numpy_sums import sum_of_equals


@njit(cache=True, forceinline=True)
def move_setpoint(p: Record, s: Record, action: int) -> int:
    """Supply-air set-point after one action; repeated raises accelerate, lowering never does (kept quirk). -> delta."""
    delta = action - 1
    if delta == s.last_delta and action != COLDER:
        s.repeats += 1
    else:
        s.repeats = 1
        s.stride = 1
    if s.repeats > 3:
        s.stride += 1
    s.setpoint_degc = max(min(s.setpoint_degc + delta * s.stride, p.setpoint_max_degc), p.setpoint_min_degc)
    s.last_delta = delta
    return delta


@njit(cache=True, forceinline=True)
def run_rack(
    p: Record, r: Record, setpoint_degc: float, load_percent: float
) -> tuple[float, float, float, float, float]:
    """One rack. -> inlet degC, outlet degC, CPU W, fan W, air flow m3/s."""
    inlet = r.supply_approach_k + setpoint_degc
    ratio = (r.m_cpu + LEAKAGE_PER_K) * inlet + r.c_cpu + r.shift_cpu * (load_percent / 100)
    cpu_w = sum_of_equals(max(r.idle_w, r.full_w * ratio), r.servers)
    speed = r.m_fan * FAN_SLOPE_SCALE * inlet + r.c_fan * FAN_OFFSET_SCALE
    speed += r.shift_fan * (load_percent / FAN_LOAD_DIVISOR)
    fan_w = sum_of_equals(r.fan_ref_w * (speed / r.fan_ref_ratio), r.servers)
    flow = sum_of_equals(r.fan_flow_m3s * speed, r.servers)
    heat = (cpu_w + fan_w) ** OUTLET_POWER_EXPONENT
    carried = p.air_j_per_kg_k * p.air_kg_per_m3 * flow**OUTLET_FLOW_EXPONENT * OUTLET_FLOW_SCALE
    outlet = inlet + OUTLET_SCALE * heat / carried + OUTLET_OFFSET
    return inlet, outlet, cpu_w, fan_w, flow


@njit(cache=True, forceinline=True)
def chiller_w(rating_w: float, load_w: float, dry_bulb_degc: float) -> float:
    """Compressor power. Capacity grows and power falls with outdoor temperature (kept quirk)."""
    lift = (dry_bulb_degc - DESIGN_CONDENSER_DEGC) / TEMPERATURE_RISE_COEFFICIENT - (
        DESIGN_EVAPORATOR_DEGC - DESIGN_CONDENSER_DEGC
    )
    ratio = CAPACITY_CURVE[0] + CAPACITY_CURVE[1] * lift + CAPACITY_CURVE[2] * lift**2.0
    available = rating_w * ratio
    full_load = POWER_CURVE[0] + POWER_CURVE[1] * ratio + POWER_CURVE[2] * ratio**2.0
    if available <= 0.0 or load_w <= 0.0:
        return 0.0
    wanted = load_w / available
    part = max(MIN_PART_LOAD, min(wanted, 1.0))
    share = PART_LOAD_CURVE[0] + PART_LOAD_CURVE[1] * part + PART_LOAD_CURVE[2] * part**2.0
    cycling = min(1.0, wanted / MIN_PART_LOAD) if wanted < MIN_PART_LOAD else 1.0
    return share * full_load * available / RATED_COP * cycling


@njit(cache=True, forceinline=True)
def cooling_load_w(p: Record, it_w: float, return_degc: float, supply_degc: float) -> float:
    """Heat the CRAC units take from air whose flow follows IT power; not equal to IT power (kept quirk)."""
    mass_flow = p.air_kg_per_m3 * p.crac_flow_m3s_per_w * it_w
    return mass_flow * p.air_j_per_kg_k * max(0.0, return_degc - supply_degc)


@njit(cache=True, forceinline=True)
def tower_flow_m3s(p: Record, load_w: float, dry_bulb_degc: float, setpoint_degc: float) -> float:
    """Air flow the tower needs for a cooling load."""
    rise = max(TOWER_APPROACH_DEGC - (dry_bulb_degc - setpoint_degc), 1.0)
    return load_w / (p.air_j_per_kg_k * rise) / p.air_kg_per_m3


@njit(cache=True, forceinline=True)
def tower_fan_w(p: Record, load_w: float, dry_bulb_degc: float, setpoint_degc: float) -> float:
    """Tower fan: off below 5 degC, cube law above, never more than the chiller rating (kept quirk)."""
    if dry_bulb_degc < TOWER_FAN_OFF_BELOW_DEGC:
        return 0.0
    share = min(tower_flow_m3s(p, load_w, dry_bulb_degc, setpoint_degc) / p.tower_flow_m3s, 1.0)
    return p.plant_rating_w * share**3.0


@njit(cache=True, forceinline=True)
def water_litres(return_degc: float, setpoint_degc: float, wet_bulb_degc: float) -> float:
    """Tower water of one step, litres: by temperatures alone, not by heat (kept quirk)."""
    intercept = WATER_RANGE * (return_degc - setpoint_degc) + WATER_OFFSET
    m3_per_hour = max(WATER_WET_BULB * wet_bulb_degc + intercept, 0.0)
    m3_per_hour += m3_per_hour * WATER_DRIFT
    return round_to(m3_per_hour * 1000 / 4, 1e4)
