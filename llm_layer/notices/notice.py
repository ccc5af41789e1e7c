"""A notice as it is published, and the typed constraint it stands for.

One table says what each kind asks: the agent it binds, the bound, and the unit of its value. Information (prices,
margins) binds nobody; ``cancel`` ends the constraints of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

Source = Literal["operator", "grid"]
Moment = pd.Timestamp | None


class Asks(NamedTuple):
    """What a kind of notice asks: whom it binds, how, and in which unit."""

    agent: str | None
    bound: str
    unit: str | None


KINDS: dict[str, Asks] = {
    "plant_outage": Asks("cooling", "not_warmer", None),
    "battery_reserve": Asks("battery", "min_soc", "fraction"),
    "carbon_cap": Asks("site", "max_carbon", "kg"),
    "price_warning": Asks("site", "price_at_least", "GBP/MWh"),
    "margin_notice": Asks("site", "expect_event", None),
    "maintenance_window": Asks("site", "max_import", "kW"),
    "service_priority": Asks("load_shift", "no_defer", None),
    "noise": Asks(None, "none", None),
}
CANCEL, NONE = "cancel", "none"
BINDING = ("max_import", "not_warmer", "no_defer", "min_soc", "max_carbon")  # by rank: who wins comes first
INFORMATION = ("price_at_least", "expect_event")
BOUNDS = (*BINDING, *INFORMATION, CANCEL, NONE)


@dataclass(frozen=True, slots=True)
class Notice:
    """Free text, as it reaches the site. ``published_at`` is tz-aware UTC."""

    id: str
    published_at: pd.Timestamp
    source: Source
    text: str

    def __post_init__(self) -> None:
        if self.published_at.tzinfo is None:
            raise ValueError(f"notice {self.id}: published_at={self.published_at} is naive; give a tz-aware UTC time")
        if self.source not in Source.__args__:  # type: ignore[attr-defined]
            raise ValueError(f"notice {self.id}: source {self.source!r}; use operator or grid")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a notice asks, in numbers; in force over [start, until), tz-aware UTC.

    kind, agent, bound, unit   one row of ``KINDS``, or bound ``cancel``
    start, until   None: from its publication on; None: until it is cancelled
    confidence     of whoever read it, 0 to 1
    """

    kind: str
    agent: str | None
    bound: str
    value: float | None = None
    unit: str | None = None
    start: Moment = None
    until: Moment = None
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is unknown; known: {', '.join(KINDS)}")
        asks = KINDS[self.kind]
        if self.bound not in (asks.bound, CANCEL) or (self.bound == CANCEL and asks.bound == NONE):
            raise ValueError(f"{self.kind}: bound {self.bound!r}; use {asks.bound} or {CANCEL}")
        if self.agent != asks.agent:
            raise ValueError(f"{self.kind}: agent {self.agent!r}; use {asks.agent}")
        if (self.value is not None) != (asks.unit is not None and self.bound != CANCEL) or (
            self.value is not None and not 0.0 <= self.value < 1e9
        ):
            raise ValueError(f"{self.kind}: value {self.value!r} for {self.bound} in {asks.unit or 'no unit'}")
        if self.start is not None and self.until is not None and not self.start < self.until:
            raise ValueError(f"{self.kind}: ends at {self.until}, not after it starts at {self.start}")

    @property
    def binds(self) -> bool:
        return self.bound in BINDING

    def starts_at(self, published_at: pd.Timestamp) -> pd.Timestamp:
        """When it comes into force: never before it was published."""
        return published_at if self.start is None else max(self.start, published_at)

    def as_record(self) -> dict[str, Any]:
        """The form of files and audit lines: UTC to the minute, null where nothing is said."""
        return {
            "kind": self.kind,
            "agent": self.agent,
            "bound": self.bound,
            "value": self.value,
            "unit": self.unit,
            "from": _text(self.start),
            "until": _text(self.until),
        }


def constraint_of(
    kind: str, *, value: float | None = None, start: Moment = None, until: Moment = None, confidence: float = 1.0
) -> Constraint:
    """The constraint of a kind; agent, bound and unit follow from the kind."""
    asks = KINDS[kind]
    return Constraint(kind, asks.agent, asks.bound, value, asks.unit, start, until, confidence)


def cancel_of(kind: str, confidence: float = 1.0) -> Constraint:
    """The end of what has been asked in notices of this kind."""
    return Constraint(kind, KINDS[kind].agent, CANCEL, confidence=confidence)


NOISE = constraint_of("noise")


@dataclass(frozen=True, slots=True)
class Authored:
    """A notice whose meaning is known because it was written from it.

    wording     family it was worded by: kind/style/number. injection: whether it tries to give orders of its own.
    """

    notice: Notice
    meaning: Constraint
    wording: str
    injection: bool = False


def _text(moment: Moment) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%MZ")
