"""Replay a recorded episode through ``SustainDCBatch`` and measure how far it is from the record."""

from __future__ import annotations

import numpy as np

from envs.sustaindc.batch import SustainDCBatch
from envs.sustaindc.constants import AGENTS, OUT
from envs.sustaindc.kernel import rack_table
from envs.sustaindc.observations import SIZES
from envs.sustaindc.site import plant_fields, size_plant, sizing_ambient_degc
from envs.sustaindc.trace import (
    Trace,
    column,
    entry,
    number,
    trace_actions,
    trace_config,
    trace_racks,
    trace_series,
    trace_site,
)

RELATIVE_LIMIT = 1e-6  # physical quantities and rewards
ABSOLUTE_LIMIT = 1e-4  # observations
ZERO_SCALE = 1e-6  # values below this share of a column's largest are compared with that share, not with themselves
OUTPUT_COLUMNS = {
    "nonshiftable_tasks": "ls_nonshiftable_tasks",
    "shiftable_tasks": "ls_shiftable_tasks",
    "overdue_found": "ls_overdue_found",
    "overdue_processed": "ls_overdue_processed",
    "deferred": "ls_deferred",
    "processed": "ls_processed",
    "dropped": "ls_dropped",
    "queue_before": "ls_queue_before",
    "queue_after": "ls_queue_after",
    "utilisation": "ls_util",
    "oldest_age_days": "ls_oldest_age_24h",
    "mean_age_days": "ls_avg_age_24h",
    "share_under_6h": "ls_hist0",
    "share_under_12h": "ls_hist1",
    "share_under_18h": "ls_hist2",
    "share_under_24h": "ls_hist3",
    "any_over_24h": "ls_hist4",
    "setpoint_delta_k": "dc_setpoint_delta",
    "repeats": "dc_consecutive",
    "stride": "dc_scaling",
    "setpoint_degc": "dc_crac_setpoint_C",
    "inlet_mean_degc": "dc_rack_inlet_mean_C",
    "outlet_mean_degc": "dc_rack_outlet_mean_C",
    "return_degc": "dc_crac_return_C",
    "cpu_w": "dc_cpu_power_W",
    "server_fan_w": "dc_itfan_power_W",
    "it_kw": "dc_IT_power_kW",
    "crac_fan_w": "dc_crac_fan_W",
    "cooling_load_w": "dc_crac_cooling_load_W",
    "tower_fan_w": "dc_ct_fan_W",
    "compressor_w": "dc_compressor_W",
    "cw_pump_w": "dc_cw_pump_W",
    "ct_pump_w": "dc_ct_pump_W",
    "hvac_kw": "dc_HVAC_power_kW",
    "total_kw": "dc_total_power_kW",
    "water_l": "dc_water_L",
    "charge_hours": "bat_T_charge",
    "discharge_hours": "bat_T_discharge",
    "energy_before_mwh": "bat_energy_before_MWh",
    "energy_after_mwh": "bat_energy_after_MWh",
    "soc": "bat_soc",
    "added_kwh": "bat_added_kWh",
    "discharged_mwh": "bat_discharge_MWh",
    "load_kwh": "energy_no_battery_kWh",
    "net_kwh": "energy_net_kWh",
    "co2_g": "co2_g",
}
TOTALS = (
    "energy_net_kWh",
    "energy_no_battery_kWh",
    "co2_kg",
    "water_m3",
    "dropped",
    "overdue_steps",
    "queue_end",
    "hvac_kWh",
    "it_kWh",
)
INPUT_COLUMNS = ("temp_C", "wet_bulb_C", "ci_g_per_kWh", "workload", "ci_norm", "temp_norm")
REWARD_COLUMNS = ("rew_ls", "rew_dc", "rew_bat")
RACK_COLUMNS = ("inlet_C", "outlet_C", "cpu_W", "itfan_W", "fan_m3s")
AGENT_KEYS = {"agent_ls": "ls", "agent_dc": "dc", "agent_bat": "bat"}
# (value - mean) / deviation of an outlook: unbounded where the outlook is flat, so judged by nobody.
ILL_CONDITIONED = {"agent_ls": (7, 18), "agent_dc": (7,), "agent_bat": (7,)}


def replay_errors(trace: Trace) -> dict[str, float]:
    """Largest error per quantity: relative for physics and rewards, absolute for names that start with ``obs_``."""
    run = _run(trace)
    errors = {}
    for name, recorded in _recorded_physics(trace).items():
        errors[name] = relative_error(run[name], recorded)
    for agent, key in AGENT_KEYS.items():
        recorded = _recorded_observations(trace, agent)
        difference = np.abs(run[agent].astype(np.float64) - recorded)
        difference[~np.isfinite(difference)] = np.inf
        excepted = list(ILL_CONDITIONED[agent])
        errors[f"obs_{key}_{'_'.join(map(str, excepted))}_excepted"] = float(difference[:, excepted].max())
        errors[f"obs_{key}"] = float(np.delete(difference, excepted, axis=1).max())
    return errors


def is_miss(quantity: str, error: float) -> bool:
    """Whether an error is above its limit."""
    if quantity.endswith("_excepted"):
        return False
    return not error <= (ABSOLUTE_LIMIT if quantity.startswith("obs_") else RELATIVE_LIMIT)


def relative_error(values: np.ndarray, recorded: np.ndarray) -> float:
    """Largest |value - record| / |record|; around zero the record's largest magnitude sets the scale."""
    largest = float(np.abs(recorded).max())
    scale = np.maximum(np.abs(recorded), ZERO_SCALE * largest) if largest > 0.0 else np.ones_like(recorded)
    error = np.abs(values - recorded) / scale
    return float(error.max()) if np.isfinite(error).all() else float("inf")


def _run(trace: Trace) -> dict[str, np.ndarray]:
    """Every quantity as the profile computes it; observations (steps + 1, size) start with those of the reset."""
    site, series, actions = trace_site(trace), trace_series(trace), trace_actions(trace)
    index = np.zeros(1, dtype=np.int64)
    batch = SustainDCBatch([site], [series], index, index)
    observed = [batch.reset()]
    results = []
    for action in actions:
        try:
            results.append(batch.step(action[None, :]))
        except ValueError as error:
            raise ValueError(f"{trace.name}: step {len(results)}: {error}") from None
        observed.append(results[-1].observations)
    outputs = np.concatenate([result.outputs for result in results])
    rewards = np.concatenate([result.rewards for result in results])
    run = {column_name: outputs[:, OUT[name]] for name, column_name in OUTPUT_COLUMNS.items()}
    run |= {name: rewards[:, k] for k, name in enumerate(REWARD_COLUMNS)}
    run["rew_norm_energy"] = np.concatenate([result.energy_z for result in results])
    run["rew_norm_ci"] = np.concatenate([result.carbon_norm for result in results])
    run["rew_history_len"] = np.arange(1.0, series.steps + 1)
    run["truncated"] = np.array([float(result.truncated) for result in results])
    run["terminated"] = np.zeros(series.steps)
    run |= {agent: np.concatenate([observation[agent] for observation in observed]) for agent in AGENTS}
    run |= _clock(series.year_index, series.day, series.hours())
    used = (trace.exo["rel"] >= 0) & (trace.exo["rel"] < series.steps)
    run |= {name: trace.exo[name][used] for name in INPUT_COLUMNS}
    run |= _normalised(trace, run)
    racks = np.stack(
        [
            rack_table(site.params, site.kinds, site.kind_of_rack, row[OUT["setpoint_degc"]], row[OUT["utilisation"]])
            for row in outputs
        ]
    )
    run |= {f"rack_{name}": racks[:, :, k] for k, name in enumerate(RACK_COLUMNS)}
    run |= {f"sized_{name}": np.array([value]) for name, value in _sized(trace).items()}
    run |= {f"total_{name}": np.array([value]) for name, value in _totals(outputs).items()}
    return run


def _recorded_physics(trace: Trace) -> dict[str, np.ndarray]:
    """What the files say, under the names of ``_run``."""
    names = ("step", "ts", "day", "hour", *INPUT_COLUMNS, *OUTPUT_COLUMNS.values(), "rew_norm_energy", "rew_norm_ci")
    names += ("rew_history_len", *REWARD_COLUMNS, "truncated", "terminated")
    recorded = {name: column(trace, trace.steps, "csv.gz", name) for name in names}
    racks = len(entry(trace, "dc", "racks"))
    for name in RACK_COLUMNS:
        columns = [column(trace, trace.racks, "racks.csv.gz", f"{name}_{k}") for k in range(racks)]
        recorded[f"rack_{name}"] = np.column_stack(columns)
    sized = {
        "plant_rating_w": number(trace, "dc", "sized_CT_FAN_REF_P"),
        "tower_flow_m3s": number(trace, "dc", "sized_CT_REFRENCE_AIR_FLOW_RATE"),
        "battery_mwh": number(trace, "battery", "capacity_MWh"),
    }
    recorded |= {f"sized_{name}": np.array([value]) for name, value in sized.items()}
    recorded |= {f"total_{name}": np.array([number(trace, "totals", name)]) for name in TOTALS}
    return recorded


def _recorded_observations(trace: Trace, agent: str) -> np.ndarray:
    """float64 (steps + 1, size): at the reset, then after every step."""
    names = [f"obs_{AGENT_KEYS[agent]}_{k}" for k in range(SIZES[agent])]
    after = np.column_stack([column(trace, trace.steps, "csv.gz", name) for name in names])
    first = np.asarray(entry(trace, "obs_reset", agent), dtype=np.float64)
    if first.shape != (SIZES[agent],):
        raise ValueError(f"{trace.name}.json: obs_reset.{agent} has shape {first.shape}, expected ({SIZES[agent]},)")
    return np.vstack([first, after])


def _clock(year_index: int, day: int, hours: np.ndarray) -> dict[str, np.ndarray]:
    steps = np.arange(len(hours) - 1, dtype=np.float64)
    days = day + np.floor((year_index % 96 + steps) / 96)
    return {"step": steps, "ts": year_index + steps, "day": days, "hour": hours[:-1]}


def _normalised(trace: Trace, run: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Carbon intensity and temperature scaled by the recorded windows."""
    scaled = {}
    for name, source, window in (("ci_norm", "ci_g_per_kWh", "ci_window"), ("temp_norm", "temp_C", "temp_window")):
        low, high = (number(trace, "norm", f"{window}_{end}") for end in ("min", "max"))
        scaled[name] = (run[source] - low) / (high - low)
    return scaled


def _sized(trace: Trace) -> dict[str, float]:
    """Chiller, tower and battery as this profile sizes them for the trace's racks and location."""
    ambient_degc = sizing_ambient_degc(str(entry(trace, "config", "location")))
    return size_plant(trace_racks(trace), plant_fields(trace_config(trace)), ambient_degc)


def _totals(outputs: np.ndarray) -> dict[str, float]:
    def total(name: str) -> float:
        return float(outputs[:, OUT[name]].sum())

    return {
        "energy_net_kWh": total("net_kwh"),
        "energy_no_battery_kWh": total("load_kwh"),
        "co2_kg": total("co2_g") / 1e3,
        "water_m3": total("water_l") / 1e3,
        "dropped": total("dropped"),
        "overdue_steps": float((outputs[:, OUT["overdue_found"]] > 0).sum()),
        "queue_end": float(outputs[-1, OUT["queue_after"]]),
        "hvac_kWh": total("hvac_kw") * 0.25,
        "it_kWh": total("it_kw") * 0.25,
    }
