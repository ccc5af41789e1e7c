"""Requests from acceptance to delivery: what is sold can be delivered, and is delivered to the meter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from agents.acceptance import acceptable_kw, predicted_rows
from agents.delivery import track
from agents.factory import make
from envs.batch import SiteBatch
from envs.case import Case
from envs.state import BATTERY, LOAD_SHIFT, OUT
from grid.events import FlexEvent
from grid.rows import UTILISATION

World = Callable[..., Case]
Event = Callable[..., FlexEvent]


def run_selling(case: Case, name: str, event: FlexEvent, kw: float) -> tuple[np.ndarray, np.ndarray]:
    """Sell ``kw`` of the request at the start, then run with the tracker. -> outputs (T, OUTPUTS), active (T,)."""
    batch = SiteBatch([case])
    first = round((event.start - case.rows.start_utc) / pd.Timedelta(minutes=30))
    batch.set_commitment(0, range(first, first + round(event.hours * 2)), kw)
    policy = make(name, case)
    policy.reset(1, np.zeros(1, dtype=np.int64))
    outputs, active = [], []
    for _ in range(batch.steps):
        view, bounds = batch.view(), batch.feasible()
        steered, on = track(view, batch, bounds)
        assert (steered[..., 0] >= bounds[..., 0] - 1e-7).all()
        assert (steered[..., 1] <= bounds[..., 1] + 1e-7).all()
        assert (steered[..., 0] <= steered[..., 1]).all()
        outputs.append(batch.step(policy.act({}, steered, view), steered).outputs[0])
        active.append(on[0])
    return np.stack(outputs), np.array(active)


def reduction_kw(case: Case, outputs: np.ndarray, event: FlexEvent) -> np.ndarray:
    """Baseline less metered import in each period of the request."""
    first = round((event.start - case.rows.start_utc) / pd.Timedelta(minutes=15))
    rows = slice(first, first + round(event.hours * 4))
    metered_kw = outputs[rows, OUT["import_kwh"]].reshape(-1, 2).sum(axis=1) * 2.0
    return case.rows["baseline_kw"][rows][::2] - metered_kw


@pytest.mark.parametrize("kw", [50.0, 300.0, 450.0])
def test_event_follower_delivers_what_it_sold(world: World, make_event: Event, kw: float) -> None:
    event = make_event()
    case = world((event,))
    outputs, active = run_selling(case, "event_follower", event, kw)
    np.testing.assert_allclose(reduction_kw(case, outputs, event), kw, atol=0.5)
    assert active.sum() == event.hours * 4


def test_delivery_holds_when_the_load_runs_above_its_baseline(world: World, make_event: Event) -> None:
    event = make_event()
    case = world((event,))
    case.rows.values[:, UTILISATION] += 0.05  # about 40 kW more than the baseline knows
    outputs, _ = run_selling(case, "event_follower", event, 300.0)
    np.testing.assert_allclose(reduction_kw(case, outputs, event), 300.0, atol=0.5)


def test_a_flat_battery_leaves_the_queue_to_deliver(world: World, make_event: Event) -> None:
    event = make_event()
    case = world((event,), battery_kwh=0.0, battery_kw=0.0)
    outputs, _ = run_selling(case, "event_follower", event, 50.0)
    np.testing.assert_allclose(reduction_kw(case, outputs, event), 50.0, atol=1.0)


def test_threshold_never_falls_short_and_keeps_energy_for_the_last_period(world: World, make_event: Event) -> None:
    event = make_event()
    case = world((event,))
    outputs, _ = run_selling(case, "threshold", event, 350.0)
    assert (reduction_kw(case, outputs, event) >= 349.5).all()


def test_nothing_committed_leaves_the_very_same_bounds(world: World) -> None:
    batch = SiteBatch([world()])
    bounds = batch.feasible()
    steered, active = track(batch.view(), batch, bounds)
    assert steered is bounds
    assert not active.any()


def test_tracker_stays_inside_a_reserve(world: World, make_event: Event) -> None:
    event = make_event()
    case = world((event,))
    batch = SiteBatch([case])
    batch.set_commitment(0, range(34, 38), 300.0)
    for _ in range(68):
        batch.step(np.zeros((1, 3), dtype=np.float32))
    bounds = batch.feasible()
    bounds[0, BATTERY, 0] = -0.1  # a reserve leaves 50 kW to the market
    bounds[0, LOAD_SHIFT] = (-0.5, 0.0)
    steered, _ = track(batch.view(), batch, bounds)
    assert steered[0, BATTERY, 1] == pytest.approx(-0.1)
    assert steered[0, LOAD_SHIFT, 1] == pytest.approx(-0.5)


def test_what_is_accepted_can_be_delivered(world: World, make_event: Event) -> None:
    event = make_event(kw=500.0)
    case = world((event,))
    batch = SiteBatch([case])
    kw = acceptable_kw(batch.view(), batch, 0, event)
    assert 300.0 < kw <= 500.0
    outputs, _ = run_selling(case, "event_follower", event, kw)
    assert (reduction_kw(case, outputs, event) >= kw - 0.5).all()


@pytest.mark.parametrize(
    ("change", "site"),
    [
        ({"price_gbp_per_mwh": 1.0}, {"wear_gbp_per_mwh": 400.0}),  # worth less than it costs
        ({"kw": 40.0}, {}),  # below the least commitment
        ({}, {"deferrable_share": 0.0, "battery_kwh": 0.0, "battery_kw": 0.0}),  # nothing to deliver with
        ({"start": pd.Timestamp("2023-01-09 00:30", tz="UTC")}, {}),  # gate closure has passed
    ],
)
def test_what_should_not_be_sold_is_declined(
    world: World, make_event: Event, change: dict[str, object], site: dict[str, float]
) -> None:
    event = make_event(**change)
    batch = SiteBatch([world((event,), **site)])
    assert acceptable_kw(batch.view(), batch, 0, event) == 0.0


def test_a_period_is_not_sold_twice(world: World, make_event: Event) -> None:
    event = make_event()
    batch = SiteBatch([world((event,))])
    batch.set_commitment(0, [35], 60.0)
    assert acceptable_kw(batch.view(), batch, 0, event) == 0.0


def test_asking_changes_nothing_and_sees_no_future(world: World, make_event: Event) -> None:
    event = make_event()
    case = world((event,))
    batch = SiteBatch([case])
    before = batch.state.copy(), batch.queue.copy()
    kw = acceptable_kw(batch.view(), batch, 0, event)
    assert np.array_equal(batch.state, before[0])
    assert np.array_equal(batch.queue, before[1])
    view = batch.view()
    case.rows.values[1:] *= 0.5  # what has been published is in the view; what will really come must not count
    assert acceptable_kw(view, SiteBatch([case]), 0, event) == kw


def test_predicted_neutral_import_meets_the_baseline(world: World) -> None:
    case = world()
    batch = SiteBatch([case])
    rows = predicted_rows(batch.view(), batch, 0, 96)
    np.testing.assert_allclose(rows[:, UTILISATION], 0.5, atol=0.02)
