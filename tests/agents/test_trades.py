"""neutral+trades: one block a London day, only where the baseline is too high, and nothing is done about it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from agents.factory import make
from agents.policy import Offer
from envs.batch import SiteBatch
from envs.case import Case
from envs.params import neutral_actions
from grid.events import FlexEvent
from grid.rows import BASELINE

World = Callable[..., Case]


def all_offers(case: Case) -> list[tuple[int, Offer]]:
    """(step, offer) of a whole run, committed as they come."""
    batch = SiteBatch([case])
    policy = make("neutral+trades", case)
    policy.reset(1, np.zeros(1, dtype=np.int64))
    made = []
    for step in range(batch.steps):
        view = batch.view()
        for offer in policy.offers(view):
            batch.set_commitment(offer.site, offer.periods, offer.kw)
            made.append((step, offer))
        action = policy.act({}, batch.feasible(), view)
        assert np.array_equal(action, neutral_actions(case.params))
        batch.step(action)
    return made


def raise_baseline(case: Case, period: int, periods: int, kw: float) -> None:
    case.rows.values[2 * period : 2 * (period + periods), BASELINE] += kw


def test_a_true_baseline_sells_nothing(world: World) -> None:
    assert all_offers(world()) == []


def test_sells_the_excess_as_one_block_a_day(world: World) -> None:
    case = world()
    raise_baseline(case, 20, 12, 80.4)
    raise_baseline(case, 10, 2, 200.0)
    raise_baseline(case, 48 + 40, 3, 120.0)
    (first_step, first), (second_step, second) = all_offers(case)
    assert first_step == 0
    assert len(first.periods) == 8  # at most 4 h
    assert set(first.periods) <= set(range(20, 32))
    assert 79.0 <= first.kw <= 80.4
    assert second_step == 42  # 10:30 London, when tomorrow's prices are out
    assert second.periods == (88, 89, 90)


def test_leaves_gate_closure_the_unauctioned_hour_and_small_volumes_alone(world: World) -> None:
    case = world()
    raise_baseline(case, 0, 2, 300.0)  # the first hour of the run is past gate closure
    raise_baseline(case, 46, 2, 300.0)  # 23:00 London is auctioned with tomorrow
    raise_baseline(case, 30, 4, 49.0)  # below the least commitment
    assert all_offers(case) == []


def test_requests_are_not_sold_as_own_trades(world: World, make_event: Callable[..., FlexEvent]) -> None:
    case = world((make_event(),))
    raise_baseline(case, 34, 4, 200.0)
    assert all_offers(case) == []


def test_a_second_week_looks_back_on_the_runs_own_meter(world: World) -> None:
    case = world(days=8)
    case.neutral_kwh[2 * 20 : 2 * 24] -= 25.0  # Monday 10:00-12:00 metered 100 kW less than its baseline
    offers = all_offers(case)
    assert [offer.periods for _, offer in offers] == [tuple(range(7 * 48 + 20, 7 * 48 + 24))]
    assert pd.Timedelta(minutes=15 * offers[0][0]) == pd.Timedelta(days=6, hours=10.5)
