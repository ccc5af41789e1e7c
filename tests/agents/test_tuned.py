"""The tuned numbers that come with the package, and what a damaged file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.scripted import FollowerRule
from agents.tunable import TUNABLE, make_tuned
from agents.tuned import FOLDER, tuned_rule


def test_every_tuned_file_belongs_to_a_controller_and_holds_its_rule() -> None:
    files = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    assert files.keys() == TUNABLE.keys()
    for name, found in files.items():
        rule = make_tuned(name).rule
        assert isinstance(rule, TUNABLE[name].kind)
        assert {**found["rule"], **TUNABLE[name].fixed} == found["rule"]
        assert all(getattr(rule, allowed.name) == found["rule"][allowed.name] for allowed in rule.RANGES)


def test_all_were_tuned_with_one_budget_on_2022_alone() -> None:
    files = [json.loads(path.read_text()) for path in FOLDER.glob("*.json")]
    assert len({found["trials"] for found in files}) == 1
    for found in files:
        assert (found["data"]["first_week"][:4], found["data"]["last_week"][:4]) == ("2022", "2022")
        assert found["data"]["workloads"] == ["alibaba_1", "google"]
        assert found["saving"] >= found["saving_before"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no tuned numbers for 'event_follower'; write them with `make tune`"),
        ("{", "no JSON object with a `rule`"),
        ("[]", "no JSON object with a `rule`"),
        ('{"rule": {"margin": 0.1}}', r"differ \(margin, margin_share\)"),
        ('{"rule": {"margin_share": 0.9}}', r"FollowerRule.margin_share=0.9 is outside \[0, 0.5\]"),
        ('{"rule": {"margin_share": "0.1"}}', "event_follower.json"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "event_follower.json").write_text(text)
    with pytest.raises(ValueError, match=says):
        tuned_rule("event_follower", FollowerRule, tmp_path)
