"""A situation as numbers: what the words of a prompt are made from, for controls that read no words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from envs.state import AGENTS
from llm_layer.situation import LONDON, Situation

FACTS = (
    "tariff_gbp_per_mwh", "carbon_gco2_per_kwh", "system_gbp_per_mwh", "price_rank", "carbon_rank",
    "cheapest_gbp_per_mwh", "cheapest_in_h", "dearest_gbp_per_mwh", "dearest_in_h", "price_known_h", "utilisation",
    "outside_degc", "load_kw", "soc", "queued_kwh", "overdue_kwh", "inlet_degc", "inlet_limit_degc", "sold_kw",
)  # fmt: skip
_OF_FINDING = ("is_conflict", "level", "gain_gbp", "gain_kg")
_OF_REQUESTS = ("requests", "requests_kw", "requests_gbp", "last_call")
NAMES = (
    *FACTS, "hold_steps", "hour_sin", "hour_cos",
    *(f"proposed_{agent}" for agent in AGENTS),
    *(f"{agent}_{name}" for agent in AGENTS for name in _OF_FINDING),
    *_OF_REQUESTS,
)  # fmt: skip


def features(situations: Sequence[Situation]) -> np.ndarray:
    """float64 (n, len(NAMES)). An agent without a finding has NaN in its place."""
    return np.array([_row(situation) for situation in situations], dtype=np.float64).reshape(-1, len(NAMES))


def _row(situation: Situation) -> list[float]:
    local = datetime.fromisoformat(situation.time_utc).astimezone(LONDON)
    angle = 2.0 * math.pi * (local.hour + local.minute / 60.0) / 24.0
    row = [float(situation.facts[name]) for name in FACTS]
    row += [float(situation.hold_steps), math.sin(angle), math.cos(angle), *situation.proposals]
    by_agent = {finding.agent: finding for finding in situation.findings}
    for agent in AGENTS:
        found = by_agent.get(agent)
        row += (
            [math.nan] * len(_OF_FINDING)
            if found is None
            else [float(found.kind == "conflict"), found.level, found.gain_gbp, found.gain_kg]
        )
    asked = [request for request in situation.requests if request.kw > 0.0]
    row += [
        float(len(asked)),
        sum(r.kw for r in asked),
        sum(r.value_gbp for r in asked),
        float(any(r.last_call for r in asked)),
    ]
    return row
