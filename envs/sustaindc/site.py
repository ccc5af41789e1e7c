"""A SustainDC site: racks filled to a capacity, chiller, tower and battery sized from them (s. 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from envs.sustaindc.constants import (
    APPROACH_LIMITS_K,
    BATTERY_MARGIN,
    FIRST_SETPOINT_DEGC,
    PEAK_SETPOINT_DEGC,
    PLANT_DEFAULTS,
    RACK_DTYPE,
    SETPOINT_MAX_DEGC,
    SETPOINT_MIN_DEGC,
    SITE_DTYPE,
    SITE_FIELDS,
)
from envs.sustaindc.kernel import run_racks
from envs.sustaindc.plant import chiller_w, cooling_load_w, tower_flow_m3s

RACKS = 20
MAX_SERVERS_PER_RACK = 200
# W at full and idle, rack by rack, as written in SustainDC's configuration. SustainDC itself shuffles this order in
# every process (a defect); a site here keeps the order it is given.
SERVER_W = (
    ((170, 20), (120, 10)) + ((130, 10),) * 11 + ((170, 10), (130, 10), (130, 10), (110, 10)) + ((170, 10),) * 3
)  # fmt: skip
SUPPLY_APPROACH_K = (5.3,) * 5 + (5.0,) * 10 + (5.3,) * 5
RETURN_APPROACH_K = (-3.7,) * 5 + (-2.5,) * 10 + (-3.7,) * 5
# Sizing temperature by location; the first key found in the location's name counts.
SIZING_AMBIENT_DEGC = {"az": 50.0, "ca": 50.0, "ga": 50.0, "il": 50.0, "ny": 30.0, "tx": 50.0, "va": 50.0, "wa": 20.0}
INLET_RANGE_DEGC = (16.0, 28.0)
CPU_RATIO_COLD, CPU_RATIO_WARM = (0.01, 1.0), (0.03, 1.02)
FAN_RATIO_COLD, FAN_RATIO_WARM = (0.01, 0.225), (0.225, 1.0)


@dataclass(frozen=True)
class Site:
    """params: record array (1,) of ``SITE_DTYPE``. kinds: (K,) of ``RACK_DTYPE``, the distinct racks.
    kind_of_rack: int64 (racks,), in SustainDC's order of adding up."""

    params: np.ndarray
    kinds: np.ndarray
    kind_of_rack: np.ndarray


def make_site(racks: np.ndarray, **fields: float) -> Site:
    """Site of given racks (records of ``RACK_DTYPE``) and every field of ``SITE_DTYPE``.

    Raises:
        ValueError: a missing field, a value that is not finite, an empty rack, shares or limits out of order.
    """
    missing = [name for name in SITE_FIELDS if name not in fields]
    if missing:
        raise ValueError(f"site: no value for {', '.join(missing)}")
    params = np.zeros(1, dtype=SITE_DTYPE)
    for name in SITE_FIELDS:
        if not np.isfinite(fields[name]):
            raise ValueError(f"site {name}: {fields[name]} is not a number")
        params[name] = fields[name]
    for name in ("shiftable", "non_shiftable"):
        if not 0.0 <= fields[name] <= 1.0:
            raise ValueError(f"site {name}: {fields[name]}, expected a share in [0, 1]")
    for name in ("battery_mwh", "plant_rating_w", "tower_flow_m3s"):
        if fields[name] <= 0.0:
            raise ValueError(f"site {name}: {fields[name]}, expected more than 0")
    if fields["setpoint_min_degc"] >= fields["setpoint_max_degc"]:
        raise ValueError(f"site setpoint_min_degc: {fields['setpoint_min_degc']} is not below setpoint_max_degc")
    if len(racks) == 0 or racks["servers"].min() < 1:
        raise ValueError("site racks: at least one rack, and one server in each, expected; raise the capacity")
    kinds, kind_of_rack = np.unique(racks, return_inverse=True)
    return Site(params, kinds, kind_of_rack.astype(np.int64).ravel())


def size_site(location: str = "ny", capacity_mw: float = 1.0, flexible_share: float = 0.2) -> Site:
    """Site as SustainDC builds it for a location and capacity.

    Args:
        location: holds one of az, ca, ga, il, ny, tx, va, wa. capacity_mw: full CPU power the racks are filled to.
        flexible_share: 0.2 in every SustainDC run, whatever its configuration says.

    Raises:
        ValueError: an unknown location, a capacity that leaves a rack empty, a share outside [0, 1].
    """
    if not 0.0 < capacity_mw < np.inf:  # NaN compares false
        raise ValueError(f"capacity_mw: {capacity_mw}, expected more than 0")
    racks = fill_racks(capacity_mw, SERVER_W, SUPPLY_APPROACH_K, RETURN_APPROACH_K)
    plant = plant_fields(PLANT_DEFAULTS)
    sized = size_plant(racks, plant, sizing_ambient_degc(location))
    return make_site(
        racks,
        **plant,
        **sized,
        **battery_fields(),
        shiftable=flexible_share,
        non_shiftable=1.0 - flexible_share,
        queue_max=1000,
        capacity_cap=90,
        overdue_steps=96,
        setpoint_min_degc=SETPOINT_MIN_DEGC,
        setpoint_max_degc=SETPOINT_MAX_DEGC,
        first_setpoint_degc=FIRST_SETPOINT_DEGC,
    )


def sizing_ambient_degc(location: str) -> float:
    """Hottest outdoor temperature the tower is sized for. Raises ValueError for an unknown location."""
    for key, degc in SIZING_AMBIENT_DEGC.items():
        if key in location.lower():
            return degc
    raise ValueError(f"location: {location!r} holds none of {', '.join(SIZING_AMBIENT_DEGC)}")


def fill_racks(
    capacity_mw: float,
    server_w: Sequence[Sequence[float]],
    supply_approach_k: Sequence[float],
    return_approach_k: Sequence[float],
) -> np.ndarray:
    """Records of ``RACK_DTYPE``: each rack takes servers while their full power stays below its share of capacity."""
    racks = np.zeros(len(server_w), dtype=RACK_DTYPE)
    max_w = int(capacity_mw * 1e6 / len(server_w))
    racks["full_w"], racks["idle_w"] = np.array(server_w, dtype=float).T
    racks["servers"] = [servers_that_fit(full_w, max_w) for full_w in racks["full_w"]]
    racks["supply_approach_k"] = np.clip(supply_approach_k, *APPROACH_LIMITS_K)
    racks["return_approach_k"] = return_approach_k
    span = INLET_RANGE_DEGC[1] - INLET_RANGE_DEGC[0]
    racks["m_cpu"] = (CPU_RATIO_WARM[0] - CPU_RATIO_COLD[0]) / span
    racks["c_cpu"] = CPU_RATIO_WARM[0] - racks["m_cpu"] * INLET_RANGE_DEGC[1]
    racks["shift_cpu"] = CPU_RATIO_COLD[1] - CPU_RATIO_COLD[0]
    racks["m_fan"] = (FAN_RATIO_WARM[0] - FAN_RATIO_COLD[0]) / span
    racks["c_fan"] = FAN_RATIO_WARM[0] - racks["m_fan"] * INLET_RANGE_DEGC[1]
    racks["shift_fan"] = FAN_RATIO_COLD[1] - FAN_RATIO_COLD[0]
    racks["fan_ref_w"] = PLANT_DEFAULTS["ITFAN_REF_P"]
    racks["fan_ref_ratio"] = PLANT_DEFAULTS["ITFAN_REF_V_RATIO"]
    racks["fan_flow_m3s"] = PLANT_DEFAULTS["IT_FAN_FULL_LOAD_V"]
    return racks


def servers_that_fit(full_w: float, max_w: float) -> int:
    """Most servers, up to 200, whose full power stays strictly below ``max_w``."""
    return int(min(MAX_SERVERS_PER_RACK, np.ceil(max_w / full_w) - 1))


def plant_fields(config: Mapping[str, float]) -> dict[str, float]:
    """Fields of ``SITE_DTYPE`` that follow from SustainDC's data centre configuration (its own key names)."""
    flow = config["CRAC_SUPPLY_AIR_FLOW_RATE_pu"]
    return {
        "air_j_per_kg_k": config["C_AIR"],
        "air_kg_per_m3": config["RHO_AIR"],
        "crac_flow_m3s_per_w": flow,
        "crac_fan_w": config["CRAC_FAN_REF_P"] * (flow / config["CRAC_REFRENCE_AIR_FLOW_RATE_pu"]) ** 3,
        "cw_pump_w": config["CW_PRESSURE_DROP"] * config["CW_WATER_FLOW_RATE"] / config["CW_PUMP_EFFICIENCY"],
        "ct_pump_w": config["CT_PRESSURE_DROP"] * config["CT_WATER_FLOW_RATE"] / config["CT_PUMP_EFFICIENCY"],
    }


def battery_fields() -> dict[str, float]:
    """SustainDC's battery constants (lithium NMC cell of the C/L/C model)."""
    return {
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
        "charge_limit": 0.1,
        "discharge_limit": 1.0,
        "upper_u": -0.04,
        "upper_v": 1.0,
        "lower_u": 0.01,
        "lower_v": 0.0,
    }


def size_plant(racks: np.ndarray, plant: Mapping[str, float], ambient_degc: float) -> dict[str, float]:
    """Chiller rating (W), tower flow (m3/s) and battery (MWh) for full load.

    Return air at the warmest set-point is cooled to the coldest one: a worst case that never occurs (kept quirk).
    """
    params = np.zeros(1, dtype=SITE_DTYPE)
    for name, value in plant.items():
        params[name] = value
    kinds, kind_of_rack = np.unique(racks, return_inverse=True)
    rating_w, tower_m3s, peak_w = _sized(params, kinds, kind_of_rack.astype(np.int64).ravel(), ambient_degc)
    return {"plant_rating_w": rating_w, "tower_flow_m3s": tower_m3s, "battery_mwh": peak_w / 1e6}


@njit(cache=True, error_model="numpy")
def _sized(
    params: np.ndarray, kinds: np.ndarray, kind_of_rack: np.ndarray, ambient_degc: float
) -> tuple[float, float, float]:
    p = params[0]
    scratch = np.empty((len(kinds), 4))
    _, _, returned, cpu_w, fan_w = run_racks(p, kinds, kind_of_rack, SETPOINT_MAX_DEGC, 1.0, scratch)
    rating_w = cooling_load_w(p, cpu_w + fan_w, returned, SETPOINT_MIN_DEGC)
    tower_m3s = tower_flow_m3s(p, rating_w, ambient_degc, SETPOINT_MIN_DEGC)
    _, _, _, cpu_w, fan_w = run_racks(p, kinds, kind_of_rack, PEAK_SETPOINT_DEGC, 1.0, scratch)
    peak_w = cpu_w + fan_w
    facility_w = peak_w + rating_w + chiller_w(rating_w, peak_w, ambient_degc)
    return rating_w, tower_m3s, BATTERY_MARGIN * facility_w
