"""``deg train`` in SustainDC's own site: episodes of British rows, and the table printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from configs.load import load_config, shared_data_folder
from configs.schema import Config
from deg.options import print_table
from envs.sustaindc.from_rows import series_of_rows
from envs.sustaindc.series import Series
from evaluate.atomic import write_text
from evaluate.cases import make_case
from grid.sources.file import FILES

WEEK = 672
TRAINING_DAYS, TRAINING_START = 330, date(2022, 1, 31)
REPORT_DAYS, REPORT_START = 344, date(2023, 1, 2)
EVERY = 4  # of the report's weeks, one in so many
TABLE = "sustaindc.json"
LOCATION = "ny"  # SustainDC's name for a temperate site: its plant is sized for 30 degC


def train_sustaindc(config: Config, folder: Path, on_progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Train on synthetic weeks fitted on 2022, compare on weeks of 2023 (synthetic ones where there is no file)."""
    from train.sustaindc import train_sustaindc as train

    training = _weeks(["signals.source=synthetic", f"signals.seed={1 + config.run.seed}", "workload.name=generator"],
                      TRAINING_START, TRAINING_DAYS, every=1)  # fmt: skip
    path = Path(config.signals.path or shared_data_folder())
    real = all((path / name).is_file() for name in FILES)
    source = ["signals.source=file", f"signals.path={path}", "workload.name=alibaba_2"]
    other = ["signals.source=synthetic", "signals.seed=0", "workload.name=generator"]
    held_out = _weeks(source if real else other, REPORT_START, REPORT_DAYS, every=EVERY)
    summary = train(config, training, held_out, location=LOCATION, on_progress=on_progress)
    summary = {"signals": "2023, alibaba_2" if real else "synthetic, generator", **summary}
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / TABLE, json.dumps(summary, indent=1) + "\n")
    return summary


def _weeks(world: list[str], start: date, days: int, *, every: int) -> list[Series]:
    rows = make_case(load_config(None, world), start, days).rows
    return [series_of_rows(rows, first, WEEK) for first in range(0, rows.steps - WEEK + 1, every * WEEK)]


def print_sustaindc(summary: dict[str, Any]) -> None:
    took = f"{summary['trained_wall_s']:.0f} s ({summary['trained_cpu_s']:.0f} CPU s)"
    title = (
        f"SustainDC's own site ({summary['location']}), mean of {summary['episodes']} weeks, {summary['signals']}; "
        f"{summary['env_steps']:,} steps trained in {took}"
    )
    columns = ("policy", "CO2 kg", "net kWh", "IT kWh", "HVAC kWh", "water m3", "overdue task-steps", "CO2 vs neutral")
    rows = [
        [
            row["policy"],
            *(f"{row[name]:,.0f}" for name in ("co2_kg", "net_kwh", "it_kwh", "hvac_kwh", "water_m3")),
            f"{row['overdue_task_steps']:,.1f}",
            f"{100.0 * row['co2_vs_neutral']:+.2f} %",
        ]
        for row in summary["table"]
    ]
    print_table(title, columns, rows)
