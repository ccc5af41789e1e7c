"""Bodies of the audit trail, by kind: run, decision, delivery_start, delivery_end, settlement, summary.

A body holds what a replay has to reproduce and a settlement body has to see; wall times, the source of an answer, paths
and host go to ``runtime``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from envs.state import AGENTS
from grid.calendar import london_midnight_utc
from llm_layer.directive import Directive
from llm_layer.policy import Decision
from llm_layer.situation import LONDON, Situation, utc_text

PERIOD_S = 1800


@lru_cache(maxsize=64)
def _midnight_s(day: date) -> int:
    return int(london_midnight_utc(day).value // 1_000_000_000)


def when(now_ns: int) -> dict[str, Any]:
    """UTC time, settlement date and settlement period of an instant."""
    seconds = now_ns // 1_000_000_000
    day = datetime.fromtimestamp(seconds, UTC).astimezone(LONDON).date()
    return {
        "time_utc": utc_text(now_ns),
        "settlement_date": day.isoformat(),
        "settlement_period": (seconds - _midnight_s(day)) // PERIOD_S + 1,
    }


def run_body(
    *,
    config_hash: str,
    agents: str,
    supervisor: str,
    site: Mapping[str, float],
    data: Mapping[str, str],
    market: Mapping[str, Any],
) -> dict[str, Any]:
    """Head of a run: what was configured, who decides, which site and which data under which market rules.

    Args:
        config_hash: of the resolved configuration. agents, supervisor: policy ids.
        site: parameters by name. data: hashes and provenance of the signals. market: rules in force.
    """
    return {
        "kind": "run",
        "config_hash": config_hash,
        "agents": agents,
        "supervisor": supervisor,
        "site": dict(site),
        "data": dict(data),
        "market": dict(market),
    }


def decision_body(
    situation: Situation,
    decision: Decision,
    now_ns: int,
    bounds: np.ndarray,
    clamped: np.ndarray,
    sales: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """One decision for one site: what was known and proposed, what was ordered, and the bounds it became.

    Args:
        bounds: float32 (3, 2). clamped: bool (3,). sales: acceptances and offers with what the market said.
    """
    lines = bounds.tolist()
    return {
        "kind": "decision",
        **when(now_ns),
        "site": situation.site,
        "step": situation.step,
        "wake": situation.wake,
        "policy": decision.policy_id,
        "answered": decision.source != "fallback",
        "situation": situation.as_record(),
        "proposals": {agent: round(value, 6) for agent, value in zip(AGENTS, situation.proposals, strict=True)},
        "directive": directive_record(decision.directive),
        "bounds": {agent: [round(lo, 6), round(hi, 6)] for agent, (lo, hi) in zip(AGENTS, lines, strict=True)},
        "clamped": [agent for agent, hit in zip(AGENTS, clamped.tolist(), strict=True) if hit],
        "sales": list(sales),
    }


def decision_runtime(decision: Decision) -> dict[str, Any]:
    runtime: dict[str, Any] = {"source": decision.source, "latency_s": round(decision.latency_s, 6)}
    if decision.tokens_in or decision.tokens_out:
        runtime |= {"tokens_in": decision.tokens_in, "tokens_out": decision.tokens_out}
    if decision.error:
        runtime["error"] = decision.error
    return runtime


def directive_record(directive: Directive) -> dict[str, Any]:
    """A directive as it stands in the trail: reason code before text; market side only where there is one."""
    record: dict[str, Any] = {}
    for agent in AGENTS:
        asked = getattr(directive, agent)
        record[agent] = asked if isinstance(asked, str) else asked.model_dump()
    for name in ("accept", "offers"):
        if given := getattr(directive, name):
            record[name] = [one.model_dump() for one in given]
    if directive.decline:
        record["decline"] = list(directive.decline)
    record["horizon_steps"] = directive.horizon_steps
    record["reason_code"] = directive.reason_code
    record["text"] = directive.text
    return record


def settlement_bodies(
    site: int, table: pd.DataFrame, split: pd.DataFrame, baseline_days: Callable[[date], Sequence[str]] = lambda _: ()
) -> list[dict[str, Any]]:
    """One body a settled period: how its money came about.

    Args:
        table: rows of ``settlement.parquet`` of one site. split: per settled period the columns settlement_date,
            settlement_period, sold_kwh, baseline_kwh, metered_kwh, flex_gbp, flex_real_gbp, flex_phantom_gbp.
        baseline_days: London date -> the days its baseline is the mean of.
    """
    keys = ["settlement_date", "settlement_period"]
    terms = dict(list(table.groupby(keys, sort=True)))
    bodies = []
    for period in split.sort_values(keys).to_dict("records"):
        rows = terms.get((period["settlement_date"], period["settlement_period"]))
        found = [] if rows is None else rows.to_dict("records")
        bodies.append(
            {
                "kind": "settlement",
                "site": site,
                "settlement_date": str(period["settlement_date"]),
                "settlement_period": int(period["settlement_period"]),
                "event_id": str(found[0]["event_id"]) if found else "",
                "baseline_days": list(baseline_days(period["settlement_date"])),
                "sold_kwh": round(float(period["sold_kwh"]), 4),
                "baseline_kwh": round(float(period["baseline_kwh"]), 4),
                "metered_kwh": round(float(period["metered_kwh"]), 4),
                "deviation_kwh": round(float(period["baseline_kwh"] - period["metered_kwh"]), 4),
                "terms": [
                    {
                        "term": str(row["term"]),
                        "volume_mwh": round(float(row["volume_mwh"]), 6),
                        "price_gbp_per_mwh": round(float(row["price_gbp_per_mwh"]), 4),
                        "amount_gbp": round(float(row["amount_gbp"]), 6),
                    }
                    for row in found
                ],
                "flex_gbp": round(float(period["flex_gbp"]), 6),
                "flex_real_gbp": round(float(period["flex_real_gbp"]), 6),
                "flex_phantom_gbp": round(float(period["flex_phantom_gbp"]), 6),
            }
        )
    return bodies


def summary_body(totals: Mapping[str, Any]) -> dict[str, Any]:
    """Last line of a run: its totals and counters."""
    return {"kind": "summary", "totals": {name: _plain(value) for name, value in totals.items()}}


def _plain(value: Any) -> Any:
    """Numpy scalars as Python numbers; floats to nine digits after the point."""
    value = value.item() if isinstance(value, np.generic) else value
    return round(value, 9) if isinstance(value, float) else value
