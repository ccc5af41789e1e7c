"""Battery (s. 4): the C/L/C model of Kazhamiaka et al. (Energy Informatics 2019), as SustainDC calls it.

MWh inside; ``added_kwh`` is positive when charging, negative when discharging. The rate is a time share that falls
with the state of charge when charging and rises with it when discharging. Energy is rounded to 8 decimals a step.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.sustaindc.constants import (
    ADDED,
    CHARGE,
    CHARGE_HOURS,
    DISCHARGE,
    DISCHARGE_HOURS,
    DISCHARGED,
    ENERGY_AFTER,
    ENERGY_BEFORE,
    LOAD,
    NET,
    SOC,
    STEP_HOURS,
    Record,
)


@njit(cache=True, forceinline=True)
def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


@njit(cache=True, forceinline=True)
def round_to(x: float, scale: float) -> float:
    """Half-to-even rounding by scaling, as ``np.round`` does it."""
    return np.rint(x * scale) / scale


@njit(cache=True, forceinline=True)
def charge_hours(soc: float) -> float:
    """Time share of a step spent charging, h."""
    return round_to(0.5 * (1.0 - sigmoid(10.0 * (soc - 0.5))), 1e4) * STEP_HOURS


@njit(cache=True, forceinline=True)
def discharge_hours(soc: float) -> float:
    """Time share of a step spent discharging, h."""
    return max(0.5, 4.0 * sigmoid(10.0 * (soc - 0.25))) * STEP_HOURS


@njit(cache=True, forceinline=True)
def run_battery(p: Record, s: Record, action: int, load_kw: float, out: np.ndarray) -> float:
    """Charge, discharge or idle for one step. -> net energy drawn from the grid, kWh."""
    soc = s.energy_mwh / p.battery_mwh
    charging = charge_hours(soc)
    discharging = discharge_hours(soc)
    load_mw = load_kw / 1e3
    load_kwh = load_mw * 1e3 * STEP_HOURS
    added_mwh = 0.0
    taken_mwh = 0.0
    out[ENERGY_BEFORE] = s.energy_mwh
    if action == CHARGE:
        room = (p.upper_v * p.battery_mwh - s.energy_mwh) / (p.charge_efficiency * charging - p.upper_u)
        limit = min((p.battery_mwh / p.charge_efficiency) * p.charge_limit, room)
        added_mwh = min(limit, p.battery_mwh) * p.charge_efficiency * charging
        s.energy_mwh = round_to(s.energy_mwh + added_mwh, 1e8)
    elif action == DISCHARGE:
        stored = (s.energy_mwh - p.lower_v * p.battery_mwh) / (p.lower_u + p.discharge_efficiency * discharging)
        limit = min((p.battery_mwh / p.discharge_efficiency) * p.discharge_limit, stored, load_mw * STEP_HOURS)
        power = min(limit, p.battery_mwh)
        s.energy_mwh = round_to(s.energy_mwh - power * p.discharge_efficiency * discharging, 1e8)
        taken_mwh = power * discharging
    net_kwh = load_kwh + added_mwh * 1e3 - taken_mwh * 1e3

    out[CHARGE_HOURS] = charging
    out[DISCHARGE_HOURS] = discharging
    out[ENERGY_AFTER] = s.energy_mwh
    out[SOC] = s.energy_mwh / p.battery_mwh
    out[ADDED] = added_mwh * 1e3 - taken_mwh * 1e3
    out[DISCHARGED] = taken_mwh
    out[LOAD] = load_kwh
    out[NET] = net_kwh
    return net_kwh
