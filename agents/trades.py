"""neutral+trades: an idle site that sells its baseline's errors, to show how much of the money is phantom.

BL01 is wrong by chance. Where it lies above what the site metered a week earlier at the same time, the site sells the
difference and changes nothing (design, section 4).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agents.policy import Offer
from agents.scripted import Neutral
from envs.view import SiteView
from grid.events import GATE_CLOSURE
from grid.rows import STEPS_PER_PERIOD

if TYPE_CHECKING:
    from envs.case import Case

LONDON = "Europe/London"
PERIOD = pd.Timedelta(minutes=30)
WEEK_PERIODS = 7 * 48
MOST_PERIODS = 8  # an own trade is one contiguous block of at most 4 h a London day
PERIOD_HOURS = 0.5


class NeutralTrades(Neutral):
    """Neutral actions and, once a London day, one own trade. It declares no requests and nothing steers its delivery.

    A day is decided at the first step that knows its auction prices, for the periods not yet past gate closure. The
    hour from 23:00 London belongs to the next delivery day and is left out.
    """

    def __init__(self, case: Case) -> None:
        super().__init__("neutral+trades")
        self._last_week_kw = _metered_a_week_before(case)
        self._day_of_period = _london_days(case)
        self._decided: list[date | None] = []

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._decided = [None] * batch_size

    def offers(self, view: SiteView) -> list[Offer]:
        """Own trades to commit now; Offer.kw is in kW, its periods are indices within the run."""
        return [offer for site in range(view.batch_size) if (offer := self._offer(view, site)) is not None]

    def _offer(self, view: SiteView, site: int) -> Offer | None:
        known = view.period + (view.step % STEPS_PER_PERIOD + int(view.published_steps[site])) // STEPS_PER_PERIOD
        last = min(known, len(self._day_of_period)) - 1
        day = self._day_of_period[last]
        if last < view.period or day is None or self._decided[site] == day:
            return None
        self._decided[site] = day
        open_from = view.period + int(np.ceil((GATE_CLOSURE / PERIOD) + (view.step % STEPS_PER_PERIOD) / 2))
        periods = [k for k in range(open_from, last + 1) if self._day_of_period[k] == day]
        return self._best_block(view, site, np.array(periods, dtype=np.int64)) if periods else None

    def _best_block(self, view: SiteView, site: int, periods: np.ndarray) -> Offer | None:
        """The block that sells most money at one kW throughout, or None."""
        p = view.params[site]
        baseline_kw = view.baseline_kw[site, periods - view.period]
        excess_kw = np.nan_to_num(baseline_kw - self._last_week_kw[periods], nan=0.0)
        excess_kw = np.minimum(np.minimum(excess_kw, p["registered_kw"]), baseline_kw)
        excess_kw[view.commitments_kw[site, periods] > 0.0] = 0.0
        excess_kw[_requested(view, site, periods)] = 0.0
        outlook = view.outlook("day_ahead_gbp_per_mwh")[site]
        price = outlook[periods - view.period] - p["half_spread_gbp_per_mwh"]

        best: Offer | None = None
        best_gbp = 0.0
        for start in range(len(periods)):
            for stop in range(start + 1, min(start + MOST_PERIODS, len(periods)) + 1):
                kw = float(np.floor(excess_kw[start:stop].min()))
                if kw < p["min_commitment_kw"]:
                    break
                gbp = kw * PERIOD_HOURS * float(price[start:stop].sum())
                if gbp > best_gbp:
                    best, best_gbp = Offer(site, tuple(int(k) for k in periods[start:stop]), kw), gbp
        return best


def _requested(view: SiteView, site: int, periods: np.ndarray) -> np.ndarray:
    """bool: periods inside a published request; they are sold through it or not at all."""
    first = view.timestamp(site).floor(PERIOD)
    inside = np.zeros(len(periods), dtype=bool)
    for event in view.events[site]:
        start, end = (event.start - first) / PERIOD, (event.end - first) / PERIOD
        inside |= (periods - view.period >= start) & (periods - view.period < end)
    return inside


def _london_days(case: Case) -> list[date | None]:
    """London date of each period of the run; None from 23:00 on, which is auctioned with the day after."""
    local = case.rows.times_utc[: case.rows.steps : STEPS_PER_PERIOD].tz_convert(LONDON)
    return [moment.date() if moment.hour < 23 else None for moment in local]


def _metered_a_week_before(case: Case) -> np.ndarray:
    """float64 (periods,) kW: what the site metered at the same London time seven days earlier; NaN where it has none.

    The first seven days look into the run-in history, later ones into the run's own meter: the site is neutral, so
    that is the neutral import, always at least a week old when it is used.
    """
    local = case.rows.times_utc[: case.rows.steps : STEPS_PER_PERIOD].tz_convert(LONDON)
    clock = np.asarray(local.hour * 2 + local.minute // 30)
    first_day = local[0].date()
    day = np.array([(moment.date() - first_day).days for moment in local])
    metered = np.full(len(local), np.nan)
    early = day < 7
    metered[early] = case.history_kwh[day[early] - 7, clock[early]] / PERIOD_HOURS
    own_kw = case.neutral_kwh[: len(local) * STEPS_PER_PERIOD].reshape(-1, STEPS_PER_PERIOD).sum(axis=1) / PERIOD_HOURS
    at = {(d, c): k for k, (d, c) in enumerate(zip(day, clock, strict=True))}
    for k in np.flatnonzero(~early):
        week_before = at.get((day[k] - 7, clock[k]))
        if week_before is not None:
            metered[k] = own_kw[week_before]
    metered[metered <= 0.0] = np.nan
    return metered
