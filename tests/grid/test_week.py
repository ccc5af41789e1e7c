import time
from datetime import date, timedelta

import numpy as np
import pytest

from grid.calendar import LONDON, clock_half_hour, london_midnight_utc
from grid.compile import Tariff
from grid.market.baseline import NoBaselineError
from grid.rows import ExogenousRows
from grid.series import GridSeries
from grid.sources import load_signals
from grid.week import renewed_rows, week_rows
from grid.workload import load_workload


def _world(start: date, days: int):
    start_utc, end_utc = london_midnight_utc(start), london_midnight_utc(start + timedelta(days=days))
    signals = load_signals("synthetic", None, start_utc, end_utc, 0)
    return signals.with_columns(load_workload("generator", None, start_utc, end_utc, 0))


def _meter(rows: ExogenousRows) -> np.ndarray:
    """A site whose import follows the London clock: 100 kWh a step, and 1 more for every half-hour."""
    return 100.0 + clock_half_hour(rows.times_utc[: rows.steps])


def _rows(start: date, days: int = 7, seed: int = 0, **changes) -> ExogenousRows:
    options = {"start": start, "days": days, "meter": _meter, "tariff": Tariff(), "source_key": "k", "seed": seed}
    return week_rows(_world(start, days), **{**options, **changes})


@pytest.mark.parametrize(
    ("start", "steps"), [(date(2023, 11, 13), 672), (date(2023, 3, 20), 668), (date(2023, 10, 23), 676)]
)
def test_weeks_begin_and_end_at_london_midnight_and_read_the_baseline_by_clock(start, steps):
    rows = _rows(start)
    assert rows.steps == steps
    assert len(rows.values) == steps + 96
    assert rows.start_utc.tz_convert(LONDON).date() == start
    expected = 4 * (100.0 + clock_half_hour(rows.times_utc[:steps]))
    assert np.allclose(rows["baseline_kw"][:steps], expected)
    assert 1 <= len(rows.events) <= 3
    assert rows["event_requested_kw"].max() >= 200
    assert np.isfinite(rows.values).all()
    assert np.isfinite(rows.forecast).all()


def test_the_run_in_is_sixty_london_days_without_requests_or_baseline():
    seen = []

    def meter(rows: ExogenousRows) -> np.ndarray:
        seen.append(rows)
        return _meter(rows)

    _rows(date(2023, 11, 13), meter=meter)
    assert seen[0].start_utc == london_midnight_utc(date(2023, 9, 14))
    assert seen[0].steps == 60 * 96 + 4  # the autumn clock change is inside
    assert not seen[0]["baseline_kw"].any()
    assert not seen[0].events
    assert np.isfinite(seen[0].values).all()


def test_the_run_seed_changes_forecasts_alone():
    one, two = _rows(date(2023, 11, 13), seed=1), _rows(date(2023, 11, 13), seed=2)
    assert np.array_equal(one.values, two.values)
    assert one.events == two.events
    assert not np.array_equal(one.forecast, two.forecast)


def test_without_requests_no_price_is_raised_by_them():
    quiet, asked = _rows(date(2023, 11, 13), requests=False), _rows(date(2023, 11, 13))
    assert quiet.events == ()
    assert not quiet["event_requested_kw"].any()
    raised = asked["system_gbp_per_mwh"] > quiet["system_gbp_per_mwh"] + 1e-9
    assert np.array_equal(raised[: asked.steps], asked["event_requested_kw"][: asked.steps] > 0)


def test_two_weeks_hold_what_each_of_them_holds():
    both, second = _rows(date(2023, 11, 6), days=14), _rows(date(2023, 11, 13))
    assert [e for e in both.events if e.start >= second.start_utc] == list(second.events)
    shared = both.values[672:1344]
    for column in ("system_gbp_per_mwh", "day_ahead_gbp_per_mwh", "utilisation", "event_gbp_per_mwh"):
        assert np.allclose(shared[:, list(second.provenance).index(column)], second[column][:672])


def test_a_site_without_enough_history_has_no_baseline():
    with pytest.raises(NoBaselineError):
        _rows(date(2023, 11, 13), meter=lambda rows: np.full(rows.steps, np.nan))


def test_a_week_is_compiled_in_little_time_and_a_year_in_seconds():
    world = _world(date(2023, 11, 13), 7)
    options = {"meter": _meter, "tariff": Tariff(), "source_key": "k", "seed": 0}
    week_rows(world, start=date(2023, 11, 13), days=7, **options)
    before = time.process_time()
    week_rows(world, start=date(2023, 11, 13), days=7, **options)
    assert time.process_time() - before < 0.25  # about 0.05 s alone
    before = time.process_time()
    _rows(date(2023, 1, 2), days=363)
    assert time.process_time() - before < 4


def test_rows_of_a_run_that_is_happening_are_renewed_from_now_on():
    """Load, weather and forecasts of what is over stay as they were met; money and what is to come are renewed."""
    rows, now, bump = _rows(date(2023, 11, 13)), 100, 7.0
    world = _world(date(2023, 11, 13), 7)
    frame = world.frame + bump
    frame["utilisation"], frame["system_gbp_per_mwh"] = 0.5, 120.0
    again = renewed_rows(
        rows, GridSeries(frame, {**world.provenance, "system_gbp_per_mwh": "real"}, "later"), now, Tariff()
    )
    assert np.array_equal(again["dry_bulb_degc"][:now], rows["dry_bulb_degc"][:now])
    assert np.array_equal(again["utilisation"][:now], rows["utilisation"][:now])
    assert np.allclose(again["dry_bulb_degc"][now:], rows["dry_bulb_degc"][now:] + bump)
    assert np.allclose(again["carbon_gco2_per_kwh"], rows["carbon_gco2_per_kwh"] + bump)
    assert np.allclose(again["tariff_gbp_per_mwh"], rows["tariff_gbp_per_mwh"] + bump)
    assert np.array_equal(again.forecast[:now], rows.forecast[:now])
    carbon = again["carbon_gco2_per_kwh"].astype(np.float32)
    assert np.array_equal(again.forecast[now, 0], carbon[now + 2 : now + 194 : 2])
    assert (again.published_steps == 1).all()
    assert again.events == rows.events
    for column in ("baseline_kw", "event_requested_kw", "event_gbp_per_mwh"):
        assert np.array_equal(again[column], rows[column])
