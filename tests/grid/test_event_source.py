from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from grid.calendar import LONDON, london_midnight_utc
from grid.event_source import RequestTerms, generate_events, system_prices
from grid.noise import monday_of
from grid.sources import synthetic

START, END = london_midnight_utc(date(2023, 1, 2)), london_midnight_utc(date(2024, 1, 1))


@pytest.fixture(scope="module")
def series():
    return synthetic.signals(START - pd.Timedelta("60D"), END + pd.Timedelta("1D"), 7)


@pytest.fixture(scope="module")
def day_ahead(series):
    return series.frame["day_ahead_gbp_per_mwh"]


@pytest.fixture(scope="module")
def events(day_ahead):
    return generate_events(day_ahead, START, END, "synthetic-7")


def test_every_week_has_one_to_three_requests(events):
    weeks = pd.Series([monday_of(event.start) for event in events]).value_counts()
    assert len(weeks) == 52
    assert weeks.between(1, 3).all()
    assert len({event.id for event in events}) == len(events)


def test_requests_keep_to_their_terms(events, day_ahead):
    for event in events:
        start, end = event.start.tz_convert(LONDON), event.end.tz_convert(LONDON)
        assert start.date() == end.date()
        assert start.hour >= 16
        assert end.hour + end.minute / 60 <= 20
        assert 1.0 <= event.hours <= 2.0
        assert 200 <= event.kw <= 500
        mean = day_ahead[event.start : event.end - pd.Timedelta("15min")].mean()
        assert event.price_gbp_per_mwh >= 30
        if event.price_gbp_per_mwh > 30:
            assert 1.5 - 1e-3 <= event.price_gbp_per_mwh / mean <= 3.0 + 1e-3


def test_publication_is_four_hours_ahead_or_the_evening_before_and_after_the_auction(events):
    lead = [(event.start - event.published_at) / pd.Timedelta("1h") for event in events]
    assert min(lead) >= 4
    assert 0.3 < np.mean(np.array(lead) > 14) < 0.7  # some the evening before, some on the day
    for event in events:
        auction = (pd.Timestamp(event.start.tz_convert(LONDON).date()) - pd.Timedelta("13h30min")).tz_localize(LONDON)
        assert event.published_at > auction


def test_dear_evenings_are_preferred(events, day_ahead):
    level = day_ahead.rolling("7D").mean()
    evening = day_ahead.index.tz_convert(LONDON).hour.isin(range(16, 20))
    asked = [day_ahead[event.start] / level[event.start] for event in events]
    assert np.mean(asked) > (day_ahead / level)[evening].mean() + 0.05


@pytest.mark.parametrize(("first", "days"), [(date(2023, 3, 20), 7), (date(2023, 10, 23), 7), (date(2023, 6, 7), 12)])
def test_a_week_is_the_same_whatever_run_covers_it(series, events, day_ahead, first, days):
    start, end = london_midnight_utc(first), london_midnight_utc(first + timedelta(days=days))
    short = series.between(start - pd.Timedelta("60D"), end + pd.Timedelta("1D"))
    again = generate_events(short.frame["day_ahead_gbp_per_mwh"], start, end, "synthetic-7")
    assert again == tuple(event for event in events if event.start >= start and event.end <= end)
    whole, part = system_prices(series, events, "synthetic-7"), system_prices(short, again, "synthetic-7")
    rows = slice(short.position(start), short.position(end))
    offset = series.position(short.start_utc)
    assert np.allclose(part[rows], whole[offset + rows.start : offset + rows.stop])


def test_another_source_is_another_world(day_ahead, events):
    assert generate_events(day_ahead, START, END, "synthetic-8") != events


def test_negative_evenings_still_pay_a_positive_price(day_ahead):
    for event in generate_events(day_ahead * 0 - 20.0, START, END, "x"):
        assert event.price_gbp_per_mwh == 30.0


def test_requests_follow_from_prices_known_when_they_are_published(day_ahead, events):
    event = events[40]
    after = (pd.Timestamp(event.start.tz_convert(LONDON).date()) + pd.Timedelta("23h")).tz_localize(LONDON)
    other = day_ahead.where(day_ahead.index < after, 999.0)
    again = generate_events(other, START, END, "synthetic-7")
    assert [e for e in again if e.start <= event.start] == [e for e in events if e.start <= event.start]


def test_system_price_is_day_ahead_plus_noise_raised_by_half_the_premium(series, events, day_ahead):
    plain, raised = system_prices(series, (), "k"), system_prices(series, events, "k")
    noise = (plain - day_ahead.to_numpy())[::2]
    assert noise.std() == pytest.approx(21, rel=0.15)
    assert np.corrcoef(noise[2:], noise[:-2])[0, 1] == pytest.approx(0.9, abs=0.02)
    change = pd.Series(raised - plain, index=day_ahead.index)
    for event in events[:5]:
        premium = event.price_gbp_per_mwh - day_ahead[event.start]
        assert change[event.start] == pytest.approx(max(premium, 0) / 2)
    assert (change > 0).sum() <= sum(event.hours * 4 for event in events)


def test_terms_change_what_is_asked_and_nothing_about_when(day_ahead, events):
    dear = RequestTerms(multiple_low=3.0, multiple_high=6.0, kw_low=400, kw_high=1000)
    again = generate_events(day_ahead, START, END, "synthetic-7", dear)
    assert [event.start for event in again] == [event.start for event in events]
    for usual, other in zip(events, again, strict=True):
        assert (
            other.price_gbp_per_mwh == pytest.approx(2 * usual.price_gbp_per_mwh, abs=0.02)
            or usual.price_gbp_per_mwh == 30
        )
        assert 400 <= other.kw <= 1000


def test_a_wider_window_and_a_longer_lead_are_kept(day_ahead):
    terms = RequestTerms(first_hour=14, last_hour=22, lead_hours=6, most_per_week=2)
    found = generate_events(day_ahead, START, END, "synthetic-7", terms)
    assert pd.Series([monday_of(event.start) for event in found]).value_counts().max() == 2
    assert min(event.start.tz_convert(LONDON).hour for event in found) < 16
    assert max(event.end.tz_convert(LONDON).hour for event in found) > 20
    assert min(event.start - event.published_at for event in found) >= pd.Timedelta(hours=6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kw_low": 600}, "kw_low 600 to kw_high 500"),
        ({"multiple_low": 4.0}, "multiple_low 4 to multiple_high 3"),
        ({"last_hour": 17}, "widen the window"),
        ({"lead_hours": 12.0}, "give 1 to 10"),
    ],
)
def test_terms_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        RequestTerms(**changes)


def test_the_scarcity_tail_is_as_thin_as_in_life(day_ahead):
    """GBP 3,000/MWh is a spike of a crisis winter, not a planning value: none at the price level of 2023."""
    pays = []
    for seed in range(20):
        prices = synthetic.signals(START, END, 100 + seed).frame["day_ahead_gbp_per_mwh"]
        pays += [event.price_gbp_per_mwh for event in generate_events(prices, START, END, f"synthetic-{seed}")]
    crisis = np.array(pays)
    assert (crisis >= 3000).sum() <= 4  # in twenty crisis years
    assert 0.05 < (crisis >= 1000).mean() < 0.25
    calm = np.array([e.price_gbp_per_mwh for e in generate_events(0.45 * day_ahead, START, END, "synthetic-7")])
    assert calm.max() < 1500
    assert 100 < np.median(calm) < 400  # tens to a few hundreds
