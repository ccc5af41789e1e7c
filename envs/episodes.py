"""Which case, which days and which site an episode has: one draw, the same for every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.case import Case
from envs.case_maker import default_case
from envs.randomise import Ranges, check_ranges, randomise
from grid.rows import STEPS_PER_DAY


@dataclass(frozen=True)
class Episodes:
    """What episodes are drawn from.

    Args:
        cases: one or more.
        steps: control steps of an episode, which then begins on any day of the case; None plays cases whole.
        ranges: site parameter -> (low, high), drawn for each episode (``envs.randomise``); none if empty.

    Raises:
        ValueError: no case, a case shorter than an episode, a range that is not one.
    """

    cases: tuple[Case, ...]
    steps: int | None
    ranges: Ranges

    def __post_init__(self) -> None:
        if not self.cases:
            raise ValueError("cases: none given; give at least one Case")
        check_ranges(self.ranges)
        shortest = min(case.rows.steps for case in self.cases)
        whole = isinstance(self.steps, (int, np.integer))
        if self.steps is not None and not (whole and 1 <= self.steps <= shortest):
            raise ValueError(
                f"episode_steps: {self.steps}; give a whole number from 1 to {shortest}, the steps of the shortest case"
            )

    def draw(self, rng: np.random.Generator) -> tuple[int, int, np.ndarray | None]:
        """-> (case, first row, parameters (1,) or None for the case's own)."""
        case = int(rng.integers(len(self.cases)))
        first = 0
        if self.steps is not None:
            days = (self.cases[case].rows.steps - self.steps) // STEPS_PER_DAY + 1
            first = STEPS_PER_DAY * int(rng.integers(days))
        params = randomise(self.cases[case].params, self.ranges, rng) if self.ranges else None
        return case, first, params


def episodes(cases: Case | Sequence[Case] | None, steps: int | None = None, ranges: Ranges | None = None) -> Episodes:
    """``Episodes`` of the given cases, or of the registered case maker's year."""
    if cases is None:
        cases = default_case()
    return Episodes((cases,) if isinstance(cases, Case) else tuple(cases), steps, ranges or {})
