"""A situation in words for a language model: static text first, volatile facts last, times at the very end.

An engine caches whole blocks of a prompt's beginning, so nothing that changes may stand before what does not. Every
comparison of numbers is the host's: the model reads "HIGH", "near its limit", "costs GBP 3.10 more".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from envs.state import AGENTS, COOLING
from llm_layer.prompt_long import LONG_SYSTEM
from llm_layer.schema import answer_schema, shown_requests
from llm_layer.situation import LONDON, Finding, Request, Situation, clock
from llm_layer.verbs import verb_of

PROMPT_VERSION = "judge-2"  # raise it with any change of wording: answers are cached and compared by it

SYSTEM = """\
You supervise three agents of a data centre. For each answer follow, or override it where the facts say so: \
load_shift defer, pass, run; battery charge, hold, discharge; cooling lower, hold, raise; \
or set or limit its level, -1 to 1. accept: numbers of requests to sell. \
Safety first, then late work, requests, price, carbon. Answer in JSON, text under 8 words."""

Form = Literal["short", "long"]
SYSTEMS: dict[Form, str] = {"short": SYSTEM, "long": LONG_SYSTEM}

_BECAUSE = {"price_high": "price high", "price_low": "price low", "safety": "inlet at its limit"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an engine is given for one site. schema: JSON schema of the answer."""

    system: str
    user: str
    schema: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


def build_prompt(situation: Situation, show_proposals: bool = False, form: Form = "short") -> Prompt:
    """The prompt of one situation.

    Args:
        form: ``short`` stays under 300 tokens; ``long`` spells the rules out and gives examples, as a static part that
            an engine with prefix caching reads once.
        show_proposals: put the agents' raw actions in as well. Small models copy what they are shown, so by default
            they see proposals only through the conflicts computed from them.
    """
    shown = shown_requests(situation)
    lines = [_price(situation.facts), _plant(situation.facts), *_findings(situation)]
    lines += [_request(number, request) for number, request in enumerate(shown, 1)] or ["Requests: none."]
    if show_proposals:
        pairs = zip(AGENTS, situation.proposals, strict=True)
        lines.append("Proposed: " + ", ".join(f"{agent} {action:+.2f}" for agent, action in pairs) + ".")
    lines.append(_when(situation))
    return Prompt(SYSTEMS[form], "\n".join(lines), answer_schema(len(shown)))


def _price(facts: dict[str, float]) -> str:
    return (
        f"Price {_level(facts['price_rank'])}, GBP {facts['tariff_gbp_per_mwh']:.0f}/MWh; "
        f"lowest {facts['cheapest_gbp_per_mwh']:.0f} in {facts['cheapest_in_h']:.0f} h, "
        f"highest {facts['dearest_gbp_per_mwh']:.0f} in {facts['dearest_in_h']:.0f} h. "
        f"Carbon {_level(facts['carbon_rank'])}, {facts['carbon_gco2_per_kwh']:.0f} g/kWh."
    )


def _level(rank: float) -> str:
    """Where now stands in the coming day: rank is the share of it that lies below."""
    return "LOW" if rank < 0.25 else "HIGH" if rank > 0.75 else "MEDIUM"


def _plant(facts: dict[str, float]) -> str:
    late = f"{facts['overdue_kwh']:.0f} kWh OVERDUE" if facts["overdue_kwh"] > 0.0 else "none late"
    near = facts["inlet_degc"] >= facts["inlet_limit_degc"] - 0.5
    sold = f" Sold now: {facts['sold_kw']:.0f} kW." if facts["sold_kw"] > 0.0 else ""
    return (
        f"Battery {100.0 * facts['soc']:.0f} %. Waiting work {facts['queued_kwh']:.0f} kWh, {late}. "
        f"Inlet {'TOO HOT' if near else 'normal'}.{sold}"
    )


def _findings(situation: Situation) -> list[str]:
    """Conflicts and opportunities, largest gain first; an agent without one is fine as it is."""
    lines = [_finding(finding, situation) for finding in situation.findings]
    fine = [agent for agent in AGENTS if all(finding.agent != agent for finding in situation.findings)]
    return lines + ([f"{', '.join(fine)}: fine as proposed."] if fine else [])


def _finding(finding: Finding, situation: Situation) -> str:
    """Cooling's words are relative to the proposal, the others' to doing nothing."""
    start = situation.proposals[COOLING] if finding.agent == AGENTS[COOLING] else 0.0
    word = verb_of(finding.agent, finding.level, start)
    level = f" {finding.level:+.2f}" if abs(finding.level) not in (0.0, 1.0) else ""
    because = _BECAUSE.get(finding.reason, finding.reason)
    return f"{finding.agent} {finding.kind}: {word}{level} gains GBP {finding.gain_gbp:.2f}, {because}."


def _request(number: int, request: Request) -> str:
    event = request.event
    span = f"{clock(event.start.value)}-{clock(event.end.value)}"
    last = " Last call." if request.last_call else ""
    return f"Request {number}: {request.kw:.0f} kW {span} pays GBP {request.value_gbp:.0f}.{last}"


def _when(situation: Situation) -> str:
    local = datetime.fromisoformat(situation.time_utc).astimezone(LONDON)
    return f"{local:%A %H:%M}, next decision in {situation.hold_steps * 15} min."
