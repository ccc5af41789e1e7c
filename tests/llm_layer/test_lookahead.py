"""The pounds behind a finding, against cases worked by hand and against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grid.rows import CARBON, COLUMNS, DAY_AHEAD, FORECAST_HALF_HOURS, FORECAST_SIGNALS, SYSTEM, TARIFF
from llm_layer.battery_value import battery_costs
from llm_layer.lookahead import STAGES, stage_signals
from llm_layer.work_value import work_costs

LOSSLESS = (1000.0, 500.0, 500.0, 1.0, 1.0, 0.0)
LEVELS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def world(price_by_hour, quarter=0, sold=(), hold=4, carbon=100.0):
    """Stages of an hourly price, seen from quarter ``quarter`` of hour 0."""
    price = np.resize(np.asarray(price_by_hour, dtype=np.float64), 60)
    row = np.zeros(len(COLUMNS))
    row[[DAY_AHEAD, TARIFF, SYSTEM]] = price[0]
    row[CARBON] = carbon
    forecast = np.zeros((len(FORECAST_SIGNALS), FORECAST_HALF_HOURS), dtype=np.float32)
    ahead = (quarter + 2 * (1 + np.arange(FORECAST_HALF_HOURS))) // 4
    forecast[FORECAST_SIGNALS.index("day_ahead_gbp_per_mwh")] = price[ahead]
    forecast[FORECAST_SIGNALS.index("system_gbp_per_mwh")] = 200.0
    forecast[FORECAST_SIGNALS.index("carbon_gco2_per_kwh")] = carbon
    return stage_signals(row, forecast, np.resize(np.array([*sold, *[0.0] * 96]), 96), quarter, hold, 0.05, 0.8)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_stages_are_clock_hours_at_the_objectives_price(quarter):
    steps, price, bill, carbon = world([100.0, 50.0, 80.0], quarter, hold=4)
    hours = np.repeat(price, steps)[: 4 * 3 - quarter]
    np.testing.assert_allclose(hours, np.repeat([0.105, 0.055, 0.085], 4)[quarter:])  # + 100 g x GBP 50/t
    assert steps[0] == 4 - quarter
    np.testing.assert_allclose(carbon, 0.1)
    np.testing.assert_allclose(bill, price - 0.005)


def test_a_hold_and_a_sale_split_an_hour():
    steps, price, *_ = world([100.0], hold=2)
    assert steps[:3].tolist() == [2, 2, 4]
    steps, price, *_ = world([100.0], sold=(0.0, 300.0, 300.0, 0.0))
    assert steps[:4].tolist() == [2, 2, 2, 2]
    # In a sold half-hour an imported kWh also loses 80 % of the system price, here 200 or (now) 100 GBP/MWh.
    np.testing.assert_allclose(price[:4], [0.105, 0.265, 0.265, 0.105])


def test_a_full_cycle_between_two_prices_is_worth_its_spread():
    steps, price, *_ = world([50.0, 50.0, *[150.0] * 34], carbon=0.0)
    costs, moved = battery_costs(steps, price, 8, 0.0, LOSSLESS, LEVELS)
    charge, hold = costs[LEVELS == 1.0][0], costs[LEVELS == 0.0][0]
    assert hold - charge == pytest.approx(1000.0 * (0.15 - 0.05), rel=0.01)
    assert moved[LEVELS == 1.0][0] == pytest.approx(1000.0)


def test_losses_and_wear_can_make_a_spread_not_worth_it():
    steps, price, *_ = world([90.0, 90.0, *[108.0] * 34], carbon=0.0)
    costs, _ = battery_costs(steps, price, 4, 0.0, (900.0, 500.0, 500.0, 0.95, 0.95, 0.01), LEVELS)
    assert costs.argmin() in (0, 1, 2)  # 90 / 0.9025 + 10 > 108; the battery is empty, so all of these rest
    assert costs[2] < costs[3] < costs[4]


def test_the_battery_value_is_that_of_the_best_of_all_plans():
    rng = np.random.default_rng(3)
    prices = [*rng.uniform(20.0, 200.0, 5), *[90.0] * 55]
    steps, price, *_ = world(prices, carbon=0.0)
    costs, _ = battery_costs(steps, price, 4, 500.0, LOSSLESS, np.array([0.0]))
    mean = float((price * steps).sum() / steps.sum())
    best = np.inf
    for plan in itertools.product((-500.0, 0.0, 500.0), repeat=4):
        energy = 500.0 + np.cumsum(plan)
        if energy.min() >= 0.0 and energy.max() <= 1000.0:
            # What is left is sold at the best later hour, or valued at the mean: one full discharge fits in any case.
            left = energy[-1] * max(mean, price[5:].max())
            best = min(best, float(np.dot(plan, price[1:5])) - left)
    assert costs[0] == pytest.approx(best, rel=0.02)


def flat_work(price_by_hour, queue=0.0, hold=4, levels=LEVELS, deadline_slot=90):
    steps, price, *_ = world(price_by_hour, hold=hold, carbon=0.0)
    waiting = np.zeros(96)
    waiting[deadline_slot] = queue
    arriving, fixed = np.full(STAGES, 10.0), np.full(STAGES, 40.0)
    curve = np.linspace(0.0, 125.0, 5)  # 1.25 site kWh per IT kWh
    return work_costs(steps, price, hold, waiting, arriving, fixed, curve, 100.0, 96, levels)


def test_dear_work_waits_for_a_cheap_hour_and_saves_the_difference():
    costs, moved = flat_work([200.0, *[50.0] * 40])
    defer, passed = costs[0], costs[2]
    assert passed - defer == pytest.approx(4 * 10.0 * 1.25 * (0.20 - 0.05), rel=0.05)
    np.testing.assert_allclose(moved[[0, 2]], [0.0, 50.0])


def test_cheap_hours_drain_the_queue_as_far_as_capacity_goes():
    costs, moved = flat_work([20.0, *[100.0] * 40], queue=300.0)
    assert np.argmin(costs) == 4
    # 4 steps of 100 less 40 that may not wait: 240 of the 340 kWh waiting or arriving.
    assert moved[4] == pytest.approx(240.0 * 1.25)


def test_work_near_its_deadline_is_not_bet_on_a_cheaper_hour_after_it():
    prices = [100.0, 101.0, 101.0, *[10.0] * 40]
    soon, _ = flat_work(prices, queue=200.0, deadline_slot=6)
    later, _ = flat_work(prices, queue=200.0, deadline_slot=60)
    assert np.argmin(later) == 0
    # What is due within two hours has to run at 100 or 101 anyway: draining now does not cost the cheap hour.
    assert soon[4] - soon[2] < 0.2 * (later[4] - later[2])
