"""Domain randomisation: site parameters drawn afresh, inside ranges that the caller gives."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np

from envs.params import BY_NAME, SITE_DTYPE, validate

Ranges = Mapping[str, tuple[float, float]]


def randomise(params: np.ndarray, ranges: Ranges, rng: np.random.Generator) -> np.ndarray:
    """Records like ``params`` (B,) with each named parameter drawn uniformly from its (low, high), site by site.

    Parameters are drawn in the order of ``SITE_DTYPE``, so the same generator gives the same sites however the ranges
    are written down.

    Raises:
        ValueError: unknown parameter (with the nearest right name), a range out of order or out of the parameter's
            bounds, two drawn values that contradict each other.
    """
    check_ranges(ranges)
    drawn = params.copy()
    for name in SITE_DTYPE.names or ():
        if name in ranges:
            low, high = ranges[name]
            drawn[name] = low + (high - low) * rng.random(len(params))
    validate(drawn)
    return drawn


def check_ranges(ranges: Ranges) -> None:
    """Raise ValueError on an unknown parameter, a range that is not one, or one that leaves the parameter's bounds."""
    for name, bounds in ranges.items():
        if name not in (SITE_DTYPE.names or ()):
            near = difflib.get_close_matches(name, SITE_DTYPE.names or (), n=1)
            raise ValueError(
                f"ranges: unknown site parameter {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        if np.shape(bounds) != (2,):
            raise ValueError(f"ranges.{name}: {bounds!r}; give its (low, high)")
        low, high = bounds
        if not low <= high:
            raise ValueError(f"ranges.{name}: low {low:g} is above high {high:g}")
        bound = BY_NAME[name]
        if low < bound.low or high > bound.high:
            raise ValueError(f"ranges.{name}: ({low:g}, {high:g}) leaves [{bound.low:g}, {bound.high:g}] {bound.unit}")
