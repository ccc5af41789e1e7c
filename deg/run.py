"""``deg run``: the orchestrated site over a stretch of time, settled and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from deg.common import RUN_MARK, AsJson, ConfigFile, Overrides, print_json, run_folder, stdout_kept


def run(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Run the site under its supervisor; write steps, settlement, audit trail, summary and report."""
    from deg.config import config_hash, dump_config, load_config
    from deg.progress import Progress

    config = load_config(config_file, overrides or ())
    folder = Path(config.run.dir) / config.run.name
    with stdout_kept(as_json), run_folder(config.run.dir, config.run.name) as staging, Progress() as progress:
        progress.stage("loading")
        from deg.compose import run_site
        from evaluate.run_report import build_run_report

        (staging / RUN_MARK).write_text(f"# config hash {config_hash(config)}\n{dump_config(config)}", encoding="utf-8")
        summary = run_site(config, staging, progress)
        progress.stage("report")
        build_run_report(staging)
    if as_json:
        print_json({"folder": str(folder), "report": str(folder / "report.html"), **summary})
    else:
        _print_summary(summary, folder)
    if summary.get("interrupted"):
        raise typer.Exit(1)


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    rows = (
        ("bill", "cost_gbp", "GBP"),
        ("flexibility, real", "flex_real_gbp", "GBP"),
        ("flexibility, phantom", "flex_phantom_gbp", "GBP"),
        ("objective", "objective_gbp", "GBP"),
        ("carbon", "carbon_kg", "kg"),
        ("decisions", "decisions", ""),
        ("overrides", "overrides", ""),
        ("requests accepted", "events_accepted", ""),
    )
    for label, name, unit in rows:
        value = summary[name]
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        print(f"{label:<22}{shown:>14} {unit}".rstrip())
    if summary.get("interrupted"):
        print("stopped early: the run ends where it was stopped")
    print(f"report: {(folder / 'report.html').resolve()}")
