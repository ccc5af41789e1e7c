"""What a model is told, and how its answer is taken: whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from llm_layer.directive import AtLeast, SetLevel
from llm_layer.policy import Decision
from llm_layer.prompt import SYSTEM, build_prompt
from llm_layer.rules import RulesPolicy
from llm_layer.sample import SAMPLE
from llm_layer.schema import MAX_REQUESTS, UnusableAnswer, answer_schema, parse, schema_hash
from llm_layer.tokens import CHARACTERS_PER_TOKEN

GOOD = {"reason_code": "follow", "load_shift": "follow", "battery": "follow", "cooling": "follow", "text": ""}
PLAIN = replace(SAMPLE, requests=())


def answer(**changes):
    return json.dumps({**GOOD, **changes})


class Watches(RulesPolicy):
    def __init__(self):
        super().__init__()
        self.seen = []

    def decide(self, situations, now) -> list[Decision]:
        self.seen += situations
        return super().decide(situations, now)


@pytest.fixture(scope="module")
def situations(run, week):
    """Every situation of a supervised week."""
    watcher = Watches()
    run(week, "carbon_threshold", watcher)
    assert any(len(s.requests) for s in watcher.seen)
    return watcher.seen


def test_static_text_comes_first_and_the_time_last(situations):
    prompts = [build_prompt(situation) for situation in situations]
    assert {prompt.system for prompt in prompts} == {SYSTEM}
    assert all(prompt.user.splitlines()[-1].endswith(" min.") for prompt in prompts)


def test_the_short_form_stays_under_300_tokens_all_week(situations):
    """By characters here; `make test-llm` counts with the model's own tokenizer."""
    longest = max(len(SYSTEM + build_prompt(situation).user) for situation in situations)
    assert longest / CHARACTERS_PER_TOKEN < 300


def test_the_host_makes_the_comparisons():
    hot = replace(
        PLAIN, facts={**PLAIN.facts, "inlet_degc": 26.6, "price_rank": 0.9, "carbon_rank": 0.1, "overdue_kwh": 12.0}
    )
    told = build_prompt(hot).user
    for words in ("Price HIGH", "Carbon LOW", "Inlet TOO HOT", "12 kWh OVERDUE"):
        assert words in told
        assert words not in build_prompt(PLAIN).user
    assert "Price LOW" in build_prompt(PLAIN).user


def test_conflicts_are_told_in_verbs_and_pounds():
    told = build_prompt(SAMPLE).user
    assert "battery conflict: charge gains GBP 3.10, price low." in told
    assert "load_shift conflict: defer -0.75 gains GBP 1.46, price high." in told
    assert "cooling opportunity: lower -0.20" in told  # proposed is +0.60, warmer


def test_raw_proposals_are_shown_only_on_request():
    assert "+1.00" not in build_prompt(SAMPLE).user
    assert "load_shift +1.00, battery -0.50, cooling +0.60" in build_prompt(SAMPLE, show_proposals=True).user


def test_only_requests_worth_selling_to_are_numbered():
    (request,) = SAMPLE.requests
    unworthy = replace(request, event=replace(request.event, id="cheap"), kw=0.0)
    mixed = replace(SAMPLE, requests=(unworthy, request))
    assert build_prompt(mixed).user.count("Request ") == 1
    directive = parse(answer(accept=[1]), mixed)
    assert [(a.event_id, a.kw) for a in directive.accept] == [("sample", 325.0)]
    assert directive.decline == ("cheap",)
    assert parse(answer(accept=[]), mixed).accept == ()


def test_orders_of_every_form_are_read():
    orders = {
        "load_shift": "defer",
        "battery": {"mode": "set", "level": -0.5},
        "cooling": {"mode": "limit", "at_least": 0},
    }
    directive = parse(answer(reason_code="carbon", text="why not", **orders), PLAIN)
    assert directive.load_shift == "defer"
    assert directive.battery == SetLevel(mode="set", level=-0.5)
    assert directive.cooling == AtLeast(mode="limit", at_least=0.0)
    assert (directive.reason_code, directive.text, directive.horizon_steps) == ("carbon", "why not", 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "follow",
        "[]",
        "null",
        answer()[:-1],
        answer() + answer(),
        answer(battery="explode"),
        answer(battery={"mode": "set", "level": 0.3}),
        answer(battery={"mode": "set", "level": 1.5}),
        answer(battery={"mode": "set", "level": True}),
        answer(battery={"mode": "limit", "level": 0.5}),
        answer(battery={"mode": "limit", "at_least": 0.0, "at_most": 0.5}),
        answer(battery=None),
        answer(reason_code="because"),
        answer(text="x" * 121),
        answer(text=7),
        answer(extra="field"),
        answer(accept=[1]),
        json.dumps({name: value for name, value in GOOD.items() if name != "cooling"}),
        '{"reason_code":"follow","reason_code":"safety"' + answer()[len('{"reason_code": "follow"') :],
        answer().replace('""', '"\\ud800"'),
        answer().replace('""', "NaN"),
        "[" * 100_000,
    ],
    ids=lambda text: text[-40:],
)
def test_one_bad_field_drops_the_whole_answer(text):
    with pytest.raises(UnusableAnswer) as raised:
        parse(text, PLAIN)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("accept", [[0], [2], [1.5], ["1"], [1, 1, 1], 1, None])
def test_a_request_that_was_not_shown_cannot_be_accepted(accept):
    with pytest.raises(UnusableAnswer, match="accept"):
        parse(answer(accept=accept), SAMPLE)


def test_schemas_are_static_and_closed():
    for requests in range(MAX_REQUESTS + 1):
        schema = answer_schema(requests)
        assert schema is answer_schema(requests)
        assert schema["required"] == list(schema["properties"])
        assert next(iter(schema["properties"])) == "reason_code"
        assert list(schema["properties"])[-1] == "text"
        assert schema["additionalProperties"] is False
    assert len(schema_hash()) == 12


def test_words_do_not_depend_on_the_kind_of_number():
    numpy_like = replace(PLAIN, facts={name: np.float64(value) for name, value in PLAIN.facts.items()})
    assert build_prompt(numpy_like) == build_prompt(PLAIN)
