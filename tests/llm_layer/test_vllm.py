"""A real language model behind the supervisor: vLLM with SmolLM2-135M on this machine. Run by `make test-llm`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from envs.state import AGENTS
from grid.events import FlexEvent
from llm_layer.audit import read_lines, verify_file
from llm_layer.model_folder import ModelFolder, find_model
from llm_layer.prompt import build_prompt
from llm_layer.sample import SAMPLE

REPO = Path(__file__).parents[2]
FOLDER = REPO / "models" / "smollm2-135m"
pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: make test-llm"),
    pytest.mark.skipif(not FOLDER.is_dir(), reason="models/smollm2-135m is not there: make test-llm"),
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPO)}


@pytest.fixture(scope="module")
def engine():
    from llm_layer.engine_vllm import VllmEngine

    with contextlib.closing(VllmEngine(find_model(str(FOLDER)), timeout_s=120.0)) as engine:
        yield engine


@pytest.fixture
def policy(engine):
    from llm_layer.model_policy import ModelPolicy

    return ModelPolicy(engine, power_w=100.0)


def hosts() -> set[int]:
    """Processes that hold an engine, or were started by one: all have the module's name on their command line."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if b"llm_layer.vllm_host" in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
    return found


def gone(pids: set[int], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not pids & hosts():
            return True
        time.sleep(0.05)
    return False


def test_the_converted_weights_still_know_what_they_knew():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModelForCausalLM.from_pretrained(FOLDER)
    assert tokenizer.decode(tokenizer("GBP 1,250.75 at 17:30 – naïve").input_ids) == "GBP 1,250.75 at 17:30 – naïve"
    start = tokenizer("The capital of France is", return_tensors="pt")
    told = tokenizer.decode(model.generate(**start, max_new_tokens=6, do_sample=False)[0])
    assert "Paris" in told


def test_a_supervised_day(tmp_path):
    """As a user runs it, one engine as judge and reader: valid directives, reasons and readings in the audit, its
    electricity on the bill, nothing left running; and replayed without an engine, byte for byte.
    """
    before = hosts()
    command = [
        *(sys.executable, "-m", "deg.cli", "run", "--json", "run.days=1", f"run.dir={tmp_path}", "run.name=day"),
        *("supervisor.backend=vllm", f"supervisor.model={FOLDER}", "supervisor.timeout_s=120"),
        *("notices.source=generated", "supervisor.reader=vllm"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, timeout=600)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["steps"], summary["fallbacks"]) == (96, 0)
    assert summary["decisions"] >= 24
    assert summary["variant"].endswith("+vllm")
    assert 0.0 < summary["llm_kwh"] < 0.2
    assert summary["llm_gbp"] > 0.0
    assert verify_file(tmp_path / "day").ok
    lines = read_lines(tmp_path / "day")
    decisions = [line for line in lines if line["body"]["kind"] == "decision"]
    assert len(decisions) == summary["decisions"]
    for line in decisions:
        body, runtime = line["body"], line["runtime"]
        assert re.fullmatch(
            r"vllm:smollm2-135m@[0-9a-f]{12}/prompt=\S+/schema=[0-9a-f]{12}/temperature=0\S+", body["policy"]
        )
        assert body["answered"]
        assert body["directive"]["reason_code"]
        assert set(AGENTS) <= set(body["directive"])
        assert runtime["source"] in ("engine", "cache")  # cache: a situation like an earlier one
        assert 200 < runtime["tokens_in"] < 300
        assert runtime["tokens_out"] > 20
    readings = [line["body"] for line in lines if line["body"]["kind"] == "reading"]
    assert len({body["notice"] for body in readings}) >= 3
    assert len(readings) == summary["reads"]
    assert any(body["engine"].startswith("vllm:smollm2-135m@") for body in readings)
    # Untuned, the model answers little that can be used: word counts read what is plain, and are named.
    assert all(body["engine"].startswith("vllm:smollm2-135m@") or body["engine"] == "bag_of_words" for body in readings)
    assert not any(body["failed"] for body in readings)
    assert hosts() == before
    again = [*command, "run.name=again", f"supervisor.replay={tmp_path / 'day'}"]
    done = subprocess.run(again, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, timeout=600)
    assert done.returncode == 0, done.stderr
    steps = [(tmp_path / name / "steps.parquet").read_bytes() for name in ("day", "again")]
    assert steps[0] == steps[1]
    bodies = [[line["body"] for line in read_lines(tmp_path / name)] for name in ("day", "again")]
    assert bodies[0] == bodies[1]


def test_one_batch_over_sites_and_requests(policy):
    (request,) = SAMPLE.requests
    event: FlexEvent = request.event
    asked = [replace(request, event=replace(event, id=f"r{k}")) for k in range(4)]
    situations = [replace(SAMPLE, site=site, requests=tuple(asked[: site % 5])) for site in range(16)]
    decisions = policy.decide(situations, None)
    assert [d.error for d in decisions] == [""] * 16
    for situation, decision in zip(situations, decisions, strict=True):
        shown = {request.event.id for request in situation.requests}
        assert {acceptance.event_id for acceptance in decision.directive.accept} <= shown
        assert len(decision.directive.text) <= 120


def test_the_short_form_is_under_300_tokens(run, week):
    from transformers import AutoTokenizer

    from llm_layer.rules import RulesPolicy

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    ran = run(week, "carbon_threshold", RulesPolicy())
    situations = [situation for control in ran.controls for situation in control.situations]
    lengths = [
        len(
            tokenizer.apply_chat_template(build_prompt(s).messages, add_generation_prompt=True, return_dict=True)[
                "input_ids"
            ]
        )
        for s in situations
    ]
    assert len(lengths) > 168
    assert max(lengths) < 300


def test_an_engine_killed_in_the_middle_of_a_run_costs_no_step(engine, policy, run, week):
    killed = []

    def kill(batch):
        if batch.now in (10, 21):
            killed.append(engine.pid)
            os.killpg(engine.pid, signal.SIGKILL)

    ran = run(week, "carbon_threshold", policy, steps=32, touch=kill)
    decisions = [decision for control in ran.controls for decision in control.decisions]
    counts = {name: int(value[0]) for name, value in ran.orchestrator.counters().items()}
    assert len(ran.controls) == 32
    lost = [decision for decision in decisions if decision.source == "fallback"]
    assert counts["fallbacks"] == len(lost) == 2
    assert all("SIGKILL" in decision.error for decision in lost)
    assert decisions[-1].source == "engine"
    assert not set(killed) & hosts()
    assert engine.pid in hosts()


def test_an_engine_that_hangs_is_given_up_in_time_and_started_again(engine, policy, monkeypatch):
    assert policy.decide([SAMPLE], None)[0].source == "engine"
    hung = engine.pid
    monkeypatch.setattr(engine, "_timeout_s", 2.0)
    os.kill(hung, signal.SIGSTOP)
    start = time.monotonic()
    (decision,) = policy.decide([SAMPLE], None)
    assert time.monotonic() - start < 3.0
    assert (decision.source, decision.error) == ("fallback", "no answer within 2 s")
    assert gone({hung}, 1.0)
    # Two seconds are too short for a start: it goes on while decisions fall back at once, and then it answers.
    assert policy.decide([SAMPLE], None)[0].error == "the engine is still starting"
    start = time.monotonic()
    assert policy.decide([SAMPLE], None)[0].error == "the engine is still starting"
    assert time.monotonic() - start < 0.5
    loading = engine.pid
    monkeypatch.setattr(engine, "_timeout_s", 60.0)
    deadline = time.monotonic() + 300.0
    while policy.decide([SAMPLE], None)[0].source != "engine":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert engine.pid == loading


def test_an_engine_never_outlives_a_parent_that_is_killed():
    script = (
        "import sys, time\n"
        "from llm_layer.engine_vllm import VllmEngine\n"
        "from llm_layer.model_folder import find_model\n"
        "engine = VllmEngine(find_model(sys.argv[1]), timeout_s=60.0)\n"
        "print(engine.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    before = hosts()
    command = [sys.executable, "-c", script, str(FOLDER)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO, env=ENVIRONMENT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    started = hosts() - before
    assert pid in started
    parent.kill()
    parent.wait()
    assert gone(started, 10.0)


def test_it_is_stopped_cleanly(engine):
    """Last on this engine."""
    process = engine._host.process
    engine.close()
    assert process.returncode == 0
    assert engine.pid is None
    engine.close()


def test_weights_that_are_none_are_one_line(tmp_path):
    from llm_layer.engine import EngineError
    from llm_layer.engine_vllm import VllmEngine

    for file in FOLDER.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 1000)
    before = hosts()
    with pytest.raises(EngineError, match="vLLM does not start") as raised:
        VllmEngine(ModelFolder(tmp_path, "broken", "0" * 12, 8192), timeout_s=60.0)
    assert "\n" not in str(raised.value)
    assert "broken" in str(raised.value)
    assert hosts() == before
