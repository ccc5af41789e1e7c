"""A run made up from a seed, with books that balance as contract 8 and section 4 of the design ask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from evaluate.names import ADDITIVE, COST_PARTS, COUNTERS
from evaluate.run_data import AGENT_NAMES, SETTLEMENT_COLUMNS, DecisionRecord, RunData
from grid.events import FlexEvent

SHARE = 0.2
REFERENCE_GBP_PER_MWH = 90.0
CONFIG = {
    "run": {"name": "made-up", "dir": "runs", "start": "2023-11-13", "days": 7, "seed": 0},
    "signals": {"source": "file", "path": None},
    "workload": {"name": "alibaba_2", "path": None},
    "site": {
        "profile": "uk_default", "it_capacity_mw": 1.0, "carbon_price_gbp_per_t": 50.0, "wear_gbp_per_mwh": 10.0,
    },
    "tariff": {"adder_gbp_per_mwh": 0.0, "network": "none"},
    "market": {
        "aggregator_share": SHARE, "compensation": "mutualised", "rulebook": "p511-2026-08",
    },
    "agents": {"policy": "carbon_threshold"},
    "supervisor": {"backend": "rules", "every_steps": 4, "model": None},
}  # fmt: skip
SITE = {"battery_kwh": 1000.0, "soc_min": 0.05, "soc_max": 0.95, "overheat_limit_degc": 27.0, "import_limit_kw": 1600.0}
PROVENANCE = {
    "utilisation": "real", "dry_bulb_degc": "real", "wet_bulb_degc": "real", "carbon_gco2_per_kwh": "real",
    "day_ahead_gbp_per_mwh": "real", "system_gbp_per_mwh": "modelled", "tariff_gbp_per_mwh": "real",
    "network_gbp_per_mwh": "modelled", "reference_price_gbp_per_mwh": "filled", "event_requested_kw": "modelled",
    "event_gbp_per_mwh": "modelled", "baseline_kw": "modelled",
}  # fmt: skip


@pytest.fixture(scope="session")
def make_run() -> Callable[..., RunData]:
    """make_run(days=7, text=None, quiet=False): a made-up run; quiet: no requests and no decisions."""
    return _make_run


def _make_run(days: int = 7, text: str | None = None, quiet: bool = False, start: str = "2023-11-13") -> RunData:
    rng = np.random.default_rng(7)
    first = pd.Timestamp(start, tz="Europe/London")
    times = pd.date_range(first, first + pd.DateOffset(days=days), freq="15min", inclusive="left").tz_convert("UTC")
    local = times.tz_convert("Europe/London")
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60.0
    slow = _walk(rng, len(times), 0.995)
    events = () if quiet else _events(local, rng)
    steps = pd.DataFrame({"time_utc": times})
    steps["settlement_date"] = local.date
    steps["settlement_period"] = (hour * 2).astype(int) + 1
    steps["tariff_gbp_per_mwh"] = np.repeat(
        (95 + 14 * slow + 28 * np.sin((hour - 11) / 24 * 4 * np.pi) + 25 * np.exp(-(((hour - 18) / 1.6) ** 2)))[::4], 4
    )[: len(times)]
    steps["system_gbp_per_mwh"] = steps["tariff_gbp_per_mwh"] + 21 * _walk(rng, len(times), 0.97)
    steps["carbon_gco2_per_kwh"] = np.clip(150 + 35 * slow + 25 * np.sin((hour - 9) / 24 * 4 * np.pi), 20, None)
    steps["dry_bulb_degc"] = 9 + 3 * np.sin((hour - 9) / 24 * 2 * np.pi) + 3 * _walk(rng, len(times), 0.998)
    _operate(steps, hour, events, rng)
    settlement = _book(steps, events)
    summary = {name: float(steps[name].sum()) for name in ADDITIVE}
    decisions = [] if quiet else _decide(steps, events, rng, text)
    counters = dict.fromkeys(COUNTERS, 0) | {
        "decisions": len(decisions),
        "overrides": sum(record.overrides for record in decisions),
        "events_accepted": sum(len(record.accepts) for record in decisions),
        "bound_steps": int((steps[[f"changed_by_{a}" for a in AGENT_NAMES]] == "supervisor").to_numpy().sum()),
        "tracker_steps": int((steps["changed_by_battery"] == "tracker").sum()),
        "clipped": int((steps[[f"changed_by_{a}" for a in AGENT_NAMES]] == "clipped").to_numpy().sum()),
    }
    return RunData(
        name="made-up",
        config={**CONFIG, "run": {**CONFIG["run"], "days": days, "start": start}},
        config_hash="3f9c1a77d2e04b6a",
        site=SITE,
        steps=steps,
        settlement=settlement,
        summary=summary | counters | {"complete": True, "neutral": _neutral(steps)},
        events=events,
        decisions=decisions,
        provenance=PROVENANCE,
        audit_head="803c8f46" + "0" * 52 + "49bc",
    )


def _walk(rng: np.random.Generator, n: int, keep: float) -> np.ndarray:
    """AR(1) of unit standard deviation."""
    noise = rng.standard_normal(n) * np.sqrt(1 - keep**2)
    out = np.empty(n)
    level = 0.0
    for k in range(n):
        level = keep * level + noise[k]
        out[k] = level
    return out


def _events(local: pd.DatetimeIndex, rng: np.random.Generator) -> tuple[FlexEvent, ...]:
    midnights = local[(local.hour == 0) & (local.minute == 0)]
    found = []
    for day in midnights:
        if day.day_of_week not in (1, 2, 4):
            continue
        start = (day + pd.Timedelta(hours=17, minutes=30 * int(rng.integers(0, 2)))).tz_convert("UTC")
        found.append(
            FlexEvent(
                id=f"req-{day:%Y-%m-%d}",
                published_at=start - pd.Timedelta(hours=7),
                start=start,
                end=start + pd.Timedelta(minutes=90),
                kw=float(rng.integers(4, 9) * 50),
                price_gbp_per_mwh=float(rng.integers(180, 290)),
            )
        )
    return tuple(found)


def _accepted(events: tuple[FlexEvent, ...]) -> tuple[FlexEvent, ...]:
    return tuple(event for k, event in enumerate(events) if k % 3 != 2)


def _operate(steps: pd.DataFrame, hour: np.ndarray, events: tuple[FlexEvent, ...], rng: np.random.Generator) -> None:
    """Actions, powers and states; sloppy physics, exact sums."""
    n = len(steps)
    load = 560 + 130 * np.sin((hour - 9) / 24 * 2 * np.pi) + 25 * _walk(rng, n, 0.9)
    cool = 70 + 4.0 * (steps["dry_bulb_degc"].to_numpy() - 5).clip(0)
    dirty = (steps["carbon_gco2_per_kwh"] > steps["carbon_gco2_per_kwh"].rolling(192, min_periods=1).mean()).to_numpy()
    raw = {"load_shift": np.where(dirty, -0.6, 0.7), "battery": np.where(dirty, -0.5, 0.6), "cooling": np.full(n, 0.1)}
    executed = {name: values.copy() for name, values in raw.items()}
    cause = {name: np.full(n, "", dtype=object) for name in AGENT_NAMES}
    price = steps["tariff_gbp_per_mwh"].to_numpy()
    high, low = price > np.quantile(price, 0.85), price < np.quantile(price, 0.2)
    for mask, battery, shift in ((high, -1.0, -1.0), (low, 1.0, 0.9)):
        for name, value in (("battery", battery), ("load_shift", shift)):
            executed[name][mask], cause[name][mask] = value, "supervisor"
    sold = np.zeros(n)
    for event in _accepted(events):
        inside = ((steps["time_utc"] >= event.start) & (steps["time_utc"] < event.end)).to_numpy()
        sold[inside] = event.kw
        executed["battery"][inside], cause["battery"][inside] = -0.8, "tracker"
    cause["cooling"][::97] = "clipped"
    executed["cooling"][::97] = 0.0
    for name in AGENT_NAMES:
        steps[f"raw_{name}"], steps[f"executed_{name}"] = raw[name], executed[name]
        steps[f"changed_by_{name}"] = np.where(np.abs(raw[name] - executed[name]) > 1e-6, cause[name], "")
    soc, stored, power = np.empty(n), 500.0, np.empty(n)
    queue, waiting, moved = np.empty(n), 0.0, np.empty(n)
    for k in range(n):
        ask = 500.0 * executed["battery"][k] * 0.25
        flow = min(ask, (950 - stored) / 0.95) if ask > 0 else max(ask, -(stored - 50) * 0.95)
        stored += flow * 0.95 if flow > 0 else flow / 0.95
        soc[k], power[k] = stored, flow
        shift = executed["load_shift"][k] * 22
        moved[k] = max(shift, waiting - 900.0, -0.2 * load[k] * 0.25) if shift < 0 else min(shift, waiting)
        waiting -= moved[k]
        queue[k] = waiting
    steps["it_kwh"] = load * 0.25 + moved
    steps["cooling_kwh"], steps["loss_kwh"] = cool * 0.25, 0.07 * steps["it_kwh"]
    steps["battery_kwh"], steps["soc_kwh"], steps["queued_kwh"] = power, soc, queue
    steps["import_kwh"] = steps[["it_kwh", "cooling_kwh", "loss_kwh", "battery_kwh"]].sum(axis=1)
    steps["supply_degc"] = 21 + 1.2 * _walk(rng, n, 0.96)
    steps["inlet_degc"] = steps["supply_degc"] + 2.4 + 0.003 * load
    steps["neutral_kw"] = load * 1.07 + cool
    steps["baseline_kw"] = np.repeat(steps["neutral_kw"].to_numpy()[::2] + 40 * _walk(rng, n // 2, 0.95), 2)
    steps["sold_kw"] = sold


def _book(steps: pd.DataFrame, events: tuple[FlexEvent, ...]) -> pd.DataFrame:
    """Money columns of ``steps`` in place; returns the settlement. Formulas: section 4 of the design."""
    price = steps["tariff_gbp_per_mwh"] / 1000.0
    for name in ADDITIVE:
        if name != "import_kwh":
            steps[name] = 0.0
    steps["energy_gbp"] = steps["import_kwh"] * price
    steps["wear_gbp"] = 0.01 * steps["battery_kwh"].clip(upper=0).abs()
    steps["llm_kwh"] = 0.003
    steps["llm_gbp"] = steps["llm_kwh"] * price
    steps["llm_carbon_kg"] = steps["llm_kwh"] * steps["carbon_gco2_per_kwh"] / 1000.0
    steps.loc[steps.index[-1], "terminal_gbp"], steps.loc[steps.index[-1], "terminal_kg"] = 18.37, 21.9
    steps.loc[steps.index[40:42], "late_kwh"] = 3.25
    steps["penalty_gbp"] = steps["late_kwh"]
    rows = []
    for event in _accepted(events):
        inside = steps[(steps["time_utc"] >= event.start) & (steps["time_utc"] < event.end)]
        for (day, period), pair in inside.groupby(["settlement_date", "settlement_period"]):
            metered, baseline = pair["import_kwh"].sum(), pair["baseline_kw"].sum() / 4.0
            neutral, system = pair["neutral_kw"].sum() / 4.0, pair["system_gbp_per_mwh"].iloc[-1]
            sold, deviation = event.kw / 2.0, baseline - metered
            terms = {
                "sale": (sold, event.price_gbp_per_mwh),
                "imbalance": (deviation - sold, system),
                "compensation": (max(0.0, deviation), 0.0),
            }
            amounts = {term: kwh * gbp / 1000.0 for term, (kwh, gbp) in terms.items()}
            share = -SHARE * sum(amounts.values())
            rows += [(day, period, event.id, t, k / 1000.0, g, amounts[t]) for t, (k, g) in terms.items()]
            rows.append((day, period, event.id, "aggregator_share", 0.0, 0.0, share))
            flex = sum(amounts.values()) + share
            real_kwh = min(sold, max(0.0, neutral - metered))
            gap = event.price_gbp_per_mwh - system
            phantom = (1 - SHARE) * (max(0.0, (sold - real_kwh) * gap) + (baseline - neutral) * system) / 1000.0
            other = flex - (1 - SHARE) * REFERENCE_GBP_PER_MWH * max(0.0, deviation) / 1000.0
            part = pair["import_kwh"] / metered
            for name, value in (
                ("flex_gbp", flex), ("flex_phantom_gbp", phantom), ("flex_real_gbp", flex - phantom),
                ("flex_other_rule_gbp", other),
            ):  # fmt: skip
                steps.loc[pair.index, name] = value * part
    _totals(steps)
    return pd.DataFrame(rows, columns=list(SETTLEMENT_COLUMNS))


def _totals(frame: pd.DataFrame) -> None:
    own = frame["import_kwh"] * frame["carbon_gco2_per_kwh"] / 1000.0
    frame["carbon_kg"] = own + frame["llm_carbon_kg"] + frame["terminal_kg"]
    frame["cost_gbp"] = frame[list(COST_PARTS)].sum(axis=1)
    frame["net_gbp"] = frame["cost_gbp"] - frame["flex_gbp"]
    frame["carbon_cost_gbp"] = 0.05 * frame["carbon_kg"]
    frame["objective_gbp"] = frame["net_gbp"] + frame["carbon_cost_gbp"] + frame["penalty_gbp"]


def _neutral(steps: pd.DataFrame) -> dict[str, float]:
    idle = pd.DataFrame(0.0, index=steps.index, columns=list(ADDITIVE))
    idle["import_kwh"] = steps["neutral_kw"] / 4.0
    idle["carbon_gco2_per_kwh"] = steps["carbon_gco2_per_kwh"]
    idle["energy_gbp"] = idle["import_kwh"] * steps["tariff_gbp_per_mwh"] / 1000.0
    _totals(idle)
    return {name: float(idle[name].sum()) for name in ADDITIVE}


def _decide(
    steps: pd.DataFrame, events: tuple[FlexEvent, ...], rng: np.random.Generator, text: str | None
) -> list[DecisionRecord]:
    taken = {event.published_at.floor("h"): event for event in _accepted(events)}
    records = []
    for k in range(0, len(steps), 4):
        row, now = steps.iloc[k], steps["time_utc"].iloc[k]
        held = dict.fromkeys(AGENT_NAMES, "follow")
        code, words = "agents_agree", "Nothing to gain against the proposals at this price and carbon."
        tariff = row["tariff_gbp_per_mwh"]
        if row["changed_by_battery"] == "supervisor":
            dear = row["executed_battery"] < 0
            held["battery"] = "set discharge" if dear else "set charge"
            held["load_shift"] = "limit to defer" if dear else "limit to run"
            code = "price_conflict" if dear else "cheap_energy"
            saving = float(rng.uniform(2, 14))
            words = f"Running now at GBP {tariff:.0f}/MWh costs GBP {saving:.2f} more than later tonight; held back."
        accepts = {}
        if now in taken:
            event = taken[now]
            accepts = {event.id: event.kw}
            code = "event_worth_it"
            words = f"{event.kw:.0f} kW at GBP {event.price_gbp_per_mwh:.0f}/MWh pays more than deferral, GBP 31/MWh."
        records.append(DecisionRecord(now, held, code, text or words, "rules", accepts))
    return records
