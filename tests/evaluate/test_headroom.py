"""What each flexibility is worth: fair shares of what they do together, both rules, gaps said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from configs.schema import Config
from evaluate.cases import params_of
from evaluate.headroom import Headroom, headroom
from evaluate.headroom_compare import compare
from evaluate.headroom_plan import BASE, Scenario, scenarios
from evaluate.headroom_report import make
from evaluate.headroom_words import directions, first, gaps
from evaluate.matrix import COLUMNS
from evaluate.names import ADDITIVE

WEEKS = tuple(f"2023-0{month}-02" for month in range(1, 7))
ALONE = {"load": 100.0, "battery": 200.0, "cooling": 40.0}
TOGETHER = -30.0  # load and battery get in each other's way
REQUESTS = {"mutualised": 90.0, "vtp_pays": 50.0}
OWN_TRADES = {"mutualised": 400.0, "vtp_pays": 40.0}


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(None, ["evaluate.report=headroom", "evaluate.variants=[neutral, threshold]", "evaluate.weeks=6",
                              "evaluate.seeds=1", "signals.source=file"])  # fmt: skip


def saving_of(scenario: Scenario) -> float:
    """What the made-up controller saves in a week of a scenario, GBP."""
    if scenario.kind == "flexibility":
        names = scenario.key.split("+")
        return sum(ALONE[name] for name in names) + TOGETHER * ({"load", "battery"} <= set(names))
    full = sum(ALONE.values()) + TOGETHER
    if scenario.kind == "market":
        rule = scenario.config.market.compensation
        return full + REQUESTS[rule] + OWN_TRADES[rule] * scenario.key.startswith("trades")
    half = 0.5 * full if scenario.key == "battery/half" else full
    return half + (REQUESTS["mutualised"] if scenario.config.market.requests else 0.0)


def rows_of(scenario: Scenario, saving: Callable[[Scenario], float] = saving_of) -> pd.DataFrame:
    records = []
    for variant in scenario.config.evaluate.variants:
        for place, week in enumerate(WEEKS):
            gain = saving(scenario) * (1.0 + 0.1 * np.sin(place)) if variant != "neutral" else 0.0
            cost = 9000.0 + 500.0 * place - gain
            row = dict.fromkeys(COLUMNS, 0) | dict.fromkeys(ADDITIVE, 0.0)
            row |= {"variant": variant, "week_start": week, "data_hash": week, "code_commit": "abc"}
            row |= {"cost_gbp": cost, "net_gbp": cost, "objective_gbp": cost, "carbon_kg": 12000.0 - 0.5 * gain}
            if scenario.kind == "market" and variant != "neutral":  # requests cost carbon in this world
                row["carbon_kg"] += 900.0 if scenario.key.startswith("trades") else 120.0
            records.append(row)
    return pd.DataFrame(records, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def rows(config: Config) -> dict[str, pd.DataFrame]:
    return {scenario.key: rows_of(scenario) for scenario in scenarios(config)}


@pytest.fixture(scope="module")
def result(config: Config, rows: dict[str, pd.DataFrame]) -> Headroom:
    return headroom(scenarios(config), rows)


def test_what_two_do_to_each_other_is_shared_between_them(result: Headroom) -> None:
    (ladder,) = result.ladders
    mean = 1.0 + 0.1 * np.mean(np.sin(np.arange(len(WEEKS))))
    got = {name: worth.gbp.estimate / mean for name, worth in ladder.flexibilities.items()}
    assert got == pytest.approx({"load": 85.0, "battery": 185.0, "cooling": 40.0})
    assert ladder.flexibilities["load"].alone == pytest.approx(100.0 * mean)
    assert ladder.flexibilities["load"].last == pytest.approx(70.0 * mean)
    assert ladder.day_ahead.gbp.estimate == pytest.approx(310.0 * mean)


def test_steps_lead_to_the_total_in_pounds_and_kilograms_under_both_rules(result: Headroom) -> None:
    (ladder,) = result.ladders
    for unit in ("gbp", "kg"):
        parts = sum(getattr(worth, unit).estimate for worth in ladder.flexibilities.values())
        assert parts == pytest.approx(getattr(ladder.day_ahead, unit).estimate)
        for rule, steps in ladder.by_rule.items():
            total = parts + sum(getattr(worth, unit).estimate for worth in steps.values())
            assert total == pytest.approx(getattr(ladder.totals[rule], unit).estimate)
    requests = [ladder.by_rule[rule]["requests"].gbp.estimate for rule in ("mutualised", "vtp_pays")]
    assert requests[0] / requests[1] == pytest.approx(90.0 / 50.0)


def test_money_against_carbon_is_said(result: Headroom) -> None:
    told = directions(first(result))
    assert [sentence.split(",")[0] for sentence in told] == 2 * ["Under mutualised"] + 2 * ["Under vtp_pays"]
    assert all("kg more carbon: opposite directions" in sentence for sentence in told)
    assert "own trades bring threshold £" in told[1]


def test_sensitivities_are_changes_against_the_site_as_configured(result: Headroom) -> None:
    changes = {one.label: one.change_gbp["threshold"].estimate for one in result.sensitivities}
    assert changes["as configured"] == 0.0
    assert changes["half the battery"] < -100.0
    assert changes["no requests"] == pytest.approx(changes["half the battery"] * 90.0 / 155.0)


def test_what_is_not_there_is_said(config: Config) -> None:
    evaluate = config.evaluate.model_copy(update={"variants": ("neutral", "carbon_threshold")})
    planned = scenarios(config.model_copy(update={"evaluate": evaluate}))
    told = " ".join(gaps(headroom(planned, {scenario.key: rows_of(scenario) for scenario in planned})))
    assert "mpc, oracle, oracle_bound" in told
    assert "own trades" in told
    assert "does not move carbon_threshold" in told


def test_how_often_the_grid_asks_is_varied(config: Config) -> None:
    often = {one.key: one.config.market for one in scenarios(config) if one.key.startswith("requests/")}
    asked = [often[f"requests/{name}"].request_terms.most_per_week for name in ("one", "five", "daily")]
    assert asked == [1, 5, 7]
    assert not often["requests/none"].requests


def test_hourly_planners_are_left_out_of_parts_of_the_site(config: Config) -> None:
    evaluate = config.evaluate.model_copy(update={"variants": ("neutral", "mpc", "oracle")})
    planned = scenarios(config.model_copy(update={"evaluate": evaluate}))
    found = headroom(planned, {scenario.key: rows_of(scenario) for scenario in planned})
    by_name = {one.controller: one for one in found.ladders}
    assert set(by_name["oracle"].flexibilities) == {"load", "battery", "cooling"}
    assert by_name["mpc"].flexibilities == {}
    assert by_name["mpc"].day_ahead.gbp.estimate == by_name["oracle"].day_ahead.gbp.estimate


def test_shares_pairs_and_profiles_stand_on_weeks() -> None:
    bound = np.array([[100.0, 300.0, 200.0]])
    saved = {name: {"claim_gbp": share * bound} for name, share in (("threshold", 0.6), ("oracle_bound", 1.0))}
    saved["mpc"] = {"claim_gbp": bound * [[0.5, 1.0, 1.0]]}
    found = compare("day-ahead", saved, np.full((1, 3), 1000.0))
    shares = {one.controller: one.share_of_bound for one in found.weekly}
    assert shares["oracle_bound"] is None
    assert shares["threshold"].estimate == pytest.approx(0.6)
    assert shares["mpc"].estimate == pytest.approx(550.0 / 600.0)  # a ratio of sums, not a mean of weekly ratios
    (mpc,) = (one for one in found.weekly if one.controller == "mpc")
    assert mpc.worst_share == pytest.approx(0.5)
    assert dict(mpc.profile)[0.8] == pytest.approx(2 / 3)
    (pair,) = found.pairs
    assert (pair.a, pair.b) == ("mpc", "threshold")
    assert pair.gbp.estimate == pytest.approx((-10.0 + 120.0 + 80.0) / 3)
    assert not pair.gbp.excludes_zero


def test_scenarios_take_away_what_they_say(config: Config) -> None:
    planned = {scenario.key: scenario.config for scenario in scenarios(config)}
    only_load = params_of(planned["load"])[0]
    assert only_load["battery_kwh"] == only_load["battery_kw"] == 0.0
    assert only_load["supply_max_degc"] - only_load["supply_min_degc"] < 0.01
    assert only_load["deferrable_share"] == config.site.deferrable_share
    assert not planned["load"].market.requests
    assert params_of(planned["battery"])[0]["deferrable_share"] == 0.0
    assert planned["requests/vtp_pays"].market.compensation == "vtp_pays"
    assert planned[BASE].site == config.site
    for one in planned.values():
        params_of(one)  # every site is within bounds


def test_the_page_holds_its_numbers_and_reaches_nowhere(config: Config, rows: dict[str, pd.DataFrame]) -> None:
    report = make(config, rows, {"utilisation": "real"})
    json.dumps(report.numbers, allow_nan=False)
    total = report.numbers["headroom"]["ladders"][0]["totals"]["mutualised"]["gbp"]["estimate"]
    assert f"{total:,.0f} <span" in report.page
    assert not re.search(r"https?:|<script|<img", report.page)
    assert r"\toprule" in report.tables["ladder.tex"]
