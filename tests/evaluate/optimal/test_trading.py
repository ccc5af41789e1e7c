"""Own trades of controllers that move load: one block a day inside the market's rules, delivered, and worth it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from agents import factory
from configs.load import load_config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.cases import market_rules
from evaluate.optimal import register_controllers
from evaluate.rollout import Rollout, rollout
from evaluate.trading import TradingAlone


@pytest.fixture(scope="module")
def traded(short: Case) -> tuple[Rollout, dict[str, float]]:
    register_controllers()
    policy = factory.make("threshold+trades", short)
    rules = market_rules(load_config(None, []))
    done = rollout(SiteBatch([short]), policy, rules, TradingAlone, seeds=np.array([7]))
    return done, keep_books(done).totals(0)


def test_one_contiguous_block_a_london_day(short: Case, traded: tuple[Rollout, dict[str, float]]) -> None:
    own = np.flatnonzero(traded[0].own_trade[0])
    assert len(own)
    starts = short.rows.times_utc[: short.rows.steps : 2][own].tz_convert("Europe/London")
    for _, periods in pd.Series(own).groupby(np.asarray(starts.date)):
        assert periods.max() - periods.min() == len(periods) - 1 < 8


def test_they_earn_and_the_phantom_is_kept_apart(
    short: Case, traded: tuple[Rollout, dict[str, float]], run: Callable[..., tuple[Rollout, dict[str, float]]]
) -> None:
    _, books = traded
    _, without = run(short, factory.make("threshold", short))
    assert books["flex_real_gbp"] > without["flex_real_gbp"]
    assert books["objective_gbp"] + books["flex_phantom_gbp"] < without["objective_gbp"] + without["flex_phantom_gbp"]
