"""Server and UPS power."""

from __future__ import annotations

from numba import njit

from envs.load_shift import availability, full_work_kwh


@njit(cache=True, forceinline=True)
def server_fan_speed(p, inlet_degc):
    """Relative speed of the server fans: 1 up to the knee, rising linearly above it."""
    return 1.0 + p.server_fan_speed_per_k * max(0.0, inlet_degc - p.server_fan_knee_degc)


@njit(cache=True, forceinline=True)
def it_power_kw(p, executed_kwh, inlet_degc, last_inlet_degc):
    """IT power: idle share plus work, leakage rising with the inlet, fans by the cube law.

    Linear power model of Barroso and Hoelzle (2007). Servers that have shut down draw nothing.
    """
    up = min(1.0, 2.0 * availability(p, last_inlet_degc))
    base = p.it_capacity_kw * (p.idle_share * up + (1.0 - p.idle_share) * executed_kwh / full_work_kwh(p))
    leakage = 1.0 + p.leakage_per_k * (inlet_degc - p.leakage_reference_degc)
    speed = server_fan_speed(p, inlet_degc)
    return base * (max(0.0, leakage) + p.server_fan_share * speed * speed * speed)


@njit(cache=True, forceinline=True)
def ups_loss_kw(p, it_kw):
    """UPS loss a + b x + c x^2 of rated power at load x (the usual fixed, linear and square terms)."""
    x = it_kw / p.it_capacity_kw
    return p.it_capacity_kw * (p.ups_loss_fixed + x * (p.ups_loss_linear + x * p.ups_loss_square))
