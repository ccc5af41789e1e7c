"""Situations given as a few numbers, put to a judge, and how right its word for each agent was.

The numbers of a file become the facts, conflicts and opportunities of a ``Situation``. The file has no series to price
proposals on, so gains are computed from its means: an hour of full power or of the whole queue, now against the mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from envs.state import AGENTS
from llm_layer.directive import AtLeast, AtMost, SetLevel
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.probe.files import needed
from llm_layer.situation import Finding, Situation
from llm_layer.verbs import verb_of

POWER_MW, CAPACITY_MWH, EFFICIENCY, WEAR_GBP_PER_MWH = 0.5, 1.0, 0.9, 10.0
CARBON_GBP_PER_KG = 0.05
NEAR_K, COOL_K = 0.5, 6.0  # near the inlet's limit; so far below it that warmer air is safe
SAVED_MW, DEAR = 0.02, 0.75  # cooling power that warmer air saves; rank from which it is worth saying
UNKNOWN_H = 8.0  # when the cheapest and dearest hours come, which a file does not say
LEVELS = {"defer": -1.0, "discharge": -1.0, "lower": -0.4, "raise": 0.4, "run": 1.0, "charge": 1.0}


def situation_of(item: Mapping[str, Any], number: int) -> Situation:
    """One item as a situation. Raises ValueError: a field that is missing, with the item it is in."""
    n = {name: float(needed(item, name, number)) for name in ("carbon_now", "price_now", "soc", "inlet", "inlet_limit")}
    for signal in ("carbon", "price"):
        n |= {f"{signal}_{k}": float(needed(item, f"{signal}_fc_{k}", number)) for k in ("mean", "min", "max")}
    queue, overdue = float(item.get("queue", 0.0)), float(item.get("overdue", 0.0))
    proposals = needed(item, "proposals", number)
    price_rank, carbon_rank = _rank(n, "price"), _rank(n, "carbon")
    event = item.get("p415") or {}
    found = [
        _battery(n, event, proposals.get("battery", "hold")),
        _work(n, event, queue, overdue, proposals.get("load_shift", "run")),
        _cooling(n, price_rank, proposals.get("cooling", "hold")),
    ]
    facts = {
        "tariff_gbp_per_mwh": n["price_now"],
        "carbon_gco2_per_kwh": n["carbon_now"],
        "price_rank": price_rank,
        "carbon_rank": carbon_rank,
        "cheapest_gbp_per_mwh": n["price_min"],
        "cheapest_in_h": UNKNOWN_H,
        "dearest_gbp_per_mwh": n["price_max"],
        "dearest_in_h": UNKNOWN_H,
        "soc": n["soc"] / 100.0,
        "queued_kwh": queue,
        "overdue_kwh": overdue,
        "inlet_degc": n["inlet"],
        "inlet_limit_degc": n["inlet_limit"],
        "sold_kw": 0.0,
    }
    return Situation(
        site=number,
        step=0,
        time_utc=f"2023-11-14T{item.get('time', '12:00')}Z",
        wake="start",
        hold_steps=4,
        facts=facts,
        proposals=tuple(LEVELS.get(proposals.get(agent, ""), 0.0) for agent in AGENTS),  # type: ignore[arg-type]
        findings=tuple(sorted((f for f in found if f is not None), key=lambda finding: -finding.gain_gbp)),
        requests=(),
    )


def probe_situations(items: Sequence[Mapping[str, Any]], judge: HighLevelPolicy) -> dict[str, Any]:
    """-> ``answers`` (a word an agent), ``overall`` and, where items have ``expected``, the controls ``copy`` and
    ``best_constant``: shares right by agent, and of items with all of them right.
    """
    situations = [situation_of(item, number) for number, item in enumerate(items)]
    decisions = judge.decide(situations, pd.Timestamp(situations[0].time_utc))
    answers = [_answer(*one) for one in zip(items, situations, decisions, strict=True)]
    overall = {**_shares(items, answers), "fallbacks": sum(one.source == "fallback" for one in decisions)}
    controls = {
        "copy": _shares(items, [{agent: item["proposals"].get(agent) for agent in AGENTS} for item in items]),
        "best_constant": _shares(items, [_best_constant(items)] * len(items)),
    }
    return {"answers": answers, "overall": {**overall, "items": len(items)}, "controls": controls}


def _answer(item: Mapping[str, Any], situation: Situation, decision: Decision) -> dict[str, Any]:
    words = {}
    for agent, proposal in zip(AGENTS, situation.proposals, strict=True):
        asked = getattr(decision.directive, agent)
        words[agent] = asked if isinstance(asked, str) else verb_of(agent, _level(asked), proposal)
    reason = {"reason_code": decision.directive.reason_code, "answered": decision.source != "fallback"}
    return {"id": item.get("id"), "kind": item.get("kind"), **words, **reason, "engine": decision.policy_id}


def _level(asked: SetLevel | AtLeast | AtMost) -> float:
    return (
        asked.level if isinstance(asked, SetLevel) else asked.at_least if isinstance(asked, AtLeast) else asked.at_most
    )


def _shares(items: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Share of accepted words by agent over the items that name any for it; ``all_right`` over items with expected."""
    marks: dict[str, list[bool]] = {agent: [] for agent in (*AGENTS, "all_right")}
    for item, answer in zip(items, answers, strict=True):
        expected = item.get("expected")
        if expected:
            right = {agent: answer[agent] in accepted for agent, accepted in expected.items()}
            for agent, mark in right.items():
                marks[agent].append(mark)
            marks["all_right"].append(all(right.values()))
    return {name: round(sum(told) / len(told), 4) if told else None for name, told in marks.items()}


def _best_constant(items: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """For each agent the one word that most items accept."""
    counts: dict[str, Counter[str]] = {agent: Counter() for agent in AGENTS}
    for item in items:
        for agent, accepted in (item.get("expected") or {}).items():
            counts[agent].update(accepted)
    return {
        agent: max(sorted(count), key=lambda word: count[word]) if count else None for agent, count in counts.items()
    }


def _rank(n: Mapping[str, float], signal: str) -> float:
    """Where now stands in the coming day by its least, mean and highest value, 0 to 1."""
    now, low, mean, high = (n[f"{signal}_{k}"] for k in ("now", "min", "mean", "max"))
    if now <= mean:
        return max(0.0, 0.5 * (now - low) / max(1e-9, mean - low))
    return min(1.0, 0.5 + 0.5 * (now - mean) / max(1e-9, high - mean))


def _worth(n: Mapping[str, float], when: str) -> float:
    """Objective pounds of a MWh: price and carbon."""
    return n[f"price_{when}"] + CARBON_GBP_PER_KG * n[f"carbon_{when}"]


def _battery(n: Mapping[str, float], event: Mapping[str, Any], proposal: str) -> Finding | None:
    pay = float(event.get("pay", 0.0))
    soon, now = event.get("when") == "later", event.get("when") == "now"
    room = max(0.0, 0.95 - n["soc"] / 100.0) * CAPACITY_MWH
    left = max(0.0, n["soc"] / 100.0 - 0.05) * CAPACITY_MWH
    later = _worth(n, "mean") + (pay if soon else 0.0)
    sold = _worth(n, "now") + (pay if now else 0.0)
    values = {
        "hold": 0.0,
        "charge": min(POWER_MW, room) * (EFFICIENCY * (later - WEAR_GBP_PER_MWH) - sold),
        "discharge": min(POWER_MW, left) * (sold - WEAR_GBP_PER_MWH - later / EFFICIENCY),
    }
    best = max(values, key=lambda word: values[word])
    reason = "request" if now or (soon and best == "charge") else "price_high" if best == "discharge" else "price_low"
    return _finding("battery", best, values[best] - values.get(proposal, 0.0), proposal, reason)


def _work(
    n: Mapping[str, float], event: Mapping[str, Any], queue: float, overdue: float, proposal: str
) -> Finding | None:
    if overdue > 0.0:
        return _finding("load_shift", "run", overdue, proposal, "deadline")
    sold = _worth(n, "now") + (float(event.get("pay", 0.0)) if event.get("when") == "now" else 0.0)
    gain = queue / 1000.0 * (sold - _worth(n, "mean"))
    best = "defer" if gain > 0.0 else "run"
    reason = "request" if event.get("when") == "now" else "price_high" if gain > 0.0 else "price_low"
    return _finding("load_shift", best, 0.0 if proposal == best else abs(gain), proposal, reason)


def _cooling(n: Mapping[str, float], price_rank: float, proposal: str) -> Finding | None:
    if n["inlet"] >= n["inlet_limit"] - NEAR_K:
        return _finding("cooling", "lower", 60.0, proposal, "safety")
    if n["inlet"] <= n["inlet_limit"] - COOL_K and price_rank >= DEAR:
        return _finding("cooling", "raise", SAVED_MW * _worth(n, "now"), proposal, "efficiency")
    return None


def _finding(agent: str, word: str, gain_gbp: float, proposal: str, reason: str) -> Finding | None:
    if gain_gbp <= 0.0 or word == proposal:
        return None
    text = f"{word} gains GBP {gain_gbp:.2f}"
    return Finding(agent, "conflict", reason, LEVELS.get(word, 0.0), gain_gbp, 0.0, text)
