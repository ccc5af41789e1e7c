"""Scripted controllers: what they do when power is cheap or dear, and that it pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from agents.factory import make, names, register
from agents.scripted import PRICE_RULE, Neutral, Threshold
from envs.batch import SiteBatch
from envs.case import Case
from envs.state import BATTERY, LOAD_SHIFT, OUT

World = Callable[..., Case]


def run(case: Case, name: str, sites: int = 1) -> np.ndarray:
    """Outputs float64 (T, B, OUTPUTS) of a named controller on its own, nothing sold."""
    batch = SiteBatch([case], [0] * sites)
    policy = make(name, case)
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
    case = world()
    timid = Threshold("threshold", replace(PRICE_RULE, battery_margin=1000.0), accepts_events=False)
    batch = SiteBatch([case])
    for _ in range(96):
        assert timid.act({}, batch.feasible(), batch.view())[0, BATTERY] == 0.0
        batch.step(np.zeros((1, 3), dtype=np.float32))


def test_carbon_threshold_is_blind_to_price(world: World) -> None:
    dear = run(world(), "carbon_threshold")
    flat = run(world(flat_price=True), "carbon_threshold")
    assert np.array_equal(dear[..., OUT["import_kwh"]], flat[..., OUT["import_kwh"]])
    assert dear[:, 0, OUT["carbon_kg"]].sum() < run(world(), "neutral")[:, 0, OUT["carbon_kg"]].sum()


def test_one_site_acts_the_same_alone_and_in_a_batch(world: World) -> None:
    case = world()
    alone, many = run(case, "threshold"), run(case, "threshold", sites=3)
    for site in range(3):
        assert np.array_equal(alone[:, 0], many[:, site])


@pytest.mark.parametrize(
    ("field", "value"),
    [("shift_window_h", 49.0), ("battery_window_h", 0.0), ("battery_low", 1.5), ("shift_high", -1.0)],
)
def test_a_rule_outside_its_range_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        replace(PRICE_RULE, **{field: value})


def test_factory_names_the_nearest_controller(world: World) -> None:
    case = world()
    with pytest.raises(ValueError, match="did you mean 'threshold'"):
        make("treshold", case)
    for name in names():
        assert make(name, case).name == name
    with pytest.raises(ValueError, match="already registered"):
        register("neutral", lambda case: Neutral())


def test_who_sells_requests(world: World) -> None:
    case = world()
    sells = {name: make(name, case).accepts_events for name in names()}
    assert sells == {
        "neutral": False,
        "neutral+trades": False,
        "threshold": True,
        "carbon_threshold": False,
        "event_follower": True,
    }
