"""Compiled inner loops of training: advance sites with automatic restart, observe, sample codes, estimate advantages.

The physics is ``envs.step`` alone. Each site is stepped twice: as the agents act, and as a shadow that shares the
load-shift action but cools neutrally and rests its battery. Differences along the chain

    neutral -> shadow (load shift) -> real load without battery (cooling) -> metered import (battery)

give each agent its own marginal energy, on whole trajectories: work deferred today is charged when it runs. The
neutral site's meter is known beforehand for every row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.kernel import feasible_site
from envs.state import OUT, OUTPUTS, Record
from envs.step import step
from grid.rows import CARBON, NETWORK, REFERENCE_PRICE, STEPS_PER_PERIOD, SYSTEM, TARIFF

NEUTRAL_COLUMNS = ("import_kwh", "penalty_gbp", "supply_degc", "air_degc", "mass_degc", "inlet_degc", "load_kw")
# Pounds of an episode; all but the last are the accounts'. stock_gbp is what stock booked as it changes moved
# between steps, up or down: a shaping of training rewards whose sum over an episode the terminal terms already hold.
TERMS = (
    "energy_gbp", "network_gbp", "wear_gbp", "flex_gbp", "carbon_cost_gbp", "penalty_gbp", "terminal_gbp",
    "neutral_gbp", "stock_gbp",
)  # fmt: skip
_NEUTRALS, _OUTPUTS, _TERMS = len(NEUTRAL_COLUMNS), len(OUTPUTS), len(TERMS)
_IMPORT, _BATTERY, _PENALTY = OUT["import_kwh"], OUT["battery_kwh"], OUT["penalty_gbp"]
_ENERGY, _NETWORK_GBP, _WEAR, _FLEX, _CARBON_GBP = (
    OUT[f"{name}_gbp"] for name in ("energy", "network", "wear", "flex", "carbon_cost")
)
_SOC, _QUEUED = OUT["soc_kwh"], OUT["queued_kwh"]


@njit(cache=True, error_model="numpy")
def _neutral_path(
    params: np.ndarray, values: np.ndarray, state: np.ndarray, queue: np.ndarray, cooling: float, out: np.ndarray
) -> None:
    report = np.empty(_OUTPUTS)
    for t in range(len(values)):
        s = state[0]
        out[t, 2] = s.supply_degc
        out[t, 3] = s.air_degc
        out[t, 4] = s.mass_degc
        out[t, 5] = s.inlet_degc
        out[t, 6] = s.load_kw
        step(params[0], values[t], state[0], queue, 0.0, 0.0, cooling, 0.0, False, 0.0, report)
        out[t, 0] = report[_IMPORT]
        out[t, 1] = report[_PENALTY]


def neutral_path(params: np.ndarray, values: np.ndarray, state: np.ndarray, queue_kwh: np.ndarray) -> np.ndarray:
    """float64 (T, NEUTRAL_COLUMNS): what the neutral site of ``params`` (1,) meters by row, and its state before it."""
    out = np.empty((len(values), _NEUTRALS))
    span = params["supply_max_degc"][0] - params["supply_min_degc"][0]
    cooling = 2.0 * (params["supply_neutral_degc"][0] - params["supply_min_degc"][0]) / span - 1.0
    _neutral_path(params, np.ascontiguousarray(values), state.copy(), np.array(queue_kwh), float(cooling), out)
    return out


@njit(cache=True, forceinline=True)
def _draw(rng: np.ndarray, i: int) -> float:
    """Uniform in [0, 1) from the site's own SplitMix64 state (Steele et al. 2014)."""
    rng[i] += np.uint64(0x9E3779B97F4A7C15)
    z = rng[i]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, forceinline=True)
def _restart(p: Record, s: Record, queue: np.ndarray, neutral: np.ndarray) -> None:
    """A site at a row of its world as the neutral site would be there, battery at its start charge, nothing queued."""
    s.step = 0
    s.soc_kwh = p.soc_start * p.battery_kwh
    s.supply_degc = neutral[2]
    s.air_degc = neutral[3]
    s.mass_degc = neutral[4]
    s.inlet_degc = neutral[5]
    s.load_kw = neutral[6]
    s.queued_kwh = 0.0
    s.overdue_kwh = 0.0
    s.period_kwh = 0.0
    queue[:] = 0.0


@njit(cache=True, error_model="numpy")
def restart_site(
    i: int, length: int, params: np.ndarray, state: np.ndarray, queue: np.ndarray, shadow: np.ndarray,
    shadow_queue: np.ndarray, rng: np.ndarray, world: np.ndarray, first: np.ndarray, worlds: np.ndarray,
    neutral: np.ndarray, values: np.ndarray, requests: np.ndarray, sale_share: float, commitments: np.ndarray,
    baseline: np.ndarray,
) -> None:  # fmt: skip
    """Begin an episode of ``length`` steps at site i: a drawn world and start, and some of its requests sold.

    worlds int64 (W, 4): first row, steps, first request, requests. Sales are drawn, not decided: a share of the
    requests that lie in the episode, each at a drawn power that the market would take.
    """
    k = int(_draw(rng, i) * len(worlds))
    starts = (worlds[k, 1] - length) // STEPS_PER_PERIOD + 1
    at = worlds[k, 0] + STEPS_PER_PERIOD * int(_draw(rng, i) * starts)
    world[i] = k
    first[i] = at
    _restart(params[i], state[i], queue[i], neutral[at])
    _restart(params[i], shadow[i], shadow_queue[i], neutral[at])
    commitments[i] = 0.0
    for r in range(worlds[k, 2], worlds[k, 2] + worlds[k, 3]):
        begin, end = int(requests[r, 0]) - at, int(requests[r, 1]) - at
        if begin < 4 or end > length:
            continue
        sold, share = _draw(rng, i) < sale_share, 0.3 + 0.7 * _draw(rng, i)
        if not sold:
            continue
        most = min(requests[r, 2], params[i].registered_kw)
        for period in range(begin // STEPS_PER_PERIOD, end // STEPS_PER_PERIOD):
            most = min(most, baseline[at // STEPS_PER_PERIOD + period])
        kw = np.floor(share * most)
        if kw >= params[i].min_commitment_kw:
            for period in range(begin // STEPS_PER_PERIOD, end // STEPS_PER_PERIOD):
                commitments[i, period] = kw


@njit(cache=True, forceinline=True)
def price_gbp_per_mwh(p: Record, row: np.ndarray, sold: bool) -> float:
    """What a kWh more or less costs the site, carbon included; once sold, what its delivery earns or loses as well."""
    price = row[TARIFF] + row[NETWORK] + p.carbon_price_gbp_per_t / 1000.0 * row[CARBON]
    if sold:
        price += (1.0 - p.aggregator_share) * (row[SYSTEM] - p.vtp_pays * row[REFERENCE_PRICE])
    return price


@njit(cache=True, forceinline=True)
def stock_means(sums: np.ndarray, begin: int, end: int, out: np.ndarray) -> None:
    """Mean price over an episode and over the 24 h after it, then carbon likewise: what ``left_gbp`` books stock at."""
    tail = end + 96
    out[0] = (sums[end, 0] - sums[begin, 0]) / (end - begin)
    out[1] = (sums[tail, 1] - sums[end, 1]) / 96.0
    out[2] = (sums[end, 2] - sums[begin, 2]) / (end - begin)
    out[3] = (sums[tail, 2] - sums[end, 2]) / 96.0


@njit(cache=True, forceinline=True)
def left_gbp(
    p: Record, soc_kwh: float, queued_kwh: float, import_per_it: float, means: np.ndarray
) -> tuple[float, float]:
    """Terminal cost of the battery and of the queue, carbon included (``grid.market.terminal``).

    means: mean price over the week and over the 24 h after it, and the same of carbon, in ``grid`` units.
    """
    deficit = p.soc_start * p.battery_kwh - soc_kwh
    battery_kwh = deficit / p.charge_efficiency if deficit > 0.0 else deficit * p.discharge_efficiency
    carbon = p.carbon_price_gbp_per_t / 1000.0
    battery = battery_kwh * (means[0] + carbon * means[2]) / 1000.0
    return battery, queued_kwh * import_per_it * (means[1] + carbon * means[3]) / 1000.0


@njit(cache=True, error_model="numpy")
def advance(
    length: int, params: np.ndarray, values: np.ndarray, sums: np.ndarray, level: np.ndarray, neutral: np.ndarray,
    import_per_it: np.ndarray, worlds: np.ndarray, requests: np.ndarray, baseline: np.ndarray, sale_share: float,
    stock_each_step: bool, state: np.ndarray, queue: np.ndarray, shadow: np.ndarray, shadow_queue: np.ndarray,
    rng: np.ndarray, world: np.ndarray, first: np.ndarray, commitments: np.ndarray, actions: np.ndarray,
    bounds: np.ndarray, reward: np.ndarray, team: np.ndarray, done: np.ndarray, terms: np.ndarray,
    finished: np.ndarray,
) -> int:  # fmt: skip
    """One control step of every site; one whose episode ends begins another. -> how many ended.

    actions float32 (B, 3) as wanted, clipped here to ``bounds`` float32 (B, 3, 2), which are then renewed;
    sums float64 (R + 1, 3): running sums of tariff, tariff + network and carbon; baseline float64 (R / 2,) kW.
    Written: reward float64 (B, 3), each agent's marginal GBP against neutral over the price level at its episode's
    start; team float64 (B,), minus the objective's share in GBP; done bool (B,); terms float64 (B, TERMS) summed over
    the episode so far; finished float64 (n, TERMS), terms of the episodes that ended, in order.
    """
    out, still = np.empty(_OUTPUTS), np.empty(_OUTPUTS)
    means = np.empty(4)
    ended = 0
    for i in range(len(params)):
        p = params[i]
        t = state[i].step
        row = values[first[i] + t]
        before = neutral[first[i] + t]
        period = t // STEPS_PER_PERIOD
        sold_kw, base_kw = commitments[i, period], baseline[first[i] // STEPS_PER_PERIOD + period]
        soc, queued = state[i].soc_kwh, state[i].queued_kwh
        shift = min(max(np.float64(actions[i, 0]), np.float64(bounds[i, 0, 0])), np.float64(bounds[i, 0, 1]))
        power = min(max(np.float64(actions[i, 1]), np.float64(bounds[i, 1, 0])), np.float64(bounds[i, 1, 1]))
        cool = min(max(np.float64(actions[i, 2]), np.float64(bounds[i, 2, 0])), np.float64(bounds[i, 2, 1]))
        hold = 2.0 * (p.supply_neutral_degc - p.supply_min_degc) / (p.supply_max_degc - p.supply_min_degc) - 1.0
        step(p, row, state[i], queue[i], shift, power, cool, sold_kw, False, base_kw, out)
        step(p, row, shadow[i], shadow_queue[i], shift, 0.0, hold, 0.0, False, 0.0, still)

        price = price_gbp_per_mwh(p, row, sold_kw > 0.0)
        r0 = -(still[_IMPORT] - before[0]) * price / 1000.0 - (still[_PENALTY] - before[1])
        r2 = -(out[_IMPORT] - out[_BATTERY] - still[_IMPORT]) * price / 1000.0 - (out[_PENALTY] - still[_PENALTY])
        r1 = -out[_BATTERY] * price / 1000.0 - out[_WEAR]
        whole = out[_FLEX] - (out[_ENERGY] + out[_NETWORK_GBP] + out[_WEAR] + out[_CARBON_GBP] + out[_PENALTY])

        last = t + 1 == length
        if stock_each_step or last:
            stock_means(sums, first[i], first[i] + length, means)
            ratio = import_per_it[world[i]]
            battery, work = left_gbp(p, out[_SOC], out[_QUEUED], ratio, means)
            r1 -= battery
            r0 -= work
            if stock_each_step:
                held, waiting = left_gbp(p, soc, queued, ratio, means)
                r1 += held
                r0 += waiting
                terms[i, 8] += abs(held - battery) + abs(waiting - work)
            if last:
                whole -= battery + work
                terms[i, 6] += battery + work
        start_level = level[first[i]]
        reward[i, 0] = r0 / start_level
        reward[i, 1] = r1 / start_level
        reward[i, 2] = r2 / start_level
        team[i] = whole
        done[i] = last
        terms[i, 0] += out[_ENERGY]
        terms[i, 1] += out[_NETWORK_GBP]
        terms[i, 2] += out[_WEAR]
        terms[i, 3] += out[_FLEX]
        terms[i, 4] += out[_CARBON_GBP]
        terms[i, 5] += out[_PENALTY]
        terms[i, 7] += before[0] * price_gbp_per_mwh(p, row, False) / 1000.0 + before[1]
        if last:
            finished[ended] = terms[i]
            ended += 1
            terms[i] = 0.0
            restart_site(
                i, length, params, state, queue, shadow, shadow_queue, rng, world, first, worlds, neutral, values,
                requests, sale_share, commitments, baseline,
            )  # fmt: skip
        feasible_site(p, values[first[i] + state[i].step], state[i], queue[i], bounds[i])
    return ended


@njit(cache=True, error_model="numpy")
def renew_bounds(
    params: np.ndarray, values: np.ndarray, first: np.ndarray, state: np.ndarray, queue: np.ndarray, bounds: np.ndarray
) -> None:
    """Feasible range float32 (B, 3, 2) of the coming step."""
    for i in range(len(params)):
        feasible_site(params[i], values[first[i] + state[i].step], state[i], queue[i], bounds[i])


@njit(cache=True, error_model="numpy")
def write_extras(
    length: int, state: np.ndarray, first: np.ndarray, future: np.ndarray, sums: np.ndarray, level: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """What only critics see, float32 (B, future + 3): true prices ahead, what stock will be worth, time to the end."""
    n = future.shape[1]
    for i in range(len(state)):
        t, a = state[i].step, first[i]
        z = a + length
        out[i, :n] = future[a + t]
        out[i, n] = ((sums[z, 0] - sums[a, 0]) / length - level[a]) / level[a]
        out[i, n + 1] = ((sums[z + 96, 1] - sums[z, 1]) / 96.0 - level[a]) / level[a]
        out[i, n + 2] = 1.0 - t / length


@njit(cache=True, error_model="numpy")
def code_bits(bounds: np.ndarray, levels: np.ndarray, out: np.ndarray) -> None:
    """Codes that may be chosen as bits of a float32 (B, 3): those of ``envs.feasible.reachable_codes``.

    levels int64 (3,): how many each agent has.
    """
    for i in range(len(bounds)):
        for k in range(3):
            width = 2.0 / (levels[k] - 1)
            low = int(np.floor((bounds[i, k, 0] + 1.0) / width + 1e-5))
            high = int(np.ceil((bounds[i, k, 1] + 1.0) / width - 1e-5))
            low = min(max(low, 0), levels[k] - 1)
            high = min(max(high, low), levels[k] - 1)
            bits = 0
            for code in range(low, high + 1):
                bits |= 1 << code
            out[i, k] = bits


@njit(cache=True, error_model="numpy")
def sample_codes(
    scores: np.ndarray, bits: np.ndarray, uniform: np.ndarray, codes: np.ndarray, logp: np.ndarray
) -> None:
    """Draw a code for each row by inverse distribution. scores float32 (B, n); bits, uniform, codes, logp (B,)."""
    n = scores.shape[1]
    for i in range(len(scores)):
        allowed = int(bits[i])
        top = np.float32(-np.inf)
        for c in range(n):
            if (allowed >> c) & 1:
                top = max(top, scores[i, c])
        total = 0.0
        for c in range(n):
            if (allowed >> c) & 1:
                total += np.exp(np.float64(scores[i, c] - top))
        target, seen, chosen = uniform[i] * total, 0.0, -1
        for c in range(n):
            if (allowed >> c) & 1:
                seen += np.exp(np.float64(scores[i, c] - top))
                chosen = c
                if target < seen:
                    break
        codes[i] = chosen
        logp[i] = np.float64(scores[i, chosen] - top) - np.log(total)


@njit(cache=True, error_model="numpy")
def advantages(
    reward: np.ndarray, value: np.ndarray, done: np.ndarray, gamma: np.ndarray, lam: float, advantage: np.ndarray,
    target: np.ndarray,
) -> None:  # fmt: skip
    """GAE (Schulman et al. 2016). reward (T, B, k), value (T + 1, B, k), done (T, B) -> advantage, target (T, B, k).

    gamma (k,): discount of each agent. An episode ends with its books closed (terminal terms), so nothing is expected
    after it.
    """
    steps, sites, heads = reward.shape
    for i in range(sites):
        for k in range(heads):
            running, discount = 0.0, gamma[k]
            for t in range(steps - 1, -1, -1):
                alive = 0.0 if done[t, i] else 1.0
                surprise = reward[t, i, k] + discount * value[t + 1, i, k] * alive - value[t, i, k]
                running = surprise + discount * lam * alive * running
                advantage[t, i, k] = running
                target[t, i, k] = running + value[t, i, k]
