"""Weights & Biases for the commands that report: offline by default, loaded only where it is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.load import config_hash
from configs.schema import Config
from train.tracking import start_wandb


def track_report(
    config: Config,
    folder: Path,
    job_type: str,
    summary: Mapping[str, float],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    files: Sequence[str],
) -> None:
    """One W&B run of a finished report, in the group of its configuration: summary, tables, files as an artifact.

    Args:
        folder: of the run; W&B's own files go into it, and ``wandb sync`` finds them there.
        tables: name -> rows, all of a table with the same keys. files: names in ``folder``.
    """
    run = start_wandb(config, folder, f"{job_type}-{config_hash(config)[:8]}", job_type)
    if run is None:
        return
    import wandb

    run.summary.update(dict(summary))
    for name, rows in tables.items():
        if rows:
            run.log({name: wandb.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])})
    artifact = wandb.Artifact(f"{config.run.name}-{job_type}", type="report")
    for name in files:
        artifact.add_file(str(folder / name))
    run.log_artifact(artifact)
    run.finish()
