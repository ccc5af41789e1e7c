"""The bound holds for every controller, is met within a tenth by its replay, and says why where there is no plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from agents import factory
from agents.policy import Offer, Policy
from agents.scripted import Neutral
from envs.case import Case
from envs.params import site_params
from envs.scenario import Disturbance
from envs.state import OUT
from envs.view import SiteView
from evaluate.optimal import InfeasibleWeekError, Mpc, Oracle, oracle_bound
from evaluate.rollout import Rollout

Run = Callable[[Case, Policy], tuple[Rollout, dict[str, float]]]
SCRIPTED = ("neutral", "threshold", "carbon_threshold", "event_follower", "neutral+trades")


class Reckless(Neutral):
    """Random actions, and every request sold at the most it may be, whether or not it can be delivered."""

    def __init__(self, trades: bool) -> None:
        super().__init__("reckless")
        self._trades = trades

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._rng = np.random.default_rng(seeds[0])

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        return self._rng.uniform(-1.0, 1.0, (view.batch_size, 3)).astype(np.float32)

    def offers(self, view: SiteView) -> list[Offer]:
        offers = [
            Offer(0, tuple(range(first, first + count)), min(event.kw, 500.0, float(baseline.min())))
            for event in view.events[0]
            for first in [view.period + round((event.start - view.timestamp(0)).total_seconds() / 1800)]
            for count in [round(2 * event.hours)]
            for baseline in [view.baseline_kw[0, first - view.period : first - view.period + count]]
            if first > view.period and len(baseline) == count
        ]
        if self._trades and view.step % 96 == 48:
            offers.append(Offer(0, tuple(range(view.period + 4, view.period + 12)), 300.0))
        return offers


def _net_of_phantom(books: dict[str, float]) -> float:
    return books["objective_gbp"] + books["flex_phantom_gbp"]


@pytest.mark.parametrize("compensation", ["mutualised", "vtp_pays"])
def test_no_controller_beats_the_bound(make_short: Callable[..., Case], run: Run, compensation: str) -> None:
    case = make_short(f"market.compensation={compensation}", days=2)
    found = oracle_bound(case)
    assert found.status == "optimal"
    names = [name for name in SCRIPTED if name != "neutral+trades"]
    for policy in [*(factory.make(name, case) for name in names), Reckless(trades=False), Mpc()]:
        assert _net_of_phantom(run(case, policy)[1]) >= found.bound_gbp, policy.name


def test_no_trader_beats_the_bound_with_own_trades(make_short: Callable[..., Case], run: Run) -> None:
    case = make_short(days=2)
    oracle = Oracle(case, own_trades=True)
    found = oracle.bound
    assert found.bound_gbp <= oracle_bound(case).bound_gbp + 1e-6
    for policy in (factory.make("neutral+trades", case), Reckless(trades=True), oracle):
        assert _net_of_phantom(run(case, policy)[1]) >= found.bound_gbp, policy.name


def test_what_the_oracle_sells_of_its_own_is_really_reduced(make_short: Callable[..., Case], run: Run) -> None:
    case = make_short(days=2)
    oracle = Oracle(case, own_trades=True)
    own = [sale for sale in oracle.replay.sales if not sale.request]
    assert len(own) == sum(not sale.request for sale in oracle.bound.plan.sales) > 0  # none is dropped in the replay
    done, books = run(case, oracle)
    metered = done.outputs[:, 0, OUT["import_kwh"]].reshape(-1, 2).sum(axis=1)
    reduced_kw = 2.0 * (case.neutral_kwh[: len(done.outputs)].reshape(-1, 2).sum(axis=1) - metered)
    for sale in own:
        assert (reduced_kw[list(sale.periods)] >= sale.kw - 1.0).all()
    without = _net_of_phantom(run(case, Oracle(case))[1])
    assert _net_of_phantom(books) < without


def test_the_bound_holds_where_import_is_paid_for(short: Case, run: Run) -> None:
    # A deeply negative price: the site is paid to burn, and only the roof over its power keeps the bound finite.
    rows = short.rows
    values = rows.values.copy()
    tariff, day_ahead = 6, 4
    values[40:80, [tariff, day_ahead]] = -300.0
    case = replace(short, rows=replace(rows, values=values))
    found = oracle_bound(case)
    for policy in (factory.make("neutral", case), Reckless(trades=False), Oracle(case)):
        assert _net_of_phantom(run(case, policy)[1]) >= found.bound_gbp, policy.name


def test_replay_earns_nine_tenths_of_the_bound_and_breaks_no_limit(short: Case, run: Run) -> None:
    neutral = _net_of_phantom(run(short, factory.make("neutral", short))[1])
    oracle = Oracle(short)
    done, books = run(short, oracle)
    gap = _net_of_phantom(books) - oracle.bound.bound_gbp
    assert 0.0 <= gap <= 0.1 * (neutral - oracle.bound.bound_gbp)
    assert books["late_kwh"] == 0.0
    assert books["overheat_minutes"] == 0.0
    assert done.counters["events_accepted"][0] == len(oracle.replay.sales)
    sold = {tuple(sale.periods): sale.kw for sale in oracle.replay.sales}
    for periods, kw in sold.items():
        assert np.allclose(done.commitments_kw[0, list(periods)], kw)


def test_flexibility_is_worth_what_is_left_when_it_is_taken_away(make_short: Callable[..., Case]) -> None:
    def saving(*overrides: str) -> float:
        case, without = make_short(*overrides, days=1), make_short(*overrides, "site.battery_kw=0", days=1)
        return oracle_bound(without, requests=False).bound_gbp - oracle_bound(case, requests=False).bound_gbp

    assert saving() > 0.0
    assert saving("site.battery_kwh=500", "site.battery_kw=250") < saving()


def test_import_limit_below_what_must_run_is_named(short: Case) -> None:
    params = short.params.copy()
    params["import_limit_kw"] = 300.0
    with pytest.raises(InfeasibleWeekError, match=r"import limit 300 kW.*raise site.import_limit_kw"):
        oracle_bound(replace(short, params=params))


def test_work_beyond_capacity_is_named(short: Case) -> None:
    queue = short.queue_kwh.copy()
    queue[10] = 500.0
    with pytest.raises(InfeasibleWeekError, match=r"servers' capacity 162\.5 kWh"):
        oracle_bound(replace(short, queue_kwh=queue))


def test_a_charge_outside_the_battery_is_named(short: Case) -> None:
    params = site_params(soc_min=0.5, soc_start=0.5, battery_kw=1.0)
    state = short.state.copy()
    state["soc_kwh"] = 100.0
    with pytest.raises(InfeasibleWeekError, match="battery: its charge at the start, 100 kWh"):
        oracle_bound(replace(short, params=params, state=state))


def test_a_stopped_solver_gives_its_plan_and_its_gap_and_says_so(
    make_real: Callable[..., Case], caplog: pytest.LogCaptureFixture
) -> None:
    found = oracle_bound(make_real(date(2023, 1, 2), 3), own_trades=True, time_limit_s=4.0, gap=0.0)
    assert found.status == "time_limit"
    assert found.gap > 0.0
    assert found.bound_gbp < found.plan_gbp
    assert "2023-01-02 alibaba_2: solver stopped after 4 s" in caplog.text


@pytest.mark.parametrize("start", [date(2023, 1, 9), date(2023, 7, 10)])
def test_real_weeks(make_real: Callable[..., Case], run: Run, start: date) -> None:
    case = make_real(start, 7)
    oracle = Oracle(case)
    bound = oracle.bound.bound_gbp
    of = {name: _net_of_phantom(run(case, factory.make(name, case))[1]) for name in SCRIPTED}
    replayed = _net_of_phantom(run(case, oracle)[1])
    assert min(*of.values(), replayed) >= bound
    assert replayed - bound <= 0.1 * (of["neutral"] - bound)
    assert replayed < of["threshold"]


def test_a_second_deadline_class_is_held_to_its_own_deadline(make_short: Callable[..., Case], run: Run) -> None:
    two = make_short("site.deferrable_share=0.1", "site.short_share=0.1", "site.short_deadline_steps=12", days=2)
    one = make_short("site.deferrable_share=0.2", days=2)
    oracle = Oracle(two)
    _, books = run(two, oracle)
    assert oracle.bound.bound_gbp > oracle_bound(one).bound_gbp  # less patience, less to win
    costs = [_net_of_phantom(run(two, p)[1]) for p in (factory.make("threshold", two), Reckless(trades=False), Mpc())]
    assert min(costs) >= oracle.bound.bound_gbp
    gap = _net_of_phantom(books) - oracle.bound.bound_gbp
    assert 0.0 <= gap <= 0.15 * (_net_of_phantom(run(two, factory.make("neutral", two))[1]) - oracle.bound.bound_gbp)
    assert books["late_kwh"] == 0.0


def test_chillers_lost_in_a_scenario_are_named(short: Case) -> None:
    lost = replace(short, scenario=(Disturbance("chiller_loss", 20, 8, severity=0.5),))
    with pytest.raises(ValueError, match="cooling capacity 600 kW"):
        oracle_bound(lost)
