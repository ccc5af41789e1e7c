"""Rules say what they found in pounds and kilograms, override only where it pays, and do earn money."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from envs.state import OUT
from grid.events import FlexEvent
from llm_layer.directive import TEXT_LENGTH, SetLevel
from llm_layer.rules import RulesPolicy
from llm_layer.situation import Finding, Request, Situation

NOW = None  # rules look at no clock


def situation(**changes):
    blank = Situation(0, 8, "2022-03-07T02:00Z", "hold over", 4, {}, (0.0, 0.0, 0.0), (), ())
    return replace(blank, **changes)


def finding(agent="battery", level=-1.0, gain=5.0, **changes):
    blank = Finding(agent, "conflict", "price_high", level, gain, 2.0, "charging 400 kW now costs GBP 5.00 more")
    return replace(blank, **changes)


def decide(**changes):
    return RulesPolicy().decide([situation(**changes)], NOW)[0]


def test_nothing_found_is_nothing_overridden():
    decision = decide()
    assert decision.source == "rules"
    assert [decision.directive.load_shift, decision.directive.battery, decision.directive.cooling] == ["follow"] * 3


def test_a_gain_above_the_threshold_overrides_its_agent_alone():
    directive = decide(findings=(finding(), finding("load_shift", gain=0.001))).directive
    assert (directive.battery, directive.load_shift, directive.cooling) == ("discharge", "follow", "follow")
    assert directive.reason_code == "price_high"
    assert "GBP 5.00" in directive.text


def test_levels_between_the_words_are_set_as_numbers():
    assert decide(findings=(finding(level=0.5),)).directive.battery == SetLevel(mode="set", level=0.5)


def test_requests_are_answered_by_the_shared_rule(week):
    event = week.rows.events[0]
    sold = Request(event, 250.0, 80.0, False, "selling 250 kW")
    other = Request(replace(event, id="other"), 0.0, 0.0, False, "too small")
    directive = decide(requests=(sold, other), findings=(finding(),)).directive
    assert [(a.event_id, a.kw) for a in directive.accept] == [(event.id, 250.0)]
    assert directive.decline == ("other",)
    assert directive.reason_code == "request"


@pytest.fixture(scope="module")
def ran(run, week):
    return run(week, "carbon_threshold", RulesPolicy())


def objective(ran, week):
    """Objective pounds; charge and queue left at the end are valued at the mean tariff."""
    totals = {name: ran.outputs[:, 0, index].sum() for name, index in OUT.items()}
    queued_kwh = ran.batch.state["queued_kwh"][0] * week.import_per_it
    owed_kwh = queued_kwh + week.state["soc_kwh"][0] - ran.batch.state["soc_kwh"][0]
    owed_gbp = owed_kwh * week.rows["tariff_gbp_per_mwh"].mean() / 1000.0
    spent = ("energy_gbp", "wear_gbp", "carbon_cost_gbp", "penalty_gbp")
    return owed_gbp + sum(totals[name] for name in spent) - totals["flex_gbp"]


@pytest.mark.parametrize("agents", ["neutral", "carbon_threshold"])
def test_rules_earn_money_over_agents_that_see_no_prices(run, week, agents):
    alone = objective(run(week, agents, None, sell=False), week)
    supervised = objective(run(week, agents, RulesPolicy(), sell=False), week)
    assert supervised < 0.975 * alone


def test_rules_beat_the_tuned_price_threshold(run, week):
    alone = objective(run(week, "threshold", None, sell=False), week)
    assert objective(run(week, "threshold", RulesPolicy(), sell=False), week) < alone


def test_no_work_is_late_and_nothing_overheats(ran):
    assert ran.outputs[:, 0, OUT["late_kwh"]].sum() == 0.0
    assert ran.outputs[:, 0, OUT["overheat_minutes"]].sum() == 0.0


def test_every_reason_is_short_and_says_pounds_and_kilograms(ran):
    findings = [f for control in ran.controls for s in control.situations for f in s.findings]
    assert {f.agent for f in findings} == {"load_shift", "battery", "cooling"}
    assert {f.kind for f in findings} == {"conflict", "opportunity"}
    for found in findings:
        assert len(found.text) <= TEXT_LENGTH
        assert re.search(r"GBP -?\d", found.text), found.text
        assert re.search(r"\([+-]\d+ kg\)", found.text), found.text
        assert found.gain_gbp > 0.0


def test_a_conflict_is_named_where_charging_meets_a_dear_hour(ran):
    texts = [f.text for c in ran.controls for s in c.situations for f in s.findings if f.kind == "conflict"]
    assert any(
        re.match(r"charging \d+ kW now at GBP -?\d+/MWh costs GBP \d+\.\d\d more than waiting until", t) for t in texts
    )
    assert any(re.match(r"running \d+ kWh of deferrable work now at GBP .* costs GBP", t) for t in texts)


def test_followed_agents_do_what_they_propose(ran):
    followed = [
        (t, agent)
        for t, control in enumerate(ran.controls)
        for agent in range(3)
        if (control.bounds[0, agent] == control.physical[0, agent]).all()
    ]
    assert followed
    inside = np.clip(ran.raw, [c.physical[..., 0] for c in ran.controls], [c.physical[..., 1] for c in ran.controls])
    for t, agent in followed:
        assert ran.executed[t, 0, agent] == pytest.approx(inside[t, 0, agent], abs=2e-2 if agent == 1 else 1e-6)


def test_an_accepted_request_is_in_the_books_at_one_kw(ran, week):
    accepted = {a.event_id: a.kw for c in ran.controls for d in c.decisions for a in d.directive.accept}
    assert accepted
    ledger = ran.market.ledger(0)
    for event in week.rows.events:
        assert isinstance(event, FlexEvent)
        sold = ran.market.kw[0, ledger == event.id]
        assert set(sold) == ({accepted[event.id]} if event.id in accepted else set())
