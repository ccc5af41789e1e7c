"""The tables of a run report: headline, the way from neutral to objective, by day or month, decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluate.run_data import AGENT_NAMES, LONDON, DecisionRecord, RunData

COMPENSATION = ("mutualised", "vtp_pays")
MOST_DECISIONS = 200  # of a long run; all of them are in the audit trail

# name, what it is; in the order of contract 8, and the unit rides in the name.
QUANTITIES = (
    ("energy_gbp", "metered import times the tariff"),
    ("network_gbp", "network charges by time band"),
    ("wear_gbp", "battery wear on energy discharged"),
    ("terminal_gbp", "work still queued and charge missing at the end, at the prices that follow"),
    ("llm_gbp", "the supervisor's own electricity"),
    ("cost_gbp", "the bill: the five lines above"),
    ("terminal_kg", "carbon of work still queued and charge missing at the end"),
    ("flex_gbp", "flexibility income under the rule in force"),
    ("flex_real_gbp", "of it: for load that moved against the neutral site"),
    ("flex_phantom_gbp", "of it: because the baseline was wrong by chance"),
    ("flex_other_rule_gbp", "flexibility income under the other compensation rule"),
    ("net_gbp", "bill less flexibility income"),
    ("penalty_gbp", "overheating, late work and notices not kept"),
    ("carbon_cost_gbp", "carbon at the configured price; never on the bill"),
    ("objective_gbp", "net cost, carbon cost and penalties: what variants are compared on"),
    ("carbon_kg", "metered import, the supervisor and the stock at the end"),
    ("llm_carbon_kg", "of it: the supervisor"),
    ("import_kwh", "metered import"),
    ("llm_kwh", "the supervisor's own electricity"),
    ("late_kwh", "IT work run after its deadline"),
    ("overheat_minutes", "minutes with the server inlet above its limit"),
)

# (name, sign in the objective, label, what it is)
_STEPS_TO_OBJECTIVE = (
    ("energy_gbp", 1, "Energy", "import moved in time, at the tariff"),
    ("network_gbp", 1, "Network", "charges by time band"),
    ("wear_gbp", 1, "Battery wear", "per MWh discharged"),
    ("terminal_gbp", 1, "Stock at the end", "queued work, missing charge"),
    ("llm_gbp", 1, "Supervisor", "its own electricity"),
    ("flex_real_gbp", -1, "Flexibility, real", "paid for load that moved"),
    ("flex_phantom_gbp", -1, "Flexibility, phantom", "paid for a wrong baseline"),
    ("carbon_cost_gbp", 1, "Carbon cost", "in the objective only"),
    ("penalty_gbp", 1, "Penalties", "overheating, late work, notices"),
)


@dataclass(frozen=True)
class Headline:
    """Amounts in GBP, carbon in kg; savings are positive when the run is better than the neutral site.

    saving_gbp  difference of ``objective_gbp + flex_phantom_gbp``: phantom money is no merit of the controller
    """

    saving_gbp: float
    saving_share: float
    bill_saving_gbp: float
    net_saving_gbp: float
    carbon_saving_kg: float
    carbon_saving_share: float


def headline(run: RunData) -> Headline:
    """What the run came to against the neutral site."""
    mine, neutral = run.summary, run.neutral
    base = neutral["objective_gbp"] + neutral["flex_phantom_gbp"]
    saving = base - (mine["objective_gbp"] + mine["flex_phantom_gbp"])
    carbon = neutral["carbon_kg"] - mine["carbon_kg"]
    return Headline(
        saving_gbp=saving,
        saving_share=saving / base if base else 0.0,
        bill_saving_gbp=neutral["cost_gbp"] - mine["cost_gbp"],
        net_saving_gbp=neutral["net_gbp"] - mine["net_gbp"],
        carbon_saving_kg=carbon,
        carbon_saving_share=carbon / neutral["carbon_kg"] if neutral["carbon_kg"] else 0.0,
    )


def by_rule(run: RunData) -> list[dict[str, Any]]:
    """Flex, net cost and objective under the compensation rule in force, then under the other one."""
    mine, rule = run.summary, run.config["market"]["compensation"]
    shift = mine["flex_gbp"] - mine["flex_other_rule_gbp"]
    other = next(name for name in COMPENSATION if name != rule)
    totals = {name: mine[name] for name in ("flex_gbp", "net_gbp", "objective_gbp")}
    moved = {
        "flex_gbp": mine["flex_other_rule_gbp"],
        "net_gbp": mine["net_gbp"] + shift,
        "objective_gbp": mine["objective_gbp"] + shift,
    }
    return [{"rule": rule, "in_force": True, **totals}, {"rule": other, "in_force": False, **moved}]


@dataclass(frozen=True)
class Bar:
    """One line of the waterfall. left, width: percent of the drawing; kind: total | better | worse | phantom | none."""

    label: str
    note: str
    amount_gbp: float
    kind: str
    left: float
    width: float


def waterfall(run: RunData) -> list[Bar]:
    """The way from the neutral site's objective to this run's, drawn as difference to the neutral site."""
    steps = [
        (label, note, sign * (run.summary[name] - run.neutral[name])) for name, sign, label, note in _STEPS_TO_OBJECTIVE
    ]
    levels = np.concatenate([[0.0], np.cumsum([amount for *_, amount in steps])])
    low, high = levels.min(), levels.max()
    scale = 100.0 / max(high - low, 1e-9)
    bars = [Bar("Neutral objective", "the site left alone", run.neutral["objective_gbp"], "total", scale * -low, 0.0)]
    for (label, note, amount), before, after in zip(steps, levels[:-1], levels[1:], strict=True):
        kind = "none" if abs(amount) < 0.005 else "worse" if amount > 0 else "better"
        left, width = scale * (min(before, after) - low), scale * abs(after - before)
        kind = "phantom" if "phantom" in label and kind != "none" else kind
        bars.append(Bar(label, note, amount, kind, float(left), float(width)))
    end, zero = scale * (levels[-1] - low), scale * -low
    bars.append(
        Bar("Objective", "this run", run.summary["objective_gbp"], "total", min(end, zero), float(abs(end - zero)))
    )
    return bars


def by_calendar(run: RunData, unit: str) -> pd.DataFrame:
    """Sums by London day (``unit`` "day") or month ("month"), index in time order."""
    local = run.times_utc.tz_convert(LONDON).tz_localize(None)
    keys = local.to_period("D" if unit == "day" else "M")
    names = [
        "import_kwh", "cost_gbp", "flex_real_gbp", "flex_phantom_gbp", "net_gbp", "penalty_gbp", "objective_gbp",
        "carbon_kg",
    ]  # fmt: skip
    causes = run.steps[[f"changed_by_{agent}" for agent in AGENT_NAMES]]
    changed = (causes == "supervisor").any(axis=1).astype(int)
    frame = run.steps[names].assign(neutral_kwh=run.steps["neutral_kw"] / 4.0, changed_steps=changed)
    return frame.groupby(np.asarray(keys), sort=True).sum()


@dataclass(frozen=True)
class DecisionRow:
    """A decision and what came of it. size: sum of |executed - raw| the supervisor caused while it was in force."""

    record: DecisionRecord
    held_steps: int
    changed_steps: int
    size: float


def decision_rows(run: RunData) -> list[DecisionRow]:
    """Every decision in time order."""
    records = sorted(run.decisions, key=lambda record: record.time_utc)
    change = np.zeros((len(run.steps), len(AGENT_NAMES)))
    for column, agent in enumerate(AGENT_NAMES):
        moved = (run.steps[f"executed_{agent}"] - run.steps[f"raw_{agent}"]).abs()
        change[:, column] = moved.where(run.steps[f"changed_by_{agent}"] == "supervisor", 0.0)
    size, steps = change.sum(axis=1), change.max(axis=1) > 1e-6
    starts = run.times_utc.searchsorted(pd.DatetimeIndex([r.time_utc for r in records], tz="UTC"))
    ends = np.append(starts[1:], len(run.steps))[: len(records)]
    return [
        DecisionRow(record, int(b - a), int(steps[a:b].sum()), float(size[a:b].sum()))
        for record, a, b in zip(records, starts, ends, strict=True)
    ]


def largest_first(rows: Sequence[DecisionRow]) -> list[DecisionRow]:
    """Decisions that took on a request, then overrides, then the rest; each by size."""
    return sorted(rows, key=lambda row: (-len(row.record.accepts), not row.record.overrides, -row.size))


def leading(ordered: Sequence[DecisionRow], most: int) -> list[DecisionRow]:
    """The first of ``largest_first``, with at least half the places left to decisions that took on no request."""
    taken = [row for row in ordered if row.record.accepts]
    others = [row for row in ordered if not row.record.accepts]
    taken = taken[: max(most // 2, most - len(others))]
    return [*taken, *others[: most - len(taken)]]


def rule_year(config: Mapping[str, Any]) -> int | None:
    """Year of the market rules in force: ``p511-2026-08`` gives 2026."""
    found = re.search(r"-(\d{4})-\d{2}$", str(config["market"]["rulebook"]))
    return int(found.group(1)) if found else None
