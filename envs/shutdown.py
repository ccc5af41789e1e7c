"""How many servers stay up under a plant that cannot keep the room cool: temperatures are bounded at any site.

Servers stop at their thermal limit by themselves, and a server room heats faster than a control step lasts. So the
room is tried out through the step (``envs.cooling.through_substep``) and as many servers run as keep every inlet of it
below shutdown. With none left up no node warms, so that an inlet never passes ``hottest_degc``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.cooling import SUBSTEPS, airflow_share, crah_power_kw, room_rates, through_substep
from envs.it_load import power_factor, server_fan_speed
from envs.state import Record

HALVINGS = 16  # of the share of servers: 0.002 % of the site


@njit(cache=True, forceinline=True)
def servers_that_stay_up(
    p: Record, s: Record, supply_degc: float, capacity_kw: float, factor: float, fan_speed: float
) -> float:
    """Largest share of the servers, all of them busy, that ends the step with no inlet above shutdown on the way."""
    it_kw = p.it_capacity_kw * factor
    heat_kw = it_kw + crah_power_kw(p, airflow_share(p, it_kw, fan_speed))
    warmest = max(s.air_degc, s.mass_degc) + p.recirculation_k
    if heat_kw <= capacity_kw and warmest <= p.shutdown_degc:
        return 1.0  # a plant that removes all heat warms nothing
    if _stays_below(p, s, supply_degc, capacity_kw, it_kw, fan_speed):
        return 1.0
    if not _stays_below(p, s, supply_degc, capacity_kw, 0.0, fan_speed):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _stays_below(p, s, supply_degc, capacity_kw, middle * it_kw, fan_speed):
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, forceinline=True)
def _stays_below(p: Record, s: Record, supply_degc: float, capacity_kw: float, it_kw: float, fan_speed: float) -> bool:
    airflow = airflow_share(p, it_kw, fan_speed)
    heat_kw = it_kw + crah_power_kw(p, airflow)
    rates = room_rates(p, airflow)
    air, mass = s.air_degc, s.mass_degc
    for _ in range(SUBSTEPS):
        air, mass, inlet, _removed_kw = through_substep(p, rates, air, mass, heat_kw, supply_degc, capacity_kw)
        if inlet > p.shutdown_degc:
            return False
    return True


def hottest_degc(params: np.ndarray) -> np.ndarray:
    """float64 (B,): what no server inlet of these sites passes, whatever the plant, the weather and the actions.

    While a server is up the inlet is at most at shutdown, and air warms by no more than its heat over its own flow. So
    return air stays below shutdown plus that rise; inlets reach it only when a plant fails under a hot room and, all
    servers down, supply and return air mix.
    """
    hottest = np.empty(len(params))
    for i, p in enumerate(params):
        fan_speed = server_fan_speed(p, p["shutdown_degc"])
        it_kw = p["it_capacity_kw"] * power_factor(p, p["shutdown_degc"], fan_speed)
        airflow = airflow_share(p, it_kw, fan_speed)
        rise_k = (1.0 + p["crah_fan_share"] * airflow * airflow) / p["airflow_kw_per_k"]
        hottest[i] = p["shutdown_degc"] + rise_k
    return hottest
