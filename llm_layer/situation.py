"""What a supervisor is shown: one site's facts in numbers, and the conflicts and opportunities they amount to.

Every comparison of numbers is made here, by the host; what comes out is pounds, kilograms and fixed words. Rules decide
on the numbers, a language model reads the words, the audit trail keeps both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from grid.events import FlexEvent

LONDON = ZoneInfo("Europe/London")
Kind = Literal["conflict", "opportunity"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something one agent's proposal leaves on the table.

    level     action that does better, held until the next decision
    gain_gbp  objective pounds it gains on the published outlook. gain_kg: carbon it saves (negative: costs)
    reason    code of ``llm_layer.directive.ReasonCode``. text: the same in fixed words, at most 120 characters
    """

    agent: str
    kind: Kind
    reason: str
    level: float
    gain_gbp: float
    gain_kg: float
    text: str

    def as_record(self) -> dict[str, Any]:
        return {
            "agent": self.agent,
            "kind": self.kind,
            "reason": self.reason,
            "level": round(self.level, 4),
            "gain_gbp": round(self.gain_gbp, 4),
            "gain_kg": round(self.gain_kg, 3),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Request:
    """An open request, priced: what the shared selling rule would sell of it and what that pays.

    kw         0 where the rule declines: too small, or not worth its cost
    value_gbp  payment for ``kw`` after the aggregator's share, if delivered in full
    last_call  whether gate closure comes before the next regular decision
    """

    event: FlexEvent
    kw: float
    value_gbp: float
    last_call: bool
    text: str

    def as_record(self) -> dict[str, Any]:
        return {
            "event_id": self.event.id,
            "requested_kw": self.event.kw,
            "price_gbp_per_mwh": self.event.price_gbp_per_mwh,
            "start_utc": utc_text(self.event.start.value),
            "end_utc": utc_text(self.event.end.value),
            "rule_kw": self.kw,
            "value_gbp": round(self.value_gbp, 2),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Situation:
    """One site at the moment it is decided for.

    step         control step of the run. wake: why it is decided now, in the words of ``llm_layer.wakes``
    hold_steps   steps until the next regular decision
    facts        name with unit -> number, now and on the published outlook
    proposals    the agents' raw actions (load shift, battery, cooling), within the bounds
    findings, requests  see above; largest gain first
    """

    site: int
    step: int
    time_utc: str
    wake: str
    hold_steps: int
    facts: dict[str, float]
    proposals: tuple[float, float, float]
    findings: tuple[Finding, ...]
    requests: tuple[Request, ...]

    def as_record(self) -> dict[str, Any]:
        """For the audit trail."""
        return {
            "facts": self.facts,
            "findings": [finding.as_record() for finding in self.findings],
            "requests": [request.as_record() for request in self.requests],
        }


def utc_text(ns: int) -> str:
    """ISO time in UTC of nanoseconds since 1970, to the minute: 2023-11-13T00:15Z."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def clock(ns: int) -> str:
    """London wall clock of nanoseconds since 1970: 17:30."""
    return datetime.fromtimestamp(ns // 1_000_000_000, LONDON).strftime("%H:%M")
