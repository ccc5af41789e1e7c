"""Own trades of controllers that move load: ``threshold+trades``, ``mpc+trades``.

Each London day, once its auction is published, the dearest blocks are judged by the shared selling rule as if they
were requests (``agents.acceptance``): what the site could reduce through them, and whether that pays. The best one is
sold, one a day as the market has it; the delivery tracker does the rest.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agents.acceptance import acceptable_kw
from agents.policy import Offer, Policy
from envs.batch import SiteBatch
from envs.view import SiteView
from evaluate.alone import Alone
from grid.calendar import LONDON, PERIOD
from grid.events import GATE_CLOSURE, FlexEvent
from grid.market.commitments import CommitmentError
from grid.rows import STEPS_PER_PERIOD

TRADES = "+trades"
BLOCK_PERIODS = (2, 4, 8)  # lengths that are tried; the market takes up to 8


class Trading:
    """A controller that also makes own trades. It acts as it would without, and knows what it has sold."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name = policy.name + TRADES
        self.layout, self.accepts_events = policy.layout, policy.accepts_events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._policy.reset(batch_size, seeds)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        return self._policy.act(obs, bounds, view)

    def offers(self, view: SiteView) -> list[Offer]:
        return self._policy.offers(view)


class TradingAlone(Alone):
    """``Alone`` for a controller that trades."""

    def reset(self, batch: SiteBatch) -> None:
        super().reset(batch)
        self._decided: list[date | None] = [None] * batch.batch_size

    def _sell(self, view: SiteView, batch: SiteBatch) -> None:
        super()._sell(view, batch)
        for site in range(view.batch_size):
            for offer in self._best_trade(view, batch, site):
                try:
                    self._desk.trade(offer, view.timestamp(site))
                except CommitmentError:  # the day's first or last half-hour is another day's in the market
                    continue

    def _best_trade(self, view: SiteView, batch: SiteBatch, site: int) -> list[Offer]:
        """The day's own trade, if its prices have just come and one pays."""
        starts = pd.date_range(view.timestamp(site).floor(PERIOD), periods=_priced(view, site), freq=PERIOD)
        local = starts.tz_convert(LONDON)
        day = local[-1].date() if len(local) and local[-1].hour < 23 else None
        if day is None or day == self._decided[site]:
            return []
        self._decided[site] = day
        free = np.asarray((local.date == day) & (local.hour < 23) & (starts - GATE_CLOSURE >= view.timestamp(site)))
        free &= view.commitments_kw[site, view.period : view.period + len(starts)] == 0.0
        for event in view.events[site]:
            free &= np.asarray((starts < event.start) | (starts >= event.end))
        p = view.params[site]
        price = view.outlook("day_ahead_gbp_per_mwh")[site, : len(starts)] - p["half_spread_gbp_per_mwh"]
        best: list[Offer] = []
        most_gbp = 0.0
        for first, count in _dearest(price, free):
            event = FlexEvent(
                "own", view.timestamp(site), starts[first], starts[first] + count * PERIOD,
                float(p["registered_kw"]), float(price[first : first + count].mean()),
            )  # fmt: skip
            kw = acceptable_kw(view, batch, site, event)
            gbp = kw * float(price[first : first + count].sum())
            if gbp > most_gbp:
                periods = tuple(range(view.period + first, view.period + first + count))
                best, most_gbp = [Offer(site, periods, kw)], gbp
        return best


def _priced(view: SiteView, site: int) -> int:
    """Periods from the present one on, within the run and the outlook, whose day-ahead price is known."""
    known = (view.step % STEPS_PER_PERIOD + int(view.published_steps[site])) // STEPS_PER_PERIOD
    outlook = view.forecast.shape[2]
    return min(known, view.commitments_kw.shape[1] - view.period, outlook)


def _dearest(price: np.ndarray, free: np.ndarray) -> list[tuple[int, int]]:
    """(first period, count) of the dearest block of each length that is free throughout."""
    found = []
    for count in BLOCK_PERIODS:
        sums = [
            (float(price[a : a + count].sum()), a) for a in range(len(price) - count + 1) if free[a : a + count].all()
        ]
        if sums:
            found.append((max(sums)[1], count))
    return found
