"""SustainDC as Gymnasium's vector face: B sites in one kernel, one array of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.case import Case
from envs.faces import VectorFace
from envs.sustaindc.constants import OUT
from envs.sustaindc.episodes import Sites
from envs.sustaindc.faces import end_to_end, joint_spaces
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site


class SustainDCVectorEnv(VectorFace):
    """B SustainDC sites, each under one joint action; all episodes begin and end together.

    *Observation*: float32 (B, 53), those of agent_ls, agent_dc and agent_bat end to end. *Action*: codes 0, 1, 2,
    int (B, 3) in that order. *Reward*: float64 (B,), the sum of the three.
    *Termination*: never; all are truncated at once, and the step after that resets (its actions are ignored).
    *Info*: after a step each name of ``envs.sustaindc.constants.OUTPUTS`` float64 (B,) and ``rewards`` (B, 3).

    Site i of a reset with ``seed`` runs the episode of a ``SustainDCEnv`` reset with ``seed + i``, bit for bit; one
    that is reset without a seed keeps its set-point and normaliser, as there.

    Args:
        num_envs: B. The others as in ``SustainDCEnv``.

    Raises:
        ValueError: as ``SustainDCEnv``; ``num_envs`` below 1.
    """

    def __init__(
        self,
        num_envs: int = 1,
        series: Series | Sequence[Series] | None = None,
        site: Site | None = None,
        *,
        cases: Case | Sequence[Case] | None = None,
        episode_steps: int = 672,
    ) -> None:
        super().__init__(num_envs, *joint_spaces())
        self.sites = Sites(series, site, cases, episode_steps, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw an episode for each site and start them. Site i is seeded with ``seed + i``, or ``seed[i]``."""
        observations = self.sites.reset(self._rngs, self._seeded(seed))
        self._ended = False
        return end_to_end(observations), {}

    def _advanced(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool, dict[str, Any]]:
        result = self.sites.step(actions)
        info: dict[str, Any] = {name: result.outputs[:, k] for name, k in OUT.items()}
        info["rewards"] = result.rewards
        return end_to_end(result.observations), result.rewards.sum(axis=1), result.truncated, info
