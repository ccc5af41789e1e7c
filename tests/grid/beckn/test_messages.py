"""Messages of both families: read, told apart, held against the schema, written back equal."""

from __future__ import annotations

import copy
import datetime
import json
import random
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grid.beckn.context import read_envelope
from grid.beckn.faults import Refused
from grid.beckn.messages import parse, validated
from grid.beckn.times import parse_instant


def same_json(one: Any, other: Any) -> bool:
    """Equal as JSON values: 1 is not 1.0 and true is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def test_every_published_message_is_written_back_equal(published: dict[str, bytes]) -> None:
    assert len(published) == 69
    for name, body in published.items():
        message = parse(body)
        assert message.as_json() == json.loads(body), name
        assert message.family == ("rc1" if name.startswith("rc1/") else "lts"), name


def test_only_the_template_with_placeholders_is_not_valid(published: dict[str, bytes]) -> None:
    problems = {name: message.problem for name, body in published.items() if (message := parse(body)).problem}
    assert list(problems) == ["onix/e2e_discover_request.json"]


def test_null_and_number_form_survive(confirm: dict[str, Any]) -> None:
    event = confirm["message"]["contract"]["commitments"][0]["commitmentAttributes"]
    event |= {"note": None, "wholeKw": 480, "pointKw": 480.0, "smallKw": 1e-7}
    assert same_json(parse(json.dumps(confirm).encode()).as_json()["message"], confirm["message"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "SCH_INVALID_JSON"),
        (b"[1]", "SCH_INVALID_JSON"),
        (b'{"context":{},"context":{}}', "SCH_INVALID_JSON"),
        (b'{"context":{"a":NaN}}', "SCH_INVALID_JSON"),
        (b'{"context":{"a":1e999}}', "SCH_INVALID_JSON"),
        (b'{"context":{"a":"\\ud800"}}', "SCH_INVALID_JSON"),
        ('{"context":{}}'.encode("utf-16"), "SCH_INVALID_JSON"),
        (b'{"context":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "SCH_INVALID_JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "SCH_INVALID_JSON"),
        (b'{"message":{}}', "SCH_REQUIRED_FIELD_MISSING"),
        (b'{"context":{"bapId":"a","bap_id":"a"}}', "CTX_INVALID_FIELD"),
    ],
)
def test_what_is_no_message_is_refused_with_its_code(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(body)
    assert refused.value.code == code


def test_a_month_has_no_length(confirm: dict[str, Any]) -> None:
    confirm["context"]["ttl"] = "P1M"
    with pytest.raises(Refused, match="ttl") as refused:
        read_envelope(confirm, "confirm", parse_instant(confirm["context"]["timestamp"]))
    assert refused.value.code == "CTX_INVALID_FIELD"


@pytest.mark.parametrize(("late_s", "code"), [(-6, "CTX_INVALID_FIELD"), (31, "CTX_TTL_EXPIRED")])
def test_a_message_holds_from_five_seconds_early_until_its_ttl(confirm: dict[str, Any], late_s: int, code: str) -> None:
    sent = parse_instant(confirm["context"]["timestamp"])
    for on_time in (-5, 0, 30):
        read_envelope(confirm, "confirm", sent + datetime.timedelta(seconds=on_time))
    with pytest.raises(Refused) as refused:
        read_envelope(confirm, "confirm", sent + datetime.timedelta(seconds=late_s))
    assert refused.value.code == code


@pytest.fixture(scope="module")
def says_schema(fixtures: Path) -> Callable[[dict[str, Any]], bool]:
    """Whether the published LTS schema lets a message pass; formats are checked in code, so only the shape counts."""
    module: Any = runpy.run_path(str(fixtures / "validate_fixtures.py"))
    validators = {}

    def judge(raw: dict[str, Any]) -> bool:
        action = raw["context"]["action"]
        if action not in validators:
            schema = module["schema_for"](module["lts"], "urn:lts", action)
            validators[action] = Draft202012Validator(schema, registry=module["reg"])
        return bool(validators[action].is_valid(raw))

    return judge


def test_the_models_say_what_the_pinned_schema_says(
    published: dict[str, bytes], says_schema: Callable[[dict[str, Any]], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grid.beckn.messages.check_packs", lambda value, path: None)
    originals = [json.loads(body) for name, body in published.items() if name.startswith("lts/")]
    draw = random.Random(5)
    assert all(says_schema(raw) and _valid(raw) for raw in originals)
    disagreements = []
    for _ in range(1000):
        mutated = copy.deepcopy(draw.choice(originals))
        what = _mutate(mutated, draw)
        if says_schema(mutated) != _valid(mutated):
            disagreements.append((mutated["context"]["action"], what, says_schema(mutated)))
    assert not disagreements


def _valid(raw: dict[str, Any]) -> bool:
    try:
        validated(raw)
    except Refused as refused:
        return refused.code == "SCH_INVALID_FORMAT"
    return True


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _places(value[key], (*path, key))


def _mutate(raw: dict[str, Any], draw: random.Random) -> str:
    """Drop, replace or add one thing below ``message``."""
    path = draw.choice(list(_places(raw["message"])))
    parent = raw["message"]
    for key in path[:-1]:
        parent = parent[key]
    how = draw.choice(("drop", "null", "text", "number", "list", "object", "extra"))
    if how == "drop":
        del parent[path[-1]]
    elif how == "extra" and isinstance(parent, dict):
        parent["surplus"] = 1
    else:
        parent[path[-1]] = {"null": None, "text": "x", "number": 3, "list": [], "object": {}}.get(how)
    return f"{how} {path}"
