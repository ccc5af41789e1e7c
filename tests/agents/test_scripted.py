"""Scripted controllers: what they do when power is cheap or dear, and that it pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from agents.factory import make, register
from agents.policy import Policy
from agents.ranges import start_rule
from agents.scripted import Neutral, ThresholdRule
from agents.tunable import TUNABLE
from envs.batch import SiteBatch
from envs.case import Case
from envs.state import BATTERY, COOLING, LOAD_SHIFT, OUT

World = Callable[..., Case]
SCRIPTED = ("neutral", "neutral+trades", *TUNABLE)


def run(case: Case, name: str, sites: int = 1) -> np.ndarray:
    """Outputs float64 (T, B, OUTPUTS) of a named controller on its own, nothing sold."""
    return run_policy(case, make(name, case), sites)


def run_policy(case: Case, policy: Policy, sites: int = 1) -> np.ndarray:
    batch = SiteBatch([case], [0] * sites)
    policy.reset(sites, np.arange(sites))
    return np.stack([batch.step(policy.act({}, batch.feasible(), batch.view()), batch.feasible()).outputs
                     for _ in range(batch.steps)])  # fmt: skip


def objective_gbp(case: Case, outputs: np.ndarray) -> float:
    """Bill, wear, carbon and penalties of one site, stock left at the end at the mean price."""
    names_ = ("energy_gbp", "network_gbp", "wear_gbp", "carbon_cost_gbp", "penalty_gbp")
    money = sum(outputs[:, 0, OUT[name]].sum() for name in names_)
    mean_gbp_per_kwh = case.rows["tariff_gbp_per_mwh"][: case.rows.steps].mean() / 1000.0
    deficit_kwh = case.state["soc_kwh"][0] - outputs[-1, 0, OUT["soc_kwh"]]
    queued_kwh = outputs[-1, 0, OUT["queued_kwh"]] * case.import_per_it
    return money + mean_gbp_per_kwh * (deficit_kwh / 0.95 + queued_kwh)


def test_neutral_imports_exactly_the_neutral_meter(world: World) -> None:
    case = world()
    assert np.array_equal(run(case, "neutral")[:, 0, OUT["import_kwh"]], case.neutral_kwh)


def test_threshold_buys_cheap_and_saves_money(world: World) -> None:
    case = world(days=4)
    outputs = run(case, "threshold")
    price = case.rows["day_ahead_gbp_per_mwh"][: case.rows.steps]
    battery = outputs[:, 0, OUT["battery_kwh"]]
    paid = (price * battery)[battery > 0].sum() / battery[battery > 0].sum()
    earned = (price * battery)[battery < 0].sum() / battery[battery < 0].sum()
    assert earned * 0.95**2 > paid + case.params["wear_gbp_per_mwh"][0]
    assert objective_gbp(case, outputs) < 0.95 * objective_gbp(case, run(case, "neutral"))
    assert outputs[:, 0, OUT["late_kwh"]].sum() == 0.0


def test_threshold_rests_when_the_price_never_moves(world: World) -> None:
    case = world(flat_price=True)
    view = SiteBatch([case]).view()
    action = make("threshold", case).act({}, np.zeros((1, 3, 2), np.float32), view)
    assert action[0, BATTERY] == 0.0
    assert action[0, LOAD_SHIFT] >= 0.0  # nothing is deferred that would gain nothing


def test_spread_below_losses_and_wear_is_left_alone(world: World) -> None:
    case = world(wear_gbp_per_mwh=200.0)
    assert not run(case, "threshold")[..., OUT["battery_kwh"]].any()


def test_carbon_threshold_is_blind_to_price(world: World) -> None:
    dear = run(world(), "carbon_threshold")
    flat = run(world(flat_price=True), "carbon_threshold")
    assert np.array_equal(dear[..., OUT["import_kwh"]], flat[..., OUT["import_kwh"]])
    assert dear[:, 0, OUT["carbon_kg"]].sum() < run(world(), "neutral")[:, 0, OUT["carbon_kg"]].sum()


@pytest.mark.parametrize("name", TUNABLE)
def test_one_site_acts_the_same_alone_and_in_a_batch(world: World, name: str) -> None:
    case = world()
    alone, many = run(case, name), run(case, name, sites=3)
    for site in range(3):
        assert np.array_equal(alone[:, 0], many[:, site])


@pytest.mark.parametrize("name", TUNABLE)
def test_whatever_its_numbers_a_controller_asks_for_actions_in_range(world: World, name: str) -> None:
    tunable = TUNABLE[name]
    rng = np.random.default_rng(0)
    batch = SiteBatch([world()])
    for _ in range(20):
        numbers = {allowed.name: allowed.value(rng.random()) for allowed in tunable.kind.RANGES}
        policy = tunable.make(tunable.kind(**numbers, **tunable.fixed))
        policy.reset(1, np.zeros(1, dtype=np.int64))
        for _ in range(5):
            action = policy.act({}, batch.feasible(), batch.view())
            assert action.shape == (1, 3)
            assert action.dtype == np.float32
            assert (np.abs(action) <= 1.0).all()
            batch.step(action)


@pytest.mark.parametrize(("name", "field"), [(name, r.name) for name, t in TUNABLE.items() for r in t.kind.RANGES])
def test_a_rule_outside_its_range_is_refused_by_name(name: str, field: str) -> None:
    tunable = TUNABLE[name]
    rule = start_rule(tunable.kind, tunable.fixed)
    allowed = next(allowed for allowed in rule.RANGES if allowed.name == field)
    for value in (allowed.low - 0.1, allowed.high + 0.1, float("nan")):
        with pytest.raises(ValueError, match=f"{type(rule).__name__}.{field}="):
            replace(rule, **{field: value})


def test_a_threshold_needs_a_signal_with_a_forecast() -> None:
    with pytest.raises(ValueError, match=r"utilisation.*no forecast"):
        start_rule(ThresholdRule, {"signal": "utilisation"})


def test_time_of_day_keeps_to_the_london_clock(world: World) -> None:
    kind = TUNABLE["time_of_day"].kind
    rule = replace(start_rule(kind), night_charge_from=23.0, night_charge_h=2.0, defer_from=17.0, defer_h=1.0)
    policy = TUNABLE["time_of_day"].make(rule)
    view = SiteBatch([world()] * 4).view()
    # In July London is an hour ahead of UTC: 22:00 and 23:45 UTC are 23:00 and 0:45 there, 16:30 is 17:30.
    times = np.array(["2023-07-03T21:45", "2023-07-03T22:00", "2023-07-03T23:45", "2023-07-03T16:30"])
    actions = policy.act({}, np.zeros((4, 3, 2), np.float32), replace(view, now_utc=times.astype("datetime64[ns]")))
    assert actions[:, BATTERY].tolist() == [0.0, 1.0, 1.0, -1.0]
    assert actions[:, LOAD_SHIFT].tolist() == [0.0, 0.0, 0.0, -1.0]


def test_the_best_constant_sees_nothing(world: World) -> None:
    first, other = world(), world(flat_price=True)
    policy = make("best_constant", first)
    actions = [policy.act({}, np.zeros((1, 3, 2), np.float32), SiteBatch([case]).view()) for case in (first, other)]
    assert np.array_equal(*actions)


def test_sustaindc_rules_lower_the_set_point_of_a_warm_room_and_trim_it_up_once_an_hour(world: World) -> None:
    rule = replace(start_rule(TUNABLE["sustaindc_rules"].kind), inlet_limit_degc=22.5, trim_k=1.0, respond_k=0.5)
    policy = TUNABLE["sustaindc_rules"].make(rule)
    batch = SiteBatch([world()])
    supply_degc = []
    for _ in range(12):
        supply_degc.append(float(batch.state["supply_degc"][0]))
        inlet_degc = float(batch.state["inlet_degc"][0])
        action = policy.act({}, batch.feasible(), batch.view())
        batch.step(np.array([[0.0, 0.0, action[0, COOLING]]], dtype=np.float32))
        moved = float(batch.state["supply_degc"][0]) - supply_degc[-1]
        expected = -0.5 if inlet_degc > 22.5 else 1.0 if len(supply_degc) % 4 == 1 else 0.0
        assert moved == pytest.approx(expected, abs=1e-5)
    assert max(supply_degc) > 21.5 > min(supply_degc)


def test_sustaindc_battery_charges_before_dirtier_hours_within_its_limits(world: World) -> None:
    case = world(days=3)
    rule = start_rule(TUNABLE["sustaindc_rules"].kind)  # theirs: an hour ahead, between 20 and 90 %
    outputs = run_policy(case, TUNABLE["sustaindc_rules"].make(rule))[:, 0]
    battery = outputs[:, OUT["battery_kwh"]]
    carbon = case.rows["carbon_gco2_per_kwh"][: case.rows.steps]
    assert np.average(carbon, weights=battery.clip(min=0)) < np.average(carbon, weights=-battery.clip(max=0))
    step_kwh = 500.0 * 0.25  # the limits are looked at before a step
    assert outputs[:, OUT["soc_kwh"]].max() <= 900.0 + step_kwh * 0.95
    assert outputs[:, OUT["soc_kwh"]].min() >= 200.0 - step_kwh / 0.95


def test_factory_names_the_nearest_controller(world: World) -> None:
    case = world()
    with pytest.raises(ValueError, match="did you mean 'threshold'"):
        make("treshold", case)
    for name in SCRIPTED:
        assert make(name, case).name == name
    with pytest.raises(ValueError, match="already registered"):
        register("neutral", lambda case: Neutral())


def test_who_sells_requests(world: World) -> None:
    case = world()
    assert [name for name in SCRIPTED if make(name, case).accepts_events] == ["threshold", "event_follower"]
