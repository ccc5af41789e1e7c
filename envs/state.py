"""What a site remembers between two control steps, and what one step reports. One place for every name."""

from __future__ import annotations

from typing import Any

import numpy as np

Record = Any  # one record of SITE_DTYPE or STATE_DTYPE inside a kernel, where fields are attributes

AGENTS = ("load_shift", "battery", "cooling")
LOAD_SHIFT, BATTERY, COOLING = range(3)

QUEUE_STEPS = 96  # deferred work waits at most 24 h; the ring holds one slot per step of deadline

STATE_DTYPE = np.dtype(
    [
        ("step", np.int64),  # control steps since the start of the run
        ("soc_kwh", np.float64),  # energy in the battery
        ("supply_degc", np.float64),  # executed supply-air set-point
        ("air_degc", np.float64),  # room air
        ("mass_degc", np.float64),  # racks and building fabric
        ("inlet_degc", np.float64),  # server inlet at the end of the last step
        ("load_kw", np.float64),  # site load of the last step without the battery
        ("queued_kwh", np.float64),  # deferred work, IT kWh, all deadlines
        ("overdue_kwh", np.float64),  # of work whose deadline has passed and that still has to run
        ("period_kwh", np.float64),  # import metered so far in the present settlement period
    ]
)

# One float64 row per site and step. Energies are of the 15-minute step; positive import and charging.
OUTPUTS = (
    "import_kwh",  # = it_kwh + cooling_kwh + loss_kwh + battery_kwh
    "it_kwh",
    "cooling_kwh",
    "loss_kwh",  # power distribution and UPS
    "battery_kwh",  # AC side, positive when charging
    "arrived_kwh",  # work, IT kWh at reference conditions: arrived = executed + change of queued
    "executed_kwh",
    "late_kwh",  # work run after its deadline
    "overheat_minutes",
    "inlet_degc",
    "supply_degc",
    "soc_kwh",  # end of step
    "queued_kwh",  # end of step, overdue work included
    "energy_gbp",
    "network_gbp",
    "wear_gbp",
    "flex_gbp",  # booked on the second step of a settlement period
    "carbon_kg",  # of metered import
    "carbon_cost_gbp",
    "penalty_gbp",  # overheat and late work; notice breaches are added outside
)
OUT = {name: k for k, name in enumerate(OUTPUTS)}


def initial_state(params: np.ndarray) -> np.ndarray:
    """Record array (B,) of ``STATE_DTYPE``: a settled room at the neutral set-point, no work waiting."""
    state = np.zeros(len(params), dtype=STATE_DTYPE)
    state["soc_kwh"] = params["soc_start"] * params["battery_kwh"]
    state["supply_degc"] = params["supply_neutral_degc"]
    state["inlet_degc"] = params["supply_neutral_degc"] + params["recirculation_k"]
    return_air_degc = params["supply_neutral_degc"] + 1.0 / params["airflow_kw_per_k"]
    state["air_degc"] = state["mass_degc"] = return_air_degc
    state["load_kw"] = params["it_capacity_kw"] * params["idle_share"]
    return state
