"""``deg run``: the orchestrated site over a stretch of time, settled and reported."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import CACHE, AsJson, ConfigFile, Overrides, print_json, stdout_kept

if TYPE_CHECKING:
    from configs.schema import Config
    from evaluate.run_data import Comparison

# label, additive name or counter of contract 8, unit
SHOWN = (
    ("bill", "cost_gbp", "GBP"),
    ("flexibility, real", "flex_real_gbp", "GBP"),
    ("flexibility, phantom", "flex_phantom_gbp", "GBP"),
    ("net cost", "net_gbp", "GBP"),
    ("objective", "objective_gbp", "GBP"),
    ("carbon", "carbon_kg", "kg"),
    ("decisions", "decisions", ""),
    ("overrides", "overrides", ""),
    ("requests accepted", "events_accepted", ""),
)


Compare = Annotated[
    Path | None,
    typer.Option("--compare", metavar="FILE", help="Also run this ablation and put its answer into the report."),
]


def run(
    overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False, compare: Compare = None
) -> None:
    """Run the site under its supervisor; write steps, settlement, audit trail, summary and report."""
    from configs.load import load_config
    from deg.progress import Reporter
    from deg.run_folder import run_folder

    config = load_config(config_file, overrides or ())
    matrix = load_config(compare) if compare else None
    target = Path(config.run.dir) / config.run.name
    try:
        with (
            stdout_kept(as_json),
            run_folder(target, config.beckn.enabled) as folder,
            Reporter(config.run.name) as reporter,
        ):
            from evaluate.happening import SERIES
            from evaluate.run import run_site
            from llm_layer.answers import FILE_NAME as ANSWERS

            if not (folder / SERIES).exists():  # a run that goes on has its own
                _fetch_first(config)
            beside = None if matrix is None else _compare(matrix, folder, target.parent / CACHE)
            answers = target.parent / CACHE / ANSWERS
            summary = run_site(config, folder, reporter, beside, answers)
    except KeyboardInterrupt as stop:
        print(f"stopped; {stop}", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print_json({"folder": str(target.resolve()), "report": str(target.resolve() / "report.html"), **summary})
    else:
        _print_summary(summary, target)


def _compare(matrix: Config, folder: Path, cache: Path) -> Comparison:
    """The ablation first: the run's own report shows what it found."""
    from deg.progress import Reporter
    from evaluate.matrix_files import compare

    with Reporter(matrix.run.name, "block") as reporter:
        return compare(matrix, folder / "ablation", cache, reporter)


def _fetch_first(config: Config) -> None:
    """Live signals come before the run, with a progress of their own; the run finds them at hand."""
    if config.signals.source != "live":
        return
    from deg.progress import Reporter
    from evaluate.cases import services_of
    from grid.calendar import london_midnight_utc
    from grid.sources import fetched

    start, end = (london_midnight_utc(config.run.start + timedelta(days=days)) for days in (0, config.run.days))
    with Reporter("fetching", "call") as reporter:
        for note in fetched(services_of(config), start, end, reporter).notes:
            print(f"note: {note}", file=sys.stderr)


def _print_summary(summary: Mapping[str, Any], folder: Path) -> None:
    for label, name, unit in SHOWN:
        value = summary[name]
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        print(f"{label:<22}{shown:>14} {unit}".rstrip())
    print(f"report: {(folder / 'report.html').resolve()}")
