"""A site that always delivers, on the hand-over tables: for protocol tests and trades without an orchestrator.

Its clock starts at a given instant, stands while no contract is active, and then runs ``speed`` times as fast as ours.
It accepts whatever its flat capacity covers and meters exactly baseline less what was sold.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pandas as pd

from grid.beckn.book import (
    PERIOD,
    SELLER,
    Contract,
    Decision,
    Interval,
    SiteState,
    contracts,
    intervals,
    put_decision,
    put_interval,
    put_site,
)  # fmt: skip
from grid.beckn.post import Clock, utc_now
from grid.beckn.states import ACTIVE, CONFIRMING, IN_PROGRESS
from grid.beckn.store import Store
from grid.calendar import settlement_index

POLL_S = 0.02
BASELINE_KW = 1000.0


class StandIn:
    """See the module's head. ``step`` does what is due; ``start`` keeps doing it in a thread."""

    def __init__(self, store: Store, offered_kw: float, start: datetime, speed: float, clock: Clock = utc_now) -> None:
        self._store, self._offered_kw, self._clock = store, offered_kw, clock
        self._now, self._stepped, self._speed = start, clock(), speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="stand-in", daemon=True)

    def start(self) -> None:
        self.step()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _work(self) -> None:
        while not self._stop.wait(POLL_S):
            self.step()

    def step(self) -> None:
        """Say how it stands, answer confirmations, meter periods that are over."""
        running, at = contracts(self._store, SELLER, (ACTIVE, IN_PROGRESS)), self._clock()
        if running:
            self._now += self._speed * (at - self._stepped)
        self._stepped, now = at, self._now
        state = SiteState(now, self._offered_kw, 2.0 * self._offered_kw, BASELINE_KW)
        put_site(self._store, state, at.timestamp())
        for contract in contracts(self._store, SELLER, (CONFIRMING,)):
            put_decision(self._store, Decision(contract.id, True, "", now))
        for contract in running:
            self._meter(contract, now)

    def _meter(self, contract: Contract, now: datetime) -> None:
        done = {interval.start for interval in intervals(self._store, contract.id)}
        for k in range(contract.periods):
            start = contract.start + k * PERIOD
            if start + PERIOD <= now and start not in done:
                put_interval(self._store, contract.id, flat_interval(start, contract.kw))


def flat_interval(start: datetime, sold_kw: float) -> Interval:
    """One period delivered to the letter."""
    dates, periods = settlement_index(pd.DatetimeIndex([pd.Timestamp(start)]))
    hours = PERIOD / timedelta(hours=1)
    baseline, sold = BASELINE_KW * hours, sold_kw * hours
    return Interval(start, dates[0].isoformat(), int(periods[0]), baseline, baseline - sold, sold)
