"""The trading desk of a batch: checks what is sold, keeps the ledger, tells the kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from agents.policy import Offer
from envs.batch import SiteBatch
from grid.events import FlexEvent
from grid.market.commitments import Commitments
from grid.market.rules import MarketRules
from grid.rows import BASELINE, STEPS_PER_PERIOD


class Desk:
    """The one way into ``commit`` (contract 1), for requests and own trades alike. One market per case."""

    def __init__(self, batch: SiteBatch, rules: MarketRules) -> None:
        self.batch, self.rules = batch, rules
        self.accepted = np.zeros(batch.batch_size, dtype=np.int64)
        self._place = np.zeros(batch.batch_size, dtype=np.int64)  # row of a site in its case's market
        self._markets: list[Commitments] = []
        for index, case in enumerate(batch.cases):
            sites = np.flatnonzero(batch.site_case == index)
            self._place[sites] = np.arange(len(sites))
            baseline = case.rows.values[: case.rows.steps : STEPS_PER_PERIOD, BASELINE]
            self._markets.append(
                Commitments(case.rows.start_utc, np.tile(baseline, (len(sites), 1)), case.rows.events, rules)
            )

    def accept(self, site: int, event: FlexEvent, kw: float, now: pd.Timestamp) -> None:
        """Sell one request whole. Raises ``CommitmentError`` where contract 1 refuses it."""
        market, place = self._market(site)
        market.accept(place, event, kw, now)
        self.batch.set_commitment(site, market.periods_of(event), kw)
        self.accepted[site] += 1

    def announce(self, site: int, event: FlexEvent) -> None:
        """One more request to one site's market. Raises ``CommitmentError`` where it cannot stand beside the others."""
        market, _ = self._market(site)
        market.run.announce(event)
        self.batch.announce(int(self.batch.site_case[site]), event)

    def release(self, site: int, event: FlexEvent, now: pd.Timestamp) -> None:
        """A sale cancelled before gate closure. Raises ``CommitmentError`` where it stays sold."""
        market, place = self._market(site)
        market.release(place, event, now)
        self.batch.set_commitment(site, market.periods_of(event), 0.0)
        self.accepted[site] -= 1

    def events(self, site: int) -> tuple[FlexEvent, ...]:
        """Every request of one site's market so far, by time."""
        market, _ = self._market(site)
        return tuple(sorted(market.run.events, key=lambda event: event.start))

    def trade(self, offer: Offer, now: pd.Timestamp) -> None:
        """Sell an own trade, or a published request whose periods these are; ``CommitmentError`` where refused."""
        market, place = self._market(offer.site)
        market.commit(place, offer.periods, offer.kw, now)
        own = bool(market.own[place, list(offer.periods)].all())
        self.batch.set_commitment(offer.site, offer.periods, offer.kw, own=own)
        self.accepted[offer.site] += not own

    def ledger(self, site: int) -> np.ndarray:
        """Origin of each period, object (P,): an event id, ``own-<n>``, or ''."""
        market, place = self._market(site)
        return market.ledger(place)

    def own(self, site: int) -> np.ndarray:
        """bool (P,): periods sold as an own trade."""
        market, place = self._market(site)
        return market.own[place]

    def set_baseline(self, site: int, first_period: int, baseline_kw: Sequence[float] | np.ndarray) -> None:
        """A long run has learnt its baseline anew from ``first_period`` on."""
        market, place = self._market(site)
        market.set_baseline(place, first_period, np.asarray(baseline_kw, dtype=np.float64))

    def _market(self, site: int) -> tuple[Commitments, int]:
        return self._markets[self.batch.site_case[site]], int(self._place[site])
