"""Contract 4: what every controller is, whether a rule, an optimiser, a trained network or the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from envs.view import SiteView


@dataclass(frozen=True)
class Offer:
    """An own trade: kW sold in each of ``periods`` (indices within the run) of one site."""

    site: int
    periods: tuple[int, ...]
    kw: float


class Policy(Protocol):
    """A controller of a batch of B sites.

    name            variant name of contract 8
    layout          information set whose observations ``act`` wants, or None (it reads the view)
    accepts_events  whether it sells requests by the shared rule when no supervisor stands above it
    """

    name: str
    layout: str | None
    accepts_events: bool

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        """Forget everything; ``seeds`` int64 (B,) is the only source of randomness."""

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        """float32 (B, 3) raw actions in [-1, 1], agents in the order of ``envs.state.AGENTS``.

        obs: float32 (B, d) per agent (empty when ``layout`` is None); bounds: float32 (B, 3, 2).
        """

    def offers(self, view: SiteView) -> list[Offer]:
        """Own trades to commit now; most controllers make none."""
