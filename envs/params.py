"""Parameters of a site: one table with unit, bounds and source, one structured record a site.

Everything is scaled per kW of IT capacity, so a site of another size is the same table with another
``it_capacity_kw`` (and battery and import limit, which are given in absolute terms).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """One site parameter: default, unit, inclusive bounds, and where the number comes from."""

    name: str
    default: float
    unit: str
    low: float
    high: float
    source: str


_P = Parameter
_MONEY = "design defaults, configuration"

PARAMETERS: tuple[Parameter, ...] = (
    # IT load
    _P("it_capacity_kw", 1000.0, "kW", 1.0, 1e6, "configuration: site.it_capacity_mw"),
    _P(
        "idle_share",
        0.35,
        "-",
        0.0,
        0.95,
        "assumption: servers draw 30-50 % of peak when idle (Barroso and Hoelzle 2007)",
    ),
    _P("leakage_per_k", 0.002, "1/K", 0.0, 0.02, "assumption: static CPU power against inlet temperature"),
    _P("leakage_reference_degc", 20.0, "degC", 10.0, 35.0, "assumption"),
    _P("server_fan_share", 0.03, "-", 0.0, 0.2, "assumption: server fans at the reference inlet, share of IT power"),
    _P(
        "server_fan_knee_degc",
        25.0,
        "degC",
        15.0,
        40.0,
        "assumption: inlet above which server fans speed up (ASHRAE TC9.9)",
    ),
    _P(
        "server_fan_speed_per_k",
        0.07,
        "1/K",
        0.0,
        0.3,
        "assumption: relative fan speed above the knee; power is its cube",
    ),
    _P("throttle_degc", 35.0, "degC", 27.0, 50.0, "ASHRAE A1-A2 allowable limit: servers begin to throttle"),
    _P("shutdown_degc", 45.0, "degC", 30.0, 60.0, "assumption: thermal shutdown"),
    # Deferrable work
    _P("deferrable_share", 0.2, "-", 0.0, 1.0, "design default"),
    _P("deadline_steps", 96.0, "steps of 15 min", 1.0, 96.0, "design default: 24 h"),
    # Cooling
    _P("supply_min_degc", 16.0, "degC", 10.0, 25.0, "ASHRAE recommended envelope less two kelvin"),
    _P("supply_max_degc", 26.0, "degC", 15.0, 35.0, "ASHRAE recommended limit 27 less recirculation"),
    _P("supply_slew_k", 5.0, "K a step", 0.1, 20.0, "ASHRAE: at most 20 K/h for solid-state equipment"),
    _P("recirculation_k", 1.0, "K", 0.0, 10.0, "assumption: inlet above supply air"),
    _P("inlet_limit_degc", 27.0, "degC", 18.0, 40.0, "ASHRAE recommended upper limit"),
    _P("airflow_kw_per_k", 1.0 / 12.0, "kW/K per kW", 0.02, 0.5, "assumption: 12 K across the servers at full load"),
    _P("airflow_min", 0.3, "-", 0.05, 1.0, "assumption: lowest CRAH fan speed"),
    _P("air_kj_per_k", 15.0, "kJ/K per kW", 1.0, 200.0, "assumption: room air"),
    _P("mass_kj_per_k", 120.0, "kJ/K per kW", 1.0, 5000.0, "assumption: racks, floor and chilled water"),
    _P("mass_kw_per_k", 0.03, "kW/K per kW", 0.0, 1.0, "assumption: air to mass"),
    _P("cooling_capacity", 1.3, "kW per kW", 0.1, 5.0, "assumption: design margin on IT capacity"),
    _P("coil_approach_k", 6.0, "K", 1.0, 20.0, "assumption: supply air above chilled water"),
    _P("water_range_k", 6.0, "K", 1.0, 20.0, "assumption: chilled water return above supply"),
    _P("tower_approach_k", 4.0, "K", 1.0, 20.0, "assumption: tower water above wet bulb (typical 3-5)"),
    _P("exchanger_approach_k", 1.5, "K", 0.2, 10.0, "assumption: water-side economiser"),
    _P("condenser_approach_k", 6.0, "K", 0.5, 20.0, "assumption: condensing above tower water"),
    _P("carnot_share", 0.5, "-", 0.1, 0.9, "assumption: chiller COP as share of Carnot"),
    _P("lift_min_k", 10.0, "K", 1.0, 40.0, "assumption: smallest compressor lift"),
    _P("cop_max", 12.0, "-", 1.0, 30.0, "assumption: centrifugal chillers at low lift"),
    _P("crah_fan_share", 0.04, "-", 0.0, 0.3, "assumption: CRAH fans at full flow, share of IT capacity, cube law"),
    _P("tower_share", 0.025, "-", 0.0, 0.3, "assumption: tower fans per kW of heat rejected"),
    _P("pump_share", 0.035, "-", 0.0, 0.3, "assumption: chilled and condenser water pumps at full flow, cube law"),
    # Power chain
    _P("ups_loss_fixed", 0.011, "-", 0.0, 0.1, "assumption: UPS loss a + b x + c x^2 of rated power at load x"),
    _P("ups_loss_linear", 0.008, "-", 0.0, 0.1, "assumption: see ups_loss_fixed"),
    _P("ups_loss_square", 0.018, "-", 0.0, 0.1, "assumption: see ups_loss_fixed"),
    _P("import_limit_kw", 1600.0, "kW", 1.0, 1e7, "design default"),
    # Battery
    _P("battery_kwh", 1000.0, "kWh", 0.0, 1e7, "design default"),
    _P("battery_kw", 500.0, "kW", 0.0, 1e7, "design default"),
    _P("charge_efficiency", 0.95, "-", 0.5, 1.0, "design default"),
    _P("discharge_efficiency", 0.95, "-", 0.5, 1.0, "design default"),
    _P("soc_min", 0.05, "-", 0.0, 1.0, "design default"),
    _P("soc_max", 0.95, "-", 0.0, 1.0, "design default"),
    _P("soc_start", 0.5, "-", 0.0, 1.0, "design default"),
    # Money
    _P("wear_gbp_per_mwh", 10.0, "GBP/MWh", 0.0, 1e4, _MONEY),
    _P("aggregator_share", 0.2, "-", 0.0, 1.0, _MONEY),
    _P("vtp_pays", 0.0, "0/1", 0.0, 1.0, "0: supplier compensation is mutualised, 1: the trading party pays it"),
    _P("half_spread_gbp_per_mwh", 1.0, "GBP/MWh", 0.0, 1e3, _MONEY),
    _P("min_commitment_kw", 50.0, "kW", 0.0, 1e6, _MONEY),
    _P("registered_kw", 500.0, "kW", 0.0, 1e7, _MONEY),
    _P("carbon_price_gbp_per_t", 50.0, "GBP/t", 0.0, 1e5, _MONEY),
    _P("overheat_gbp_per_minute", 5.0, "GBP/min", 0.0, 1e5, _MONEY),
    _P("late_gbp_per_kwh", 1.0, "GBP/kWh", 0.0, 1e5, _MONEY),
)

SITE_DTYPE = np.dtype([(parameter.name, np.float64) for parameter in PARAMETERS])
_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
PROFILES = ("uk_default",)

# Pairs that have to be ordered: (lower, higher).
_ORDERED = (
    ("supply_min_degc", "supply_max_degc"),
    ("soc_min", "soc_max"),
    ("soc_min", "soc_start"),
    ("soc_start", "soc_max"),
    ("throttle_degc", "shutdown_degc"),
)


def site_params(overrides: Mapping[str, float] | None = None, profile: str = "uk_default") -> np.ndarray:
    """One site's parameters as a record array (1,) of ``SITE_DTYPE``.

    Args:
        overrides: parameter name -> value, replacing the profile's default.
        profile: ``uk_default`` (SustainDC's own site is ``envs.sustaindc``).

    Raises:
        ValueError: unknown profile or parameter (the nearest right name is given), a value that is not finite or
            out of bounds, or two values that contradict each other.
    """
    if profile not in PROFILES:
        raise ValueError(f"site.profile: unknown profile {profile!r}; known: {', '.join(PROFILES)}")
    record = np.zeros(1, dtype=SITE_DTYPE)
    for parameter in PARAMETERS:
        record[parameter.name] = parameter.default
    for name, value in (overrides or {}).items():
        if name not in _BY_NAME:
            near = difflib.get_close_matches(name, _BY_NAME, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"site.parameters.{name}: unknown parameter{hint}")
        record[name] = value
    check_params(record)
    return record


def check_params(record: np.ndarray) -> None:
    """Raise ValueError naming the first field of any site that is out of bounds or inconsistent."""
    for parameter in PARAMETERS:
        values = record[parameter.name]
        wrong = ~((values >= parameter.low) & (values <= parameter.high))
        if wrong.any():
            value = values[np.argmax(wrong)]
            raise ValueError(
                f"site.parameters.{parameter.name}: {value} is outside "
                f"[{parameter.low:g}, {parameter.high:g}] {parameter.unit}"
            )
    for low, high in _ORDERED:
        wrong = record[low] > record[high]
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ValueError(f"site.parameters.{low}: {record[low][at]} is above {high} = {record[high][at]}")


def batch_params(records: np.ndarray, batch_size: int) -> np.ndarray:
    """Repeat one record to a batch, or check that there is one for each site."""
    if len(records) not in (1, batch_size):
        raise ValueError(f"params: {len(records)} records for a batch of {batch_size}; give 1 or {batch_size}")
    return np.ascontiguousarray(np.broadcast_to(records, (batch_size,)))
