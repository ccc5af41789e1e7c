"""The one table of verbs: what each word asks of each agent, as (mode, lo, hi) on the action axis [-1, 1].

Prompts, rules, probe and audit all speak these words; nothing else turns a word into a number. Some words depend on the
state: cooling is held, raised or lowered from the set-point of the last step.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from envs.state import AGENTS

LoadShiftVerb = Literal["follow", "defer", "pass", "run"]
BatteryVerb = Literal["follow", "charge", "hold", "discharge"]
CoolingVerb = Literal["follow", "lower", "hold", "raise"]

VERBS: dict[str, tuple[str, ...]] = {
    "load_shift": LoadShiftVerb.__args__,  # type: ignore[attr-defined]
    "battery": BatteryVerb.__args__,  # type: ignore[attr-defined]
    "cooling": CoolingVerb.__args__,  # type: ignore[attr-defined]
}

RAISE_K = 2.0  # how far "raise" and "lower" move supply air, one notch of ASHRAE's 5 K a step at most
TOLERANCE = 0.05  # a proposal this near to zero, or to the set-point, is called by the neutral word

FOLLOW, LIMIT, SET = range(3)
MODES = ("follow", "limit", "set")


class Order(NamedTuple):
    """What one agent is asked: follow (lo, hi = -1, 1), stay inside [lo, hi], or take lo == hi."""

    mode: int
    lo: float
    hi: float


FOLLOWED = Order(FOLLOW, -1.0, 1.0)

_FIXED = {
    ("load_shift", "defer"): Order(SET, -1.0, -1.0),
    ("load_shift", "pass"): Order(SET, 0.0, 0.0),
    ("load_shift", "run"): Order(SET, 1.0, 1.0),
    ("battery", "charge"): Order(SET, 1.0, 1.0),
    ("battery", "hold"): Order(SET, 0.0, 0.0),
    ("battery", "discharge"): Order(SET, -1.0, -1.0),
}

_WORDS = {(agent, order.lo): verb for (agent, verb), order in _FIXED.items()}


def word_for(agent: str, level: float) -> str | None:
    """The verb that sets an agent to exactly this level; None where there is none."""
    return _WORDS.get((agent, level))


def cooling_action(supply_degc: float, supply_min_degc: float, supply_max_degc: float) -> float:
    """The action whose target is this supply air, in [-1, 1]."""
    level = 2.0 * (supply_degc - supply_min_degc) / (supply_max_degc - supply_min_degc) - 1.0
    return min(1.0, max(-1.0, level))


def order_of(agent: str, verb: str, supply_level: float, level_per_k: float) -> Order:
    """What a verb asks.

    Args:
        supply_level: present supply-air set-point on the action axis. level_per_k: action per kelvin of supply air.

    Raises:
        ValueError: a word this agent does not know.
    """
    if verb == "follow":
        return FOLLOWED
    fixed = _FIXED.get((agent, verb))
    if fixed is not None:
        return fixed
    if agent == "cooling" and verb in VERBS["cooling"]:
        notch = RAISE_K * level_per_k
        if verb == "hold":
            return Order(SET, supply_level, supply_level)
        if verb == "raise":
            return Order(LIMIT, min(1.0, supply_level + notch), 1.0)
        return Order(LIMIT, -1.0, max(-1.0, supply_level - notch))
    known = ", ".join(VERBS[agent]) if agent in VERBS else f"agents are {', '.join(AGENTS)}"
    raise ValueError(f"{agent}: unknown verb {verb!r}; use one of {known}")


def verb_of(agent: str, action: float, supply_level: float = 0.0) -> str:
    """The word for what an agent proposes, the inverse of the table: its side of neutral."""
    offset = action - supply_level if agent == "cooling" else action
    words = {"load_shift": ("defer", "pass", "run"), "battery": ("discharge", "hold", "charge")}
    low, neutral, high = words.get(agent, ("lower", "hold", "raise"))
    return neutral if abs(offset) <= TOLERANCE else low if offset < 0 else high
