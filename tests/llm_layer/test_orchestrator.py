"""When it asks, what it holds, who moves an action, and what happens when there is no answer."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from grid.market.commitments import CommitmentError
from llm_layer.audit import AuditWriter, read_lines, verify_file
from llm_layer.directive import Acceptance, Directive, SetLevel
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import Decision, SupervisorError, fallback
from llm_layer.rules import RulesPolicy


class Says:
    """Answers every situation with what ``answer(situation)`` returns, and keeps what it was shown."""

    policy_id = "test-1"

    def __init__(self, answer=lambda situation: Directive()):
        self.answer = answer
        self.seen = []

    def decide(self, situations, now):
        self.seen += situations
        return [self._decision(self.answer(situation)) for situation in situations]

    def _decision(self, answer):
        return answer if isinstance(answer, Decision) else Decision(answer, "rules", self.policy_id, energy_kwh=0.25)


@pytest.mark.parametrize("every", [1, 4, 8])
def test_it_asks_every_n_steps_and_early_only_for_a_stated_reason(run, week, every):
    ran = run(week, "neutral", Says(), every_steps=every, steps=192)
    due = 0
    for step, why in ran.decisions:
        early = why.startswith("request") or why == "limit near"
        assert step == due or (early and step < due), (step, why, due)
        due = step + every
    assert due >= 192


def test_a_request_wakes_it_when_published_when_it_starts_and_when_it_ends(run, week):
    ran = run(week, "neutral", Says(), every_steps=96, sell=False)
    event = next(e for e in week.rows.events if e.published_at > week.rows.start_utc)
    why = dict(ran.decisions)
    for moment, reason in ((event.published_at, "published"), (event.start, "started"), (event.end, "ended")):
        step = int(np.ceil((moment - week.rows.start_utc) / pd.Timedelta(minutes=15)))
        assert why[step] == f"request {reason}"


def test_staying_near_a_limit_wakes_it_once(run, week):
    charge = Says(lambda situation: Directive(battery="charge"))
    ran = run(week, "neutral", charge, every_steps=96, steps=64, sell=False)
    assert [why for _, why in ran.decisions].count("limit near") == 1
    assert ran.batch.state["soc_kwh"][0] == pytest.approx(950.0)


def test_a_shorter_horizon_is_kept(run, week):
    ran = run(week, "neutral", Says(lambda situation: Directive(horizon_steps=2)), every_steps=8, steps=8, sell=False)
    assert [step for step, why in ran.decisions if why == "hold over"] == [2, 4, 6]


def test_a_directive_is_held_and_recompiled_inside_what_is_feasible(run, week):
    ran = run(week, "neutral", Says(lambda situation: Directive(battery="charge")), steps=16, sell=False)
    for control in ran.controls:
        battery = control.bounds[0, BATTERY]
        assert battery[0] == battery[1] == control.physical[0, BATTERY, 1]
    assert ran.executed[:3, 0, BATTERY].tolist() == [1.0, 1.0, 1.0]
    assert ran.executed[-1, 0, BATTERY] == 0.0  # full: nothing is left to charge, and it is not "follow"


def test_bounds_are_nested_and_known_before_the_agents_act(run, week):
    ran = run(week, "carbon_threshold", RulesPolicy())
    for control in ran.controls:
        layers = (control.physical, control.noticed, control.tracked, control.bounds)
        for outer, inner in pairwise(layers):
            assert (inner[..., 0] >= outer[..., 0]).all()
            assert (inner[..., 1] <= outer[..., 1]).all()
            assert (inner[..., 0] <= inner[..., 1]).all()


def test_the_guard_is_above_any_directive(run, week):
    def heat(batch):
        batch.state["inlet_degc"] = 26.7

    hot = Says(lambda situation: Directive(cooling=SetLevel(mode="set", level=1.0)))
    ran = run(week, "neutral", hot, steps=4, touch=heat)
    for control in ran.controls:
        assert control.bounds[0, COOLING].tolist() == [control.physical[0, COOLING, 0]] * 2
    assert hot.seen[0].findings[0].reason == "safety"


def test_the_tracker_delivers_what_was_sold_against_the_directive(run, week):
    stubborn = Says(
        lambda situation: Directive(
            battery="charge",
            accept=tuple(Acceptance(event_id=r.event.id, kw=r.kw) for r in situation.requests if r.kw > 0.0),
        )
    )
    ran = run(week, "neutral", stubborn)
    sold = np.repeat(ran.market.kw[0] > 0.0, 2)
    assert sold.any()
    assert (ran.executed[sold, 0, BATTERY] < 0.0).any()
    assert ran.orchestrator.counters()["events_accepted"][0] == len(set(ran.market.ledger(0)) - {""})


def test_a_site_without_an_answer_follows_its_agents_is_asked_again_and_counted(run, week):
    def answer(situation):
        if situation.step in (4, 5) and situation.site == 1:
            return fallback("test-1", "garbage")
        return Directive(load_shift="defer")

    says = Says(answer)
    ran = run(week, "neutral", says, sites=2, steps=7, sell=False)
    asked = [(s.step, s.wake) for s in says.seen if s.site == 1]
    assert asked[1:] == [(4, "hold over"), (5, "retry"), (6, "retry")]
    assert [s.step for s in says.seen if s.site == 0] == [0, 4]
    counts = ran.orchestrator.counters()
    assert counts["fallbacks"].tolist() == [0, 2]
    assert counts["decisions"].tolist() == [2, 4]
    assert counts["overrides"].tolist() == [2, 2]
    # At steps 4 and 5 the neutral agent's own proposal goes through.
    assert ran.executed[:, 1, LOAD_SHIFT].tolist() == [-1.0] * 4 + [0.0, 0.0, -1.0]


def test_a_supervisor_that_is_down_costs_no_step(run, week):
    def answer(situation):
        if 4 <= situation.step < 10:
            raise SupervisorError("connection refused")
        return Directive()

    ran = run(week, "neutral", Says(answer), steps=20)  # an idle battery wakes nobody early
    assert len(ran.outputs) == 20
    assert ran.orchestrator.counters()["fallbacks"][0] == 6


def test_a_refused_sale_is_counted_and_recorded_never_fatal(week, tmp_path):
    def refuse(site, event, kw, now):
        raise CommitmentError("settlement period 2022-03-07 35: gate closed")

    greedy = Says(
        lambda situation: Directive(accept=tuple(Acceptance(event_id=r.event.id, kw=9e5) for r in situation.requests))
    )
    batch = SiteBatch([week])
    with AuditWriter(tmp_path / "audit.jsonl") as audit:
        orchestrator = Orchestrator(greedy, accept=refuse, audit=audit)
        orchestrator.reset(batch)
        for _ in range(batch.steps):
            control = orchestrator.control(batch.view(), batch, batch.feasible(), np.zeros((1, 3), dtype=np.float32))
            batch.step(np.zeros((1, 3), dtype=np.float32), control.bounds)
    assert orchestrator.counters()["events_accepted"][0] == 0
    refused = [sale for line in read_lines(tmp_path) for sale in line["body"]["sales"]]
    assert len(refused) == orchestrator.counters()["sales_refused"][0] == len(week.rows.events)
    assert all("gate closed" in sale["refused"] for sale in refused)


def test_without_a_market_no_request_is_shown(run, week):
    says = Says()
    run(week, "neutral", says, sell=False)
    assert not any(situation.requests for situation in says.seen)


def test_a_batch_decides_as_its_sites_do_alone(run, week):
    alone = run(week, "carbon_threshold", RulesPolicy(), steps=288)
    three = run(week, "carbon_threshold", RulesPolicy(), sites=3, steps=288)
    for site in range(3):
        np.testing.assert_array_equal(three.executed[:, site], alone.executed[:, 0])
    assert three.orchestrator.counters()["decisions"].tolist() == [len(alone.decisions)] * 3


def test_inference_is_charged_at_the_step_that_decides(run, week):
    ran = run(week, "neutral", Says(), steps=8, sell=False)
    assert [control.llm_kwh[0] for control in ran.controls] == [0.25, 0, 0, 0, 0.25, 0, 0, 0]


def test_two_runs_write_equal_bodies_and_their_own_runtimes(run, week, tmp_path):
    trails = []
    for name in ("one", "two"):
        with AuditWriter(tmp_path / f"{name}.jsonl") as audit:
            run(week, "carbon_threshold", RulesPolicy(), audit=audit)
        assert verify_file(tmp_path / f"{name}.jsonl").ok
        trails.append(read_lines(tmp_path / f"{name}.jsonl"))
    assert [line["body"] for line in trails[0]] == [line["body"] for line in trails[1]]
    assert all(line["runtime"]["source"] == "rules" for line in trails[0])
    assert not any("latency_s" in line["body"] or "source" in line["body"] for line in trails[0])


def test_a_decision_record_holds_what_was_known_proposed_ordered_and_bound(run, week, tmp_path):
    with AuditWriter(tmp_path / "audit.jsonl") as audit:
        ran = run(week, "carbon_threshold", RulesPolicy(), audit=audit)
    bodies = [line["body"] for line in read_lines(tmp_path)]
    decisions = [body for body in bodies if body["kind"] == "decision"]
    assert [(body["step"], body["wake"]) for body in decisions] == ran.decisions
    body = next(body for body in decisions if body["sales"])
    control = ran.controls[body["step"]]
    situation, decision = control.situations[0], control.decisions[0]
    assert body["time_utc"] == situation.time_utc
    assert body["settlement_date"] == "2022-03-07"
    assert list(body["proposals"].values()) == pytest.approx(list(situation.proposals), abs=1e-6)
    np.testing.assert_allclose(list(body["bounds"].values()), control.bounds[0], atol=1e-6)
    assert body["directive"]["text"] == decision.directive.text
    assert list(body["directive"]).index("reason_code") < list(body["directive"]).index("text")
    assert body["sales"][0]["refused"] == ""
    assert body["situation"]["requests"][0]["value_gbp"] > 0.0
    assert json.dumps(body)


def test_deliveries_are_recorded_against_the_meter(run, week, tmp_path):
    with AuditWriter(tmp_path / "audit.jsonl") as audit:
        ran = run(week, "carbon_threshold", RulesPolicy(), audit=audit)
    bodies = [line["body"] for line in read_lines(tmp_path)]
    starts = [body for body in bodies if body["kind"] == "delivery_start"]
    ends = [body for body in bodies if body["kind"] == "delivery_end"]
    assert len(starts) == len(ends) == ran.orchestrator.counters()["events_accepted"][0] > 0
    import_kwh = ran.outputs[:, 0, 0]
    for start, end in zip(starts, ends, strict=True):
        by_period = import_kwh[start["step"] : end["step"]].reshape(-1, 2).sum(axis=1)
        assert end["metered_kwh"] == pytest.approx(by_period.tolist(), abs=1e-3)
        missed = sum(end["metered_kwh"]) - sum(end["target_kwh"])
        assert end["missed_kwh"] == pytest.approx(max(0.0, missed), abs=1e-3)


def test_a_policy_that_answers_for_too_few_sites_is_a_fault(run, week):
    class Forgets(Says):
        def decide(self, situations, now):
            return []

    with pytest.raises(ValueError, match="0 decisions for 1 situations"):
        run(week, "neutral", Forgets(), steps=1)
