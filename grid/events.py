"""A P415 flexibility request, as the grid side publishes it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

GATE_CLOSURE = pd.Timedelta(minutes=60)


@dataclass(frozen=True)
class FlexEvent:
    """One request: reduce import by up to ``kw`` in every settlement period of [start, end).

    Times are tz-aware UTC on settlement-period bounds; ``price_gbp_per_mwh`` is paid per MWh sold.
    """

    id: str
    published_at: pd.Timestamp
    start: pd.Timestamp
    end: pd.Timestamp
    kw: float
    price_gbp_per_mwh: float

    def __post_init__(self) -> None:
        for name in ("published_at", "start", "end"):
            value = getattr(self, name)
            if value.tzinfo is None:
                raise ValueError(f"event {self.id}: {name}={value} is naive; give a tz-aware UTC time")
        if not self.start < self.end:
            raise ValueError(f"event {self.id}: start={self.start} is not before end={self.end}")
        if self.kw <= 0:
            raise ValueError(f"event {self.id}: kw={self.kw} must be above 0; give the reduction asked for")
        if any(t != t.floor("30min") for t in (self.start, self.end)):
            raise ValueError(f"event {self.id}: start and end must lie on half-hours, got {self.start} .. {self.end}")

    @property
    def hours(self) -> float:
        return (self.end - self.start) / pd.Timedelta(hours=1)

    def gate_closes_at(self) -> pd.Timestamp:
        """Last instant at which this request can be accepted."""
        return self.start - GATE_CLOSURE
