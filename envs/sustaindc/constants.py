"""Numbers and record layouts of SustainDC. Sections (s.) are those of the physics digest in ``docs/sustaindc.md``.

Units: W and degC inside the plant, MWh in the battery, kWh at the meter, as SustainDC has them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Record: TypeAlias = Any  # one element of a structured array, as kernels see it

AGENTS = ("agent_ls", "agent_dc", "agent_bat")
LOAD_SHIFT, COOLING, BATTERY = range(3)
DEFER, HOLD, PROCESS = range(3)  # agent_ls
COLDER, KEEP, WARMER = range(3)  # agent_dc: -1, 0, +1 degC
CHARGE, DISCHARGE, IDLE = range(3)  # agent_bat

STEP_HOURS = 0.25
STEPS_PER_DAY = 96
AGE_EDGES_STEPS = (24, 48, 72, 96)  # histogram edges 6, 12, 18, 24 h

# Rack outlet temperature (s. 3): inlet + 1.918 P^1.096 / (cp rho V^0.824 0.526) - 14.01
OUTLET_SCALE, OUTLET_POWER_EXPONENT, OUTLET_FLOW_EXPONENT, OUTLET_FLOW_SCALE, OUTLET_OFFSET = (
    1.918, 1.096, 0.824, 0.526, -14.01,
)  # fmt: skip
APPROACH_LIMITS_K = (3.8, 5.3)  # supply approach of a rack is clipped to this
MIN_OUTLET_RISE_K = 2.0  # SustainDC raises below this
LEAKAGE_PER_K = 0.05  # hard-coded on top of the configured CPU slope
FAN_SLOPE_SCALE, FAN_OFFSET_SCALE, FAN_LOAD_DIVISOR = 10.0, 5.0, 20.0

# Electric chiller of EnergyPlus (ChillerElectric unit test): capacity, full-load power and part-load curves
CAPACITY_CURVE = (0.944836, -0.0570088, 0.00185486)
POWER_CURVE = (2.333, -1.975, 0.6121)
PART_LOAD_CURVE = (0.03303, 0.6852, 0.2818)
DESIGN_CONDENSER_DEGC, DESIGN_EVAPORATOR_DEGC, TEMPERATURE_RISE_COEFFICIENT = 35.0, 6.67, 2.778
RATED_COP, MIN_PART_LOAD = 3.0, 0.05

TOWER_FAN_OFF_BELOW_DEGC = 5.0
TOWER_APPROACH_DEGC = 50.0
WATER_WET_BULB, WATER_RANGE, WATER_OFFSET, WATER_DRIFT = 0.044, 0.3528, 0.101, 0.01  # m3/h (Sharma et al. 2009)

BATTERY_MARGIN = 1.1  # battery sized at one hour of 1.1 times the facility's peak
SETPOINT_MIN_DEGC, SETPOINT_MAX_DEGC = 15.0, 21.6
FIRST_SETPOINT_DEGC = 18.0
PEAK_SETPOINT_DEGC = 22.0  # at which that peak is taken, although no set-point gets there

# What SustainDC's own data centre configuration says; a trace may say otherwise.
PLANT_DEFAULTS = {
    "C_AIR": 1006.0,
    "RHO_AIR": 1.225,
    "CRAC_SUPPLY_AIR_FLOW_RATE_pu": 5.663e-5,
    "CRAC_REFRENCE_AIR_FLOW_RATE_pu": 9.438e-5,
    "CRAC_FAN_REF_P": 150.0,
    "CW_PRESSURE_DROP": 300000.0,
    "CW_WATER_FLOW_RATE": 0.0011,
    "CW_PUMP_EFFICIENCY": 0.87,
    "CT_PRESSURE_DROP": 300000.0,
    "CT_WATER_FLOW_RATE": 0.0011,
    "CT_PUMP_EFFICIENCY": 0.87,
    "ITFAN_REF_P": 10.0,
    "ITFAN_REF_V_RATIO": 1.0,
    "IT_FAN_FULL_LOAD_V": 0.051,
}

SITE_DTYPE = np.dtype(
    [
        ("shiftable", np.float64),  # share of arriving work that may wait
        ("non_shiftable", np.float64),
        ("queue_max", np.int64),  # tasks; one task is 1 % of the data centre for one step
        ("capacity_cap", np.int64),  # tasks a step up to which queued work is added
        ("overdue_steps", np.int64),  # a task older than this is overdue
        ("setpoint_min_degc", np.float64),
        ("setpoint_max_degc", np.float64),
        ("first_setpoint_degc", np.float64),  # of a new environment; resets keep the last one
        ("air_j_per_kg_k", np.float64),
        ("air_kg_per_m3", np.float64),
        ("crac_flow_m3s_per_w", np.float64),
        ("crac_fan_w", np.float64),  # computed, in no total
        ("cw_pump_w", np.float64),  # likewise
        ("ct_pump_w", np.float64),  # likewise
        ("plant_rating_w", np.float64),  # chiller capacity and tower-fan reference power: one number for both
        ("tower_flow_m3s", np.float64),
        ("battery_mwh", np.float64),
        ("charge_efficiency", np.float64),
        ("discharge_efficiency", np.float64),
        ("charge_limit", np.float64),  # share of capacity, MW per MWh
        ("discharge_limit", np.float64),
        ("upper_u", np.float64),  # C/L/C battery: energy after a step <= u x power + v x capacity
        ("upper_v", np.float64),
        ("lower_u", np.float64),
        ("lower_v", np.float64),
    ]
)

SITE_FIELDS: tuple[str, ...] = SITE_DTYPE.names or ()

RACK_DTYPE = np.dtype(
    [
        ("servers", np.int64),
        ("full_w", np.float64),
        ("idle_w", np.float64),
        ("supply_approach_k", np.float64),
        ("return_approach_k", np.float64),
        ("m_cpu", np.float64),  # CPU power ratio = m x inlet + c + shift x load
        ("c_cpu", np.float64),
        ("shift_cpu", np.float64),
        ("m_fan", np.float64),  # the same for the fan's velocity ratio
        ("c_fan", np.float64),
        ("shift_fan", np.float64),
        ("fan_ref_w", np.float64),
        ("fan_ref_ratio", np.float64),
        ("fan_flow_m3s", np.float64),
    ]
)

STATE_DTYPE = np.dtype(
    [
        ("step", np.int64),
        ("setpoint_degc", np.float64),  # survives reset, as in SustainDC
        ("last_delta", np.int64),
        ("repeats", np.int64),  # how often the last set-point action was repeated
        ("stride", np.int64),  # degC per action after acceleration
        ("energy_mwh", np.float64),
        ("enqueued", np.int64),  # tasks ever queued
        ("dequeued", np.int64),  # tasks that left the queue
        ("queued_steps", np.int64),  # sum over queued tasks of the step they arrived at
        ("oldest_step", np.int64),  # arrival step of the oldest queued task
    ]
)
NO_DELTA = 9  # "no action yet": equal to none of -1, 0, 1

OUTPUTS = (
    "nonshiftable_tasks",
    "shiftable_tasks",
    "overdue_found",
    "overdue_processed",
    "deferred",
    "processed",
    "dropped",
    "queue_before",
    "queue_after",
    "utilisation",
    "oldest_age_days",
    "mean_age_days",
    "share_under_6h",
    "share_under_12h",
    "share_under_18h",
    "share_under_24h",
    "any_over_24h",
    "setpoint_delta_k",
    "repeats",
    "stride",
    "setpoint_degc",
    "inlet_mean_degc",
    "outlet_mean_degc",
    "return_degc",
    "cpu_w",
    "server_fan_w",
    "it_kw",
    "crac_fan_w",
    "cooling_load_w",
    "tower_fan_w",
    "compressor_w",
    "cw_pump_w",
    "ct_pump_w",
    "hvac_kw",
    "total_kw",
    "water_l",
    "charge_hours",
    "discharge_hours",
    "energy_before_mwh",
    "energy_after_mwh",
    "soc",
    "added_kwh",
    "discharged_mwh",
    "load_kwh",
    "net_kwh",
    "co2_g",
)
(
    NONSHIFTABLE, SHIFTABLE, OVERDUE_FOUND, OVERDUE_PROCESSED, DEFERRED, PROCESSED, DROPPED, QUEUE_BEFORE, QUEUE_AFTER,
    UTILISATION, OLDEST_AGE, MEAN_AGE, UNDER_6H, UNDER_12H, UNDER_18H, UNDER_24H, OVER_24H, DELTA, REPEATS, STRIDE,
    SETPOINT, INLET, OUTLET, RETURN, CPU, SERVER_FAN, IT, CRAC_FAN, COOLING_LOAD, TOWER_FAN, COMPRESSOR, CW_PUMP,
    CT_PUMP, HVAC, TOTAL, WATER, CHARGE_HOURS, DISCHARGE_HOURS, ENERGY_BEFORE, ENERGY_AFTER, SOC, ADDED, DISCHARGED,
    LOAD, NET, CO2,
) = range(len(OUTPUTS))  # fmt: skip
OUT = {name: k for k, name in enumerate(OUTPUTS)}
