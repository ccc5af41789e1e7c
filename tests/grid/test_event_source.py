from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from grid.calendar import LONDON, london_midnight_utc
from grid.event_source import generate_events, system_prices
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
