"""Server power, power distribution loss, and what heat does to servers."""

from __future__ import annotations

from numba import njit

from envs.load_shift import full_work_kwh
from envs.state import Record


@njit(cache=True, forceinline=True)
def server_fan_speed(p: Record, inlet_degc: float) -> float:
    """Speed of the server fans against rated inlet: 1 up to the knee, then linear up to the top speed.

    That server fans speed up above a knee in the mid twenties is in ASHRAE TC 9.9's guidelines; the slope is assumed.
    """
    speed = 1.0 + p.server_fan_speed_per_k * max(0.0, inlet_degc - p.server_fan_knee_degc)
    return min(speed, p.server_fan_speed_max)


@njit(cache=True, forceinline=True)
def power_factor(p: Record, inlet_degc: float, fan_speed: float) -> float:
    """IT power against rated conditions: leakage rises with the inlet (linear about the
    reference, assumption), fans follow the cube law (affinity laws).
    """
    leakage = p.leakage_per_k * (inlet_degc - p.reference_inlet_degc)
    return 1.0 + leakage + p.server_fan_share * (fan_speed * fan_speed * fan_speed - 1.0)


@njit(cache=True, forceinline=True)
def it_power_kw(p: Record, executed_kwh: float, servers_up: float, factor: float) -> float:
    """Idle share of the servers that are up, plus work: linear in utilisation (Fan, Weber and Barroso, ISCA 2007)."""
    work = executed_kwh / full_work_kwh(p)
    return p.it_capacity_kw * (p.idle_share * servers_up + (1.0 - p.idle_share) * work) * factor


@njit(cache=True, forceinline=True)
def throttle_share(p: Record, inlet_degc: float) -> float:
    """Share of the servers' speed left at an inlet temperature: linear from throttling to shutdown (assumption)."""
    return min(1.0, max(0.0, (p.shutdown_degc - inlet_degc) / (p.shutdown_degc - p.throttle_degc)))


@njit(cache=True, forceinline=True)
def distribution_loss_kw(p: Record, it_kw: float) -> float:
    """UPS and distribution loss: no-load, proportional and square-law terms, as shares of rated power.

    The form is that of Rasmussen, Electrical Efficiency Modeling for Data Centers (APC/Schneider white paper 113).
    """
    x = it_kw / p.it_capacity_kw
    return p.it_capacity_kw * (p.ups_loss_fixed + x * (p.ups_loss_linear + x * p.ups_loss_square))
