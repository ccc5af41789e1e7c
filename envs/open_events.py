"""Which requests each site of a batch can see: published by now and not yet over."""

from __future__ import annotations

import weakref

import numpy as np
import pandas as pd

from grid.events import FlexEvent
from grid.rows import STEP_MINUTES, ExogenousRows


class OpenEvents:
    """Requests by site and step. Requests change a few times a week, so each group's tuple is kept until its next edge.

    A group is a pair (series, first row): sites that meet the same rows at the same step.
    """

    def __init__(self, all_rows: list[ExogenousRows], series: np.ndarray, first_row: np.ndarray) -> None:
        pairs, group = np.unique(np.stack([series, first_row], axis=1), axis=0, return_inverse=True)
        self._group = group.reshape(-1).tolist()
        self._events: list[tuple[FlexEvent, ...]] = [all_rows[s].events for s, _ in pairs]
        spans = {s: _span_steps(all_rows[s]) for s in {int(s) for s, _ in pairs}}
        self._spans = [spans[int(s)] - first for s, first in pairs]
        self.reset()

    def reset(self) -> None:
        """Back before step 0."""
        self._next_edge = np.full(len(self._events), -1, dtype=np.int64)
        self._open: list[tuple[FlexEvent, ...]] = [()] * len(self._events)
        self._by_site: tuple[tuple[FlexEvent, ...], ...] = ((),) * len(self._group)
        self._soonest = -1

    def at(self, step: int) -> tuple[tuple[FlexEvent, ...], ...]:
        """For each site its open requests at ``step``; steps may only grow between resets."""
        if step < self._soonest:
            return self._by_site
        for g in np.flatnonzero(self._next_edge <= step):
            spans = self._spans[g]
            visible = (spans[:, 0] <= step) & (spans[:, 1] > step)
            self._open[g] = tuple(event for event, seen in zip(self._events[g], visible, strict=True) if seen)
            later = spans[spans > step]
            self._next_edge[g] = later.min() if len(later) else np.iinfo(np.int64).max
        self._soonest = int(self._next_edge.min())
        self._by_site = tuple(self._open[g] for g in self._group)
        return self._by_site


_kept: dict[int, tuple[weakref.ref, np.ndarray]] = {}


def _span_steps(rows: ExogenousRows) -> np.ndarray:
    """int64 (events, 2): the step from which each request is seen, and the step at which it is over. Kept by series."""
    kept = _kept.get(id(rows))
    if kept is not None and kept[0]() is rows:
        return kept[1]

    def step_of(moment: pd.Timestamp) -> int:
        return int(np.ceil((moment - rows.start_utc) / pd.Timedelta(minutes=STEP_MINUTES)))

    spans = [(step_of(event.published_at), step_of(event.end)) for event in rows.events]
    key, table = id(rows), np.array(spans, dtype=np.int64).reshape(-1, 2)
    _kept[key] = (weakref.ref(rows, lambda _: _kept.pop(key, None)), table)
    return table
