"""Agents without a supervisor: what they sell follows the shared rule; guard and delivery tracker stay.

A controller that does not accept requests is not steered to deliver either: ``neutral+trades`` sells its baseline's
error and stays idle, which is the point of it.
"""

from __future__ import annotations

import numpy as np

from agents.acceptance import acceptable_kw
from agents.policy import Policy
from envs.batch import SiteBatch
from envs.view import SiteView
from evaluate.desk import Desk
from llm_layer.guard import guard
from llm_layer.orchestrator import Control, Orchestrator, Trail
from llm_layer.reader.board import NoticeBoard


class Alone:
    """Stands where a supervised orchestrator stands and decides nothing about agents."""

    def __init__(
        self, policy: Policy, desk: Desk, audit: Trail | None = None, notices: NoticeBoard | None = None
    ) -> None:
        self._policy, self._desk, self._notices = policy, desk, notices
        self._plant = Orchestrator(None, audit=audit, notices=notices)

    def reset(self, batch: SiteBatch) -> None:
        self._plant.reset(batch)
        self._considered: list[set[str]] = [set() for _ in range(batch.batch_size)]

    def bounds(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray) -> np.ndarray:
        """Sell what has been requested since the last step, then say what binds."""
        if not self._policy.accepts_events:
            safe = guard(view, feasible)
            return safe if self._notices is None else self._notices.bounds(view, batch, safe)
        self._sell(view, batch)
        return self._plant.bounds(view, batch, feasible)

    def control(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control:
        if not self._policy.accepts_events:
            safe = guard(view, feasible)
            noticed = safe if self._notices is None else self._notices.bounds(view, batch, safe)
            return Control(safe, noticed, noticed, noticed, np.zeros(view.batch_size), (), ())
        return self._plant.control(view, batch, feasible, raw)

    def counters(self) -> dict[str, np.ndarray]:
        return self._plant.counters()

    def finish(self, batch: SiteBatch) -> None:
        self._plant.finish(batch)

    def _sell(self, view: SiteView, batch: SiteBatch) -> None:
        for site, events in enumerate(view.events):
            for event in events:
                if event.id in self._considered[site]:
                    continue
                self._considered[site].add(event.id)
                kw = acceptable_kw(view, batch, site, event)
                if kw > 0.0:
                    self._desk.accept(site, event, kw, view.timestamp(site))
