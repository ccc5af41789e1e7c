"""The chain: its bytes, what breaks it, and how a killed run goes on."""

from __future__ import annotations

import json
import time

import pytest

from llm_layer.audit import FIRST_PREV, AuditError, AuditWriter, line_of, read_lines, verify_file

EXAMPLE = ("803c8f46", "49bc")  # contract 9: body {"a":1}, runtime {}


def _chain(path, n=5):
    with AuditWriter(path) as audit:
        return [audit.write({"step": i, "text": f"£{i} \u2028"}, {"wall_s": i / 7}) for i in range(n)]


def test_the_contract_example_fixes_what_is_hashed():
    line, digest = line_of({"a": 1}, {}, FIRST_PREV)
    assert (digest[:8], digest[-4:]) == EXAMPLE
    assert line == b'{"body":{"a":1},"runtime":{},"prev":"' + b"0" * 64 + b'","hash":"' + digest.encode() + b'"}\n'


def test_lines_are_compact_utf8_in_key_order_and_verify(tmp_path):
    hashes = _chain(tmp_path / "audit.jsonl")
    found = verify_file(tmp_path)
    assert (found.ok, found.lines, found.head) == (True, 5, hashes[-1])
    first = (tmp_path / "audit.jsonl").read_bytes().split(b"\n")[0]
    assert "£0 \u2028".encode() in first
    assert b": " not in first
    assert list(json.loads(first)) == ["body", "runtime", "prev", "hash"]
    assert [line["body"]["step"] for line in read_lines(tmp_path)] == [0, 1, 2, 3, 4]


def test_every_changed_byte_is_found_at_its_line(tmp_path):
    path = tmp_path / "audit.jsonl"
    _chain(path, 3)
    good = path.read_bytes()
    starts = [0] + [i + 1 for i, byte in enumerate(good) if byte == 10]
    for at in range(len(good)):
        for flip in (1, 0x20):
            path.write_bytes(good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :])
            found = verify_file(path)
            line = sum(start <= at for start in starts[:3])
            assert (found.ok, found.bad_line) == (False, line), (at, flip, found)
            assert f"line {line}" in found.reason


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda lines: lines[:1] + lines[2:], 2),  # removed
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),  # swapped
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2),  # repeated
        (lambda lines: lines[1:], 1),  # first gone
        (lambda lines: [lines[0], b"\n", *lines[1:]], 2),  # blank line
        (lambda lines: [lines[0][:-1] + b"\r\n", *lines[1:]], 1),  # carriage return
        (lambda lines: [*lines, b"x"], 6),  # something after the last LF
    ],
)
def test_lines_removed_moved_or_added_are_found(tmp_path, edit, line):
    path = tmp_path / "audit.jsonl"
    _chain(path)
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
    found = verify_file(path)
    assert (found.ok, found.bad_line) == (False, line)


def test_a_head_must_be_in_the_chain_and_later_lines_are_fine(tmp_path):
    path = tmp_path / "audit.jsonl"
    hashes = _chain(path)
    assert verify_file(path, head=hashes[2]).ok
    kept = path.read_bytes().splitlines(keepends=True)[:2]
    path.write_bytes(b"".join(kept))  # a cut at a line's end leaves a valid chain: only the head tells
    assert verify_file(path).ok
    assert not verify_file(path, head=hashes[2]).ok
    with pytest.raises(AuditError, match="64 hex"):
        verify_file(path, head="abc")


def test_a_killed_run_is_resumed_and_the_cut_is_recorded(tmp_path):
    path = tmp_path / "audit.jsonl"
    hashes = _chain(path)
    with open(path, "ab") as file:
        file.write(b'{"body":{"half')
    assert not verify_file(path).ok
    with AuditWriter(path) as audit:
        audit.write({"step": 5}, {})
    assert verify_file(path, head=hashes[-1]).ok
    assert [line["body"] for line in read_lines(path)][5:] == [
        {"kind": "cut", "after_line": 5, "bytes": 14},
        {"step": 5},
    ]


def test_a_broken_chain_is_not_continued(tmp_path):
    path = tmp_path / "audit.jsonl"
    _chain(path)
    path.write_bytes(path.read_bytes().replace(b'"step":1', b'"step":9'))
    with pytest.raises(AuditError, match="line 2"):
        AuditWriter(path)


def test_what_json_cannot_say_is_refused(tmp_path):
    with AuditWriter(tmp_path / "audit.jsonl") as audit, pytest.raises(ValueError, match="finite"):
        audit.write({"x": float("nan")}, {})
    assert verify_file(tmp_path).lines == 0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AuditError, match=r"audit\.jsonl"):
        verify_file(tmp_path)


def test_verification_streams_fast(tmp_path):
    path, prev, lines = tmp_path / "audit.jsonl", FIRST_PREV, []
    for i in range(20_000):
        line, prev = line_of({"step": i, "pad": "x" * 200}, {"source": "rules"}, prev)
        lines.append(line)
    path.write_bytes(b"".join(lines))
    start = time.process_time()
    assert verify_file(path).lines == 20_000
    assert 20_000 / (time.process_time() - start) > 100_000
