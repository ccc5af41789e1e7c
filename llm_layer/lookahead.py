"""What the battery and the queue are worth on the published outlook: two small dynamic programmes a site.

They price a proposal against its alternatives: what would each action, held until the next decision, cost from here on if
everything after it went as well as the outlook allows? Differences are the pounds that conflicts and opportunities are
stated in. Nothing unpublished enters: prices, carbon and system prices beyond now are the view's forecasts.

Stages are clock hours (prices are hourly), split where the hold ends. Prices are in GBP/kWh of the objective: tariff,
network and carbon at the site's carbon price, and in hours already sold what an imported kWh takes away from the
settlement.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from grid.rows import (
    CARBON,
    DAY_AHEAD,
    FORECAST_SIGNALS,
    NETWORK,
    STEP_HOURS,
    SYSTEM,
    TARIFF,
)

HOURS = 36  # as far ahead as a day-ahead price is ever published
STAGES = HOURS + 1
LEVELS = np.linspace(-1.0, 1.0, 9)  # actions tried
SOC_NODES = 33
QUEUE_NODES = 33
CURVE_POINTS = 5  # utilisation 0, 1/4, ..., 1

_CARBON_F = FORECAST_SIGNALS.index("carbon_gco2_per_kwh")
_PRICE_F = FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")
_SYSTEM_F = FORECAST_SIGNALS.index("system_gbp_per_mwh")


@njit(cache=True)
def stage_signals(row, forecast, sold_kw, quarter, hold, carbon_gbp_per_kg, kept_share):
    """Stages of the outlook.

    Args:
        row float64 (columns,), forecast float32 (signals, 96): one site's, as in ``SiteView``. sold_kw float64 (n,): sold
        in the coming settlement periods, the present one first. quarter: 0-3, the quarter of the clock hour that the
        present step is. hold: steps until the next decision. kept_share: 1 - aggregator share.

    Returns:
        steps int64 (STAGES,), price float64 (STAGES,) GBP/kWh, carbon float64 (STAGES,) kg/kWh.
    """
    steps = np.zeros(STAGES, dtype=np.int64)
    price = np.zeros(STAGES)
    carbon = np.zeros(STAGES)
    adder = row[TARIFF] - row[DAY_AHEAD] + row[NETWORK]
    at = 0
    for j in range(STAGES):
        to_hour = 4 - (quarter + at) % 4
        steps[j] = min(to_hour, hold - at) if at < hold else to_hour
        for k in range(at, at + steps[j]):
            # Forecast k stands 30 (k + 1) minutes after now.
            ahead = (k + 1) // 2 - 1
            if ahead < 0:
                g, p, system = row[CARBON], row[DAY_AHEAD], row[SYSTEM]
            else:
                ahead = min(ahead, forecast.shape[1] - 1)
                g, p, system = forecast[_CARBON_F, ahead], forecast[_PRICE_F, ahead], forecast[_SYSTEM_F, ahead]
            period = (quarter % 2 + k) // 2
            gbp_per_mwh = p + adder
            if period < len(sold_kw) and sold_kw[period] > 0.0:
                gbp_per_mwh += kept_share * system
            price[j] += (gbp_per_mwh + carbon_gbp_per_kg * g) / 1000.0 / steps[j]
            carbon[j] += g / 1000.0 / steps[j]
        at += steps[j]
    return steps, price, carbon


@njit(cache=True)
def _value(values, x, top):
    """Linear interpolation on nodes evenly spread over [0, top]."""
    if top <= 0.0:
        return values[0]
    at = min(max(x / top, 0.0), 1.0) * (len(values) - 1)
    low = min(int(at), len(values) - 2)
    return values[low] + (at - low) * (values[low + 1] - values[low])


@njit(cache=True)
def _battery_step(energy, level, hours, battery, price):
    """-> (energy after, AC kWh, cost): one stage at a constant action, cut off where the battery is full or empty."""
    usable, charge_kw, discharge_kw, charge_eff, discharge_eff, wear = battery
    if level >= 0.0:
        ac = min(level * charge_kw * hours, (usable - energy) / charge_eff)
        return energy + ac * charge_eff, ac, ac * price
    ac = min(-level * discharge_kw * hours, energy * discharge_eff)
    return energy - ac / discharge_eff, -ac, ac * (wear - price)


@njit(cache=True)
def battery_costs(steps, price, hold, energy, battery, levels):
    """What holding each of ``levels`` until the next decision costs, with the best course after it.

    Args:
        energy: kWh in the battery above its lower limit.
        battery: usable kWh between its limits, most kW in, most kW out (AC), efficiencies in and out, wear in GBP/kWh
            discharged (AC).

    Returns:
        costs in GBP and AC kWh until the next decision (positive: charged), float64 (len(levels),) each. What is left at
        the end of the outlook is worth what it would discharge, at the outlook's mean price.
    """
    usable, discharge_eff, wear = battery[0], battery[4], battery[5]
    mean = 0.0
    for j in range(len(steps)):
        mean += price[j] * steps[j]
    mean /= steps.sum()
    nodes = np.linspace(0.0, max(usable, 1e-9), SOC_NODES)
    after = np.empty(SOC_NODES)
    for i in range(SOC_NODES):
        after[i] = -nodes[i] * discharge_eff * max(0.0, mean - wear)
    now = np.empty(SOC_NODES)
    held = 0
    at = 0
    for j in range(len(steps)):
        if at < hold:
            held += 1
        at += steps[j]
    for j in range(len(steps) - 1, held - 1, -1):
        hours = steps[j] * STEP_HOURS
        for i in range(SOC_NODES):
            best = np.inf
            for level in (-1.0, -0.5, 0.0, 0.5, 1.0):
                left, _, cost = _battery_step(nodes[i], level, hours, battery, price[j])
                best = min(best, cost + _value(after, left, usable))
            now[i] = best
        after, now = now, after
    costs = np.empty(len(levels))
    moved = np.zeros(len(levels))
    for n in range(len(levels)):
        left, total = energy, 0.0
        for j in range(held):
            left, ac, cost = _battery_step(left, levels[n], steps[j] * STEP_HOURS, battery, price[j])
            total += cost
            moved[n] += ac
        costs[n] = total + _value(after, left, usable)
    return costs, moved


@njit(cache=True)
def _import_kwh(curve, work_kwh, full_kwh):
    """Site import of one step that runs ``work_kwh``, from ``curve``: import at utilisation 0, 1/4, ..., 1."""
    return _value(curve, work_kwh, full_kwh)


@njit(cache=True)
def work_costs(steps, price, hold, queue, arriving, fixed, curve, full_kwh, deadline, levels):
    """What holding each load-shift action until the next decision costs, with the best course after it.

    Work runs earliest deadline first, so the queue's total alone decides, as long as it never exceeds what is still
    within its deadline. Energies are IT kWh per step.

    Args:
        queue: float64 (96,), by steps left. arriving, fixed: float64 (STAGES,), work per step that may and may not wait.
        curve: float64 (CURVE_POINTS,), site import per step by utilisation. deadline: steps work may wait.

    Returns:
        costs in GBP and site import in kWh that flexible work takes until the next decision, float64 (len(levels),) each.
    """
    stages = len(steps)
    start = np.zeros(stages + 1, dtype=np.int64)
    for j in range(stages):
        start[j + 1] = start[j] + steps[j]
    total = queue.sum()
    # Most that may wait after each stage: old work not yet due, and what arrived within the deadline.
    most = np.zeros(stages + 1)
    most[0] = total
    for j in range(stages):
        old = 0.0
        for k in range(start[j + 1], len(queue)):
            old += queue[k]
        new = 0.0
        for i in range(j + 1):
            if start[j + 1] - start[i] <= deadline:
                new += arriving[i] * steps[i]
        most[j + 1] = old + new
    top = max(most.max(), 1e-9)
    mean = 0.0
    for j in range(stages):
        mean += price[j] * steps[j]
    mean /= start[stages]
    slope = (curve[-1] - curve[0]) / full_kwh

    nodes = np.linspace(0.0, top, QUEUE_NODES)
    gap = nodes[1]
    after = nodes * slope * mean
    now = np.empty(QUEUE_NODES)
    held = 0
    while held < stages and start[held] < hold:
        held += 1
    for j in range(stages - 1, held - 1, -1):
        base = _import_kwh(curve, fixed[j], full_kwh)
        room = max(0.0, full_kwh - fixed[j]) * steps[j]
        came = arriving[j] * steps[j]
        for i in range(QUEUE_NODES):
            have = nodes[i] + came
            low = int(np.ceil(max(0.0, have - room) / gap - 1e-9))
            high = int(np.floor(min(have, most[j + 1]) / gap + 1e-9))
            low = min(low, QUEUE_NODES - 1)
            high = min(max(high, low), QUEUE_NODES - 1)
            best = np.inf
            for to in range(low, high + 1):
                run = max(0.0, have - nodes[to]) / steps[j]
                cost = price[j] * steps[j] * (_import_kwh(curve, fixed[j] + run, full_kwh) - base)
                best = min(best, cost + after[to])
            now[i] = best
        after, now = now, after
    costs = np.empty(len(levels))
    moved = np.zeros(len(levels))
    for n in range(len(levels)):
        have, cost = total, 0.0
        due_at = 0
        for j in range(held):
            base = _import_kwh(curve, fixed[j], full_kwh)
            for _ in range(steps[j]):
                room = max(0.0, full_kwh - fixed[j])
                forced = min(queue[due_at] if due_at < len(queue) else 0.0, have)
                due_at += 1
                run = min(room, forced + arriving[j] * (1.0 - max(0.0, -levels[n])))
                have += arriving[j] - run
                if levels[n] > 0.0:
                    drained = levels[n] * min(have, room - run)
                    have -= drained
                    run += drained
                extra = _import_kwh(curve, fixed[j] + run, full_kwh) - base
                moved[n] += extra
                cost += price[j] * extra
        costs[n] = cost + _value(after, have, top)
    return costs, moved


@njit(cache=True)
def stage_work(profile, utilisation, hour, quarter, steps, deferrable_share, full_kwh):
    """Expected work of each stage, IT kWh per step -> (may wait, may not), float64 (STAGES,) each.

    profile: float64 (24,), utilisation by UTC hour of day. utilisation: of the present row. hour, quarter: of the present step, UTC.
    """
    arriving = np.empty(STAGES)
    fixed = np.empty(STAGES)
    at = quarter
    for j in range(STAGES):
        share = utilisation if j == 0 else profile[(hour + at // 4) % 24]
        arriving[j] = share * full_kwh * deferrable_share
        fixed[j] = share * full_kwh - arriving[j]
        at += steps[j]
    return arriving, fixed
