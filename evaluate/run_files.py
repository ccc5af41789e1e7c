"""The files of one finished run, read back and checked: what a report is made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

AGENT_NAMES = ("load_shift", "battery", "cooling")

# Contract 9 and the signals that a reader needs beside it. Energy columns are kWh a step of 15 min.
STEP_COLUMNS = (
    "time_utc", "settlement_date", "settlement_period",
    "import_kwh", "it_kwh", "cooling_kwh", "battery_kwh", "baseline_kwh", "neutral_kwh",
    "soc_kwh", "queued_kwh", "inlet_degc", "supply_degc", "dry_bulb_degc", "utilisation",
    "carbon_gco2_per_kwh", "tariff_gbp_per_mwh", "system_gbp_per_mwh",
    "committed_kw", "event_requested_kw", "event_gbp_per_mwh",
    *(f"{kind}_{agent}" for agent in AGENT_NAMES for kind in ("raw", "executed")),
    "energy_gbp", "network_gbp", "flex_gbp", "flex_real_gbp", "flex_phantom_gbp", "late_kwh", "overheat_minutes",
)  # fmt: skip
SETTLEMENT_COLUMNS = (
    "settlement_date", "settlement_period", "event_id", "term", "volume_mwh", "price_gbp_per_mwh", "amount_gbp",
)  # fmt: skip


@dataclass(frozen=True)
class RunFiles:
    """One run folder.

    steps       a row per 15 min, ``STEP_COLUMNS`` and the additive names of contract 8
    settlement  a row per period, event and term, ``SETTLEMENT_COLUMNS``
    audit       the lines of the audit trail, parsed, in order; the chain is not verified here
    """

    config: dict[str, Any]
    steps: pd.DataFrame
    settlement: pd.DataFrame
    audit: list[dict[str, Any]]
    summary: dict[str, Any]


def read_run(run_dir: Path) -> RunFiles:
    """Read a run folder.

    Raises ValueError where a file or column is missing, naming it.
    """
    config, steps, settlement, audit, summary = (
        _present(run_dir, name)
        for name in ("config.yaml", "steps.parquet", "settlement.parquet", "audit.jsonl", "summary.json")
    )
    return RunFiles(
        config=yaml.safe_load(config.read_text(encoding="utf-8")),
        steps=_table(steps, STEP_COLUMNS),
        settlement=_table(settlement, SETTLEMENT_COLUMNS),
        audit=[json.loads(line) for line in audit.read_bytes().split(b"\n") if line],
        summary=json.loads(summary.read_text(encoding="utf-8")),
    )


def _present(run_dir: Path, name: str) -> Path:
    path = run_dir / name
    if not path.is_file():
        raise ValueError(f"{run_dir}: has no {name}; give a folder that deg run has written")
    return path


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"{path}: has no column {missing[0]}; run it again with this version")
    return frame
