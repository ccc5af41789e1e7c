"""What each site has sold: kW per settlement period, written once, before gate closure, within limits.

``Commitments.kw`` is the kernel's one input besides the rows (contract 1). The ledger beside it says what every sold
period came from: a request's id, or ``own-<n>`` for the site's own trades.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from grid.calendar import PERIOD, day_ahead_published_at, settlement_index
from grid.events import GATE_CLOSURE, FlexEvent
from grid.market.rules import MarketRules, check_eligible

OWN_TRADE_MAX_PERIODS = 8  # 4 h, one block a London day: without a limit own trades are a money pump (section 4)
NO_EVENT = -1


class CommitmentError(ValueError):
    """A commitment that the market does not take: the message names the period, the value and the limit."""


def gate_open(now: pd.Timestamp, period_start: pd.Timestamp) -> bool:
    """Whether a period can still be sold at ``now``: until 60 minutes before its start, that instant included."""
    return bool(now <= period_start - GATE_CLOSURE)


class RunPeriods:
    """The settlement periods of one run and the requests that fall into them."""

    def __init__(self, start_utc: pd.Timestamp, periods: int, events: tuple[FlexEvent, ...]) -> None:
        self.starts = pd.date_range(start_utc, periods=periods, freq=PERIOD)
        self.dates, self.numbers = settlement_index(self.starts)
        self.price_known_at = day_ahead_published_at(self.starts)
        self.events = events
        self.event_at = np.full(periods, NO_EVENT, dtype=np.int64)
        for i, event in enumerate(events):
            inside = np.asarray((self.starts >= event.start) & (self.starts < event.end))
            for taken in np.flatnonzero(inside & (self.event_at != NO_EVENT))[:1]:
                other = events[self.event_at[taken]].id
                raise ValueError(f"requests {other} and {event.id} both ask for {self.name(taken)}; drop one of them")
            self.event_at[inside] = i

    def announce(self, event: FlexEvent) -> None:
        """One more request, seen from its ``published_at`` on.

        Raises ``CommitmentError``: its id is taken, it lies outside the run, or over another request.
        """
        if any(event.id == other.id for other in self.events):
            raise CommitmentError(f"request {event.id} is there already; give the new one another id")
        periods = self.of_event(event)
        taken = [period for period in periods if self.event_at[period] != NO_EVENT]
        if taken:
            raise CommitmentError(f"{self.name(taken[0])}: another request asks for it; one request a period")
        self.event_at[periods] = len(self.events)
        self.events = (*self.events, event)

    def name(self, period: int) -> str:
        return f"settlement period {self.dates[period]} {self.numbers[period]}"

    def of_event(self, event: FlexEvent) -> list[int]:
        """Period numbers of a request; raises ``CommitmentError`` unless it lies wholly inside the run."""
        first, end = ((time - self.starts[0]) // PERIOD for time in (event.start, event.end))
        if first < 0 or end > len(self.starts):
            raise CommitmentError(f"request {event.id} ({event.start} .. {event.end}) is not wholly inside this run")
        return list(range(first, end))

    def checked(self, periods: Sequence[int]) -> list[int]:
        """The periods in order; raises ``CommitmentError`` for none, a repeated one or one outside the run."""
        chosen = sorted(int(period) for period in periods)
        if not chosen:
            raise CommitmentError("no periods given; name at least one settlement period")
        if len(set(chosen)) < len(chosen) or chosen[0] < 0 or chosen[-1] >= len(self.starts):
            raise CommitmentError(f"periods {chosen} must be distinct and lie in 0 .. {len(self.starts) - 1}, this run")
        return chosen

    def open_request(self, periods: list[int], now: pd.Timestamp) -> FlexEvent | None:
        """The published request that these periods accept, None where they touch none; it is accepted whole."""
        touched = {int(i) for i in self.event_at[periods] if i != NO_EVENT}
        published = [self.events[i] for i in sorted(touched) if self.events[i].published_at <= now]
        if not published:
            return None
        event = published[0]
        if periods != self.of_event(event):
            raise CommitmentError(
                f"request {event.id} covers {event.start} .. {event.end}: commit exactly its periods, "
                f"not {self.name(periods[0])} to {self.name(periods[-1])}"
            )
        return event


class Commitments:
    """The commitments of B sites of one run, P settlement periods long.

    kw       float64 (B, P): kW sold, 0 where nothing is; written through ``commit`` and ``accept`` only
    own      bool (B, P): sold as an own trade, at day-ahead less the half-spread
    """

    def __init__(
        self,
        start_utc: pd.Timestamp,
        baseline_kw: np.ndarray,
        events: Sequence[FlexEvent],
        rules: MarketRules,
        largest_export_kw: float = 0.0,
    ) -> None:
        """``baseline_kw`` (B, P), kW; 0 where there is none and nothing can be sold. ``events``: all of the run's."""
        check_eligible(largest_export_kw, rules)
        self.rules = rules
        self._baseline_kw = np.array(baseline_kw, dtype=np.float64)
        sites, periods = self._baseline_kw.shape
        self.run = RunPeriods(start_utc, periods, tuple(events))
        self.kw = np.zeros((sites, periods))
        self.own = np.zeros((sites, periods), dtype=bool)
        self._origin: list[dict[int, str]] = [{} for _ in range(sites)]
        self._own_trades = [0] * sites

    def commit(self, site: int, periods: Sequence[int], kw: float, now: pd.Timestamp | np.datetime64) -> str:
        """Sell ``kw`` in each of ``periods`` (numbers from the run's start) and return the origin's id.

        The periods of a published request are sold whole, as its acceptance; any others are an own trade. Raises
        ``CommitmentError`` and writes nothing when a rule of contract 1 or section 4 is broken.
        """
        run, now = self.run, _utc(now)
        chosen = run.checked(periods)
        event = run.open_request(chosen, now)
        for period in chosen:
            self._check_period(site, period, kw, now, event)
        if event is None:
            self._check_own_block(site, chosen, now)
            self._own_trades[site] += 1
        origin = f"own-{self._own_trades[site]}" if event is None else event.id
        self.kw[site, chosen] = kw
        self.own[site, chosen] = event is None
        self._origin[site].update(dict.fromkeys(chosen, origin))
        return origin

    def accept(self, site: int, event: FlexEvent, kw: float, now: pd.Timestamp | np.datetime64) -> str:
        """Accept a request with one ``kw`` for all its periods, or raise ``CommitmentError``."""
        run, now = self.run, _utc(now)
        if event not in run.events:
            raise CommitmentError(f"request {event.id} is not among this run's requests; accept a published one")
        if now < event.published_at:
            raise CommitmentError(f"request {event.id} is published at {event.published_at}; at {now} it is unknown")
        return self.commit(site, self.periods_of(event), kw, now)

    def periods_of(self, event: FlexEvent) -> list[int]:
        """Period numbers of a request; raises ``CommitmentError`` unless it lies wholly inside the run."""
        return self.run.of_event(event)

    def release(self, site: int, event: FlexEvent, now: pd.Timestamp | np.datetime64) -> None:
        """The buyer has cancelled before gate closure: what was sold to ``event`` is free again.

        Raises ``CommitmentError`` after gate closure (what is sold then stays sold) or where nothing was sold to it.
        """
        periods = self.periods_of(event)
        if not gate_open(_utc(now), event.start):
            raise CommitmentError(f"request {event.id}: gate closed at {event.gate_closes_at()}; it stays sold")
        if any(self._origin[site].get(period) != event.id for period in periods):
            raise CommitmentError(f"request {event.id}: nothing is sold to it; there is nothing to release")
        self.kw[site, periods] = 0.0
        for period in periods:
            del self._origin[site][period]

    def ledger(self, site: int) -> np.ndarray:
        """Origin of each period, object (P,): an event id, ``own-<n>``, or '' where nothing is sold."""
        origins = np.full(self.kw.shape[1], "", dtype=object)
        for period, origin in self._origin[site].items():
            origins[period] = origin
        return origins

    def set_baseline(self, site: int, first_period: int, baseline_kw: np.ndarray) -> None:
        """Replace a site's baseline (kW) from ``first_period`` on: long runs learn theirs as they go."""
        self._baseline_kw[site, first_period : first_period + len(baseline_kw)] = baseline_kw

    def _check_period(self, site: int, period: int, kw: float, now: pd.Timestamp, event: FlexEvent | None) -> None:
        run, terms = self.run, self.rules
        name, start = run.name(period), run.starts[period]
        if not gate_open(now, start):
            raise CommitmentError(f"{name}: gate closed at {start - GATE_CLOSURE}, it is {now}; commit by then")
        if self.kw[site, period] > 0:
            sold = f"{self.kw[site, period]:g} kW for {self._origin[site][period]}"
            raise CommitmentError(f"{name}: already committed, {sold}; leave it out")
        if not math.isfinite(kw) or kw <= 0 or kw < terms.min_commitment_kw:
            raise CommitmentError(f"{name}: {kw:g} kW is below the least commitment, {terms.min_commitment_kw:g} kW")
        limits = {"registered capacity": terms.registered_kw, "baseline": self._baseline_kw[site, period]}
        if event is not None:
            limits["requested power"] = event.kw
        for limit, limit_kw in limits.items():
            if not kw <= limit_kw:  # written so that a NaN baseline is no baseline
                raise CommitmentError(f"{name}: {kw:g} kW is above the {limit}, {limit_kw:g} kW")

    def _check_own_block(self, site: int, periods: list[int], now: pd.Timestamp) -> None:
        run, count = self.run, len(periods)
        block = f"own trade from {run.name(periods[0])} to {run.name(periods[-1])}"
        if periods[-1] - periods[0] != count - 1:
            raise CommitmentError(f"{block} has a gap; give one contiguous block")
        if count > OWN_TRADE_MAX_PERIODS:
            raise CommitmentError(f"{block} has {count} periods; at most {OWN_TRADE_MAX_PERIODS} (4 h)")
        published = run.price_known_at[periods[-1]]
        if now < published:
            raise CommitmentError(f"{block}: its day-ahead price is published at {published}, it is {now}; wait for it")
        traded = set(run.dates[self.own[site]])
        for period in periods:
            if run.dates[period] in traded:
                raise CommitmentError(f"{run.name(period)}: this day already has an own trade; one block a day")


def _utc(now: pd.Timestamp | np.datetime64) -> pd.Timestamp:
    """numpy instants carry no zone and are UTC throughout; a naive pandas time is refused."""
    if isinstance(now, np.datetime64):
        return pd.Timestamp(now).tz_localize("UTC")
    if now.tzinfo is None:
        raise ValueError(f"now={now} is naive; give a tz-aware UTC time")
    return now
