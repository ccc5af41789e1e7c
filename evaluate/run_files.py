"""The files of a run folder (contract 9) and the report made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from configs.schema import Config
from envs.case import Case
from envs.state import AGENTS
from evaluate.accounting import Books
from evaluate.atomic import write_parquet, write_text
from evaluate.frames import steps_frame
from evaluate.rollout import Rollout
from evaluate.run_data import SITE_KEYS, Comparison, DecisionRecord, RunData
from evaluate.run_report import write_report
from llm_layer.audit import read_lines

SITE = 0  # a run has one


@dataclass(frozen=True)
class FinishedRun:
    """What ``run_site`` hands over to be written."""

    config: Config
    case: Case
    rollout: Rollout
    books: Books
    settlement: pd.DataFrame
    summary: dict[str, Any]
    comparison: Comparison | None = None


def write_run(folder: Path, finished: FinishedRun) -> None:
    """Write steps, settlement, report, and ``summary.json`` last: with it the folder can be read."""
    run, books = finished.rollout, finished.books
    steps = steps_frame(run, books, SITE)
    settlement = finished.settlement
    write_parquet(folder / "steps.parquet", steps)
    write_parquet(folder / "settlement.parquet", settlement)
    if len(steps):
        write_report(folder / "report.html", _run_data(folder, finished, steps, settlement))
    write_text(folder / "summary.json", json.dumps(finished.summary, indent=2, ensure_ascii=False) + "\n")


def _run_data(folder: Path, finished: FinishedRun, steps: pd.DataFrame, settlement: pd.DataFrame) -> RunData:
    case, summary = finished.case, finished.summary
    return RunData(
        name=finished.config.run.name,
        config=finished.config.model_dump(mode="json"),
        config_hash=summary["config_hash"],
        site={name: float(case.params[name][0]) for name in SITE_KEYS},
        steps=steps,
        settlement=settlement,
        summary=summary,
        events=case.rows.events,
        decisions=decision_records(read_lines(folder)),
        provenance=case.rows.provenance,
        audit_head=summary["audit_head"],
        comparison=finished.comparison,
    )


def decision_records(lines: list[dict[str, Any]]) -> list[DecisionRecord]:
    """The decisions of an audit trail, in order: the report shows what the trail says."""
    return [_decision(line["body"], line["runtime"]) for line in lines if line["body"]["kind"] == "decision"]


def _decision(body: Mapping[str, Any], runtime: Mapping[str, Any]) -> DecisionRecord:
    directive = body["directive"]
    return DecisionRecord(
        time_utc=pd.Timestamp(body["time_utc"]),
        modes={agent: _order(directive[agent]) for agent in AGENTS},
        reason_code=directive["reason_code"],
        text=directive["text"],
        source=runtime["source"],
        accepts={sale["event_id"]: sale["kw"] for sale in body["sales"] if "event_id" in sale and not sale["refused"]},
    )


def _order(asked: Any) -> str:
    """A verb, or a level on the agent's axis of -1 to 1."""
    if isinstance(asked, str):
        return asked
    if asked["mode"] == "set":
        return f"set to {asked['level']:+.2f}"
    return f"at least {asked['at_least']:+.2f}" if "at_least" in asked else f"at most {asked['at_most']:+.2f}"
