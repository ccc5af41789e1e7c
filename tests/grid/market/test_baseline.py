from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from grid.calendar import london_midnight_utc, periods_in_day
from grid.market.baseline import Baseline, DayFlags, NoBaselineError, baseline_kw_rows, fold_history
from grid.market.gaming import inflation_break_even_gbp_per_mwh
from grid.market.settle import flex_gbp

MONDAY = date(2023, 11, 13)


def history(first_target: date, seed: int = 1) -> tuple[np.ndarray, DayFlags]:
    kwh = np.random.default_rng(seed).uniform(200, 400, (60, 48))
    return kwh, DayFlags.of_days(first_target - timedelta(days=60), 60)


def test_each_day_of_a_week_takes_the_baseline_of_its_type():
    kwh, flags = history(MONDAY)
    week = Baseline.from_history(kwh, flags, MONDAY, 7)
    assert week.shape == (7, 48)
    assert all(np.array_equal(week[day], week[0]) for day in range(5))
    assert np.array_equal(week[5], week[6])
    assert not np.array_equal(week[0], week[5])


def test_the_middle_eight_of_ten_by_daily_total_are_averaged():
    kwh, flags = history(MONDAY)
    working = np.flatnonzero(flags.working_day & ~flags.clock_change)[-10:]
    by_total = sorted(working, key=lambda day: kwh[day].sum())
    np.testing.assert_allclose(Baseline.from_history(kwh, flags, MONDAY, 1)[0], kwh[by_total[1:-1]].mean(axis=0))
    high = Baseline.from_history(kwh, flags, MONDAY, 1, rule="high")[0]
    np.testing.assert_allclose(high, kwh[by_total[2:]].mean(axis=0))
    with pytest.raises(ValueError, match=r"'median' is not one of mid, high, all"):
        Baseline.from_history(kwh, flags, MONDAY, 1, rule="median")


def test_an_event_day_of_low_load_leaves_the_baseline_where_it_was():
    kwh = np.full((60, 48), 300.0)
    days = [MONDAY - timedelta(days=n) for n in (3, 4, 6)]
    for day in days:
        kwh[60 - (MONDAY - day).days] = 100.0
    flags = DayFlags.of_days(MONDAY - timedelta(days=60), 60, event_days=days)
    np.testing.assert_array_equal(Baseline.from_history(kwh, flags, MONDAY, 1), np.full((1, 48), 300.0))


def test_a_missing_reading_makes_the_whole_day_incomplete():
    kwh, flags = history(MONDAY)
    kwh[-3, 17] = np.nan
    assert np.isfinite(Baseline.from_history(kwh, flags, MONDAY, 7)).all()


def test_too_few_days_name_the_count_and_the_day():
    kwh, flags = history(MONDAY)
    for row in np.flatnonzero(~flags.working_day)[3:]:
        kwh[row, 0] = np.nan
    assert len(Baseline.from_history(kwh, flags, MONDAY, 5)) == 5  # the working days are untouched
    with pytest.raises(NoBaselineError, match=r"no baseline for 2023-11-18: 3 eligible non-working days.*4 needed"):
        Baseline.from_history(kwh, flags, MONDAY, 7)


def test_a_history_of_another_length_is_refused():
    kwh, flags = history(MONDAY)
    with pytest.raises(ValueError, match=r"\(59, 48\)"):
        Baseline.from_history(kwh[1:], flags, MONDAY, 7)


def test_same_day_load_before_an_event_moves_the_baseline_by_exactly_nothing():
    """Gaming: the run's own metering, whatever it is, is not part of the frozen history."""
    start = london_midnight_utc(MONDAY - timedelta(days=60))
    end = london_midnight_utc(MONDAY + timedelta(days=7))
    times = pd.date_range(start, end, freq="15min", inclusive="left")
    honest = np.random.default_rng(3).uniform(100, 200, len(times))
    gamed = honest.copy()
    gamed[times >= london_midnight_utc(MONDAY)] *= 3.0
    before = int((london_midnight_utc(MONDAY) - start) / pd.Timedelta(minutes=15))
    one, other = (
        Baseline.from_history(*fold_history(load[:before], start), MONDAY, 7) for load in (honest, gamed)
    )  # fmt: skip
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("vtp_pays", "events"), [(False, 1), (True, 1), (False, 3)])
def test_inflating_the_ten_days_before_pays_just_above_the_break_even_price(vtp_pays: bool, events: int):
    kwh, flags = history(MONDAY)
    working = np.flatnonzero(flags.working_day & ~flags.clock_change)[-10:]
    tariff = np.linspace(60, 120, 10)
    inflated = kwh.copy()
    inflated[working, 34] += 5.0
    true, raised = (Baseline.from_history(h, flags, MONDAY, 1)[0, 34] for h in (kwh, inflated))
    assert raised - true == pytest.approx(5.0)  # two of the ten are dropped, yet every kWh counts in full

    price = inflation_break_even_gbp_per_mwh(
        tariff, share=0.2, event_days=events, vtp_pays=vtp_pays, reference_gbp_per_mwh=90.0
    )
    cost_gbp = 5.0 * tariff.sum() / 1000.0
    for event_price, pays in ((price - 1.0, False), (price + 1.0, True)):
        earned = [
            flex_gbp(sold, baseline, true - 100.0, event_price, 80.0, 90.0, share=0.2, vtp_pays=vtp_pays)
            for sold, baseline in ((100.0, true), (105.0, raised))
        ]
        assert (events * (earned[1] - earned[0]) > cost_gbp) is np.bool_(pays)


def test_break_even_needs_a_share_that_leaves_something():
    assert inflation_break_even_gbp_per_mwh(np.full(10, 92.0), share=0.2) == pytest.approx(1150.0)
    with pytest.raises(ValueError, match="share=1"):
        inflation_break_even_gbp_per_mwh([92.0], share=1.0)


def test_folding_follows_the_local_clock_across_both_changes():
    first = date(2023, 9, 14)  # 60 days that hold 2023-10-29
    start = london_midnight_utc(first)
    steps = 60 * 96 + 4
    times = pd.date_range(start, periods=steps, freq="15min")
    local = times.tz_convert("Europe/London")
    by_clock = (local.hour * 2 + local.minute // 30).to_numpy(dtype=float)
    kwh, flags = fold_history(by_clock, start)
    np.testing.assert_array_equal(kwh, np.tile(2.0 * np.arange(48), (60, 1)))  # repeated hour: mean of both passes
    assert np.flatnonzero(flags.clock_change).tolist() == [(date(2023, 10, 29) - first).days]

    spring = london_midnight_utc(date(2023, 3, 1))
    kwh, flags = fold_history(np.ones(60 * 96 - 4), spring)
    assert np.argwhere(np.isnan(kwh)).tolist() == [[25, 2], [25, 3]]
    assert flags.clock_change[25]


def test_folding_refuses_anything_but_sixty_whole_london_days():
    with pytest.raises(ValueError, match="60 whole London days"):
        fold_history(np.ones(60 * 96 - 1), london_midnight_utc(date(2023, 1, 2)))
    with pytest.raises(ValueError, match="2023-06-01 23:00"):
        fold_history(np.ones(60 * 96), pd.Timestamp("2023-06-02T00:00Z"))


@pytest.mark.parametrize("day", [date(2023, 3, 26), date(2023, 10, 29)])
def test_baseline_rows_read_the_clock_on_change_days(day: date):
    times = pd.date_range(london_midnight_utc(day), periods=2 * periods_in_day(day), freq="15min")
    kw = baseline_kw_rows(np.arange(48.0)[None], day, times)
    local = times.tz_convert("Europe/London")
    np.testing.assert_array_equal(kw, 2.0 * (local.hour * 2 + local.minute // 30))


def test_rows_outside_the_target_days_have_no_baseline():
    times = pd.DatetimeIndex(["2023-11-12T23:45Z", "2023-11-13T00:00Z", "2023-11-14T00:00Z"])
    np.testing.assert_array_equal(baseline_kw_rows(np.full((1, 48), 300.0), MONDAY, times), [0.0, 600.0, 0.0])
