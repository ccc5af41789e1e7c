"""Model-predictive control: sees what is published, keeps its bounds, and earns most of what foresight would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from agents import factory
from agents.policy import Policy
from envs.batch import SiteBatch
from envs.case import Case
from envs.state import BATTERY, LOAD_SHIFT
from evaluate.optimal import Mpc, MpcSettings, oracle_bound, register_controllers
from evaluate.rollout import Rollout
from grid.rows import DAY_AHEAD, SYSTEM, TARIFF

Run = Callable[[Case, Policy], tuple[Rollout, dict[str, float]]]


def _net_of_phantom(books: dict[str, float]) -> float:
    return books["objective_gbp"] + books["flex_phantom_gbp"]


def _actions(case: Case, policy: Mpc, steps: int) -> np.ndarray:
    batch = SiteBatch([case])
    policy.reset(1, np.array([0]))
    raw = []
    for _ in range(steps):
        raw.append(policy.act({}, batch.feasible(), batch.view()))
        batch.step(raw[-1])
    return np.stack(raw)


@pytest.mark.parametrize("information", ["grid_aware", "carbon_aware"])
def test_what_is_not_published_changes_nothing(short: Case, information: str) -> None:
    now = 60
    rows = short.rows
    values, forecast = rows.values.copy(), rows.forecast.copy()
    baseline = values[:, -1].copy()
    values[now:] = np.roll(values[now:], 17, axis=0)
    values[:, -1] = baseline  # published for the whole run
    forecast[now:] = np.roll(forecast[now:], 17, axis=0)
    changed = replace(short, rows=replace(rows, values=values, forecast=forecast))
    settings = MpcSettings(information)
    expected, got = (_actions(case, Mpc(settings=settings), now) for case in (short, changed))
    np.testing.assert_array_equal(got, expected)


def test_the_carbon_only_controller_is_blind_to_prices(short: Case) -> None:
    rows = short.rows
    values, forecast = rows.values.copy(), rows.forecast.copy()
    values[:, [DAY_AHEAD, SYSTEM, TARIFF]] = 500.0 - values[:, [DAY_AHEAD, SYSTEM, TARIFF]]
    forecast[:, 1:3] = 500.0 - forecast[:, 1:3]
    dear = replace(short, rows=replace(rows, values=values, forecast=forecast))
    expected, got = (_actions(case, Mpc(settings=MpcSettings("carbon_aware")), 40) for case in (short, dear))
    np.testing.assert_array_equal(got, expected)


def test_it_plans_inside_the_bounds_it_is_given(short: Case) -> None:
    batch = SiteBatch([short])
    policy = Mpc()
    policy.reset(1, np.array([0]))
    bounds = batch.feasible()
    bounds[0, BATTERY] = (0.3, 0.5)
    bounds[0, LOAD_SHIFT] = (-0.25, 0.0)
    action = policy.act({}, bounds, batch.view())[0]
    assert 0.3 - 1e-5 <= action[BATTERY] <= 0.5 + 1e-5
    assert -0.26 <= action[LOAD_SHIFT] <= 1e-5  # the work of its half-hour is a guess


def test_sites_of_a_batch_do_not_mix(make_short: Callable[..., Case]) -> None:
    one, two = make_short(days=1), make_short("workload.name=generator", "site.battery_kwh=300", days=1)
    batch = SiteBatch([one, two])
    policy = Mpc()
    policy.reset(2, np.array([0, 1]))
    together = []
    for _ in range(12):
        together.append(policy.act({}, batch.feasible(), batch.view()))
        batch.step(together[-1])
    for site, case in enumerate((one, two)):
        np.testing.assert_array_equal(np.stack(together)[:, site], _actions(case, Mpc(), 12)[:, 0])


def test_it_earns_most_of_what_foresight_would(make_short: Callable[..., Case], run: Run) -> None:
    short = make_short(days=2)
    neutral, threshold, mpc = (
        _net_of_phantom(run(short, policy)[1])
        for policy in (factory.make("neutral", short), factory.make("threshold", short), Mpc())
    )
    bound = oracle_bound(short).bound_gbp
    assert mpc < threshold
    assert neutral - mpc >= 0.8 * (neutral - bound)


def test_controllers_are_made_by_name(short: Case) -> None:
    register_controllers()
    register_controllers()
    made = {name: factory.make(name, short) for name in ("oracle", "mpc", "carbon_mpc")}
    assert {name: policy.name for name, policy in made.items()} == {name: name for name in made}
    assert [made[name].accepts_events for name in made] == [False, True, False]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="choose grid_aware or carbon_aware"):
        MpcSettings("site")
    with pytest.raises(ValueError, match="fade_per_hour=2"):
        MpcSettings(fade_per_hour=2.0)


@pytest.mark.parametrize("hour", [4, 8])
def test_what_it_would_hold_gets_the_battery_to_where_its_plan_is(short: Case, hour: int) -> None:
    batch, beside, planner = SiteBatch([short]), Mpc(), Mpc()
    for one in (beside, planner):
        one.reset(1, np.array([0]))
    for _ in range(4 * hour):
        batch.step(np.zeros((1, 3), dtype=np.float32))
    free = batch.feasible()
    held = np.array([beside.held(batch.view(), 0, free[0], 4)], dtype=np.float32)
    follow, hold = SiteBatch([short]), batch
    for _ in range(4 * hour):
        follow.step(np.zeros((1, 3), dtype=np.float32))
    for _ in range(4):
        follow.step(planner.act({}, follow.feasible(), follow.view()))
        hold.step(held)
    assert hold.state["soc_kwh"][0] == pytest.approx(follow.state["soc_kwh"][0], abs=1.0)
    assert hold.state["soc_kwh"][0] != pytest.approx(500.0, abs=1.0)
