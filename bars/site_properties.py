"""What has to hold at any site: 200 random parameter sets, each in a random week. One JSON on standard output.

Charge within its bounds; energy, work and charge balance to 1e-9 of what flows; nothing late where the plant keeps up;
inlets below shutdown while a server is up, and below ``envs.shutdown.hottest_degc`` however small the plant; at fixed
heat and weather a warmer supply never raises plant power (chiller, tower, pumps) and hotter weather never lowers it;
each actuator moves its own meter. Any miss is named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
from numba import njit

from envs.batch import SiteBatch
from envs.case import Case
from envs.case_maker import default_case
from envs.cooling import free_share, plant_power_kw
from envs.randomise import randomise
from envs.shutdown import hottest_degc
from envs.state import AGENTS
from grid.rows import STEPS_PER_DAY

WEEK = 7 * STEPS_PER_DAY
SETS = 200
TOLERANCE = 1e-9
COLDEST_DEGC = 5.0
METERS = {"load_shift": "executed_kwh", "battery": "battery_kwh", "cooling": "cooling_kwh"}
RANGES = {
    "idle_share": (0.1, 0.6),
    "leakage_per_k": (0.0, 0.01),
    "server_fan_share": (0.01, 0.1),
    "deferrable_share": (0.05, 0.6),
    "deadline_steps": (4.0, 96.0),
    "short_share": (0.0, 0.3),
    "short_deadline_steps": (1.0, 96.0),
    "slew_k_per_step": (0.5, 10.0),
    "recirculation_k": (0.0, 3.0),
    "airflow_kw_per_k": (0.06, 0.12),
    "air_kj_per_k": (8.0, 30.0),
    "mass_kj_per_k": (20.0, 500.0),
    "mass_kw_per_k": (0.0, 0.1),
    "coil_capacity": (0.8, 1.6),
    "chiller_capacity": (0.2, 1.6),
    "coil_approach_k": (3.0, 10.0),
    "water_range_k": (3.0, 10.0),
    "tower_approach_k": (2.0, 8.0),
    "carnot_share": (0.35, 0.65),
    "lift_min_k": (5.0, 15.0),
    "crah_fan_share": (0.01, 0.1),
    "tower_share": (0.0, 0.05),
    "import_limit_kw": (800.0, 2500.0),
    "battery_kwh": (100.0, 4000.0),
    "battery_kw": (50.0, 2000.0),
    "charge_efficiency": (0.8, 1.0),
    "discharge_efficiency": (0.8, 1.0),
    "soc_min": (0.0, 0.2),
    "soc_max": (0.8, 1.0),
}


def misses(case: Case, sets: int, seed: int) -> dict[str, float]:
    """Name of each property -> its worst miss over all sites and steps, 0 where it holds."""
    rng = np.random.default_rng(seed)
    params = randomise(np.repeat(case.params, sets), RANGES, rng)
    params["deadline_steps"] = np.floor(params["deadline_steps"])
    params["short_deadline_steps"] = np.floor(params["short_deadline_steps"])
    days = (case.rows.steps - WEEK) // STEPS_PER_DAY + 1
    starts = STEPS_PER_DAY * rng.integers(days, size=sets)
    batch = SiteBatch([case], np.zeros(sets, int), params, start_steps=starts, episode_steps=WEEK)
    worst = _of_a_week(batch, rng)
    worst |= _of_the_plant(params, rng)
    for agent in AGENTS:
        worst[f"{agent} moves {METERS[agent]}"] = _unmoved(batch, agent)
    return worst


def _of_a_week(batch: SiteBatch, rng: np.random.Generator) -> dict[str, float]:
    """Random actions for a week, clipped to the feasible range every other step."""
    p = batch.params
    keeps_up = (p["chiller_capacity"] > 1.25) & (p["coil_capacity"] > 1.25)
    hottest = hottest_degc(p)
    worst: dict[str, float] = {}

    def see(name: str, miss: np.ndarray) -> None:
        worst[name] = max(worst.get(name, 0.0), float(np.max(miss)))

    for t in range(batch.steps):
        soc, queued = batch.state["soc_kwh"].copy(), batch.state["queued_kwh"].copy()
        raw = rng.uniform(-1, 1, (batch.batch_size, len(AGENTS)))
        out = batch.step(raw, batch.feasible() if t % 2 else None)
        work = out["arrived_kwh"] + queued + 1.0
        parts = out["it_kwh"] + out["cooling_kwh"] + out["loss_kwh"] + out["battery_kwh"]
        charged = np.maximum(out["battery_kwh"], 0.0) * p["charge_efficiency"]
        drawn = np.maximum(-out["battery_kwh"], 0.0) / p["discharge_efficiency"]
        change = out["queued_kwh"] - queued
        ring = batch.queue.sum(axis=1) + batch.state["overdue_kwh"]
        low, high = p["soc_min"] * p["battery_kwh"], p["soc_max"] * p["battery_kwh"]
        see("work balance", _beyond(np.abs(out["arrived_kwh"] - out["executed_kwh"] - change), TOLERANCE * work))
        see("queue is its ring", _beyond(np.abs(ring - out["queued_kwh"]), TOLERANCE * work))
        see("energy balance", _beyond(np.abs(out["import_kwh"] - parts), TOLERANCE * (np.abs(parts) + 1.0)))
        see("charge balance", _beyond(np.abs(out["soc_kwh"] - soc - charged + drawn), TOLERANCE * p["battery_kwh"]))
        see("charge in bounds", np.maximum(_beyond(low, out["soc_kwh"] + 1e-9), _beyond(out["soc_kwh"], high + 1e-9)))
        see("no export", _beyond(-out["import_kwh"], 1e-9))
        see("nothing late where the plant keeps up", out["late_kwh"] * keeps_up)
        inlet = out["inlet_degc"]
        beyond_shutdown = _beyond(inlet, p["shutdown_degc"] + 1e-6)
        see("bounded inlet", np.maximum(_beyond(COLDEST_DEGC, inlet), _beyond(inlet, hottest)))
        see("no inlet beyond shutdown while a server is up", beyond_shutdown * (out["it_kwh"] > 0.0))
        see("no inlet beyond shutdown where the plant keeps up", beyond_shutdown * keeps_up)
    return worst


def _beyond(value: Any, limit: Any) -> np.ndarray:
    return np.maximum(np.asarray(value) - limit, 0.0)


@njit(error_model="numpy")
def _plant_kw(params: np.ndarray, heat: np.ndarray, supply: np.ndarray, wet_bulb: np.ndarray) -> np.ndarray:
    power = np.empty(len(params))
    for i in range(len(params)):
        free = free_share(params[i], supply[i], wet_bulb[i])
        power[i] = plant_power_kw(params[i], heat[i] * params[i].it_capacity_kw, supply[i], wet_bulb[i], free)
    return power


def _of_the_plant(params: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Largest wrong-way change of plant power, kW, over 50 draws of heat, supply and weather for every set."""
    n = len(params)
    warmer = hotter = 0.0
    for _ in range(50):
        heat, supply, wet_bulb = rng.uniform(0, 1.3, n), rng.uniform(12, 30, n), rng.uniform(-10, 28, n)
        now = _plant_kw(params, heat, supply, wet_bulb)
        warmer = max(
            warmer, _beyond(_plant_kw(params, heat, supply + rng.uniform(0, 8, n), wet_bulb), now + 1e-9).max()
        )
        hotter = max(
            hotter, _beyond(now, _plant_kw(params, heat, supply, wet_bulb + rng.uniform(0, 8, n)) + 1e-9).max()
        )
    return {"warmer supply never raises plant power": warmer, "hotter weather never lowers it": hotter}


def _unmoved(batch: SiteBatch, agent: str) -> float:
    """Share of sites at which two opposite actions, held for four steps, leave the agent's meter as it is."""
    totals = []
    for level in (-1.0, 1.0):
        batch.reset()
        raw = np.zeros((batch.batch_size, len(AGENTS)), dtype=np.float32)
        raw[:, AGENTS.index(agent)] = level
        totals.append(sum(batch.step(raw)[METERS[agent]] for _ in range(4)))
    return float(np.mean(np.abs(totals[1] - totals[0]) <= 1e-6))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.process_time()
    worst = misses(default_case(), args.sets, args.seed)
    passed = not any(worst.values())
    result = {"passed": passed, "sets": args.sets, "steps": args.sets * WEEK, "worst_miss": worst}
    print(json.dumps({**result, "cpu_s": round(time.process_time() - start, 2)}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
