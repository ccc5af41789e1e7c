"""What a tuner may choose: the range of every number of a rule, declared beside the rule.

A rule is a frozen dataclass with a class variable ``RANGES``, one ``Range`` a tunable field, and calls ``check`` in its
``__post_init__``: a number no tuner could have chosen is refused wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar

DAY_HOURS = 24.0


class Rule(Protocol):
    """Parameters of a scripted controller: a frozen dataclass."""

    RANGES: ClassVar[tuple[Range, ...]]


R = TypeVar("R", bound=Rule)


@dataclass(frozen=True)
class Range:
    """One tunable number.

    low, high   inclusive bounds
    start       where a search begins: a textbook value, or the one the rule was published with
    kind        linear; half_hours: a whole number of half-hours; clock: a London clock time in quarter-hours, where
                24:00 is 0:00 again
    """

    name: str
    low: float
    high: float
    start: float
    unit: str = "-"
    kind: Literal["linear", "half_hours", "clock"] = "linear"

    @property
    def notch(self) -> float:
        """The least move that gives another number, as a share of the range; 0 where any move does."""
        return {"linear": 0.0, "half_hours": 0.5, "clock": 0.25}[self.kind] / (self.high - self.low)

    def value(self, share: float) -> float:
        """The number at ``share`` of the range, 0 to 1, as a rule would hold it."""
        raw = self.low + share * (self.high - self.low)
        if self.kind == "half_hours":
            raw = round(2.0 * raw) / 2.0
        elif self.kind == "clock":
            raw = round(4.0 * raw) / 4.0 % DAY_HOURS
        return min(max(round(raw, 3), self.low), self.high)

    def share(self, value: float) -> float:
        """Where ``value`` lies in the range, 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def inside(self, share: float) -> float:
        """A share brought back into [0, 1]: a clock goes round, everything else stops at its bound."""
        return share % 1.0 if self.kind == "clock" else min(max(share, 0.0), 1.0)


def check(rule: Rule) -> None:
    """Raise ValueError naming the first field of ``rule`` outside its range."""
    for allowed in rule.RANGES:
        value = getattr(rule, allowed.name)
        if not allowed.low <= value <= allowed.high:  # NaN compares false
            raise ValueError(
                f"{type(rule).__name__}.{allowed.name}={value} is outside "
                f"[{allowed.low:g}, {allowed.high:g}] {allowed.unit}"
            )


def start_rule(kind: type[R], fixed: Mapping[str, Any] | None = None) -> R:
    """The rule before any tuning; ``fixed`` gives the fields that are not tuned."""
    return kind(**{allowed.name: allowed.start for allowed in kind.RANGES}, **(fixed or {}))
