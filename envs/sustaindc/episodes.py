"""B SustainDC sites of one kind and what their episodes are drawn from: behind every face of the profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.case import Case
from envs.episodes import Episodes, episodes
from envs.faces import NOT_BEGUN
from envs.sustaindc.batch import StepResult, SustainDCBatch
from envs.sustaindc.from_rows import series_of_rows
from envs.sustaindc.series import Series
from envs.sustaindc.site import Site, size_site


class Sites:
    """As in SustainDC the set-point and the reward's normaliser outlive a reset (defects 15 and 6 of the profile). A
    reset with a seed begins anew, as a new process of SustainDC would: so one seed is one trajectory.

    Args:
        series: what episodes are drawn from, all of one length; left out, ``episode_steps`` from any day of ``cases``,
            by default the registered case maker's.
        site: ``size_site("ny")`` if left out.
        count: B.

    Raises:
        ValueError: series and cases together, no series, series of unequal length, a case that is too short.
    """

    def __init__(
        self,
        series: Series | Sequence[Series] | None,
        site: Site | None,
        cases: Case | Sequence[Case] | None,
        episode_steps: int,
        count: int = 1,
    ) -> None:
        if series is not None and cases is not None:
            raise ValueError("series and cases: give one of them")
        self.site = size_site("ny") if site is None else site
        self.count = count
        self.batch: SustainDCBatch | None = None
        self._series: tuple[Series, ...] = ()
        self._episodes: Episodes | None = None
        if series is not None:
            self._series = (series,) if isinstance(series, Series) else tuple(series)
            lengths = sorted({one.steps for one in self._series})
            if len(lengths) != 1:
                raise ValueError(f"series: {lengths} steps; give one or more, all of one length")
        elif episode_steps is None:
            raise ValueError("episode_steps: None; give the control steps of an episode")
        else:
            self._episodes = episodes(cases, episode_steps)

    def reset(self, rngs: Sequence[np.random.Generator], seeded: Sequence[bool]) -> dict[str, np.ndarray]:
        """Draw an episode from each site's generator and start it, -> observations (B, size) per agent."""
        drawn = [self._draw(rng) for rng in rngs]
        place = {one: k for k, one in enumerate(dict.fromkeys(drawn))}
        series = [self._series_of(*one) for one in place]
        index = np.array([place[one] for one in drawn])
        if self.batch is None:
            self.batch = SustainDCBatch([self.site], series, np.zeros(self.count, dtype=np.int64), index)
        return self.batch.reset(series, index, anew=np.array(seeded))

    def step(self, codes: np.ndarray | Sequence) -> StepResult:
        """One step of codes (B, 3). Raises ValueError before the first reset and as ``SustainDCBatch.step``."""
        if self.batch is None:
            raise ValueError(NOT_BEGUN)
        return self.batch.step(codes)

    def _draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """-> (which series or case, first row)."""
        if self._episodes is None:
            return int(rng.integers(len(self._series))), 0
        case, first, _ = self._episodes.draw(rng)
        return case, first

    def _series_of(self, which: int, first: int) -> Series:
        if self._episodes is None:
            return self._series[which]
        assert self._episodes.steps is not None
        return series_of_rows(self._episodes.cases[which].rows, first, self._episodes.steps)
