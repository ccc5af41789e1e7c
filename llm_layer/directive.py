"""A directive: what a supervisor asks of the three agents and of the market until it is asked again.

The schema is static, so that an engine compiles it once: for each agent a verb of ``llm_layer.verbs``, a level to
``set``, or a ``limit`` from one side. Reason code before free text. Unknown fields are refused, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from envs.state import AGENTS
from llm_layer.verbs import LIMIT, SET, BatteryVerb, CoolingVerb, LoadShiftVerb, Order, order_of

ReasonCode = Literal[
    "follow", "safety", "deadline", "request", "price_high", "price_low", "carbon", "efficiency", "notice"
]

TEXT_LENGTH = 120
Level = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
_MODEL = ConfigDict(extra="forbid", frozen=True)


def _writable(text: str) -> str:
    """Half of a surrogate pair is no text: it cannot be written to the audit trail."""
    text.encode("utf-8")
    return text


class SetLevel(BaseModel):
    """Take this level of the action axis."""

    model_config = _MODEL
    mode: Literal["set"]
    level: Level


class AtLeast(BaseModel):
    """Stay at or above this level of the action axis."""

    model_config = _MODEL
    mode: Literal["limit"]
    at_least: Level


class AtMost(BaseModel):
    """Stay at or below this level of the action axis."""

    model_config = _MODEL
    mode: Literal["limit"]
    at_most: Level


class Acceptance(BaseModel):
    """Sell this many kW to a request, in all its settlement periods."""

    model_config = _MODEL
    event_id: str = Field(min_length=1, max_length=80)
    kw: float = Field(gt=0.0, le=1e6, allow_inf_nan=False)


class OwnTrade(BaseModel):
    """Sell this many kW in each of the settlement periods named (indices within the run)."""

    model_config = _MODEL
    periods: tuple[int, ...] = Field(min_length=1, max_length=8)
    kw: float = Field(gt=0.0, le=1e6, allow_inf_nan=False)


class Directive(BaseModel):
    """One answer for one site.

    horizon_steps: for how many control steps of 15 min it is meant; the orchestrator asks again then, or at its own N.
    """

    model_config = _MODEL
    load_shift: LoadShiftVerb | SetLevel | AtLeast | AtMost = "follow"
    battery: BatteryVerb | SetLevel | AtLeast | AtMost = "follow"
    cooling: CoolingVerb | SetLevel | AtLeast | AtMost = "follow"
    accept: tuple[Acceptance, ...] = Field(default=(), max_length=8)
    decline: tuple[str, ...] = Field(default=(), max_length=8)
    offers: tuple[OwnTrade, ...] = Field(default=(), max_length=8)
    horizon_steps: int = Field(default=96, ge=1, le=96)
    reason_code: ReasonCode = "follow"
    text: Annotated[str, Field(max_length=TEXT_LENGTH), AfterValidator(_writable)] = ""

    def orders(self, supply_level: float, level_per_k: float) -> tuple[Order, Order, Order]:
        """What is asked of each agent, in the order of ``AGENTS``; see ``verbs.order_of`` for the arguments."""
        load_shift, battery, cooling = (
            _order(agent, getattr(self, agent), supply_level, level_per_k) for agent in AGENTS
        )
        return load_shift, battery, cooling


FOLLOW_ALL = Directive()


def _order(agent: str, asked: object, supply_level: float, level_per_k: float) -> Order:
    if isinstance(asked, str):
        return order_of(agent, asked, supply_level, level_per_k)
    if isinstance(asked, SetLevel):
        return Order(SET, asked.level, asked.level)
    if isinstance(asked, AtLeast):
        return Order(LIMIT, asked.at_least, 1.0)
    if isinstance(asked, AtMost):
        return Order(LIMIT, -1.0, asked.at_most)
    raise TypeError(f"{agent}: {asked!r} is no order")
