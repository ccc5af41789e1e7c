"""The Gymnasium vector face: B sites in one kernel, one array of actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from envs.batch import SiteBatch
from envs.case import Case
from envs.episodes import episodes
from envs.faces import VectorFace
from envs.layouts import layout, limits
from envs.randomise import Ranges
from envs.state import AGENTS, OUT


class SiteVectorEnv(VectorFace):
    """B British sites, each under one joint action; all episodes begin and end together.

    *Observation*: float32 (B, d). *Action*: float32 (B, 3) in [-1, 1]. *Reward*: float64 (B,), GBP.
    *Termination*: never; all are truncated at once, and the step after that resets (its actions are ignored).
    *Info*: ``bounds`` float32 (B, 3, 2); after a step each name of ``envs.state.OUTPUTS`` float64 (B,) and
    ``executed`` float32 (B, 3).

    Site i of a reset with ``seed`` runs the episode of a ``SiteEnv`` reset with ``seed + i``, bit for bit.

    Args:
        num_envs: B. The others as in ``SiteEnv``; ``threads`` as in ``SiteBatch``.

    Raises:
        ValueError: as ``SiteEnv``; cases of unequal length that are played whole.
    """

    def __init__(
        self,
        num_envs: int = 1,
        cases: Case | Sequence[Case] | None = None,
        *,
        information: str = "carbon_aware",
        episode_steps: int | None = None,
        ranges: Ranges | None = None,
        threads: int = 1,
    ) -> None:
        self._episodes = episodes(cases, episode_steps, ranges)
        if episode_steps is None and len({case.rows.steps for case in self._episodes.cases}) > 1:
            raise ValueError("episode_steps: none, and the cases differ in length; give one, all sites end together")
        self.information = information
        low, high = limits(layout(information)).T
        super().__init__(
            num_envs, spaces.Box(low, high, dtype=np.float32), spaces.Box(-1.0, 1.0, (len(AGENTS),), np.float32)
        )
        start = np.zeros(num_envs, dtype=np.int64)
        self.batch = SiteBatch(self._episodes.cases, start, episode_steps=episode_steps, threads=threads)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw an episode for each site and start them. Site i is seeded with ``seed + i``, or ``seed[i]``."""
        self._seeded(seed)
        drawn = [self._episodes.draw(rng) for rng in self._rngs]
        case, first = [drawn_case for drawn_case, _, _ in drawn], [row for _, row, _ in drawn]
        params = np.concatenate([p for *_, p in drawn if p is not None]) if self._episodes.ranges else None
        self.batch.reset(site_case=case, start_steps=first, params=params)
        self._ended = False
        return self.batch.observe(self.information)[AGENTS[0]], {"bounds": self.batch.feasible()}

    def _advanced(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool, dict[str, Any]]:
        result = self.batch.advance(actions, self.information)
        info = {name: result.outputs[:, k] for name, k in OUT.items()}
        info |= {"bounds": result.bounds, "executed": result.executed}
        return result.observed, result.reward, self.batch.done, info
