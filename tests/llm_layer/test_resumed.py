"""A stopped run repeats itself silently and goes on where its trail ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_layer.audit import AuditError, AuditWriter, read_lines, verify_file
from llm_layer.resumed import ResumedTrail

STEPS = [{"kind": "decision", "step": k, "kw": k * 0.1} for k in range(5)]
NEWS = {"kind": "message", "seq": 1}


def write(path: Path, bodies: list[dict[str, object]]) -> list[dict[str, object]]:
    """A run that has ``bodies`` to say; -> what is in its file afterwards."""
    with AuditWriter(path) as writer:
        trail = ResumedTrail(writer)
        for body in bodies:
            trail.write(body, {})
    return [line["body"] for line in read_lines(path)]


def test_what_is_there_is_not_said_again(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    write(file, [*STEPS[:2], NEWS, STEPS[2]])
    assert write(file, STEPS) == [*STEPS[:2], NEWS, *STEPS[2:]]
    assert verify_file(file).ok


def test_a_run_that_does_not_repeat_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    write(file, STEPS)
    before = file.read_bytes()
    with pytest.raises(AuditError, match=r"another run\.name"):
        write(file, [STEPS[0], {**STEPS[1], "kw": 7.0}])
    assert file.read_bytes() == before


def test_the_next_record_to_repeat_is_known_by_kind_and_step(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    write(file, [NEWS, STEPS[0], STEPS[1]])
    with AuditWriter(file) as writer:
        trail = ResumedTrail(writer)
        assert trail.repeating
        assert trail.external == [NEWS]
        assert trail.coming("decision", 0) == STEPS[0]
        assert trail.coming("decision", 1) is None
        for body in STEPS[:2]:
            trail.write(body, {})
        assert not trail.repeating
