"""Perfect foresight and model-predictive control on one plan model (HiGHS): ``oracle_bound``, ``oracle``, ``mpc``."""

from __future__ import annotations

from agents import factory
from evaluate.optimal.bound import BoundResult, InfeasibleWeekError, oracle_bound
from evaluate.optimal.mpc import Mpc, MpcSettings
from evaluate.optimal.oracle import Oracle
from evaluate.optimal.program import SolverError

__all__ = [
    "BoundResult",
    "InfeasibleWeekError",
    "Mpc",
    "MpcSettings",
    "Oracle",
    "SolverError",
    "oracle_bound",
    "register_controllers",
]


def register_controllers() -> None:
    """Make ``oracle``, ``mpc`` and ``carbon_mpc`` known to ``agents.factory``; a second call changes nothing."""
    makers: dict[str, factory.Maker] = {
        "oracle": Oracle,
        "mpc": lambda case: Mpc(),
        "carbon_mpc": lambda case: Mpc("carbon_mpc", MpcSettings("carbon_aware")),
    }
    for name, maker in makers.items():
        if name not in factory.names():
            factory.register(name, maker)
