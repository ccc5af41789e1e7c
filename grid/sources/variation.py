"""Other years than the fitted one: level, season and volatility of carbon and price, drawn once per synthetic world.

    x' = level (mean + season (slow - mean) + volatility (x - slow))

slow is the fitted seasonal course of daily means and mean its average over the year. As shares of 2022 the year 2023
had a price level of 0.45, a season of 0.65 and a volatility of 0.87 to 1, and a carbon level of 0.83 with a volatility
of 1.2: inside the ranges, which are otherwise assumptions. Weather is left as fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grid.noise import hashed_generator

LEVELS = {"carbon": (0.65, 1.1), "price": (0.25, 1.1)}
SEASONS = {"carbon": (0.5, 1.2), "price": (0.3, 1.1)}
VOLATILITIES = {"carbon": (0.7, 1.3), "price": (0.6, 1.4)}


@dataclass(frozen=True)
class Variation:
    """Factors of one signal, shares of 2022; (1, 1, 1) is the fitted world."""

    level: float
    season: float
    volatility: float

    def applied(self, values: np.ndarray, slow: np.ndarray, mean: float) -> np.ndarray:
        """``values`` (T,) as they would be in that world; ``slow`` (T,) and ``mean`` as in the module's formula."""
        return self.level * (mean + self.season * (slow - mean) + self.volatility * (values - slow))


def drawn(seed: int, signal: str) -> Variation:
    """The variation of "carbon" or "price" in the world ``seed``; the level is drawn on a logarithmic scale."""
    rng = hashed_generator("synthetic variation", seed, signal)
    low, high = LEVELS[signal]
    return Variation(
        level=float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        season=float(rng.uniform(*SEASONS[signal])),
        volatility=float(rng.uniform(*VOLATILITIES[signal])),
    )
