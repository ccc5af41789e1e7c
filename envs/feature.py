"""The declaration of one observed number."""

from __future__ import annotations

from dataclasses import dataclass

INFORMATION_SETS = ("site", "carbon_aware", "grid_aware")


@dataclass(frozen=True)
class Feature:
    """One number of an observation: ``value = normaliser(quantity)``, within [low, high] in ordinary operation."""

    name: str
    unit: str
    low: float
    high: float
    normaliser: str
    information: str  # the smallest information set that holds it
