"""How often a judge's answer is the labelled one: by agent, all three at once, and apart for combined causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envs.state import AGENTS
from llm_layer.judge.classes import FOLLOWED, classes_of
from llm_layer.judge.labelled import Labelled
from llm_layer.policy import Decision, HighLevelPolicy

PARTS = ("single", "seen", "held_out")


def decided(policy: HighLevelPolicy, labelled: Sequence[Labelled], batch: int = 64) -> list[Decision]:
    """What a supervisor says in each situation, asked in batches."""
    found: list[Decision] = []
    for first in range(0, len(labelled), batch):
        found += policy.decide([one.situation for one in labelled[first : first + batch]], None)  # type: ignore[arg-type]
    return found


def score(labelled: Sequence[Labelled], decisions: Sequence[Decision]) -> dict[str, Any]:
    """Shares right by part of the set and over all of it: all three agents, each, and those to override or to follow.

    A fallback is wrong everywhere. answers: how many different ones were given.
    """
    wanted = np.array([one.classes for one in labelled]).reshape(-1, len(AGENTS))
    given = np.array(
        [
            (-1,) * len(AGENTS) if decision.source == "fallback" else classes_of(decision.directive, one.situation)
            for one, decision in zip(labelled, decisions, strict=True)
        ]
    ).reshape(-1, len(AGENTS))
    parts = np.array([one.part for one in labelled])
    found: dict[str, Any] = {}
    for part in (*PARTS, "overall"):
        mine = np.ones(len(parts), dtype=bool) if part == "overall" else parts == part
        if mine.any():
            found[part] = _shares(wanted[mine], given[mine])
    return found | {"answers": len(Counter(map(tuple, given.tolist()))), "fallbacks": int((given[:, 0] < 0).sum())}


def constant_of(labelled: Sequence[Labelled]) -> Mapping[str, Any]:
    """The best that one answer to everything can do on this very set, agent by agent."""
    wanted = np.array([one.classes for one in labelled])
    return {agent: float(np.bincount(wanted[:, k]).max() / len(wanted)) for k, agent in enumerate(AGENTS)} | {
        "all": Counter(map(tuple, wanted.tolist())).most_common(1)[0][1] / len(wanted)
    }


def _shares(wanted: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    right = wanted == given
    follow = wanted == FOLLOWED
    return {
        "situations": len(wanted),
        "all": float(right.all(axis=1).mean()),
        **{agent: float(right[:, k].mean()) for k, agent in enumerate(AGENTS)},
        "overrides_right": float(right[~follow].mean()) if (~follow).any() else None,
        "follows_right": float(right[follow].mean()) if follow.any() else None,
    }
