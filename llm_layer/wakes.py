"""When a supervisor is asked: every N steps, and early on the edge of a request or on coming near a limit."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from envs.view import SiteView
from llm_layer.guard import NearLimits

STEP_NS = 900 * 10**9

START, HOLD_OVER, RETRY, LIMIT_NEAR = "start", "hold over", "retry", "limit near"
PUBLISHED, STARTED, ENDED = "request published", "request started", "request ended"
NOTICE_READ = "notice read"


class RequestEdges:
    """Notices requests published, started and ended since the last call, site by site."""

    def __init__(self, batch_size: int) -> None:
        self._seen: list[dict[str, bool]] = [{} for _ in range(batch_size)]

    def edges(self, view: SiteView) -> dict[int, str]:
        """Site -> what happened there (the last of several in the order published, started, ended)."""
        found: dict[int, str] = {}
        for site, events in enumerate(view.events):
            seen = self._seen[site]
            if not events and not seen:
                continue
            now_ns = int(view.now_utc[site].astype(np.int64))
            present = {event.id: event.start.value <= now_ns for event in events}
            if present != seen:
                if any(name not in present for name in seen):
                    found[site] = ENDED
                elif any(started and not seen.get(name, False) for name, started in present.items()):
                    found[site] = STARTED
                else:
                    found[site] = PUBLISHED
                self._seen[site] = present
        return found


class Alarm:
    """Says at each step which sites have to be decided for, and why.

    Regular decisions fall on multiples of N from the run's start; an early one restarts N unless its directive names a
    shorter horizon.
    """

    def __init__(self, view: SiteView, every_steps: int) -> None:
        self.every_steps = every_steps
        self._due = np.full(view.batch_size, view.step, dtype=np.int64)
        self._soonest = view.step
        self._why = [START] * view.batch_size
        self._near = NearLimits(view)
        self._requests = RequestEdges(view.batch_size)

    def ringing(self, view: SiteView, length: np.ndarray, noticed: Collection[int] = ()) -> list[tuple[int, str, int]]:
        """(site, why, steps until it is asked again) of each site to decide for; sites at their end rest.

        noticed: sites at which a notice has just been read.

        It is asked again at the next multiple of N, or where a request it knows of starts or ends before that.
        """
        wakes = dict.fromkeys(noticed, NOTICE_READ) | self._requests.edges(view)
        near = self._near.edges(view)
        if view.step < self._soonest and not wakes and not near.any():
            return []
        ringing = []
        for site in range(view.batch_size):
            if view.step >= length[site]:
                continue
            if view.step >= self._due[site]:
                why = wakes.get(site, self._why[site])
            elif site in wakes:
                why = wakes[site]
            elif near[site]:
                why = LIMIT_NEAR
            else:
                continue
            ringing.append((site, why, self._hold(view, site)))
        return ringing

    def _hold(self, view: SiteView, site: int) -> int:
        hold = self.every_steps - view.step % self.every_steps
        if view.events[site]:
            now_ns = int(view.now_utc[site].astype(np.int64))
            for event in view.events[site]:
                for edge in (event.start, event.end):
                    steps = (edge.value - now_ns) // STEP_NS
                    hold = steps if 0 < steps < hold else hold
        return hold

    def set(self, site: int, step: int, horizon_steps: int) -> None:
        """A directive is in force from ``step``: ask again when it is over."""
        self._put(site, step + min(self.every_steps, horizon_steps), HOLD_OVER)

    def retry(self, site: int, step: int) -> None:
        """There was no answer: ask again at the next step."""
        self._put(site, step + 1, RETRY)

    def _put(self, site: int, due: int, why: str) -> None:
        self._due[site] = due
        self._why[site] = why
        self._soonest = int(self._due.min())
