import numpy as np
import pandas as pd
import pytest

from grid.events import FlexEvent
from grid.market.commitments import CommitmentError, Commitments
from grid.market.rules import IneligibleSiteError, MarketRules

START = pd.Timestamp("2023-11-13T00:00Z")
PERIODS = 7 * 48
EVENT = FlexEvent(
    id="e1",
    published_at=START + pd.Timedelta(hours=12),
    start=START + pd.Timedelta(hours=17),
    end=START + pd.Timedelta(hours=19),
    kw=300.0,
    price_gbp_per_mwh=200.0,
)
IN_EVENT = [34, 35, 36, 37]
NOON = EVENT.published_at


@pytest.fixture
def market() -> Commitments:
    baseline_kw = np.full((2, PERIODS), 600.0)
    baseline_kw[:, 60] = 80.0
    return Commitments(START, baseline_kw, (EVENT,), MarketRules())


def test_a_request_is_accepted_whole_and_written_in_the_ledger(market: Commitments):
    assert market.accept(1, EVENT, 250.0, NOON) == "e1"
    assert np.flatnonzero(market.kw[1]).tolist() == IN_EVENT
    assert set(market.kw[1, IN_EVENT]) == {250.0}
    assert market.ledger(1)[IN_EVENT].tolist() == ["e1"] * 4
    assert not market.own.any()
    assert not market.kw[0].any()  # the neighbour is untouched


def test_committing_exactly_a_requests_periods_accepts_it(market: Commitments):
    assert market.commit(0, IN_EVENT, 250.0, NOON) == "e1"


@pytest.mark.parametrize("periods", [IN_EVENT[:2], [33, *IN_EVENT], [*IN_EVENT, 38]])
def test_part_of_a_request_or_more_than_it_is_refused(market: Commitments, periods: list[int]):
    with pytest.raises(CommitmentError, match=r"request e1 covers .* commit exactly its periods"):
        market.commit(0, periods, 100.0, NOON)


def test_the_gate_closes_an_hour_before_that_instant_included(market: Commitments):
    gate = EVENT.gate_closes_at()
    with pytest.raises(CommitmentError, match="period 2023-11-13 35: gate closed at 2023-11-13 16:00"):
        market.accept(0, EVENT, 250.0, gate + pd.Timedelta(seconds=1))
    market.accept(0, EVENT, 250.0, gate)
    market.accept(1, EVENT, 250.0, gate.tz_localize(None).to_datetime64())  # numpy instants are UTC


@pytest.mark.parametrize(
    ("kw", "said"),
    [
        (49.0, "49 kW is below the least commitment, 50 kW"),
        (float("nan"), "nan kW is below"),
        (501.0, "501 kW is above the registered capacity, 500 kW"),
        (301.0, "301 kW is above the requested power, 300 kW"),
    ],
)
def test_power_outside_the_limits_names_the_limit(market: Commitments, kw: float, said: str):
    with pytest.raises(CommitmentError, match=f"period 2023-11-13 35: {said}"):
        market.accept(0, EVENT, kw, NOON)
    assert not market.kw.any()


def test_nothing_is_written_when_one_period_fails(market: Commitments):
    with pytest.raises(CommitmentError, match="period 2023-11-14 13: 100 kW is above the baseline, 80 kW"):
        market.commit(0, [58, 59, 60], 100.0, NOON)
    assert not market.kw.any()
    assert market.ledger(0).tolist() == [""] * PERIODS


@pytest.mark.parametrize("baseline_kw", [0.0, np.nan])
def test_without_a_baseline_nothing_can_be_sold(market: Commitments, baseline_kw: float):
    market.set_baseline(0, 34, np.full(4, baseline_kw))
    with pytest.raises(CommitmentError, match="above the baseline"):
        market.accept(0, EVENT, 100.0, NOON)
    market.accept(1, EVENT, 100.0, NOON)


def test_a_period_is_sold_once(market: Commitments):
    market.accept(0, EVENT, 250.0, NOON)
    with pytest.raises(CommitmentError, match="35: already committed, 250 kW for e1"):
        market.accept(0, EVENT, 100.0, NOON)


def test_an_unpublished_request_cannot_be_accepted_and_does_not_show(market: Commitments):
    early = EVENT.published_at - pd.Timedelta(minutes=1)
    with pytest.raises(CommitmentError, match="is published at"):
        market.accept(0, EVENT, 100.0, early)
    # An own trade over the same periods goes through as if there were no request, above its kW too: nothing leaks.
    assert market.commit(0, IN_EVENT[1:], 400.0, early) == "own-1"
    assert market.own[0, IN_EVENT[1:]].all()
    with pytest.raises(CommitmentError, match="already committed, 400 kW for own-1"):
        market.accept(0, EVENT, 100.0, NOON)


def test_own_trades_are_one_block_of_four_hours_a_london_day(market: Commitments):
    assert market.commit(0, range(40, 48), 100.0, NOON) == "own-1"
    with pytest.raises(CommitmentError, match="2023-11-13 31: this day already has an own trade"):
        market.commit(0, [30], 100.0, NOON)
    with pytest.raises(CommitmentError, match="9 periods; at most 8"):
        market.commit(0, range(50, 59), 100.0, NOON)
    with pytest.raises(CommitmentError, match="gap"):
        market.commit(0, [50, 52], 100.0, NOON)
    assert market.commit(0, range(50, 54), 100.0, NOON) == "own-2"
    assert market.commit(1, [50], 100.0, NOON) == "own-1"  # counted by site
    assert sorted(set(market.ledger(0))) == ["", "own-1", "own-2"]


def test_an_own_trade_waits_for_the_auction(market: Commitments):
    """The 14th's prices are out at 10:30 on the 13th; its delivery day ends at 23:00 London."""
    early, late = START + pd.Timedelta("10h29min"), START + pd.Timedelta("10h30min")
    with pytest.raises(CommitmentError, match="day-ahead price is published at 2023-11-13 10:30"):
        market.commit(0, [80], 100.0, early)
    with pytest.raises(CommitmentError, match="published at 2023-11-14 10:30"):
        market.commit(0, [93, 94], 100.0, late)
    assert market.commit(0, [80], 100.0, late) == "own-1"


@pytest.mark.parametrize("periods", [[], [-1], [PERIODS], [40, 40]])
def test_periods_that_are_none_repeated_or_outside_are_refused(market: Commitments, periods: list[int]):
    with pytest.raises(CommitmentError, match="period"):
        market.commit(0, periods, 100.0, NOON)


def test_a_request_of_another_run_is_not_this_runs(market: Commitments):
    other = FlexEvent("e9", NOON, EVENT.start, EVENT.end, 100.0, 150.0)
    with pytest.raises(CommitmentError, match="request e9 is not among this run's requests"):
        market.accept(0, other, 100.0, NOON)


def test_a_request_that_outlasts_the_run_cannot_be_accepted():
    market = Commitments(START, np.full((1, 36), 600.0), (EVENT,), MarketRules())
    with pytest.raises(CommitmentError, match="not wholly inside this run"):
        market.accept(0, EVENT, 100.0, NOON)


def test_overlapping_requests_are_refused_at_once():
    twin = FlexEvent("e2", NOON, EVENT.start + pd.Timedelta(hours=1), EVENT.end, 100.0, 150.0)
    with pytest.raises(ValueError, match="requests e1 and e2 both ask for settlement period 2023-11-13 37"):
        Commitments(START, np.full((1, PERIODS), 600.0), (EVENT, twin), MarketRules())


def test_a_site_that_exports_is_refused_under_p511_only():
    place = (START, np.full((1, PERIODS), 600.0), (EVENT,))
    with pytest.raises(IneligibleSiteError, match="exports up to 120 kW, rulebook p511-2026-08 allows 0"):
        Commitments(*place, MarketRules(), largest_export_kw=120.0)
    Commitments(*place, MarketRules(max_export_kw=150.0), largest_export_kw=120.0)
    Commitments(*place, MarketRules(rulebook="p415-2024-11"), largest_export_kw=120.0)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"aggregator_share": -0.1}, "aggregator_share=-0.1"),
        ({"compensation": "both"}, "compensation='both' is not one of mutualised, vtp_pays"),
        ({"rulebook": "p999"}, "rulebook='p999'"),
        ({"min_commitment_kw": 600.0}, "min_commitment_kw=600.0 exceeds registered_kw=500.0"),
        ({"half_spread_gbp_per_mwh": float("nan")}, "half_spread_gbp_per_mwh=nan"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms: dict, said: str):
    with pytest.raises(ValueError, match=said):
        MarketRules(**terms)
