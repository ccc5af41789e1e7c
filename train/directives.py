"""Directives met in training: bounds a supervisor might set, so that agents learn to act well inside any of them.

Training knows no supervisor. It draws from a deck of directives recorded elsewhere (``deg.directives``), as ranges on
the action axis, and from random ones; a share of the time nothing is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.state import AGENTS

Card = tuple[float, ...]  # lo and hi of each agent in turn, then control steps held
CARD_NUMBERS = 2 * len(AGENTS) + 1
FREE_STEPS = 4  # between two looks of a supervisor that asks for nothing
LONGEST_STEPS = 16
_FREE = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (len(AGENTS), 1))
_NAMED = (-1.0, 0.0, 1.0)  # levels that supervisors have words for


class Directives:
    """What each of B sites is asked, step after step.

    Args:
        share: of the time that something is asked.
        deck: recorded directives; half of what is asked is dealt from them, all of it is random where there are none.

    Raises:
        ValueError: a card of another form.
    """

    def __init__(self, size: int, share: float, deck: Sequence[Card], seed: int) -> None:
        for card in deck:
            if len(card) != CARD_NUMBERS:
                raise ValueError(f"directives: {len(card)} numbers a card, {CARD_NUMBERS} are lo, hi of 3 and steps")
        cards = np.array(deck, dtype=np.float64).reshape(-1, CARD_NUMBERS)
        self._share, self._deck = share, cards
        self._draws = np.random.default_rng([seed, 2])
        self.orders = np.tile(_FREE, (size, 1, 1))
        self._left = np.zeros(size, dtype=np.int64)

    def renew(self, steps: int) -> None:
        """``steps`` control steps go by; whose directive is over is asked something else."""
        self._left -= steps
        for site in np.flatnonzero(self._left <= 0):
            self.orders[site], self._left[site] = self._drawn()

    def narrow(self, bounds: np.ndarray) -> None:
        """Feasible bounds float32 (B, 3, 2) to what is asked, in place; what cannot be had becomes the nearest."""
        low, high = bounds[..., 0].copy(), bounds[..., 1].copy()
        np.clip(self.orders[..., 0], low, high, out=bounds[..., 0])
        np.clip(self.orders[..., 1], low, high, out=bounds[..., 1])

    def _drawn(self) -> tuple[np.ndarray, int]:
        draws = self._draws
        if draws.random() >= self._share:
            return _FREE, FREE_STEPS
        if len(self._deck) and draws.random() < 0.5:
            card = self._deck[draws.integers(len(self._deck))]
            return card[:-1].reshape(len(AGENTS), 2).astype(np.float32), int(card[-1])
        return np.array([self._random_order() for _ in AGENTS], dtype=np.float32), int(draws.integers(1, LONGEST_STEPS))

    def _random_order(self) -> tuple[float, float]:
        """Follow, a limit on one side, or a level, evenly; half of the levels are those that have a word."""
        draws = self._draws
        mode = draws.integers(3)
        level = float(draws.uniform(-1.0, 1.0)) if draws.random() < 0.5 else _NAMED[draws.integers(len(_NAMED))]
        if mode == 0:
            return -1.0, 1.0
        if mode == 1:
            return (level, 1.0) if draws.random() < 0.5 else (-1.0, level)
        return level, level

    def get_state(self) -> dict[str, Any]:
        return {"orders": self.orders.copy(), "left": self._left.copy(), "draws": self._draws.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        self.orders[...], self._left[...] = state["orders"], state["left"]
        self._draws.bit_generator.state = state["draws"]
