"""``deg beckn serve``, ``deg run`` and ``deg beckn simulate`` together: a trade through the orchestrated site, under a
served model that judges and reads with moods, killed in the middle and started again; then what its trail can prove.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deg.cli import exit_code
from grid.beckn.book import SELLER, contracts, intervals
from grid.beckn.store import Store
from llm_layer.audit import read_lines, verify_file

from ..llm_layer.loopback import NOISE, Handler, Server, schema_of, well

PATIENCE_S = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Moody:
    """A model whose answers are not to be had again: every third is none, and readings are refused half the time."""

    def __init__(self) -> None:
        self.judged = self.read = 0

    def __call__(self, handler: Handler, body: dict[str, Any]) -> None:
        if "kind" in schema_of(body)["properties"]:
            self.read += 1
            if self.read % 2:
                handler.reply(400, {"error": {"type": "error", "message": "not now"}})
            else:
                handler.answer(json.dumps(NOISE))
        else:
            self.judged += 1
            if self.judged % 3 == 0:
                handler.answer(json.dumps("no idea"))
            else:
                well(handler, body)


class Machine:
    """Three commands on one machine, each a process of its own."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        server.behaviour = Moody()
        self.shared = [
            "--config", "configs/live.yaml", f"run.dir={folder / 'runs'}", f"beckn.folder={folder / 'beckn'}",
            f"beckn.port={free_port()}", f"beckn.operator.port={free_port()}", "beckn.speed=20000",
            "supervisor.backend=openai", "supervisor.model=tiny", f"supervisor.base_url={server.root}/v1",
            "supervisor.reader=openai", "notices.source=generated",
        ]  # fmt: skip
        # Forked from a server that has loaded the rooms once; forking ourselves, with threads about, would not be safe.
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(
            ["deg.beckn_setup", "evaluate.run", "grid.beckn.server", "grid.beckn.trade"]
        )
        self.running: list[BaseProcess] = []

    def start(self, *command: str) -> BaseProcess:
        process = self.context.Process(target=exit_code, args=([*command[:1], *command[1:], *self.shared],))
        process.start()
        self.running.append(process)
        return process

    def start_and_kill_at(self, state: str) -> None:
        """Run the site until the contract is there, then kill -9."""
        run = self.start("run")
        await_(lambda: state in self.contract_states(), f"a contract that is {state}")
        os.kill(run.pid or 0, signal.SIGKILL)
        run.join()

    def stop(self) -> None:
        for process in self.running:
            process.kill()
            process.join()

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "live"

    def contract_states(self) -> list[str]:
        file = self.folder / "beckn" / "site.sqlite"
        if not file.exists():
            return []
        store = Store(file)
        try:
            return [contract.state for contract in contracts(store, SELLER)]
        finally:
            store.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """After the trade: the run was killed once it had sold, then again in the event, and both times started anew."""
    server = Server()
    machine = Machine(tmp_path_factory.mktemp("machine"), server)
    try:
        machine.start("beckn", "serve")
        machine.start("beckn", "simulate", "--lead-hours", "16", "--kw", "200", "--event", "ev-7")
        machine.start_and_kill_at("ACTIVE")
        machine.start_and_kill_at("IN_PROGRESS")
        machine.start("run").join(PATIENCE_S)
        yield machine
    finally:
        machine.stop()
        server.stop()


def await_(reached: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)


def test_the_trade_settles_once_through_two_kills(machine: Machine) -> None:
    assert machine.contract_states() == ["SETTLED"]
    store = Store(machine.folder / "beckn" / "site.sqlite")
    (contract,) = contracts(store, SELLER)
    metered = intervals(store, contract.id)
    steps = pd.read_parquet(machine.run / "steps.parquet")
    sold = steps[steps["sold_kw"] > 0]
    assert [round(one.metered_kwh, 3) for one in metered] == [
        round(value, 3) for value in sold.groupby("settlement_period")["import_kwh"].sum()
    ]
    assert sold["sold_kw"].unique().tolist() == [200.0]


def test_the_trail_is_whole_and_says_everything_once(machine: Machine) -> None:
    assert verify_file(machine.run).ok
    bodies = [line["body"] for line in read_lines(machine.run)]
    decided = [body["step"] for body in bodies if body["kind"] == "decision"]
    assert decided == sorted(set(decided))
    sold = [body for body in bodies if body["kind"] == "contract"]
    assert [(body["event_id"], body["accepted"]) for body in sold] == [("ev-7", True)]
    assert len([body for body in bodies if body["kind"] == "summary"]) == 1
    messages = [body["seq"] for body in bodies if body["kind"] == "message"]
    assert messages == sorted(set(messages))


def test_what_the_model_said_before_a_kill_stands_failures_included(machine: Machine) -> None:
    """Or the run started again would not have gone on: its trail holds each record against the one that is there."""
    bodies = [line["body"] for line in read_lines(machine.run)]
    readings = [body for body in bodies if body["kind"] == "reading"]
    assert {body["failed"] for body in readings} == {True, False}
    assert {body["answered"] for body in bodies if body["kind"] == "decision"} == {True, False}
    assert len({(body["notice"], body["time_utc"]) for body in readings}) == len(readings)


def test_a_signed_head_stands_in_the_operators_file_and_guards_the_trail(machine: Machine) -> None:
    operator = Store(machine.folder / "beckn" / "operator.sqlite")
    heads = operator.rows("SELECT head, signature FROM heads ORDER BY lines")
    assert heads
    assert verify_file(machine.run, heads[-1]["head"]).ok
    assert heads[-1]["signature"].startswith("Signature keyId=")
    assert not verify_file(machine.run, "0" * 64).ok


def test_the_settlement_pack_shows_both_amounts_and_checks_signatures(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry, out = machine.folder / "beckn" / "network" / "registry.json", tmp_path / "pack.json"
    command = ["audit", "settle", str(machine.run), "--event", "ev-7", "--registry", str(registry)]
    assert exit_code([*command, "--out", str(out)]) == 0
    pack = json.loads(out.read_text())
    table = pd.read_parquet(machine.run / "settlement.parquet")
    assert pack["totals"]["market_amount_gbp"] == pytest.approx(table["amount_gbp"].sum(), abs=0.006)
    assert pack["totals"]["agreed_amount_gbp"] == pack["totals"]["contract_amount_gbp"]
    assert all(len(days) == 8 for days in pack["baseline"]["days"].values())
    signed = [message["signature_holds"] for message in pack["messages"]]
    assert True in signed
    assert False not in signed
    assert all(message["digest_holds"] for message in pack["messages"])
    assert exit_code(command) == 0
    assert "on the contract" in capsys.readouterr().out
    assert exit_code(["audit", "settle", str(machine.run), "--event", "ev-8"]) == 2


def test_the_run_in_words_tells_of_the_contract(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "show", str(machine.run), "--day", "2023-11-13"]) == 0
    told = capsys.readouterr().out
    assert "contract ev-7 with grid-operator.localhost" in told
    assert "message" in told
