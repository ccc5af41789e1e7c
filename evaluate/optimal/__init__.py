"""Perfect foresight and model-predictive control on one plan model (HiGHS): ``oracle_bound``, ``oracle``, ``mpc``."""

from __future__ import annotations

from agents import factory
from agents.tunable import make_tuned
from evaluate.optimal.bound import BoundResult, InfeasibleWeekError, bound_gbp, oracle_bound
from evaluate.optimal.mpc import Mpc, MpcSettings
from evaluate.optimal.oracle import Oracle
from evaluate.optimal.program import SolverError
from evaluate.trading import Trading

__all__ = [
    "BoundResult",
    "InfeasibleWeekError",
    "Mpc",
    "MpcSettings",
    "Oracle",
    "SolverError",
    "bound_gbp",
    "oracle_bound",
    "register_controllers",
]


def register_controllers() -> None:
    """Make planners, and controllers with own trades, known to ``agents.factory``; a second call changes nothing."""
    makers: dict[str, factory.Maker] = {
        "oracle": Oracle,
        "oracle+trades": lambda case: Oracle(case, own_trades=True, name="oracle+trades"),
        "mpc+trades": lambda case: Trading(Mpc()),
        "threshold+trades": lambda case: Trading(make_tuned("threshold")),
        "mpc": lambda case: Mpc(),
        "carbon_mpc": lambda case: Mpc("carbon_mpc", MpcSettings("carbon_aware")),
    }
    for name, maker in makers.items():
        if name not in factory.names():
            factory.register(name, maker)
