"""What modules see of the sites, as one float32 row each:

    [ earlier frames, oldest first | bounds, 6 | grid-aware observation | what only critics see ]

An actor is given the leading part: earlier frames of its own observation (``train.frames``), the bounds where training
is directive-conditioned (``train.directive_share``), and as much of the present observation as its information set
holds. ``agents.exported`` builds the same from plain observations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.exported import BOUND_NUMBERS
from envs.layouts import layout
from train.sites import EXTRAS, OBSERVED, TrainingSites


@dataclass(frozen=True)
class Sight:
    """Which numbers are seen.

    information: of the actors. frames: present one included. bounds: whether they are seen. future: whether critics
    that see more see what is not published yet.
    """

    information: str
    frames: int = 1
    bounds: bool = False
    future: bool = True

    @property
    def own(self) -> int:
        """Numbers of the actors' information set."""
        return len(layout(self.information))

    @property
    def before(self) -> int:
        """Numbers ahead of the present observation."""
        return (self.frames - 1) * self.own + (BOUND_NUMBERS if self.bounds else 0)

    @property
    def actor(self) -> int:
        """Numbers an actor sees: the leading part of a row."""
        return self.before + self.own

    @property
    def critic(self) -> int:
        """Numbers a critic that sees more is given."""
        return self.before + OBSERVED + (EXTRAS if self.future else 0)

    @property
    def width(self) -> int:
        return self.before + OBSERVED + EXTRAS


class Looker:
    """Fills rows of what is seen, once a choice; earlier frames are kept here."""

    def __init__(self, sight: Sight, sites: TrainingSites) -> None:
        self._sight, self._sites = sight, sites
        self._past = np.zeros((sites.size, sight.frames - 1, sight.own), dtype=np.float32)
        self._begun = False

    def look(self, out: np.ndarray) -> None:
        """Fill float32 (B, width). To be called once a choice, after the sites have been stepped."""
        sight = self._sight
        self._sites.observe(out[:, sight.before :])
        if sight.bounds:
            out[:, sight.before - BOUND_NUMBERS : sight.before] = self._sites.bounds.reshape(-1, BOUND_NUMBERS)
        if sight.frames > 1:
            self._stack(out[:, : (sight.frames - 1) * sight.own], out[:, sight.before : sight.actor])

    def _stack(self, out: np.ndarray, now: np.ndarray) -> None:
        fresh = self._sites.done if self._begun else np.ones(self._sites.size, dtype=bool)
        self._past[fresh] = now[fresh, None]  # an episode begins with its first frame, repeated
        self._begun = True
        out[:] = self._past.reshape(len(out), -1)
        self._past[:, :-1] = self._past[:, 1:]
        self._past[:, -1] = now

    def get_state(self) -> dict[str, Any]:
        return {"past": self._past.copy(), "begun": self._begun}

    def set_state(self, state: dict[str, Any]) -> None:
        self._past[...], self._begun = state["past"], state["begun"]
