"""``deg evaluate``: variants compared over weeks and seeds, as a report whose every number comes from the rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import CACHE, AsJson, ConfigFile, Overrides, print_json, print_table, stdout_kept

if TYPE_CHECKING:
    from evaluate.matrix_run import MatrixReport

TRACKED = ("report.html", "report.json", "results.csv", "config.yaml")


Check = Annotated[
    Path | None,
    typer.Option("--check", metavar="REPORT.json", help="Check a report: its numbers from its rows, rows run again."),
]
Sample = Annotated[int, typer.Option("--sample", min=1, help="With --check: blocks to run again, drawn at random.")]


def evaluate(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
    check: Check = None,
    sample: Sample = 3,
) -> None:
    """Compare variants over weeks and seeds; write rows, report, LaTeX tables and every number as JSON."""
    if check is not None:
        _check(check, sample, as_json)
        return
    from configs.load import load_config
    from deg.progress import Reporter
    from deg.run_folder import run_folder
    from deg.tracking import track_report
    from train.tracking import check_tracking

    config = load_config(config_file, overrides or ())
    check_tracking(config)
    target, cache = Path(config.run.dir) / config.run.name, Path(config.run.dir) / CACHE
    try:
        with stdout_kept(as_json), run_folder(target) as folder, Reporter(config.run.name, "block") as reporter:
            from evaluate.matrix_files import evaluate_matrix

            report = evaluate_matrix(config, folder, cache, reporter)
            track_report(config, folder, "evaluate", _summary(report.headline), _tables(report), TRACKED)
    except KeyboardInterrupt:
        print("stopped; finished blocks are kept, the same command goes on from there", file=sys.stderr)
        raise typer.Exit(1) from None
    page = target.resolve() / "report.html"
    if as_json:
        print_json({"folder": str(target.resolve()), "report": str(page), **report.numbers})
    else:
        _show(report, page)
    if report.failures:
        for failure in report.failures:
            print(f"failed: {failure}", file=sys.stderr)
        count = f"{len(report.failures)} block{'s'[: len(report.failures) > 1]}"
        print(f"{count} failed; the same command tries that again and repeats nothing else", file=sys.stderr)
        raise typer.Exit(1)


def _show(report: MatrixReport, page: Path) -> None:
    names = [name for name in report.headline[0] if not name.endswith(("_low_percent", "_high_percent"))]
    print_table("", [name.replace("_", " ") for name in names], [_cells(row, names) for row in report.headline])
    print("\n".join([*report.sentences, f"report: {page}"]))


def _check(report: Path, sample: int, as_json: bool) -> None:
    """Exit code 1 where a number does not hold."""
    from deg.progress import Reporter

    with stdout_kept(as_json), Reporter("check", "block") as reporter:
        import numpy as np

        from evaluate.matrix_check import check

        found = check(report, sample, np.random.default_rng(), reporter, report.resolve().parents[1] / CACHE)
    if as_json:
        print_json(vars(found))
    else:
        for line in (*(f"note: {note}" for note in found.notes), *found.problems):
            print(line)
        print(
            f"{found.numbers:,} numbers from results.csv and {found.rows} rows run again: {len(found.problems)} differ"
        )
    if found.problems:
        raise typer.Exit(1)


def _tables(report: MatrixReport) -> dict[str, list[dict[str, Any]]]:
    """What is tracked as tables: the headline, and each question with its answer."""
    questions = [
        {
            "a": answer["a"],
            "b": answer["b"],
            **{f"saving_{end}": answer["saving"]["claim_gbp"][end] for end in ("estimate", "low", "high")},
            "p_holm": answer["p_holm"],
            "verdict": answer["verdict"],
        }
        for answer in report.numbers.get("answers", ())
    ]
    return {"headline": report.headline, "questions": questions}


def _summary(headline: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """``threshold/saving_percent`` and the like."""
    return {
        f"{row['variant']}/{name}": value for row in headline for name, value in row.items() if isinstance(value, float)
    }


def _cells(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Values as text; a per cent with its interval, where the row has one."""
    cells = []
    for name in names:
        value, stem = row[name], name.removesuffix("_percent")
        if not isinstance(value, float):
            cells.append(str(value or "-"))
        elif stem == name:
            cells.append(f"{value:.1f}")
        else:
            cells.append(f"{value:.1f} [{row[f'{stem}_low_percent']:.1f}, {row[f'{stem}_high_percent']:.1f}]")
    return cells
