"""Every controller by its variant name. Rooms above register what they bring (MPC, oracle, trained checkpoints)."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from agents.policy import Policy
from agents.scripted import CARBON_RULE, PRICE_RULE, EventFollower, Neutral, Threshold
from agents.trades import NeutralTrades
from envs.case import Case

Maker = Callable[[Case], Policy]

_MAKERS: dict[str, Maker] = {
    "neutral": lambda case: Neutral(),
    "neutral+trades": NeutralTrades,
    "threshold": lambda case: Threshold("threshold", PRICE_RULE, accepts_events=True),
    "carbon_threshold": lambda case: Threshold("carbon_threshold", CARBON_RULE, accepts_events=False),
    "event_follower": lambda case: EventFollower(),
}


def names() -> tuple[str, ...]:
    """Variant names that can be made."""
    return tuple(_MAKERS)


def register(name: str, maker: Maker) -> None:
    """Add a controller; a name already taken is an error, so that no variant changes meaning by import order."""
    if name in _MAKERS:
        raise ValueError(f"controller {name!r} is already registered; choose another variant name")
    _MAKERS[name] = maker


def make(name: str, case: Case) -> Policy:
    """The controller of a variant name, for one case.

    Raises:
        ValueError: unknown name; the nearest known one is given.
    """
    if name not in _MAKERS:
        near = difflib.get_close_matches(name, _MAKERS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"controller {name!r} is unknown; {hint}known: {', '.join(_MAKERS)}")
    return _MAKERS[name](case)
