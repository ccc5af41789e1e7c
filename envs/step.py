"""Contract 2: one site, one control step, composed of the subsystem files. The only physics there is."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.battery import run_battery
from envs.cooling import (
    action_of_supply,
    airflow_share,
    cool_room,
    crah_power_kw,
    delivered_inlet,
    free_share,
    move_supply,
    plant_capacity_kw,
    plant_power_kw,
)
from envs.it_load import distribution_loss_kw, it_power_kw, power_factor, server_fan_speed, throttle_share
from envs.load_shift import full_work_kwh, shift_load
from envs.meter import bill_gbp, settle_period_gbp
from envs.shutdown import servers_that_stay_up
from envs.state import OUT, QUEUE_STEPS, Record
from grid.rows import CARBON, STEP_HOURS, STEPS_PER_PERIOD, UTILISATION, WET_BULB

# Numba freezes these: a column of the outputs by name, without a look-up in the hot loop.
IMPORT, IT, COOLING, LOSS, BATTERY = (OUT[f"{n}_kwh"] for n in ("import", "it", "cooling", "loss", "battery"))
ARRIVED, EXECUTED, LATE = (OUT[f"{n}_kwh"] for n in ("arrived", "executed", "late"))
SOC, QUEUED = OUT["soc_kwh"], OUT["queued_kwh"]
OVERHEAT, INLET, SUPPLY = OUT["overheat_minutes"], OUT["inlet_degc"], OUT["supply_degc"]
ENERGY_GBP, NETWORK_GBP, WEAR_GBP = (OUT[f"{n}_gbp"] for n in ("energy", "network", "wear"))
FLEX_GBP, PENALTY_GBP = OUT["flex_gbp"], OUT["penalty_gbp"]
CARBON_KG, CARBON_COST_GBP = OUT["carbon_kg"], OUT["carbon_cost_gbp"]


@njit(cache=True, forceinline=True)
def step(
    p: Record,
    row: np.ndarray,
    s: Record,
    queue: np.ndarray,
    load_shift: float,
    battery: float,
    cooling: float,
    committed_kw: float,
    own_trade: bool,
    baseline_kw: float,
    out: np.ndarray,
) -> tuple[float, float, float]:
    """Advance one site by one control step, in place. -> executed (load_shift, battery, cooling) actions.

    p record of ``SITE_DTYPE``; row float64 (columns,); s record of ``STATE_DTYPE``; queue float64 (96,) by deadline
    slot; actions in [-1, 1]; committed_kw, own_trade (bool) and baseline_kw of the present settlement period; out
    float64 (OUTPUTS,), overwritten. What an actuator cannot follow is executed as far as it goes, and returned so.
    """
    supply = move_supply(p, s, cooling)
    free = free_share(p, supply, row[WET_BULB])
    capacity_kw = plant_capacity_kw(p, free)
    inlet = min(delivered_inlet(p, s, supply), p.shutdown_degc)  # hotter ones have no server that is up
    fan_speed = server_fan_speed(p, inlet)
    factor = power_factor(p, inlet, fan_speed)
    servers_up = servers_that_stay_up(p, s, supply, capacity_kw, factor, fan_speed)

    work_share = min(servers_up, throttle_share(p, s.inlet_degc))
    arrived, executed, late = shift_load(p, s, queue, row[UTILISATION], load_shift, work_share)
    it_kw = it_power_kw(p, executed, servers_up, factor)
    airflow = airflow_share(p, it_kw, fan_speed)
    crah_kw = crah_power_kw(p, airflow)
    if servers_up == 0.0 and crah_kw >= capacity_kw:  # fans that would only heat the room stop, and with them the coils
        crah_kw = capacity_kw = 0.0
    removed_kwh, overheat_minutes = cool_room(p, s, it_kw + crah_kw, supply, airflow, capacity_kw)
    cooling_kw = crah_kw + plant_power_kw(p, removed_kwh / STEP_HOURS, supply, row[WET_BULB], free)
    loss_kw = distribution_loss_kw(p, it_kw)
    load_kw = it_kw + loss_kw + cooling_kw
    battery_kw = run_battery(p, s, battery, load_kw)

    import_kwh = (load_kw + battery_kw) * STEP_HOURS
    battery_kwh = battery_kw * STEP_HOURS
    s.load_kw = load_kw
    s.period_kwh += import_kwh
    flex_gbp = 0.0
    if s.step % STEPS_PER_PERIOD == STEPS_PER_PERIOD - 1:
        if committed_kw > 0.0:
            flex_gbp = settle_period_gbp(p, row, committed_kw, own_trade, baseline_kw, s.period_kwh)
        s.period_kwh = 0.0
    s.step += 1

    energy_gbp, network_gbp, wear_gbp = bill_gbp(p, row, import_kwh, battery_kwh)
    carbon_kg = import_kwh * row[CARBON] / 1000.0
    out[IMPORT] = import_kwh
    out[IT] = it_kw * STEP_HOURS
    out[COOLING] = cooling_kw * STEP_HOURS
    out[LOSS] = loss_kw * STEP_HOURS
    out[BATTERY] = battery_kwh
    out[ARRIVED] = arrived
    out[EXECUTED] = executed
    out[LATE] = late
    out[OVERHEAT] = overheat_minutes
    out[INLET] = s.inlet_degc
    out[SUPPLY] = supply
    out[SOC] = s.soc_kwh
    out[QUEUED] = s.queued_kwh
    out[ENERGY_GBP] = energy_gbp
    out[NETWORK_GBP] = network_gbp
    out[WEAR_GBP] = wear_gbp
    out[FLEX_GBP] = flex_gbp
    out[CARBON_KG] = carbon_kg
    out[CARBON_COST_GBP] = carbon_kg * p.carbon_price_gbp_per_t / 1000.0
    out[PENALTY_GBP] = overheat_minutes * p.overheat_gbp_per_minute + late * p.late_gbp_per_kwh

    executed_battery = battery_kw / p.battery_kw if p.battery_kw > 0.0 else 0.0
    return load_shift, executed_battery, action_of_supply(p, supply)


@njit(cache=True, forceinline=True)
def expected_load_kw(p: Record, row: np.ndarray, s: Record, queue: np.ndarray) -> float:
    """Site load of the coming step without the battery, if arriving and due work runs and the set-point holds."""
    full = full_work_kwh(p)
    executed = min(row[UTILISATION] * full + s.overdue_kwh + queue[s.step % QUEUE_STEPS], full)
    inlet = delivered_inlet(p, s, s.supply_degc)
    fan_speed = server_fan_speed(p, inlet)
    it_kw = it_power_kw(p, executed, 1.0, power_factor(p, inlet, fan_speed))
    crah_kw = crah_power_kw(p, airflow_share(p, it_kw, fan_speed))
    free = free_share(p, s.supply_degc, row[WET_BULB])
    plant_kw = plant_power_kw(p, it_kw + crah_kw, s.supply_degc, row[WET_BULB], free)
    return it_kw + distribution_loss_kw(p, it_kw) + crah_kw + plant_kw
