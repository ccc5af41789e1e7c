"""Battery: power limits from energy, rating, import limit and no export; an efficiency each way.

The energy reservoir model (Rosewater et al., Battery Energy Storage Models for Optimal Control, IEEE Access 2019).
Power is on the AC side, positive when charging.
"""

from __future__ import annotations

from numba import njit

from envs.state import Record
from grid.rows import STEP_HOURS


@njit(cache=True, forceinline=True)
def charge_limit_kw(p: Record, soc_kwh: float, load_kw: float) -> float:
    """Most AC power the battery can take this step: rating, room in the cells, import limit."""
    cells = (p.soc_max * p.battery_kwh - soc_kwh) / (p.charge_efficiency * STEP_HOURS)
    return max(0.0, min(p.battery_kw, cells, p.import_limit_kw - load_kw))


@njit(cache=True, forceinline=True)
def discharge_limit_kw(p: Record, soc_kwh: float, load_kw: float) -> float:
    """Most AC power the battery can give this step: rating, energy in the cells, no export."""
    cells = (soc_kwh - p.soc_min * p.battery_kwh) * p.discharge_efficiency / STEP_HOURS
    return max(0.0, min(p.battery_kw, cells, load_kw))


@njit(cache=True, forceinline=True)
def run_battery(p: Record, s: Record, action: float, load_kw: float) -> float:
    """Charge (action > 0) or discharge for one step within the limits. -> AC power in kW."""
    wanted_kw = action * p.battery_kw
    if wanted_kw >= 0.0:
        power_kw = min(wanted_kw, charge_limit_kw(p, s.soc_kwh, load_kw))
        s.soc_kwh += power_kw * p.charge_efficiency * STEP_HOURS
    else:
        power_kw = -min(-wanted_kw, discharge_limit_kw(p, s.soc_kwh, load_kw))
        s.soc_kwh += power_kw / p.discharge_efficiency * STEP_HOURS
    return power_kw
