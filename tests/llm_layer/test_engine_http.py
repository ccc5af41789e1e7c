"""Hosted and served models over real sockets: the wire formats, every way a server fails, and that no key gets out."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from configs.load import load_config
from llm_layer.audit import AuditWriter
from llm_layer.backends import open_supervisor
from llm_layer.engine import MAX_TOKENS, EngineError
from llm_layer.engine_anthropic import Anthropic
from llm_layer.engine_http import ATTEMPTS
from llm_layer.engine_openai import OpenAI
from llm_layer.prompt import SYSTEM, build_prompt
from llm_layer.sample import SAMPLE

from .loopback import (
    GOOD,
    Server,
    drips,
    good_answer,
    hangs,
    hangs_up,
    refuses,
    says,
    schema_of,
    sends,
    well,
)

KEY = "sk-very-secret-0123456789"
PLAIN = replace(SAMPLE, requests=())


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.stop()


def configured(server, backend="openai", **changes):
    """The ``supervisor`` section for a server on this machine."""
    url = server if isinstance(server, str) else server.root
    given = {"timeout_s": 1.0, "model": "tiny", **changes}
    given["base_url"] = url + "/v1" if backend == "openai" else url
    overrides = [f"supervisor.{name}={value}" for name, value in given.items()]
    return load_config(None, [f"supervisor.backend={backend}", *overrides]).supervisor


def decide(policy, *situations):
    return policy.decide(list(situations) or [PLAIN], None)


@pytest.mark.parametrize("backend", ["openai", "anthropic"])
def test_a_served_model_decides(server, backend):
    with open_supervisor(configured(server, backend, power_w=360.0)) as policy:
        plain, asked = decide(policy, PLAIN, SAMPLE)
    for decision in (plain, asked):
        assert (decision.source, decision.error, decision.tokens_in, decision.tokens_out) == ("engine", "", 280, 60)
        assert decision.directive.load_shift == "defer"
        assert decision.directive.battery.level == -0.5
        assert decision.directive.horizon_steps == SAMPLE.hold_steps
        assert 0.0 < decision.energy_kwh < 360.0 * 1.0 / 3.6e6
        assert f"{backend}:tiny" in decision.policy_id
    assert plain.directive.accept == ()
    assert [(a.event_id, a.kw) for a in asked.directive.accept] == [("sample", 325.0)]


def test_what_an_openai_server_is_sent(server):
    with open_supervisor(configured(server)):
        path, headers, body = server.seen[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0, MAX_TOKENS)
    assert body["messages"][0] == {"role": "system", "content": SYSTEM}
    assert body["response_format"]["json_schema"]["strict"] is True
    assert schema_of(body) == build_prompt(SAMPLE).schema


def test_openai_itself_gets_a_schema_without_lengths_and_its_own_word_for_tokens():
    body = OpenAI("gpt", None).body(build_prompt(SAMPLE))
    assert "maxLength" not in json.dumps(body)
    assert "maxItems" in json.dumps(body)
    assert body["max_completion_tokens"] == MAX_TOKENS
    assert "max_tokens" not in body


def test_what_an_anthropic_server_is_sent(server):
    with open_supervisor(configured(server, "anthropic")):
        path, headers, body = server.seen[0]
    assert path == "/v1/messages"
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert body["system"] == SYSTEM
    assert body["tool_choice"] == {"type": "tool", "name": "directive"}
    assert body["tools"][0]["input_schema"] == build_prompt(SAMPLE).schema


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_server_that_is_busy_once_is_asked_again(server, status):
    with open_supervisor(configured(server, timeout_s=5.0)) as policy:
        server.behaviour = refuses(status, times=1, retry_after="0")
        (decision,) = decide(policy)
    assert decision.source == "engine"


def test_a_server_is_not_asked_again_before_it_says(server):
    with open_supervisor(configured(server, timeout_s=10.0)) as policy:
        asked = len(server.seen)
        server.behaviour = refuses(429, times=1, retry_after="30")
        start = time.monotonic()
        (decision,) = decide(policy)
    assert decision.source == "fallback"
    assert "answers 429" in decision.error
    assert len(server.seen) - asked == 1
    assert time.monotonic() - start < 5.0  # nor is the time limit waited out


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (refuses(400, "maximum context length is 512 tokens"), "answers 400: maximum context length is 512 tokens"),
        (refuses(500, retry_after="0"), "answers 500"),
        (hangs, "no answer within 1 s"),
        (drips, "no answer within 1 s"),
        (hangs_up, "connection failed"),
        (sends(b"<html>gateway</html>"), "is not JSON"),
        (sends(b"{}"), "without an answer"),
        (sends(b'{"choices": []}'), "without an answer"),
        (sends(b'{"choices": [{"message": {"content": null, "refusal": "I will not"}}]}'), "I will not"),
        (sends(b'{"choices": [{"message": {"content": "' + b"x" * 2_000_000 + b'"}}]}'), "over 1048576 bytes"),
        (sends(b"\xff\xfe\x00"), "is not JSON"),
        (says(good_answer({"tools": [{"input_schema": {"properties": {}}}]})[:40]), "no JSON"),
        (says("garbage"), "no JSON"),
        (says(json.dumps({**GOOD, "battery": "explode"})), "battery"),
        (says(json.dumps({**GOOD, "extra": 1})), "extra"),
        (says(json.dumps({**GOOD, "text": "x" * 121})), "text"),
        (says(json.dumps({**GOOD, "accept": [1]})), "accept"),
    ],
)
def test_any_failure_is_a_counted_fallback_within_the_time_limit(server, behaviour, words):
    with open_supervisor(configured(server)) as policy:
        server.behaviour = behaviour
        start = time.monotonic()
        (decision,) = decide(policy)
        taken = time.monotonic() - start
    assert decision.source == "fallback"
    assert words in decision.error
    assert "\n" not in decision.error
    assert decision.directive.orders(0.0, 0.1)[0].mode == 0
    assert taken < 1.5


def test_good_answers_of_a_batch_are_kept_when_others_fail(server):
    def moody(handler, body):
        if "Monday" in body["messages"][1]["content"]:
            handler.reply(400, {"error": {"message": "not on Mondays"}})
        else:
            well(handler, body)

    tuesday = replace(PLAIN, time_utc="2023-11-14T10:00Z")
    with open_supervisor(configured(server)) as policy:
        server.behaviour = moody
        decisions = decide(policy, tuesday, PLAIN, tuesday)
    assert [d.source for d in decisions] == ["engine", "fallback", "engine"]
    assert "not on Mondays" in decisions[1].error


def test_no_more_requests_are_under_way_than_allowed(server):
    def slow(handler, body):
        deadline = time.monotonic() + 10.0  # a busy machine may be slow to start the third
        while server.most_at_once < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        well(handler, body)

    with open_supervisor(configured(server, max_concurrency=3, timeout_s=20.0)) as policy:
        server.behaviour = slow
        decisions = decide(policy, *(replace(PLAIN, hold_steps=1 + k) for k in range(12)))
    assert {d.source for d in decisions} == {"engine"}
    assert server.most_at_once == 3


def test_a_dead_server_costs_no_time_and_a_live_one_is_found_again(server):
    with open_supervisor(configured(server, timeout_s=5.0)) as policy:
        server.behaviour = refuses(400, times=2)
        assert [decide(policy)[0].source for _ in range(2)] == ["fallback"] * 2
        asked, start = len(server.seen), time.monotonic()
        rested = decide(policy)[0]
        assert (rested.source, len(server.seen)) == ("fallback", asked)
        assert "left alone" in rested.error
        assert time.monotonic() - start < 0.1
        time.sleep(1.05)
        assert decide(policy)[0].source == "engine"


@pytest.mark.parametrize("backend", ["openai", "anthropic"])
def test_a_server_that_is_not_there_is_one_line_at_the_start(server, backend):
    root = server.root
    server.stop()
    with pytest.raises(EngineError) as raised, open_supervisor(configured(root, backend)):
        pass
    line = str(raised.value)
    assert "\n" not in line
    for word in ("supervisor.model tiny", root, "cannot be reached", "supervisor.base_url"):
        assert word in line


@pytest.mark.parametrize(
    ("backend", "url", "name"),
    [("openai", "api.openai.com", "OPENAI_API_KEY"), ("anthropic", "api.anthropic.com", "ANTHROPIC_API_KEY")],
)
def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch, backend, url, name):
    monkeypatch.delenv(name, raising=False)
    overrides = [f"supervisor.backend={backend}", "supervisor.model=tiny"]
    with (
        pytest.raises(EngineError, match=f"{url}.*set {name}"),
        open_supervisor(load_config(None, overrides).supervisor),
    ):
        pass


def test_a_server_of_ones_own_needs_no_key(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with open_supervisor(configured(server)) as policy:
        assert decide(policy)[0].source == "engine"
    assert "authorization" not in server.seen[0][1]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "check the key in OPENAI_API_KEY"), (404, "models there: tiny, small"), (400, "answers 400")],
)
def test_a_refused_trial_says_what_to_change(server, status, words):
    server.behaviour = refuses(status, "model `tinny` does not exist")
    with pytest.raises(EngineError) as raised, open_supervisor(configured(server, model="tinny")):
        pass
    assert words in str(raised.value)
    assert "tinny" in str(raised.value)


def test_a_key_never_gets_out(server, tmp_path, run, week, caplog):
    """Not even where the server sends it back in its error messages."""
    caplog.set_level("DEBUG")
    with open_supervisor(configured(server)) as policy:
        server.behaviour = refuses(400, f"Incorrect API key provided: {KEY}.")
        with AuditWriter(tmp_path / "audit.jsonl") as audit:
            ran = run(week, "neutral", policy, steps=8, audit=audit)
    assert KEY not in (tmp_path / "audit.jsonl").read_text()
    assert "Incorrect API key provided: ***" in (tmp_path / "audit.jsonl").read_text()
    assert KEY not in caplog.text
    assert ran.orchestrator.counters()["fallbacks"][0] == 8
    server.behaviour = refuses(401, f"bad key {KEY}")
    with pytest.raises(EngineError) as raised, open_supervisor(configured(server)):
        pass
    assert KEY not in str(raised.value)
    assert KEY not in Anthropic("m", None).url + repr(policy.engine.__dict__["_dialect"])


def test_a_server_lost_in_the_middle_of_a_run_costs_no_step(server, run, week):
    """It answers, goes away, comes back: agents go on meanwhile, every fallback is counted."""
    answered = [0]

    def fragile(handler, body):
        answered[0] += 1
        if 5 < answered[0] <= 5 + ATTEMPTS:
            hangs_up(handler, body)
        else:
            well(handler, body)

    with open_supervisor(configured(server, timeout_s=20.0)) as policy:
        server.behaviour = fragile
        ran = run(week, "carbon_threshold", policy, steps=96)
    counts = {name: int(value[0]) for name, value in ran.orchestrator.counters().items()}
    assert len(ran.controls) == 96
    sources = [d.source for control in ran.controls for d in control.decisions]
    assert counts["fallbacks"] == sources.count("fallback") == 1
    assert counts["decisions"] == len(sources)
    assert sources[-1] == "engine"
    assert [s for s, _ in ran.decisions] == sorted({s for s, _ in ran.decisions})
