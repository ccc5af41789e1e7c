"""One step of SustainDC and the batch loop over it; rewards and observations are built outside."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.sustaindc.battery import run_battery
from envs.sustaindc.constants import (
    BATTERY,
    CO2,
    COMPRESSOR,
    COOLING,
    COOLING_LOAD,
    CPU,
    CRAC_FAN,
    CT_PUMP,
    CW_PUMP,
    DELTA,
    DISCHARGE,
    HVAC,
    INLET,
    IT,
    LOAD_SHIFT,
    MIN_OUTLET_RISE_K,
    OUTLET,
    REPEATS,
    RETURN,
    SERVER_FAN,
    SETPOINT,
    STRIDE,
    TOTAL,
    TOWER_FAN,
    WATER,
    Record,
)
from envs.sustaindc.load_shift import shift_load
from envs.sustaindc.plant import chiller_w, cooling_load_w, move_setpoint, run_rack, tower_fan_w, water_litres
from envs.sustaindc.series import CARBON, DRY_BULB, WET_BULB, WORKLOAD


@njit(cache=True, forceinline=True)
def run_racks(
    p: Record,
    kinds: np.ndarray,
    kind_of_rack: np.ndarray,
    setpoint_degc: float,
    utilisation: float,
    scratch: np.ndarray,
) -> tuple[float, float, float, float, float]:
    """All racks. -> mean inlet, mean outlet, return degC, CPU W, server fan W. ``scratch`` float64 (kinds, 4)."""
    for k in range(len(kinds)):
        if kinds[k].servers == 0:  # padding of a batch with unlike sites
            break
        inlet, outlet, cpu_w, fan_w, _ = run_rack(p, kinds[k], setpoint_degc, utilisation * 100)
        if outlet - inlet < MIN_OUTLET_RISE_K:
            raise ValueError(
                "rack outlet less than 2 K above its inlet: outside SustainDC's model; check the rack data"
            )
        scratch[k, 0] = inlet
        scratch[k, 1] = outlet
        scratch[k, 2] = cpu_w
        scratch[k, 3] = fan_w
    inlets = 0.0
    outlets = 0.0
    returns = 0.0
    cpu_w = 0.0
    fan_w = 0.0
    racks = len(kind_of_rack)
    for i in range(racks):
        k = kind_of_rack[i]
        inlets += scratch[k, 0]
        outlets += scratch[k, 1]
        returns += kinds[k].return_approach_k + scratch[k, 1]
        cpu_w += scratch[k, 2]
        fan_w += scratch[k, 3]
    return inlets / racks, outlets / racks, returns / racks, cpu_w, fan_w


@njit(cache=True, forceinline=True)
def step(
    p: Record,
    kinds: np.ndarray,
    kind_of_rack: np.ndarray,
    row: np.ndarray,
    s: Record,
    queued_by: np.ndarray,
    action: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
) -> None:
    """Advance one site by one control step, in place.

    Args:
        p: record of ``SITE_DTYPE``. kinds: records (K,) of ``RACK_DTYPE``. kind_of_rack: int (racks,).
        row: float64 (series columns,). s: record of ``STATE_DTYPE``. queued_by: int32 (horizon + 1,).
        action: int (3,), codes 0-2. out: float64 (outputs,), overwritten. scratch: float64 (K, 4).
    """
    utilisation = shift_load(p, s, queued_by, row[WORKLOAD], action[LOAD_SHIFT], out)

    delta = move_setpoint(p, s, action[COOLING])
    setpoint = s.setpoint_degc
    inlet, outlet, returned, cpu_w, fan_w = run_racks(p, kinds, kind_of_rack, setpoint, utilisation, scratch)
    it_w = cpu_w + fan_w
    load_w = cooling_load_w(p, it_w, returned, setpoint)
    compressor_w = chiller_w(p.plant_rating_w, load_w, row[DRY_BULB])
    tower_w = tower_fan_w(p, load_w, row[DRY_BULB], setpoint)
    total_kw = (it_w + tower_w + compressor_w) / 1e3

    net_kwh = run_battery(p, s, action[BATTERY], total_kw, out)
    metered_kwh = max(net_kwh, 0.0) if action[BATTERY] == DISCHARGE else net_kwh

    out[DELTA] = delta
    out[REPEATS] = s.repeats
    out[STRIDE] = s.stride
    out[SETPOINT] = setpoint
    out[INLET] = inlet
    out[OUTLET] = outlet
    out[RETURN] = returned
    out[CPU] = cpu_w
    out[SERVER_FAN] = fan_w
    out[IT] = it_w / 1e3
    out[CRAC_FAN] = p.crac_fan_w
    out[COOLING_LOAD] = load_w
    out[TOWER_FAN] = tower_w
    out[COMPRESSOR] = compressor_w
    out[CW_PUMP] = p.cw_pump_w
    out[CT_PUMP] = p.ct_pump_w
    out[HVAC] = (tower_w + compressor_w) / 1e3
    out[TOTAL] = total_kw
    out[WATER] = water_litres(returned, setpoint, row[WET_BULB])
    out[CO2] = metered_kwh * row[CARBON]
    s.step += 1


@njit(cache=True, error_model="numpy")
def step_batch(
    params: np.ndarray,
    kinds: np.ndarray,
    kind_of_rack: np.ndarray,
    site: np.ndarray,
    values: np.ndarray,
    first_row: np.ndarray,
    state: np.ndarray,
    queued_by: np.ndarray,
    actions: np.ndarray,
    out: np.ndarray,
) -> None:
    """Advance every site of a batch.

    Args:
        params (S,), kinds (S, K): records of the distinct sites; kind_of_rack int64 (S, racks); site int64 (B,).
        values float64 (R, columns): rows of all series end to end; first_row int64 (B,): row of each site's step 0.
        state records (B,), queued_by int32 (B, horizon + 1), actions int64 (B, 3), out float64 (B, outputs).
    """
    scratch = np.empty((kinds.shape[1], 4))
    for i in range(len(state)):
        k = site[i]
        row = values[first_row[i] + state[i].step]
        step(params[k], kinds[k], kind_of_rack[k], row, state[i], queued_by[i], actions[i], out[i], scratch)


@njit(cache=True, error_model="numpy")
def rack_table(
    params: np.ndarray, kinds: np.ndarray, kind_of_rack: np.ndarray, setpoint_degc: float, utilisation: float
) -> np.ndarray:
    """float64 (racks, 5): inlet degC, outlet degC, CPU W, fan W, air flow m3/s of every rack of one site."""
    table = np.empty((len(kind_of_rack), 5))
    for i in range(len(kind_of_rack)):
        table[i, :] = run_rack(params[0], kinds[kind_of_rack[i]], setpoint_degc, utilisation * 100)
    return table
