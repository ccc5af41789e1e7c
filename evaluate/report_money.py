"""A run's money as a report shows it: from the energy bill to the objective, and what each request settled at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluate.run_files import RunFiles

RULES = ("mutualised", "vtp_pays")
TERMS = ("sale", "imbalance", "compensation", "aggregator_share")

# (summary name, sign, label, what it is); sign 0: a running total that has to be reached by then.
WATERFALL = (
    ("energy_gbp", 1, "Energy", "metered import x tariff"),
    ("network_gbp", 1, "Network", "network charges by time band"),
    ("wear_gbp", 1, "Battery wear", "per MWh discharged"),
    ("terminal_gbp", 1, "Stock at the end", "queued work and missing charge, at the prices after the run"),
    ("llm_gbp", 1, "Supervisor", "its own electricity"),
    ("cost_gbp", 0, "Bill", ""),
    ("flex_real_gbp", -1, "Flexibility, real", "paid for load that really moved"),
    ("flex_phantom_gbp", -1, "Flexibility, phantom", "paid because the baseline was wrong by chance"),
    ("net_gbp", 0, "Net cost", ""),
    ("penalty_gbp", 1, "Penalties", "overheating, late work, notices not kept"),
    ("carbon_cost_gbp", 1, "Carbon", "valued in the objective, never on the bill"),
    ("objective_gbp", 0, "Objective", "what all variants are compared on"),
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One line of the waterfall. left, width: percent of the drawing. kind: up | down | total."""

    label: str
    note: str
    amount: float
    kind: str
    left: float
    width: float


@dataclass(frozen=True)
class Waterfall:
    """Bars on one scale that begins at ``start_gbp``: not at zero where that would hide all but the energy."""

    bars: Sequence[Bar]
    start_gbp: float


def waterfall(summary: Mapping[str, float]) -> Waterfall:
    """The way from energy to objective, to scale."""
    running, spans = 0.0, []
    for name, sign, label, note in WATERFALL:
        amount = float(summary[name])
        if sign == 0:
            running = amount
            spans.append((label, note, amount, "total", None, amount))
        else:
            spans.append((label, note, sign * amount, "up" if sign * amount >= 0 else "down", running, running + sign * amount))
            running += sign * amount
    # The first bar comes up from the start of the scale, like the totals.
    levels = [end for *_, end in spans] + [begin for *_, begin, _ in spans[1:] if begin is not None]
    low, high = min(levels), max(levels)
    start = 0.0 if low < 0.5 * high or high <= 0 else low - 0.25 * max(high - low, 0.01 * high)
    start = min(start, low, 0.0) if low < 0 else start
    scale = 100.0 / max(high - start, 1e-9)

    def bar(label: str, note: str, amount: float, kind: str, begin: float | None, end: float) -> Bar:
        first = start if begin is None or label == WATERFALL[0][2] else begin
        a, b = sorted((first, end))
        return Bar(label, note, amount, kind, scale * (a - start), scale * (b - a))

    return Waterfall([bar(*span) for span in spans], start)


def by_rule(summary: Mapping[str, float], rule: str) -> list[dict[str, Any]]:
    """Flex, net cost and objective under the rule in force and under the other one."""
    shift = float(summary["flex_gbp"]) - float(summary["flex_other_rule_gbp"])
    other = next(name for name in RULES if name != rule)
    return [
        {"rule": rule, "in_force": True, **{name: float(summary[name]) for name in ("flex_gbp", "net_gbp", "objective_gbp")}},
        {
            "rule": other,
            "in_force": False,
            "flex_gbp": float(summary["flex_other_rule_gbp"]),
            "net_gbp": float(summary["net_gbp"]) + shift,
            "objective_gbp": float(summary["objective_gbp"]) + shift,
        },
    ]


@dataclass(frozen=True)
class EventBook:
    """One request or own trade. volumes in MWh, amounts in GBP; periods: one mapping per settlement period."""

    event_id: str
    when: str
    sold_mwh: float
    delivered_mwh: float
    amounts: Mapping[str, float]
    total_gbp: float
    real_gbp: float
    phantom_gbp: float
    periods: Sequence[Mapping[str, Any]]


def events(run: RunFiles) -> list[EventBook]:
    """Settlement gathered by event, with what was delivered and how much of the money is real."""
    if run.settlement.empty:
        return []
    steps = run.steps.assign(settlement_date=run.steps["settlement_date"].astype(str))
    ledger = run.settlement.assign(settlement_date=run.settlement["settlement_date"].astype(str))
    keys = ["settlement_date", "settlement_period"]
    sums = {name: "sum" for name in ("import_kwh", "baseline_kwh", "flex_real_gbp", "flex_phantom_gbp")}
    metered = steps.groupby(keys).agg({**sums, "time_utc": "first", "system_gbp_per_mwh": "mean"})
    return [_event(str(name), rows, metered) for name, rows in ledger.groupby("event_id", sort=False)]


def _event(name: str, rows: pd.DataFrame, metered: pd.DataFrame) -> EventBook:
    keys = ["settlement_date", "settlement_period"]
    amounts = rows.pivot_table(index=keys, columns="term", values="amount_gbp", aggfunc="sum", sort=False)
    amounts = amounts.reindex(columns=list(TERMS), fill_value=0.0)
    sales = rows[rows["term"] == "sale"].set_index(keys)
    here = metered.loc[amounts.index]
    delivered = here["baseline_kwh"] - here["import_kwh"]
    periods = [
        {
            "when": f"{here.loc[key, 'time_utc'].tz_convert('Europe/London'):%H:%M}",
            "period": key[1],
            "baseline_kwh": here.loc[key, "baseline_kwh"],
            "metered_kwh": here.loc[key, "import_kwh"],
            "sold_kwh": 1000.0 * sales.loc[key, "volume_mwh"],
            "delivered_kwh": delivered.loc[key],
            "price": sales.loc[key, "price_gbp_per_mwh"],
            "system": here.loc[key, "system_gbp_per_mwh"],
            **{term: amounts.loc[key, term] for term in TERMS},
            "total_gbp": amounts.loc[key].sum(),
        }
        for key in amounts.index
    ]
    first = here["time_utc"].iloc[0].tz_convert("Europe/London")
    last = (here["time_utc"].iloc[-1] + pd.Timedelta(minutes=30)).tz_convert("Europe/London")
    return EventBook(
        event_id=name,
        when=f"{first:%a} {first.day} {first:%b}, {first:%H:%M}–{last:%H:%M}",
        sold_mwh=float(sales["volume_mwh"].sum()),
        delivered_mwh=float(delivered.sum()) / 1000.0,
        amounts={term: float(amounts[term].sum()) for term in TERMS},
        total_gbp=float(amounts.to_numpy().sum()),
        real_gbp=float(here["flex_real_gbp"].sum()),
        phantom_gbp=float(here["flex_phantom_gbp"].sum()),
        periods=periods,
    )


@dataclass(frozen=True)
class LeftAlone:
    """The neutral site over the same rows: what it would have drawn, paid for energy and network, and caused."""

    import_kwh: float
    bill_gbp: float
    carbon_kg: float


def left_alone(steps: pd.DataFrame) -> LeftAlone:
    """Neutral import at the run's own prices and carbon intensity."""
    neutral = steps["neutral_kwh"]
    metered = steps["import_kwh"]
    # Price of the network at each step, from what was charged; nothing metered, nothing known, nothing charged.
    network = (steps["network_gbp"] / metered.where(metered > 0)).fillna(0.0)
    return LeftAlone(
        import_kwh=float(neutral.sum()),
        bill_gbp=float((neutral * (steps["tariff_gbp_per_mwh"] / 1000.0 + network)).sum()),
        carbon_kg=float((neutral * steps["carbon_gco2_per_kwh"]).sum()) / 1000.0,
    )
