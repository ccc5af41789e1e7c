"""Whole trades: message by message against the golden ones, between two processes, through crashes and bad input."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grid.beckn import SCHEMA_VERSION, crash, fuzz
from grid.beckn.bench import Bench
from grid.beckn.book import (
    BUYER,
    SELLER,
    Contract,
    Decision,
    Interval,
    SiteState,
    contracts,
    find_contract,
    put_decision,
    put_interval,
    put_site,
)  # fmt: skip
from grid.beckn.document import Terms, bag, offer, payable, render, request_document
from grid.beckn.local import OPERATOR_ID, SITE_ID, local_network
from grid.beckn.messages import parse
from grid.beckn.packs import GATE
from grid.beckn.post import read_ack
from grid.beckn.standin import flat_interval
from grid.beckn.states import QUOTED, is_forward, move
from grid.beckn.store import Store
from grid.beckn.times import parse_instant

GOLDEN = Path(__file__).parent / "golden" / SCHEMA_VERSION
NOW = parse_instant("2026-09-22T12:00:00Z")
TERMS = Terms("site-1", "meter-1")
WHO = {
    "bapId": "grid.example", "bapUri": "https://grid.example/bap", "bppId": "dc.example",
    "bppUri": "https://dc.example/bpp",
}  # fmt: skip
ID = "0b6a5b0e-5b1e-4d0b-8f65-3f7e2a9b2001"
Json = dict[str, Any]


class Trade(Bench):
    """One trade, driven by hand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, WHO, TERMS, 500.0, NOW)
        start = NOW + timedelta(hours=3)
        bare = Contract(
            ID, BUYER, "dc.example", "6f1b2d1e-7f0a-4b6e-9d0c-0c5f6d5a1001", "", QUOTED, "ev-1", start,
            start + timedelta(hours=1), start - GATE, NOW, 300.0, 300.0, 0.25, "GBP",
        )  # fmt: skip
        resource = {"id": TERMS.resource_id, "resourceAttributes": bag("FlexResource", maxReductionKw=500)}
        document = request_document(bare, resource, offer(TERMS), "grid.example", "dc.example", "p511-2026-08")
        self.contract = Contract(**{**bare.__dict__, "document": document})
        self.count = 0

    def ask(self, action: str, **changes: Any) -> None:
        self.count += 1
        body: Json = {"contract": {**render(self.contract), **changes}}
        if action == "discover":
            body = {"intent": {"textSearch": "turn-down"}}
        context = {
            "version": "2.0.0", "action": action, **WHO, "transactionId": self.contract.transaction_id,
            "messageId": f"00000000-0000-4000-8000-{self.count:012d}",
            "timestamp": self.now.isoformat().replace("+00:00", "Z"), "ttl": "PT30S",
        }  # fmt: skip
        reply = self.post(action, {"context": context, "message": body})
        assert reply.http == 200, reply.body

    def figures(self, status: str) -> Json:
        attributes = bag("FlexSettlement", amount=75.0, currency="GBP", ratePerKwh=0.25, deliveredKwh=300.0)
        return {"settlements": [{"id": "set-1", "status": status, "settlementAttributes": attributes}]}

    def meter(self) -> None:
        for k in range(2):
            put_interval(self.store, ID, flat_interval(self.contract.start + k * timedelta(minutes=30), 300.0))

    def state(self) -> str:
        known = find_contract(self.store, ID, SELLER)
        assert known is not None
        return known.state

    def sent(self) -> list[Json]:
        rows = self.store.rows("SELECT body FROM messages WHERE direction = 'out' ORDER BY seq")
        return [json.loads(one["body"]) for one in rows]


@pytest.fixture
def trade(tmp_path: Path) -> Trade:
    return Trade(tmp_path)


def play(trade: Trade) -> list[str]:
    """A whole trade; -> the provider's states on the way."""
    states = []
    trade.ask("discover")
    for action in ("select", "init", "confirm"):
        trade.ask(action)
        states.append(trade.state())
    trade.accept(ID)
    states.append(trade.state())
    trade.at(trade.contract.start)
    trade.provider.tick()
    states.append(trade.state())
    trade.meter()
    trade.at(trade.contract.end)
    trade.provider.tick()
    states.append(trade.state())
    for status in ("DRAFT", "COMMITTED", "COMMITTED", "COMPLETE"):
        trade.ask("update", **trade.figures(status))
        states.append(trade.state())
    trade.ask("status")
    return states


def test_a_trade_goes_through_its_states(trade: Trade) -> None:
    assert play(trade) == [
        "QUOTED", "DRAFTED", "CONFIRMING", "ACTIVE", "IN_PROGRESS", "DELIVERED", "DELIVERED", "SETTLING", "SETTLING",
        "SETTLED",
    ]  # fmt: skip


def test_what_we_send_is_the_golden_message_and_valid(trade: Trade) -> None:
    play(trade)
    sent = trade.sent()
    golden = sorted(GOLDEN.glob("*.json"))
    assert len(golden) == len(sent)
    for path, message in zip(golden, sent, strict=True):
        wanted = json.loads(path.read_text())
        for one in (wanted, message):  # unsolicited news carry an id of their own
            if not one["context"]["messageId"].startswith("00000000"):
                one["context"]["messageId"] = ""
        assert message == wanted, path.name
        assert parse(json.dumps(message).replace('"messageId": ""', f'"messageId": "{ID}"').encode()).problem is None


def test_a_repeated_message_is_answered_again_and_does_nothing(trade: Trade) -> None:
    trade.ask("select")
    trade.count -= 1
    sent = len(trade.sent())
    trade.ask("select")
    assert len(trade.sent()) == sent


def test_a_refused_contract_says_why(trade: Trade) -> None:
    for action in ("select", "init", "confirm"):
        trade.ask(action)
    put_decision(trade.store, Decision(ID, False, "200 kW could be had", NOW))
    trade.provider.tick()
    told = trade.sent()[-1]
    assert told["context"]["action"] == "on_confirm"
    assert told["error"] == {"code": "BIZ_QUANTITY_UNAVAILABLE", "message": "200 kW could be had"}
    assert trade.state() == "REJECTED"


def test_a_confirmation_not_decided_before_gate_closure_is_refused(trade: Trade) -> None:
    for action in ("select", "init", "confirm"):
        trade.ask(action)
    put_site(trade.store, SiteState(trade.contract.start - GATE + timedelta(seconds=1), 500.0, 1.0, 1.0), 0.0)
    trade.provider.tick()
    assert trade.state() == "REJECTED"
    assert trade.sent()[-1]["error"]["code"] == "BIZ_FULFILLMENT_UNAVAILABLE"


def test_try_shows_and_changes_nothing(trade: Trade) -> None:
    for action in ("select", "init", "confirm"):
        trade.ask(action)
    trade.accept(ID)
    trade.count += 1
    context = {
        "version": "2.0.0", "action": "cancel", **WHO, "transactionId": trade.contract.transaction_id,
        "messageId": f"00000000-0000-4000-8000-{trade.count:012d}", "timestamp": "2026-09-22T12:00:00Z", "try": True,
    }  # fmt: skip
    assert trade.post("cancel", {"context": context, "message": {"contract": {"id": ID}}}).http == 200
    assert trade.state() == "ACTIVE"
    del context["try"]
    context["messageId"] = ID
    assert trade.post("cancel", {"context": context, "message": {"contract": {"id": ID}}}).http == 200
    assert trade.state() == "CANCELLED"


def test_a_message_past_its_time_becomes_news(trade: Trade) -> None:
    for action in ("select", "init", "confirm"):
        trade.ask(action)
    put_decision(trade.store, Decision(ID, True, "", NOW))
    trade.now += timedelta(seconds=31)
    trade.provider.tick()
    told = trade.sent()[-1]
    assert told["context"]["action"] == "on_status"
    assert told["message"]["contract"]["status"]["code"] == "ACTIVE"
    assert not told["context"]["messageId"].startswith("00000000")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"message": {"status": "ACK", "messageId": "m"}}, (True, "")),
        ({"message": {"ack": {"status": "ACK"}}}, (True, "")),
        ({"message": {"ack": {"status": "NACK"}, "error": {"code": "A"}}}, (False, "A")),
        ({"status": "NACK", "error": {"errorCode": "B"}}, (False, "B")),
        ({"ack_status": "ACK"}, (True, "")),
        ({"code": "C", "message": "m"}, (False, "C")),
        ({"error": {"code": "D"}}, (False, "D")),
    ],
)
def test_every_known_shape_of_answer_is_read(answer: Json, said: tuple[bool, str]) -> None:
    assert read_ack(answer) == said


def test_money_is_delivered_energy_at_the_rate_to_the_penny() -> None:
    metered = (Interval(NOW, "2026-09-22", 27, 600.0, 359.1, 240.0), Interval(NOW, "2026-09-22", 28, 10.0, 20.0, 240.0))
    assert payable(metered, 0.25) == 57.73  # 240.9 - 10 kWh: what was imported beyond the baseline counts against it
    assert payable(metered[1:], 0.25) == 0.0


def test_a_mirror_never_goes_back() -> None:
    assert is_forward("ACTIVE", "DELIVERED")
    assert not is_forward("DELIVERED", "ACTIVE")
    assert not is_forward("CANCELLED", "SETTLED")
    assert move("DELIVERED", "agreed") == "SETTLING"


def test_a_whole_trade_between_two_processes_takes_less_than_ten_seconds(tmp_path: Path) -> None:
    urls = {one: f"http://127.0.0.1:{crash._free_port()}" for one in (SITE_ID, OPERATOR_ID)}
    local_network(tmp_path / "network", urls)
    began = time.monotonic()
    site = multiprocessing.get_context("fork").Process(target=crash.site, args=(tmp_path, urls))
    site.start()
    try:
        crash.buyer(tmp_path, urls)
    finally:
        site.kill()
        site.join()
    assert time.monotonic() - began < 10.0
    (settled,) = contracts(Store(tmp_path / "buyer.sqlite"), BUYER)
    assert settled.state == "SETTLED"
    assert settled.document["settlements"][0]["settlementAttributes"]["amount"] == 75.0


def test_five_crashes_lose_and_double_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    assert crash.run(5, 11, said.append) == 0, said


def test_bad_messages_over_loopback_move_nothing() -> None:
    said: list[str] = []
    assert fuzz.run(400, 3, said.append) == 0, said


def test_a_local_network_is_made_once(tmp_path: Path) -> None:
    urls = {SITE_ID: "http://127.0.0.1:1", OPERATOR_ID: "http://127.0.0.1:2"}
    first = local_network(tmp_path / "n", urls).registry.read_bytes()
    assert local_network(tmp_path / "n", urls).registry.read_bytes() == first
    with pytest.raises(ValueError, match="change beckn"):
        local_network(tmp_path / "n", {**urls, SITE_ID: "http://127.0.0.1:3"})


def test_no_key_is_ever_logged_or_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    folder = tmp_path / "t"
    folder.mkdir()
    crash.play(folder, random.Random(2))
    secrets = [path.read_text().strip() for path in (folder / "network").glob("*.key")]
    assert len(secrets) == 2
    written = b"".join(path.read_bytes() for path in folder.glob("*.sqlite*"))
    assert not any(secret in caplog.text or secret.encode() in written for secret in secrets)
