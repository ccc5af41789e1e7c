"""The founding README's usage example, as it stands there but for the imports."""

from __future__ import annotations

import time

import numpy as np
import pytest

from envs.state import AGENTS
from llm_layer import LLMOrchestrator
from llm_layer.audit import read_lines, verify_file

from .loopback import Server


def test_the_usage_example_runs_a_year_of_hourly_decisions():
    from envs import DataCentreEnv

    env = DataCentreEnv(location="london", workload_file="data/google_2011.csv")
    orchestrator = LLMOrchestrator(llm_provider="rules")
    began = time.process_time()
    reasons = set()
    for _ in range(8760):
        agent_actions = env.get_agent_proposals()
        grid_signals = orchestrator.fetch_grid_signals()
        coordinated_actions = orchestrator.coordinate(agent_actions, grid_signals)
        _, _, done, info = env.step(coordinated_actions)
        orchestrator.log_decision(
            actions=coordinated_actions, reasoning=info["reasoning"], carbon_intensity=grid_signals["carbon"]
        )
        reasons.add(info["reasoning"].split(":")[0])
    assert done
    assert orchestrator.entries == 8760
    assert reasons >= {"price_high", "price_low"}
    assert time.process_time() - began < 40.0


def hours(env, orchestrator, n):
    reward = 0.0
    for _ in range(n):
        signals = orchestrator.fetch_grid_signals()
        actions = orchestrator.coordinate(env.get_agent_proposals(), signals)
        _, gained, _, info = env.step(actions)
        orchestrator.log_decision(actions, info["reasoning"], signals["carbon"])
        reward += gained
    return reward


def test_its_clock_and_its_copy_of_the_site_keep_up_with_the_real_one(week):
    from envs import DataCentreEnv

    env, orchestrator = DataCentreEnv(case=week), LLMOrchestrator(case=week)
    hours(env, orchestrator, 50)
    assert orchestrator.fetch_grid_signals()["time_utc"] == env.fetch_grid_signals()["time_utc"]
    np.testing.assert_array_equal(orchestrator._site.state, env.batch.state)


def test_coordinating_earns_more_than_passing_proposals_on(week):
    from envs import DataCentreEnv

    coordinated = hours(DataCentreEnv(case=week), LLMOrchestrator(case=week), 168)
    alone = DataCentreEnv(case=week)
    passed_on = sum(alone.step(alone.get_agent_proposals())[1] for _ in range(168))
    assert coordinated > passed_on


def test_what_is_logged_is_a_verified_trail_with_reason_and_carbon(week, tmp_path):
    from envs import DataCentreEnv

    orchestrator = LLMOrchestrator(case=week, audit_path=tmp_path / "audit.jsonl")
    hours(DataCentreEnv(case=week), orchestrator, 3)
    assert verify_file(tmp_path).ok
    logged = [line["body"] for line in read_lines(tmp_path) if line["body"]["kind"] == "logged"]
    assert [body["time_utc"] for body in logged] == [f"2022-03-07T0{hour}:00Z" for hour in range(3)]
    assert all(set(body["actions"]) == set(AGENTS) and body["reasoning"] for body in logged)
    assert logged[0]["carbon_gco2_per_kwh"] == pytest.approx(week.rows["carbon_gco2_per_kwh"][0], abs=1e-3)


def test_a_served_model_coordinates(week, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    orchestrator = LLMOrchestrator("openai", model="tiny", base_url=f"{server.root}/v1", case=week)
    try:
        proposed = dict.fromkeys(AGENTS, 0.0)
        actions = orchestrator.coordinate(proposed, orchestrator.fetch_grid_signals())
    finally:
        orchestrator.close()
        server.stop()
    assert actions["battery"] == -0.5
    assert actions.reasoning == "price_high: power is dear now"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"llm_provider": "oracle"}, "known: rules, vllm, openai, anthropic"),
        ({"beckn_endpoint": "https://beckn.example"}, "trades on no network"),
        ({"decision_minutes": 20}, "multiple of 15"),
    ],
)
def test_what_it_cannot_do_is_said(week, given, said):
    with pytest.raises(ValueError, match=said):
        LLMOrchestrator(case=week, **given)


def test_signals_of_another_hour_and_missing_agents_are_refused(week):
    orchestrator = LLMOrchestrator(case=week)
    signals = orchestrator.fetch_grid_signals()
    actions = orchestrator.coordinate(dict.fromkeys(AGENTS, 0.0), signals)
    orchestrator.log_decision(actions, actions.reasoning, signals["carbon"])
    with pytest.raises(ValueError, match="call log_decision"):
        orchestrator.coordinate(dict.fromkeys(AGENTS, 0.0), signals)
    with pytest.raises(ValueError, match="no proposal for cooling"):
        orchestrator.coordinate({"load_shift": 0.0, "battery": 0.0}, orchestrator.fetch_grid_signals())
