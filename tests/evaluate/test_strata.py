"""Weeks drawn in proportion to requests and price spread: like the period, the same each time, blind to results."""

from __future__ import annotations

import pytest

from configs.load import load_config
from evaluate.strata import week_traits, weeks_of
from evaluate.weeks import mondays_of, spread_weeks


def asked(weeks: int, draw: str = "stratified", *more: str):
    return load_config(None, [f"evaluate.weeks={weeks}", f"evaluate.draw={draw}", *more])


@pytest.fixture(scope="module")
def traits():
    config = asked(12)
    return week_traits(config, mondays_of(config.evaluate.period))


def test_traits_of_a_week_are_its_requests_and_its_days_spread(traits):
    assert len(traits) == 51
    assert set(traits["requests"]) <= {1, 2, 3}
    assert (traits["spread_gbp_per_mwh"] > 0.0).all()


@pytest.mark.parametrize("count", [6, 12, 25])
def test_stratified_weeks_hold_requests_and_spreads_in_the_proportions_of_the_year(traits, count):
    chosen = weeks_of(asked(count))
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    assert chosen == weeks_of(asked(count, "stratified", "run.seed=7"))
    drawn = traits.loc[chosen]
    for number, share in traits["requests"].value_counts(normalize=True).items():
        assert abs((drawn["requests"] == number).sum() - share * count) <= 1.0
    ranks = traits["spread_gbp_per_mwh"].rank(pct=True).loc[chosen]
    assert ranks.mean() == pytest.approx(0.5, abs=0.12)
    assert ranks.min() < 0.35 < 0.65 < ranks.max()


def test_weeks_are_spread_evenly_unless_asked_otherwise():
    config = asked(6, "spread")
    assert weeks_of(config) == spread_weeks(6, config.evaluate.period)


def test_more_weeks_than_there_are_is_one_line():
    with pytest.raises(ValueError, match=r"evaluate\.weeks: 9 asked for"):
        weeks_of(asked(9, "stratified", "evaluate.period=[2023-01-02, 2023-02-06]"))
