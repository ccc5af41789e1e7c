"""One physics: the scalar step of a site, composed of the subsystem files, and the batch loop over it."""

from __future__ import annotations

from numba import njit

from envs.battery import charge_limit_kw, discharge_limit_kw, run_battery
from envs.cooling import airflow_share, cool_room, crah_power_kw, move_setpoint, plant_power_kw
from envs.it_load import it_power_kw, ups_loss_kw
from envs.load_shift import full_work_kwh, shift_load
from envs.meter import bill_gbp, settle_period_gbp, step_energy_kwh
from grid.rows import CARBON, STEP_HOURS, STEPS_PER_PERIOD, UTILISATION, WET_BULB


@njit(cache=True, forceinline=True)
def step(p, row, s, queue, action, committed_kw, out):
    """Advance one site by one control step, in place.

    Args:
        p: record of ``SITE_DTYPE``. row: float64 (columns,), the present row of contract 1.
        s: record of ``STATE_DTYPE``. queue: float64 (96,), work by deadline slot.
        action: float64 (3,) in [-1, 1]. committed_kw: sold in the present settlement period.
        out: record of ``OUT_DTYPE``, overwritten.
    """
    last_inlet = s.inlet_degc
    arrived, executed, late = shift_load(p, s, queue, row[UTILISATION], action[0])

    setpoint = move_setpoint(p, s, action[2])
    # A coil at its limit left the supply warmer than asked: the servers feel that, not the set-point.
    inlet = max(setpoint, s.supply_degc if s.supply_degc > s.setpoint_degc + 1e-9 else setpoint) + p.recirculation_k
    it_kw = it_power_kw(p, executed, inlet, last_inlet)
    airflow = airflow_share(p, it_kw, inlet)
    removed_kwh, overheat_minutes = cool_room(p, s, it_kw, setpoint, airflow)
    plant_kw = plant_power_kw(p, removed_kwh / STEP_HOURS, setpoint, row[WET_BULB])
    cooling_kw = plant_kw + crah_power_kw(p, airflow)
    ups_kw = ups_loss_kw(p, it_kw)
    load_kw = it_kw + ups_kw + cooling_kw
    battery_kw = run_battery(p, s, action[1], load_kw)

    import_kwh = step_energy_kwh(load_kw + battery_kw)
    battery_kwh = step_energy_kwh(battery_kw)
    energy_gbp, network_gbp, wear_gbp = bill_gbp(p, row, import_kwh, battery_kwh)
    s.period_kwh += import_kwh
    flex_gbp = 0.0
    if s.step % STEPS_PER_PERIOD == STEPS_PER_PERIOD - 1:
        flex_gbp = settle_period_gbp(p, row, committed_kw, s.period_kwh)
        s.period_kwh = 0.0
    s.import_kw = load_kw + battery_kw
    s.load_kw = load_kw
    s.it_kw = it_kw
    s.step += 1

    out.import_kwh = import_kwh
    out.it_kwh = step_energy_kwh(it_kw)
    out.ups_kwh = step_energy_kwh(ups_kw)
    out.cooling_kwh = step_energy_kwh(cooling_kw)
    out.plant_kwh = step_energy_kwh(plant_kw)
    out.battery_kwh = battery_kwh
    out.heat_removed_kwh = removed_kwh
    out.arrived_kwh = arrived
    out.executed_kwh = executed
    out.late_kwh = late
    out.overheat_minutes = overheat_minutes
    out.inlet_degc = s.inlet_degc
    out.executed_load_shift = action[0]
    out.executed_battery = battery_kw / p.battery_kw if p.battery_kw > 0.0 else 0.0
    out.executed_cooling = 2.0 * (setpoint - p.supply_min_degc) / (p.supply_max_degc - p.supply_min_degc) - 1.0
    out.energy_gbp = energy_gbp
    out.network_gbp = network_gbp
    out.wear_gbp = wear_gbp
    out.flex_gbp = flex_gbp
    out.penalty_gbp = overheat_minutes * p.overheat_gbp_per_minute + late * p.late_gbp_per_kwh
    out.carbon_kg = import_kwh * row[CARBON] / 1000.0


@njit(cache=True, error_model="numpy")
def step_batch(params, values, offset, length, state, queue, actions, commitments, out):
    """Advance every site of a batch that is still running. A site past its end reports zeros.

    Args:
        params (B,), state (B,), out (B,): records. values float64 (R, columns): the rows of all series end to end.
        offset int64 (B,): first row of each site's series. length int64 (B,): its control steps.
        queue float64 (B, 96), actions float64 (B, 3), commitments float64 (B, P).
    """
    for i in range(len(params)):
        t = state[i].step
        if t >= length[i]:
            _clear(out[i])
            continue
        step(
            params[i],
            values[offset[i] + t],
            state[i],
            queue[i],
            actions[i],
            commitments[i, t // STEPS_PER_PERIOD],
            out[i],
        )


@njit(cache=True)
def _clear(out):
    out.import_kwh = 0.0
    out.it_kwh = 0.0
    out.ups_kwh = 0.0
    out.cooling_kwh = 0.0
    out.plant_kwh = 0.0
    out.battery_kwh = 0.0
    out.heat_removed_kwh = 0.0
    out.arrived_kwh = 0.0
    out.executed_kwh = 0.0
    out.late_kwh = 0.0
    out.overheat_minutes = 0.0
    out.energy_gbp = 0.0
    out.network_gbp = 0.0
    out.wear_gbp = 0.0
    out.flex_gbp = 0.0
    out.penalty_gbp = 0.0
    out.carbon_kg = 0.0


@njit(cache=True, forceinline=True)
def expected_load_kw(p, row, s, queue):
    """Site load of the coming step without the battery, if arriving and due work passes and cooling holds."""
    executed = min(row[UTILISATION] * full_work_kwh(p) + s.overdue_kwh + queue[s.step % len(queue)], full_work_kwh(p))
    inlet = s.setpoint_degc + p.recirculation_k
    it_kw = it_power_kw(p, executed, inlet, s.inlet_degc)
    plant_kw = plant_power_kw(p, it_kw, s.setpoint_degc, row[WET_BULB])
    return it_kw + ups_loss_kw(p, it_kw) + plant_kw + crah_power_kw(p, airflow_share(p, it_kw, inlet))


@njit(cache=True, error_model="numpy")
def feasible_batch(params, rows, state, queue, bounds):
    """Fill float32 (B, 3, 2) with the lowest and highest action each actuator can follow in the coming step."""
    for i in range(len(params)):
        p = params[i]
        s = state[i]
        bounds[i, 0, 0] = -1.0
        bounds[i, 0, 1] = 1.0
        load_kw = expected_load_kw(p, rows[i], s, queue[i])
        rating = max(p.battery_kw, 1e-9)
        bounds[i, 1, 0] = -discharge_limit_kw(p, s.soc_kwh, load_kw) / rating
        bounds[i, 1, 1] = charge_limit_kw(p, s.soc_kwh, load_kw) / rating
        span = p.supply_max_degc - p.supply_min_degc
        bounds[i, 2, 0] = max(-1.0, 2.0 * (s.setpoint_degc - p.supply_slew_k - p.supply_min_degc) / span - 1.0)
        bounds[i, 2, 1] = min(1.0, 2.0 * (s.setpoint_degc + p.supply_slew_k - p.supply_min_degc) / span - 1.0)
