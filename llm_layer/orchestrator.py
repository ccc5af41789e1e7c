"""The orchestrator: asks a supervisor every N steps, holds its directives, keeps all inside what is safe and sold.

One control step of a batch:

    feasible = batch.feasible()
    bounds = orchestrator.bounds(view, batch, feasible)          # known before the agents act
    raw = agents.act(observations, bounds, view)
    control = orchestrator.control(view, batch, feasible, raw)   # decides where a decision is due
    batch.step(raw, control.bounds)

Bounds are nested: feasible and guard, then notices, then the delivery tracker (sold periods only), then the directive.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from agents.delivery import track
from envs.batch import SiteBatch
from envs.view import SiteView
from grid.events import FlexEvent
from grid.market.commitments import CommitmentError
from llm_layer.briefing import Ask, Briefing
from llm_layer.compile import Compiled, Held, supply_levels
from llm_layer.deliveries import Deliveries
from llm_layer.directive import Directive
from llm_layer.guard import guard
from llm_layer.policy import Decision, HighLevelPolicy, SupervisorError, fallback
from llm_layer.reader.board import NoticeBoard
from llm_layer.records import decision_body, decision_runtime
from llm_layer.situation import Situation
from llm_layer.wakes import Alarm

COUNTERS = (
    "decisions",  # one ``decide`` a site
    "overrides",  # decisions with at least one agent not followed
    "fallbacks",
    "reads",  # notices read
    "events_accepted",  # requests, not own trades
    "sales_refused",  # by the market
)

Accept = Callable[[int, FlexEvent, float, pd.Timestamp], object]
Sell = Callable[[int, Sequence[int], float, pd.Timestamp], object]


class Trail(Protocol):
    """Where records go: an ``AuditWriter``."""

    def write(self, body: dict[str, Any], runtime: dict[str, Any]) -> object: ...


@dataclass(frozen=True, slots=True)
class Control:
    """What one control step runs under.

    physical, noticed, tracked, bounds
                float32 (B, 3, 2), each inside the one before: feasible and guard; what notices ask; what was sold;
                the directive. ``bounds`` is for ``SiteBatch.step``, the others tell who moved an action.
    llm_kwh     float64 (B,), electricity of this step's decisions
    situations, decisions  of the sites decided for at this step
    """

    physical: np.ndarray
    noticed: np.ndarray
    tracked: np.ndarray
    bounds: np.ndarray
    llm_kwh: np.ndarray
    situations: tuple[Situation, ...]
    decisions: tuple[Decision, ...]


class Orchestrator:
    """See the module's head.

    Args:
        high_level: who decides; None leaves the agents alone, under guard and delivery tracker.
        every_steps: N, control steps a directive is held at most.
        accept: sells kW to a request in the market's books, or raises ``CommitmentError``; None: no market is
            connected, and no request is put to the supervisor. sell: the same for an own trade.
        audit: where decisions and deliveries are recorded; None: nowhere.
        notices: the board whose readings bind; whoever runs the loop resets it and lets it read. None: nobody reads.
    """

    def __init__(
        self,
        high_level: HighLevelPolicy | None,
        *,
        every_steps: int = 4,
        accept: Accept | None = None,
        sell: Sell | None = None,
        audit: Trail | None = None,
        notices: NoticeBoard | None = None,
    ) -> None:
        if every_steps < 1:
            raise ValueError(f"supervisor.every_steps: {every_steps} must be at least 1")
        self.high_level = high_level
        self.every_steps = every_steps
        self._accept, self._sell, self._audit = accept, sell, audit
        self._notices = notices

    def reset(self, batch: SiteBatch) -> None:
        """Forget everything about the last run; ``batch`` stands at the start of its own."""
        view = batch.view()
        size = view.batch_size
        self._alarm = Alarm(view, self.every_steps)
        self._briefing = Briefing(view, getattr(self.high_level, "reads_findings", True))
        self._held = Held(size)
        self._deliveries = Deliveries(size)
        self._closed: list[set[str]] = [set() for _ in range(size)]
        self._length = batch.length
        self._at = -1
        self._no_kwh = np.zeros(size)
        self._counts = {name: np.zeros(size, dtype=np.int64) for name in COUNTERS}

    def counters(self) -> dict[str, np.ndarray]:
        """Name of ``COUNTERS`` -> int64 (B,), since ``reset``."""
        return {name: counts.copy() for name, counts in self._counts.items()}

    def bounds(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray) -> np.ndarray:
        """Bounds float32 (B, 3, 2) of the coming step before the agents act, with the directive held so far."""
        self._safe = guard(view, feasible)
        self._noticed = self._safe if self._notices is None else self._notices.bounds(view, batch, self._safe)
        self._tracked, active = track(view, batch, self._noticed)
        if self._deliveries.any_open or active.any():
            for body in self._deliveries.observe(view, active):
                self._record(body, {"source": "rules"})
        self._final = self._held.compile(self._tracked).bounds
        self._at = view.step
        return self._final

    def control(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control:
        """Decide where a decision is due, given the agents' raw actions float32 (B, 3), and say what now binds."""
        if self._at != view.step:
            self.bounds(view, batch, feasible)
        woken = () if self._notices is None else self._notices.woken
        due = [] if self.high_level is None else self._alarm.ringing(view, self._length, woken)
        if not due:
            return self._control(self._no_kwh, (), ())
        closed = self._closed if self._accept else [None] * len(raw)
        asked = [Ask(site, why, hold, raw[site], self._tracked[site], closed[site]) for site, why, hold in due]
        situations = self._briefing.situations(view, batch, asked)
        decisions = self._decide(situations, view.timestamp(due[0][0]))
        levels, per_k = supply_levels(view.state, view.params)
        sales = [
            self._put_in_force(view, situation, decision, float(levels[situation.site]), float(per_k[situation.site]))
            for situation, decision in zip(situations, decisions, strict=True)
        ]
        compiled = self._held.compile(self._tracked)
        self._final = compiled.bounds
        llm_kwh = self._no_kwh.copy()
        for situation, decision, sold in zip(situations, decisions, sales, strict=True):
            llm_kwh[situation.site] += decision.energy_kwh
            self._record_decision(view, situation, decision, compiled, sold)
        return self._control(llm_kwh, tuple(situations), tuple(decisions))

    def _control(
        self, llm_kwh: np.ndarray, situations: tuple[Situation, ...], decisions: tuple[Decision, ...]
    ) -> Control:
        return Control(self._safe, self._noticed, self._tracked, self._final, llm_kwh, situations, decisions)

    def finish(self, batch: SiteBatch) -> None:
        """After the last step: close deliveries that run to the end."""
        if self._deliveries.any_open:
            for body in self._deliveries.observe(batch.view(), np.zeros(batch.batch_size, dtype=bool)):
                self._record(body, {"source": "rules"})

    def _decide(self, situations: list[Situation], now: pd.Timestamp) -> list[Decision]:
        assert self.high_level is not None
        policy_id = self.high_level.policy_id
        try:
            decisions = list(self.high_level.decide(situations, now))
        except SupervisorError as error:
            return [fallback(policy_id, str(error)) for _ in situations]
        if len(decisions) != len(situations):
            raise ValueError(f"{policy_id}: {len(decisions)} decisions for {len(situations)} situations; give one each")
        return decisions

    def _put_in_force(
        self, view: SiteView, situation: Situation, decision: Decision, supply_level: float, level_per_k: float
    ) -> list[dict[str, Any]]:
        """Hold a decision's directive and do its business; -> the sales tried and what the market said."""
        site, directive = situation.site, decision.directive
        overridden = self._held.give(site, directive, supply_level, level_per_k)
        self._counts["decisions"][site] += 1
        self._counts["overrides"][site] += overridden
        if decision.source == "fallback":
            self._counts["fallbacks"][site] += 1
            self._alarm.retry(site, view.step)
            return []
        self._alarm.set(site, view.step, directive.horizon_steps)
        self._closed[site].update(directive.decline)
        return self._trade(view, situation, directive)

    def _trade(self, view: SiteView, situation: Situation, directive: Directive) -> list[dict[str, Any]]:
        if not (directive.accept or directive.offers):
            return []
        site, now = situation.site, view.timestamp(situation.site)
        by_id = {request.event.id: request.event for request in situation.requests}
        tried = []
        for acceptance in directive.accept:
            event = by_id.get(acceptance.event_id)
            said = "no such open request"
            if event is not None:
                said = self._try(self._accept, site, event, acceptance.kw, now)
                self._closed[site].add(event.id)
                self._counts["events_accepted"][site] += not said
            self._counts["sales_refused"][site] += bool(said)
            tried.append({"event_id": acceptance.event_id, "kw": acceptance.kw, "refused": said})
        for offer in directive.offers:
            said = self._try(self._sell, site, offer.periods, offer.kw, now)
            self._counts["sales_refused"][site] += bool(said)
            tried.append({"periods": list(offer.periods), "kw": offer.kw, "refused": said})
        return tried

    @staticmethod
    def _try(book: Callable[..., object] | None, *sale: Any) -> str:
        """Why the market does not take a sale; empty where it does."""
        if book is None:
            return "no market is connected"
        try:
            book(*sale)
        except CommitmentError as error:
            return str(error)
        return ""

    def _record_decision(
        self, view: SiteView, situation: Situation, decision: Decision, compiled: Compiled, sales: list[dict[str, Any]]
    ) -> None:
        if self._audit is None:
            return
        site = situation.site
        now_ns = int(view.now_utc[site].astype(np.int64))
        body = decision_body(situation, decision, now_ns, compiled.bounds[site], compiled.clamped[site], sales)
        self._record(body, decision_runtime(decision))

    def _record(self, body: dict[str, Any], runtime: dict[str, Any]) -> None:
        if self._audit is not None:
            self._audit.write(body, {"wall_s": round(time.time(), 3), **runtime})
