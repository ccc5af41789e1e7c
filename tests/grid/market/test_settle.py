import time
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grid.market.rules import MarketRules
from grid.market.settle import (
    TERMS,
    flex_gbp,
    phantom_gbp,
    settle_periods,
    settlement_table,
    sold_price_gbp_per_mwh,
    split_over_steps,
    total_gbp,
)

PERIODS = 6
START_UTC = pd.date_range("2023-11-14T16:00Z", periods=PERIODS, freq="30min")

relaxed = settings(deadline=None, max_examples=50)  # a shared machine may be slow at any moment


def numbers(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, PERIODS, elements=st.floats(low, high, allow_subnormal=False))


ENERGY = numbers(0, 1000)
PRICE = numbers(-500, 3000)
SOLD = arrays(np.float64, PERIODS, elements=st.one_of(st.just(0.0), st.floats(25, 250)))
RULES = st.builds(
    MarketRules, aggregator_share=st.floats(0, 1), compensation=st.sampled_from(["mutualised", "vtp_pays"])
)


@relaxed
@given(SOLD, ENERGY, ENERGY, PRICE, PRICE, numbers(0, 200), RULES)
def test_the_rows_of_the_settlement_table_add_up_to_flex(sold, baseline, metered, price, system, reference, rules):
    ids = np.where(sold > 0, "e1", "")
    table = settlement_table(START_UTC, ids, sold, baseline, metered, price, system, reference, rules)
    flex = flex_gbp(
        sold, baseline, metered, price, system, reference, share=rules.aggregator_share, vtp_pays=rules.vtp_pays
    )
    by_period = table.groupby("settlement_period")["amount_gbp"].sum().reindex(range(33, 39), fill_value=0.0)
    np.testing.assert_allclose(by_period, flex, rtol=1e-9, atol=1e-9)
    terms = [term for term in TERMS if term != "compensation" or rules.vtp_pays]
    assert list(table["term"]) == terms * int((sold > 0).sum())
    priced = table[table["term"] != "aggregator_share"]
    np.testing.assert_allclose(priced["amount_gbp"], priced["volume_mwh"] * priced["price_gbp_per_mwh"])


@relaxed
@given(SOLD, ENERGY, ENERGY, ENERGY, PRICE, PRICE, numbers(0, 200), RULES)
def test_real_and_phantom_add_up_and_nothing_sold_is_nothing_earned(
    sold, baseline, neutral, metered, price, system, reference, rules
):
    money = settle_periods(sold, baseline, neutral, metered, price, system, reference, rules)
    np.testing.assert_allclose(money.real_gbp + money.phantom_gbp, money.flex_gbp, rtol=1e-9, atol=1e-9)
    for part in money:
        assert np.all(part[sold == 0] == 0)


@relaxed
@given(ENERGY, ENERGY, PRICE, PRICE, numbers(0, 200), RULES)
def test_a_site_that_changed_nothing_earned_only_phantom_money(sold, baseline, price, system, reference, rules):
    neutral = np.minimum(baseline, 300.0)  # the baseline never too low here, the load exactly neutral
    price = np.maximum(price, system)  # and selling undelivered gained
    money = settle_periods(sold, baseline, neutral, neutral, price, system, reference, rules)
    np.testing.assert_allclose(money.real_gbp, 0.0, atol=1e-9)


@relaxed
@given(SOLD, ENERGY, ENERGY, PRICE, PRICE, RULES)
def test_with_a_true_baseline_delivery_in_full_is_all_real(sold, baseline, extra, price, system, rules):
    metered = baseline - sold - extra  # export aside, the algebra holds for any sign
    money = settle_periods(sold, baseline, baseline, metered, price, system, 90.0, rules)
    np.testing.assert_allclose(money.phantom_gbp, 0.0, atol=1e-9)


@relaxed
@given(SOLD, ENERGY, ENERGY, PRICE, PRICE)
def test_the_other_rule_is_the_other_rule(sold, baseline, metered, price, system):
    one, other = MarketRules(compensation="mutualised"), MarketRules(compensation="vtp_pays")
    here = settle_periods(sold, baseline, metered, metered, price, system, 90.0, one)
    there = settle_periods(sold, baseline, metered, metered, price, system, 90.0, other)
    np.testing.assert_array_equal(here.other_rule_gbp, there.flex_gbp)
    np.testing.assert_array_equal(there.other_rule_gbp, here.flex_gbp)
    assert np.all(there.flex_gbp <= here.flex_gbp + 1e-12)  # compensation only ever costs the trader


@relaxed
@given(numbers(-100, 100), arrays(np.float64, 2 * PERIODS, elements=st.floats(0, 400, allow_subnormal=False)))
def test_a_periods_money_is_split_over_its_rows_by_energy(money, energy):
    rows = split_over_steps(money, energy)
    np.testing.assert_allclose(rows.reshape(-1, 2).sum(axis=1), money, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rows[::2] * energy[1::2], rows[1::2] * energy[::2], rtol=1e-6, atol=1e-6)


def test_a_period_without_import_is_split_in_halves():
    np.testing.assert_array_equal(
        split_over_steps(np.array([8.0, 6.0]), np.array([0.0, 0.0, 100.0, 200.0])), [4, 4, 2, 4]
    )
    with pytest.raises(ValueError, match="need 4"):
        split_over_steps(np.zeros(2), np.zeros(3))


def test_the_table_reads_like_an_invoice():
    rules = MarketRules(compensation="vtp_pays")
    ids = np.array(["e7"] + [""] * 5, dtype=object)
    sold = np.array([100.0, 0, 0, 0, 0, 0])
    baseline, metered, price, system, reference = (
        np.full(PERIODS, value) for value in (400.0, 320.0, 150.0, 200.0, 90.0)
    )
    table = settlement_table(START_UTC, ids, sold, baseline, metered, price, system, reference, rules)
    assert table.to_dict("records") == [
        _row("sale", 0.1, 150.0, 15.0),
        _row("imbalance", -0.02, 200.0, -4.0),
        _row("compensation", -0.08, 90.0, -7.2),
        _row("aggregator_share", 0.0, 0.0, -0.76),
    ]


def _row(term: str, volume_mwh: float, price: float, amount: float) -> dict:
    return {
        "settlement_date": date(2023, 11, 14),
        "settlement_period": 33,
        "event_id": "e7",
        "term": term,
        "volume_mwh": pytest.approx(volume_mwh),
        "price_gbp_per_mwh": price,
        "amount_gbp": pytest.approx(amount),
    }


def test_nothing_sold_gives_an_empty_table_with_its_columns():
    zeros = np.zeros(PERIODS)
    table = settlement_table(START_UTC, zeros, zeros, zeros, zeros, zeros, zeros, zeros, MarketRules())
    assert len(table) == 0
    assert "amount_gbp" in table


def test_a_missing_baseline_does_not_spoil_periods_that_sold_nothing():
    flex = flex_gbp(np.array([0.0]), np.array([np.nan]), 300.0, 100.0, 100.0, 90.0, share=0.2, vtp_pays=True)
    assert flex[0] == 0.0


def test_share_and_rule_may_differ_by_site():
    shape = (np.full((2, 1), 100.0), 400.0, 300.0, 150.0, 160.0, 90.0)
    flex = flex_gbp(*shape, share=np.array([[0.2], [0.5]]), vtp_pays=np.array([[False], [True]]))
    np.testing.assert_allclose(flex[:, 0], [12.0, 3.0])


def test_a_sold_mwh_has_one_price():
    price = sold_price_gbp_per_mwh(
        [90.0, 90.0, 90.0], [0.0, 300.0, 300.0], [0.0, 200.0, 200.0], 1.0, own=[True, False, True]
    )
    np.testing.assert_array_equal(price, [89.0, 200.0, 89.0])


def test_only_the_total_is_rounded():
    assert total_gbp(np.full(3, 1.3343)) == 4.0


def test_a_year_of_a_thousand_sites_settles_in_seconds():
    periods, sites, block = 17_520, 1_000, 50
    rng = np.random.default_rng(0)
    price, system, reference = rng.normal(90, 40, periods), rng.normal(90, 40, periods), np.full(periods, 90.0)
    sold = np.where(rng.random((block, periods)) < 0.05, 100.0, 0.0)
    baseline, neutral, metered = rng.uniform(200, 400, (3, block, periods))
    rules, started = MarketRules(), time.process_time()
    for _block in range(sites // block):
        settle_periods(sold, baseline, neutral, metered, price, system, reference, rules)
    assert time.process_time() - started < 5.0


def test_phantom_is_vectorised_like_flex():
    phantom = phantom_gbp(
        np.full((3, 4), 40.0), 440.0, 400.0, 400.0, 150.0, 100.0, 90.0, share=0.2, vtp_pays=False
    )  # fmt: skip
    np.testing.assert_allclose(phantom, np.full((3, 4), 4.8))
