"""Every controller by its variant name. Rooms above register what they bring (MPC, oracle, trained checkpoints)."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from agents.policy import Policy
from agents.scripted import Neutral
from agents.trades import NeutralTrades
from agents.tunable import TUNABLE, make_tuned
from envs.case import Case

Maker = Callable[[Case], Policy]
SeededMaker = Callable[[Case, int], Policy]  # one policy for each training seed


def _shipped(name: str) -> SeededMaker:
    def maker(case: Case, seed: int) -> Policy:
        from agents.exported import shipped_policy  # torch: only for those who ask for a network

        return shipped_policy(name, seed)

    return maker


def _tuned(name: str) -> Maker:
    return lambda case: make_tuned(name)


_MAKERS: dict[str, Maker] = {
    "neutral": lambda case: Neutral(),
    "neutral+trades": NeutralTrades,
    **{name: _tuned(name) for name in TUNABLE},
}
# An information set's plain name is its MAPPO policies; those of independent agents have a name of their own.
TRAINED = ("site", "carbon_aware", "grid_aware", "site_ippo", "carbon_aware_ippo", "grid_aware_ippo")
_SEEDED: dict[str, SeededMaker] = {name: _shipped(name) for name in TRAINED}


def names() -> tuple[str, ...]:
    """Variant names that can be made."""
    return (*_MAKERS, *_SEEDED)


def register(name: str, maker: Maker) -> None:
    """Add a controller; a name already taken is an error, so that no variant changes meaning by import order."""
    _check_free(name)
    _MAKERS[name] = maker


def register_seeded(name: str, maker: SeededMaker) -> None:
    """Add a family of trained controllers, one a training seed."""
    _check_free(name)
    _SEEDED[name] = maker


def make(name: str, case: Case, seed: int = 0) -> Policy:
    """The controller of a variant name, for one case; ``seed`` picks among those trained with several.

    Raises:
        ValueError: unknown name; the nearest known one is given.
    """
    if name in _SEEDED:
        return _SEEDED[name](case, seed)
    if name in _MAKERS:
        return _MAKERS[name](case)
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"controller {name!r} is unknown; {hint}known: {', '.join(names())}")


def _check_free(name: str) -> None:
    if name in names():
        raise ValueError(f"controller {name!r} is already registered; choose another variant name")
