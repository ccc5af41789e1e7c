"""Parameters of a site: one table with default, unit, bounds and source; one structured record a site.

What scales with size is given per kW of IT capacity, so a site of another size is the same table with another
``it_capacity_kw`` (the battery and the import limit are absolute).
"""

from __future__ import annotations

import difflib
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
_DESIGN = "design default (a configuration key)"

# fmt: off
PARAMETERS: tuple[Parameter, ...] = (
    # IT load
    _P("it_capacity_kw", 1000.0, "kW", 1.0, 1e6, "configuration: site.it_capacity_mw"),
    _P("idle_share", 0.35, "-", 0.0, 0.95, "assumption; servers idle at 30-50 % of peak (Barroso, Hoelzle 2007)"),
    _P("reference_inlet_degc", 22.0, "degC", 10.0, 35.0, "assumption: IT power is rated at this server inlet"),
    _P("leakage_per_k", 0.002, "1/K", 0.0, 0.02, "assumption: leakage of the processors, share of IT power per K"),
    _P("server_fan_share", 0.03, "-", 0.0, 0.2, "assumption: server fans at rated inlet, share of IT power"),
    _P("server_fan_knee_degc", 25.0, "degC", 15.0, 40.0, "assumption: server fans speed up above it (ASHRAE TC 9.9)"),
    _P("server_fan_speed_per_k", 0.07, "1/K", 0.0, 0.3, "assumption: relative fan speed above the knee; power ~ cube"),
    _P("server_fan_speed_max", 2.0, "-", 1.0, 4.0, "assumption: top speed against the speed at rated inlet"),
    _P("throttle_degc", 35.0, "degC", 27.0, 50.0, "upper allowable inlet of ASHRAE A1 is 32; servers throttle near 35"),
    _P("shutdown_degc", 45.0, "degC", 30.0, 60.0, "assumption: thermal shutdown"),
    # Deferrable work
    _P("deferrable_share", 0.2, "-", 0.0, 1.0, _DESIGN),
    _P("deadline_steps", 96.0, "steps", 1.0, 96.0, f"{_DESIGN}: 24 h"),
    _P("short_share", 0.0, "-", 0.0, 1.0, "choice: share of utilisation that may wait too, but less long; none here"),
    _P("short_deadline_steps", 16.0, "steps", 1.0, 96.0, "assumption: 4 h for that second class"),
    # Cooling
    _P("supply_min_degc", 16.0, "degC", 10.0, 35.0, f"{_DESIGN}; 2 K below ASHRAE's recommended 18"),
    _P("supply_neutral_degc", 21.0, "degC", 10.0, 35.0, _DESIGN),
    _P("supply_max_degc", 26.0, "degC", 15.0, 35.0, f"{_DESIGN}; ASHRAE's recommended 27 less recirculation"),
    _P("slew_k_per_step", 5.0, "K/step", 0.1, 20.0, "ASHRAE: at most 20 K/h for equipment without tape"),
    _P("recirculation_k", 1.0, "K", 0.0, 10.0, "assumption: server inlet above supply air"),
    _P("overheat_limit_degc", 27.0, "degC", 18.0, 45.0, "ASHRAE recommended upper limit of the inlet"),
    _P("airflow_kw_per_k", 1.0 / 12.0, "kW/K per kW", 0.02, 0.5, "assumption: air warms 12 K across the servers"),
    _P("airflow_min", 0.3, "-", 0.05, 1.0, "assumption: lowest speed of the CRAH fans"),
    _P("air_kj_per_k", 15.0, "kJ/K per kW", 1.0, 200.0, "assumption: room air"),
    _P("mass_kj_per_k", 120.0, "kJ/K per kW", 1.0, 5000.0, "assumption: racks, floor, chilled water"),
    _P("mass_kw_per_k", 0.04, "kW/K per kW", 0.0, 1.0, "assumption: heat transfer between air and mass"),
    _P("coil_capacity", 1.3, "kW per kW", 0.1, 5.0, "assumption: design margin of the CRAH coils"),
    _P("chiller_capacity", 1.2, "kW per kW", 0.0, 5.0, "assumption: design margin of the chillers"),
    _P("coil_approach_k", 6.0, "K", 1.0, 20.0, "assumption: supply air above chilled water"),
    _P("water_range_k", 6.0, "K", 1.0, 20.0, "assumption: chilled water return above supply"),
    _P("tower_approach_k", 4.0, "K", 1.0, 20.0, "assumption: tower water above wet bulb, 3-5 K is usual"),
    _P("exchanger_approach_k", 1.5, "K", 0.2, 10.0, "assumption: plate heat exchanger of the water-side economiser"),
    _P("condenser_approach_k", 6.0, "K", 0.5, 20.0, "assumption: condensing above tower water, evaporator included"),
    _P("carnot_share", 0.5, "-", 0.1, 0.9, "assumption: chiller COP as a share of Carnot's"),
    _P("lift_min_k", 10.0, "K", 1.0, 40.0, "assumption: smallest lift of the compressor"),
    _P("cop_max", 12.0, "-", 1.0, 30.0, "assumption: centrifugal chillers at low lift"),
    _P("crah_fan_share", 0.04, "-", 0.0, 0.3, "assumption: CRAH fans at full flow, share of IT capacity, cube law"),
    _P("tower_share", 0.025, "-", 0.0, 0.3, "assumption: tower fans per kW of heat rejected"),
    _P("chilled_pump_share", 0.02, "-", 0.0, 0.3, "assumption: chilled-water pumps at full flow, share of IT capacity"),
    _P("condenser_pump_share", 0.015, "-", 0.0, 0.3, "assumption: condenser pumps at full flow, share of IT capacity"),
    # Power chain
    _P("ups_loss_fixed", 0.011, "-", 0.0, 0.1, "assumption: loss a + b x + c x^2 of rated power at load x"),
    _P("ups_loss_linear", 0.008, "-", 0.0, 0.1, "assumption: see ups_loss_fixed"),
    _P("ups_loss_square", 0.018, "-", 0.0, 0.1, "assumption: see ups_loss_fixed"),
    _P("import_limit_kw", 1600.0, "kW", 1.0, 1e7, _DESIGN),
    # Battery
    _P("battery_kwh", 1000.0, "kWh", 0.0, 1e7, _DESIGN),
    _P("battery_kw", 500.0, "kW", 0.0, 1e7, _DESIGN),
    _P("charge_efficiency", 0.95, "-", 0.5, 1.0, _DESIGN),
    _P("discharge_efficiency", 0.95, "-", 0.5, 1.0, _DESIGN),
    _P("soc_min", 0.05, "-", 0.0, 1.0, _DESIGN),
    _P("soc_max", 0.95, "-", 0.0, 1.0, _DESIGN),
    _P("soc_start", 0.5, "-", 0.0, 1.0, _DESIGN),
    # Money
    _P("wear_gbp_per_mwh", 10.0, "GBP/MWh", 0.0, 1e4, f"{_DESIGN}: per MWh discharged, AC side"),
    _P("carbon_price_gbp_per_t", 50.0, "GBP/t", 0.0, 1e5, _DESIGN),
    _P("overheat_gbp_per_minute", 5.0, "GBP/min", 0.0, 1e5, _DESIGN),
    _P("late_gbp_per_kwh", 1.0, "GBP/kWh", 0.0, 1e5, _DESIGN),
    _P("notice_gbp_per_step", 20.0, "GBP/step", 0.0, 1e5, f"{_DESIGN}: step outside a notice's true constraint"),
    _P("aggregator_share", 0.2, "-", 0.0, 1.0, _DESIGN),
    _P("vtp_pays", 0.0, "0/1", 0.0, 1.0, f"{_DESIGN}: 0 compensation is mutualised, 1 the trading party pays it"),
    _P("half_spread_gbp_per_mwh", 1.0, "GBP/MWh", 0.0, 1e3, _DESIGN),
    _P("min_commitment_kw", 50.0, "kW", 0.0, 1e6, _DESIGN),
    _P("registered_kw", 500.0, "kW", 0.0, 1e7, _DESIGN),
)
# fmt: on

SITE_DTYPE = np.dtype([(parameter.name, np.float64) for parameter in PARAMETERS])
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
PROFILES = ("uk_default",)

# Pairs that have to be ordered: (lower, higher); the strict ones are divided by their difference.
_ORDERED = (
    ("supply_min_degc", "supply_neutral_degc"),
    ("supply_neutral_degc", "supply_max_degc"),
    ("soc_min", "soc_start"),
    ("soc_start", "soc_max"),
)
_STRICTLY_ORDERED = (("supply_min_degc", "supply_max_degc"), ("throttle_degc", "shutdown_degc"))


def site_params(profile: str = "uk_default", **overrides: float) -> np.ndarray:
    """One site's parameters: record array (1,) of ``SITE_DTYPE``.

    Args:
        profile: ``uk_default``.
        overrides: parameter name -> value, in place of the profile's default.

    Raises:
        ValueError: unknown profile or parameter (with the nearest right name), a value that is not finite or out of
            bounds, two values that contradict each other.
    """
    if profile not in PROFILES:
        raise ValueError(f"site.profile: unknown profile {profile!r}; known: {', '.join(PROFILES)}")
    record = np.zeros(1, dtype=SITE_DTYPE)
    for parameter in PARAMETERS:
        record[parameter.name] = parameter.default
    for name, value in overrides.items():
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"site parameter {name!r} is unknown{hint}")
        record[name] = value
    validate(record)
    return record


def validate(record: np.ndarray) -> None:
    """Raise ValueError naming the first field of any site that is out of bounds or inconsistent."""
    for parameter in PARAMETERS:
        values = record[parameter.name]
        wrong = ~((values >= parameter.low) & (values <= parameter.high))  # NaN compares false
        if wrong.any():
            raise ValueError(
                f"site parameter {parameter.name}: {values[np.argmax(wrong)]:g} is outside "
                f"[{parameter.low:g}, {parameter.high:g}] {parameter.unit}"
            )
    for pairs, wrong_order in ((_ORDERED, np.greater), (_STRICTLY_ORDERED, np.greater_equal)):
        for low, high in pairs:
            wrong = wrong_order(record[low], record[high])
            if wrong.any():
                at = int(np.argmax(wrong))
                raise ValueError(
                    f"site parameter {low}: {record[low][at]:g} must lie below {high} = {record[high][at]:g}"
                )
    warmest = record["supply_max_degc"] + record["recirculation_k"]
    if (warmest >= record["shutdown_degc"]).any():
        at = int(np.argmax(warmest >= record["shutdown_degc"]))
        raise ValueError(
            f"site parameter supply_max_degc: {record['supply_max_degc'][at]:g} and recirculation_k "
            f"{record['recirculation_k'][at]:g} reach shutdown_degc = {record['shutdown_degc'][at]:g}: no server could "
            "run; lower the supply air"
        )
    waiting = record["deferrable_share"] + record["short_share"]
    if (waiting > 1.0).any():
        at = int(np.argmax(waiting > 1.0))
        raise ValueError(
            f"site parameter short_share: {record['short_share'][at]:g} and deferrable_share "
            f"{record['deferrable_share'][at]:g} are more than all work; their sum is at most 1"
        )


def neutral_actions(params: np.ndarray) -> np.ndarray:
    """float32 (B, 3): work passes, the battery rests, supply air at its neutral set-point."""
    actions = np.zeros((len(params), 3), dtype=np.float32)
    span = params["supply_max_degc"] - params["supply_min_degc"]
    actions[:, 2] = 2.0 * (params["supply_neutral_degc"] - params["supply_min_degc"]) / span - 1.0
    return actions
