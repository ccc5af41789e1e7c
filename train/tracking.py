"""Where a training run can be followed: ``metrics.csv`` and ``curve.png`` in its folder, and Weights & Biases."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.load import config_hash
from configs.schema import Config

METRICS, CURVE = "metrics.csv", "curve.png"
SMOOTHED = "saving_share"
KEY = "WANDB_API_KEY"


class Tracker:
    """Rows of metrics by environment step. Nothing secret enters: keys come from the environment alone."""

    def __init__(self, config: Config, folder: Path, resumed_at: int = 0) -> None:
        self._path = folder / METRICS
        self._folder = folder
        self._rows = [row for row in _read(self._path) if float(row["env_steps"]) <= resumed_at]
        self._write_all()
        self._wandb = start_wandb(config, folder, f"{config.train.algorithm}-{config.train.information}", "train")

    def log(self, row: Mapping[str, float]) -> None:
        """One row; its columns are those of the first."""
        text = {name: f"{value:.8g}" if isinstance(value, float) else str(value) for name, value in row.items()}
        first = not self._rows
        self._rows.append(text)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self._rows[0]))
            if first:
                writer.writeheader()
            writer.writerow(text)
        if self._wandb is not None:
            self._wandb.log(dict(row), step=int(row["env_steps"]))

    def note_evaluation(self, evaluation: Mapping[str, Any]) -> None:
        """Results on validation weeks: numbers into the summary, weeks as a table."""
        if self._wandb is None:
            return
        import wandb

        self._wandb.summary.update({f"validation/{k}": v for k, v in evaluation.items() if isinstance(v, int | float)})
        weeks: Sequence[Mapping[str, Any]] = evaluation.get("weeks", ())
        if weeks:
            table = wandb.Table(columns=list(weeks[0]), data=[list(week.values()) for week in weeks])
            self._wandb.log({"validation/weeks": table})

    def note_artifact(self, folder: Path, name: str) -> None:
        if self._wandb is None:
            return
        import wandb

        artifact = wandb.Artifact(name, type="policy")
        artifact.add_dir(str(folder))
        self._wandb.log_artifact(artifact)

    def finish(self) -> None:
        if self._rows:
            with contextlib.suppress(OSError):  # a full disk has been told of by then; the curve is in metrics.csv
                _draw(self._rows, self._folder / CURVE)
        if self._wandb is not None:
            self._wandb.finish()

    def _write_all(self) -> None:
        if not self._rows:
            self._path.unlink(missing_ok=True)
            return
        part = self._path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self._rows[0]))
            writer.writeheader()
            writer.writerows(self._rows)
        os.replace(part, self._path)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row.get("env_steps") and None not in row.values()]


def check_tracking(config: Config) -> None:
    """Raise ValueError where online tracking has no key, before any work."""
    if config.wandb.mode == "online" and not os.environ.get(KEY):
        raise ValueError(
            f"wandb.mode online: the environment variable {KEY} is not set; set it or use wandb.mode=offline"
        )


def start_wandb(config: Config, folder: Path, group: str, job_type: str) -> Any:
    """A W&B run whose files lie in ``folder``, or None where tracking is off. The one place that opens it."""
    if config.wandb.mode == "disabled":
        return None
    os.environ.setdefault("WANDB_SILENT", "true")
    import wandb

    return wandb.init(
        project=config.wandb.project,
        name=config.run.name,
        group=group,
        job_type=job_type,
        dir=str(folder),
        mode=config.wandb.mode,
        config={**config.model_dump(mode="json"), "config_hash": config_hash(config)},
        settings=wandb.Settings(console="off", x_disable_stats=True, save_code=False),
    )


def _draw(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    steps = [float(row["env_steps"]) / 1e6 for row in rows]
    saving = [100.0 * float(row[SMOOTHED]) for row in rows]
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(steps, saving, linewidth=1.2)
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.set_xlabel("environment steps, million")
    axes.set_ylabel("saving against neutral, %")
    axes.set_title("training episodes, actions drawn", fontsize="medium")
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=120)
    os.replace(part, path)
