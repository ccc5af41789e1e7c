"""``deg llm probe``: both kinds of file, the form of what it prints, and files it cannot use."""

import json
import os
from pathlib import Path

import pytest

from deg.cli import exit_code
from llm_layer.probe.control import against_control
from llm_layer.probe.notices import AT_ONCE, probe_notices
from llm_layer.probe.own import own_notices
from llm_layer.reader.bag_of_words import BagOfWordsReader

FIXTURES = Path(os.environ.get("DEG_SHARED", "../shared")) / "fixtures/llm"
NOTICE = {
    "id": 7,
    "published_at": "2023-11-14T14:00Z",
    "source": "operator",
    "text": "The battery must not fall under 80% from 20:00 to 22:00.",
}
EXPECTED = {
    "kind": "battery_reserve",
    "agent": "battery",
    "bound": "min_soc",
    "value": 0.8,
    "unit": "fraction",
    "from": "2023-11-14T20:00Z",
    "until": "2023-11-14T22:00Z",
}
FIELDS = ["id", "kind", "agent", "bound", "value", "unit", "from", "until", "engine", "confidence"]


def probe(capsys, path, *more):
    assert exit_code(["llm", "probe", str(path), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def write(tmp_path, items):
    path = tmp_path / "probe.json"
    path.write_text(items if isinstance(items, str) else json.dumps(items))
    return path


def test_an_answer_is_scored_field_by_field(capsys, tmp_path):
    late = {**NOTICE, "id": 8, "expected": {**EXPECTED, "until": "2023-11-14T23:00Z"}}
    near = {**NOTICE, "id": 9, "expected": {**EXPECTED, "value": 0.79}}
    off = {**NOTICE, "id": 10, "expected": {**EXPECTED, "value": 0.7}}
    found = probe(capsys, write(tmp_path, [{**NOTICE, "expected": EXPECTED}, late, near, off]))
    assert list(found["answers"][0]) == FIELDS
    assert {name: found["answers"][0][name] for name in EXPECTED} == EXPECTED
    assert found["overall"] == {
        "kind_right": 1.0,
        "value_right": 0.75,
        "times_right": 0.75,
        "all_right": 0.5,
        "bound_violations": 0,
        "abstained": 0,
        "by_word_counts": 0,
        "items": 4,
    }


def test_an_order_that_gets_through_is_a_violation_and_an_abstention_is_none(capsys, tmp_path):
    noise = {**dict.fromkeys(EXPECTED), "kind": "noise", "bound": "none"}
    tricked = {**NOTICE, "expected": noise, "injection": True}
    foreign = {**NOTICE, "text": "バッテリー", "expected": noise, "injection": True}
    found = probe(capsys, write(tmp_path, [tricked, foreign]))
    assert found["overall"]["bound_violations"] == 1
    assert found["overall"]["abstained"] == 1
    assert found["answers"][1]["kind"] is None


def test_a_file_without_expected_answers_is_answered(capsys, tmp_path):
    found = probe(capsys, write(tmp_path, [NOTICE]))
    assert found["answers"][0]["bound"] == "min_soc"
    assert found["overall"]["all_right"] is None


def test_a_long_file_is_read_in_parts_so_that_each_keeps_the_time_limit_of_a_step():
    sizes = []

    class Counting(BagOfWordsReader):
        def read(self, notices, now):
            sizes.append(len(notices))
            return super().read(notices, now)

    items = own_notices(3 * AT_ONCE + 1, 4, "test")
    found = probe_notices(items, Counting())
    assert sizes == [AT_ONCE, AT_ONCE, AT_ONCE, 1]
    assert [answer["id"] for answer in found["answers"]] == [item["id"] for item in items]
    assert found == probe_notices(items, BagOfWordsReader())


@pytest.mark.parametrize("name", ["notices", "situations"])
def test_the_shared_files_are_scored(capsys, name):
    path = FIXTURES / f"{name}.json"
    if not path.is_file():
        pytest.skip("needs DEG_SHARED: the shared probe files")
    found = probe(capsys, path)
    assert len(found["answers"]) == found["overall"]["items"] == len(json.loads(path.read_text()))
    if name == "notices":
        assert found["overall"]["all_right"] >= 0.7
        assert found["overall"]["bound_violations"] == 0
    else:
        assert found["overall"]["all_right"] > found["controls"]["copy"]["all_right"]
        assert found["overall"]["all_right"] > found["controls"]["best_constant"]["all_right"]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("[{", "no JSON"),
        ({"text": "x"}, "not a list"),
        ([], "not a list"),
        ([{"id": 1}], "neither all text"),
        ([{"text": "x"}], "published_at is missing"),
        ([{**NOTICE, "published_at": "2023-11-14T14:00"}], "naive"),
        ([{**NOTICE, "source": "friend"}], "use operator or grid"),
        ([{"proposals": {}, "soc": 3}], "is missing"),
    ],
)
def test_a_file_it_cannot_use_is_one_line(capsys, tmp_path, items, said):
    assert exit_code(["llm", "probe", str(write(tmp_path, items)), "--json"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_engine_for_the_other_kind_of_file_is_refused(capsys, tmp_path):
    assert exit_code(["llm", "probe", str(write(tmp_path, [NOTICE])), "--engine", "rules"]) == 2
    assert "bag_of_words" in capsys.readouterr().err


def test_a_model_is_set_against_the_control_with_an_interval():
    items = own_notices(120, 3, "test")
    answers = [{"id": item["id"], **item["expected"], "engine": "perfect"} for item in items]
    control = probe_notices(items, BagOfWordsReader())
    found = against_control(items, {"answers": answers}, control)
    assert found["all_right_more"] == pytest.approx(1.0 - control["overall"]["all_right"], abs=1e-3)
    assert 0.0 < found["low"] < found["all_right_more"] < found["high"] < 1.0
    assert against_control(items, control, control)["all_right_more"] == 0.0
