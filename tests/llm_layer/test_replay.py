"""Answers kept by content, the ledger of a run, and a run repeated from it without an engine."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest

from llm_layer.answers import AnswerCache, Stored
from llm_layer.audit import AuditWriter, read_lines
from llm_layer.engine import Answer, EngineFailure
from llm_layer.ledger import FILE_NAME, Ledger, read_ledger
from llm_layer.model_policy import ModelPolicy, policy_id_of
from llm_layer.prompt import build_prompt
from llm_layer.replay import ReplayPolicy
from llm_layer.sample import SAMPLE

POWER_W = 3600.0
PLAIN = replace(SAMPLE, requests=())
BATTERY = ("charge", "hold", "discharge")


class Script:
    """An engine that answers by what it is shown, never twice alike, and fails where ``fails(count)`` says so."""

    model_id = "script:1"

    def __init__(self, fails=lambda count: False):
        self.fails, self.count = fails, 0

    def generate(self, prompts):
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt):
        self.count += 1
        if self.fails(self.count):
            return EngineFailure("out of memory", 0.1) if self.count % 2 else Answer("garbage", 280, 3, 0.1, 0.1)
        answer = {
            "reason_code": "price_low",
            "load_shift": "follow",
            "battery": BATTERY[self.count % 3],
            "cooling": "follow",
            **({"accept": [1]} if "accept" in prompt.schema["properties"] else {}),
            "text": f"answer {self.count}",
        }
        return Answer(json.dumps(answer), 280, 60, 0.1, 0.1 + self.count / 1000.0)

    def close(self):
        pass


def model(engine, folder=None, cache=None):
    policy_id = policy_id_of(engine.model_id, False, "short")
    return ModelPolicy(
        engine,
        power_w=POWER_W,
        cache=None if cache is None else AnswerCache(cache),
        ledger=None if folder is None else Ledger(folder, policy_id),
    )


def replay(folder, otherwise=None):
    return ReplayPolicy(read_ledger(folder), folder, prompt_of=build_prompt, power_w=POWER_W, otherwise=otherwise)


def test_an_answer_once_accepted_is_the_answer_and_costs_the_same_again(tmp_path):
    path = tmp_path / "answers.sqlite"
    with contextlib.closing(model(Script(), cache=path)) as policy:
        (first,) = policy.decide([PLAIN], None)
    engine = Script()
    with contextlib.closing(model(engine, cache=path)) as policy:
        (again,) = policy.decide([PLAIN], None)
        (other,) = policy.decide([replace(PLAIN, hold_steps=2)], None)
    assert (first.source, again.source, other.source) == ("engine", "cache", "engine")
    assert engine.count == 1
    assert again.directive == first.directive
    assert again.energy_kwh == first.energy_kwh > 0.0


def test_sites_asked_the_same_are_one_question(tmp_path):
    engine = Script()
    with contextlib.closing(model(engine, cache=tmp_path / "answers.sqlite")) as policy:
        decisions = policy.decide([replace(PLAIN, site=site) for site in range(5)], None)
    assert engine.count == 1
    assert len({decision.directive.text for decision in decisions}) == 1


def test_what_failed_is_not_kept(tmp_path):
    path = tmp_path / "answers.sqlite"
    engine = Script(fails=lambda count: count <= 2)
    with contextlib.closing(model(engine, cache=path)) as policy:
        sources = [policy.decide([PLAIN], None)[0].source for _ in range(4)]
    assert sources == ["fallback", "fallback", "engine", "cache"]


def test_another_model_power_or_wording_is_another_question(tmp_path):
    from llm_layer.answers import answer_key

    prompt = build_prompt(PLAIN)
    keys = {
        answer_key("a", 1.0, prompt),
        answer_key("b", 1.0, prompt),
        answer_key("a", 2.0, prompt),
        answer_key("a", 1.0, build_prompt(PLAIN, form="long")),
        answer_key("a", 1.0, build_prompt(PLAIN, show_proposals=True)),
    }
    assert len(keys) == 5


def test_where_two_were_asked_at_once_the_first_answer_stands(tmp_path):
    one, two = AnswerCache(tmp_path / "a.sqlite"), AnswerCache(tmp_path / "a.sqlite")
    kept = one.put({"k": Stored("first", 1, 1, 0.1)})
    assert two.put({"k": Stored("second", 1, 1, 0.2)}) == kept
    one.close()
    two.close()


def test_a_file_of_another_kind_is_one_line(tmp_path):
    (tmp_path / "answers.sqlite").write_text("not a database, and long enough to be read as one\n" * 40)
    with pytest.raises(ValueError, match=r"answers\.sqlite: no store of answers.*remove the file") as raised:
        AnswerCache(tmp_path / "answers.sqlite")
    assert "\n" not in str(raised.value)


@pytest.fixture
def recorded(run, week, tmp_path):
    """Two days under an engine that fails now and then: what came of them, their trail and their ledger."""
    with (
        contextlib.closing(model(Script(fails=lambda count: count % 5 == 0), tmp_path)) as policy,
        AuditWriter(tmp_path / "audit.jsonl") as audit,
    ):
        ran = run(week, "carbon_threshold", policy, steps=192, sites=2, audit=audit)
    assert ran.orchestrator.counters()["fallbacks"].sum() > 5
    return ran


def test_a_run_is_repeated_from_its_ledger_to_the_byte(run, week, tmp_path, recorded):
    with AuditWriter(tmp_path / "again.jsonl") as audit:
        again = run(week, "carbon_threshold", replay(tmp_path), steps=192, sites=2, audit=audit)
    assert again.outputs.tobytes() == recorded.outputs.tobytes()
    assert again.executed.tobytes() == recorded.executed.tobytes()
    for one, two in zip(recorded.controls, again.controls, strict=True):
        assert one.llm_kwh.tobytes() == two.llm_kwh.tobytes()
    bodies = [[line["body"] for line in read_lines(tmp_path / name)] for name in ("audit.jsonl", "again.jsonl")]
    assert bodies[0] == bodies[1]
    sources = {line["runtime"]["source"] for line in read_lines(tmp_path / "again.jsonl")}
    assert sources == {"cache", "fallback", "rules"}  # rules: the delivery tracker


def test_a_run_that_goes_on_has_first_what_it_had(run, week, tmp_path, recorded):
    """Fallbacks included: the engine is well now, and asked only for what had not been decided."""
    lines = (tmp_path / FILE_NAME).read_bytes().split(b"\n")
    (tmp_path / FILE_NAME).write_bytes(b"\n".join(lines[:40]) + b"\n" + lines[40][:9])  # killed in the middle of a line
    engine = Script()
    with contextlib.closing(replay(tmp_path, model(engine, tmp_path))) as policy:
        assert policy.engine is engine  # a reader of the same model shares it
        again = run(week, "carbon_threshold", policy, steps=192, sites=2)
    decisions = [d for control in again.controls for d in control.decisions]
    before = [d for control in recorded.controls for d in control.decisions][:39]
    assert [d.directive for d in decisions[:39]] == [d.directive for d in before]
    assert [d.source == "fallback" for d in decisions[:39]] == [d.source == "fallback" for d in before]
    assert engine.count > 0
    assert len(read_ledger(tmp_path).uses) == len(decisions)


def test_another_run_is_not_taken_for_the_recorded_one(run, week, tmp_path, recorded):
    with pytest.raises(ValueError, match="was put to the model in other words: configuration, data or code"):
        run(week, "threshold", replay(tmp_path), steps=192, sites=2)
    with pytest.raises(ValueError, match="step 192 of site 0 was not decided there"):
        run(week, "carbon_threshold", replay(tmp_path), steps=200, sites=2)


def test_bounds_of_a_replay_are_those_of_the_run(run, week, tmp_path, recorded):
    again = run(week, "carbon_threshold", replay(tmp_path), steps=192, sites=2)
    for one, two in zip(recorded.controls, again.controls, strict=True):
        np.testing.assert_array_equal(one.bounds, two.bounds)


def test_a_folder_without_a_ledger_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"supervisor\.replay .*: no ledger\.jsonl; give the folder of a run"):
        read_ledger(tmp_path)
