"""The table of faults, row by row: each bad message is answered with its code, at once or in the callback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grid.beckn.faults import FAULTS
from grid.beckn.wire import encode

from .fault_cases import CASES, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_every_row_of_the_table_has_its_case() -> None:
    assert CASES.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_message_is_answered_with_its_code_and_moves_nothing(desk: Desk, fault: str) -> None:
    wanted = FAULTS[fault]
    reply = CASES[fault](desk)
    if wanted.where == "sync":
        message = json.loads(reply.body)["message"]
        assert (reply.http, message["status"], message["error"]["code"]) == (wanted.http, "NACK", wanted.code)
        assert ("WWW-Authenticate" in reply.headers) == (wanted.http == 401)
    else:
        assert (reply.http, json.loads(reply.body)["message"]["status"]) == (200, "ACK")
        answer = desk.store.row("SELECT action, body FROM messages WHERE direction = 'out' ORDER BY seq DESC LIMIT 1")
        told = json.loads(answer["body"])
        assert answer["action"].startswith("on_")
        assert told["error"]["code"] == wanted.code
        assert told["message"]["contract"]["commitments"]
    assert desk.contracts() == desk.before


def test_the_first_fault_answers_in_the_order_of_the_checks(desk: Desk) -> None:
    """Expired, unsigned, against the schema and over capacity at once: the context comes first, then trust."""
    message = desk.message("select")
    message["context"]["timestamp"] = "2026-09-22T11:00:00Z"
    message["message"]["contract"]["order"] = {}
    body = encode(message)
    assert b"CTX_TTL_EXPIRED" in desk.provider.receive("select", {}, body).body
    message["context"]["timestamp"] = "2026-09-22T12:00:00Z"
    assert b"AUT_SIGNATURE_MISSING" in desk.provider.receive("select", {}, encode(message)).body
    assert b"SCH_FIELD_NOT_ALLOWED" in desk.post("select", message).body
