"""The notice board of a run: has each notice read when it is published, keeps what is in force, and makes bounds of it.

What could not be read, or not surely, is read again and put before the operator; nothing that was in force ends by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from envs.batch import SiteBatch
from envs.state import OUT
from envs.view import SiteView
from llm_layer.notices.breach import BreachMeter
from llm_layer.notices.force import Constraints
from llm_layer.notices.notice import NONE, Authored, Notice
from llm_layer.reader.compile import Kept, Standing, compile_constraints
from llm_layer.reader.reading import Reader, Reading
from llm_layer.records import when

AGAIN_STEPS = 4  # an unsure reading is tried again after 1, 2, 4, 8 h; one that failed at the next step
GIVE_UP_STEPS = 96  # after a day it is left to the operator

Record = Callable[[dict[str, Any], dict[str, Any]], object]


@dataclass
class _Pending:
    notice: Notice
    due: int  # step it is read at
    last: int  # step after which it is left alone
    wait: int = AGAIN_STEPS


class NoticeBoard:
    """See the module's head.

    Args:
        reader: who reads; None: nobody, notices only count when they are broken.
        record: takes (body, runtime) of each reading for the audit trail; None: nowhere.
    """

    def __init__(self, reader: Reader | None, record: Record | None = None) -> None:
        self.reader = reader
        self._record = record

    def reset(self, batch: SiteBatch) -> None:
        """Forget the last run; ``batch`` stands at the start of its own."""
        size = batch.batch_size
        self._meter = BreachMeter(batch)
        self._forces = [Constraints() for _ in range(size)]
        self._pending: list[list[_Pending]] = [[] for _ in range(size)]
        self._ahead: list[list[Authored]] = [
            sorted(batch.cases[case].notices, key=lambda one: one.notice.published_at) for case in batch.site_case
        ]
        self._start_ns = batch.now_utc.astype(np.int64)
        self._supply = np.zeros((batch.steps, size))
        self._carbon = np.zeros((batch.steps + 1, size))  # cumulative, at the start of each step
        self.reads = np.zeros(size, dtype=np.int64)
        self.woken: frozenset[int] = frozenset()  # sites at which something newly read asks for something
        self.spent_kwh = np.zeros(size)  # electricity of this step's readings

    @property
    def idle(self) -> bool:
        """Whether there is nothing for it to do in this run."""
        return not self._meter.watching

    def before(self, batch: SiteBatch) -> None:
        """At the start of a step, before anyone looks: read what is due, and show what has been read (``notices``)."""
        if self.idle:
            return
        step, now = batch.now, batch.now_utc.astype(np.int64)
        self._supply[step] = batch.state["supply_degc"]
        self.woken, self.spent_kwh = frozenset(), np.zeros(batch.batch_size)
        if self.reader is None:
            return
        for site, ahead in enumerate(self._ahead):
            while ahead and ahead[0].notice.published_at.value <= now[site]:
                self._pending[site].append(_Pending(ahead.pop(0).notice, step, step + GIVE_UP_STEPS))
        self._read_due(step, now)
        batch.notices = tuple(
            tuple(entry.constraint for entry in force.alive(int(now[site]))) for site, force in enumerate(self._forces)
        )

    def bounds(self, view: SiteView, batch: SiteBatch, within: np.ndarray) -> np.ndarray:
        """``within`` float32 (B, 3, 2) narrowed to what has been read of the notices."""
        if self.reader is None or self.idle:
            return within
        now = view.now_utc.astype(np.int64)
        standing = [self._standing(site, int(now[site]), view.step) for site in range(view.batch_size)]
        return compile_constraints(standing, batch, view, now, within)

    def watch(self, view: SiteView) -> None:
        """Before a step: what the true constraints are measured from."""
        if self._meter.watching:
            self._meter.before(view)

    def after(self, view: SiteView, outputs: np.ndarray, executed: np.ndarray) -> np.ndarray:
        """After a step: bool (B,), sites that broke a true constraint in it."""
        if not self._meter.watching:
            return np.zeros(view.batch_size, dtype=bool)
        self._carbon[view.step + 1] = self._carbon[view.step] + outputs[:, OUT["carbon_kg"]]
        return self._meter.breaches(view, outputs, executed)

    def _read_due(self, step: int, now: np.ndarray) -> None:
        due = [(site, one) for site, pending in enumerate(self._pending) for one in pending if one.due <= step]
        if not due:
            return
        assert self.reader is not None
        start = time.monotonic()
        at = pd.Timestamp(int(now[due[0][0]]), tz="UTC")
        readings = self.reader.read([one.notice for _, one in due], at)
        for (site, one), reading in zip(due, readings, strict=True):
            self._take(site, one, reading, step, int(now[site]), (time.monotonic() - start) / len(due))

    def _take(self, site: int, one: _Pending, reading: Reading, step: int, now_ns: int, latency_s: float) -> None:
        self.reads[site] += 1
        self.spent_kwh[site] += reading.energy_kwh
        in_force = reading.constraint is not None
        if reading.constraint is not None:
            self._forces[site].add(one.notice.id, one.notice.source, one.notice.published_at, reading.constraint)
            if reading.constraint.bound != NONE:
                self.woken = self.woken | {site}
        one.due = step + (1 if reading.failed else one.wait)
        one.wait *= 1 if reading.failed else 2
        if in_force or one.due > one.last:
            self._pending[site].remove(one)
        if self._record is not None:
            # Who answered, the engine or its cache, and how long it took, may differ in a replay.
            body = {
                "kind": "reading",
                **when(now_ns),
                "site": site,
                "step": step,
                "source": one.notice.source,
                "text": one.notice.text[:400],
                **reading.as_record(),
                "tell_operator": not in_force,
            }
            self._record(
                body, {"latency_s": round(latency_s, 6), **({"error": reading.error} if reading.error else {})}
            )

    def _standing(self, site: int, now_ns: int, step: int) -> list[Standing]:
        found = []
        for entry in self._forces[site].alive(now_ns):
            began = min(step, max(0, -(-(entry.start_ns - int(self._start_ns[site])) // (900 * 10**9))))
            spent = self._carbon[step, site] - self._carbon[began, site]
            found.append((entry, Kept(float(self._supply[began, site]), float(spent))))
        return found
