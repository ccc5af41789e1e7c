"""Run a matrix and write its folder: configuration, rows, report, tables, and every number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from configs.load import dump
from configs.schema import Config
from evaluate import ablation_report, claims_report, headroom_report
from evaluate.ablation import require_neutral
from evaluate.atomic import write_parquet, write_text
from evaluate.claims import run_claims
from evaluate.headroom_plan import run_scenarios
from evaluate.matrix import own_setting, run_blocks, whole
from evaluate.matrix_effects import override_effects
from evaluate.matrix_run import MatrixReport, MatrixRun, by_kind, provenance_of
from evaluate.run_data import Comparison

Progress = Callable[[int, int], None]


def evaluate_matrix(config: Config, folder: Path, cache: Path, on_progress: Progress | None = None) -> MatrixReport:
    """Everything ``deg evaluate`` does. cache: folder of finished blocks, shared by all matrices.

    Raises:
        ValueError: no neutral variant, an unknown controller, weeks outside the data.
    """
    require_neutral(config.evaluate.variants)
    write_text(folder / "config.yaml", dump(config))
    if config.evaluate.report == "headroom":
        by_scenario, failed = run_scenarios(config, cache, on_progress)
        report = headroom_report.make(config, by_scenario, provenance_of(config), failed)
        rows = pd.concat([part.assign(scenario=key) for key, part in by_scenario.items()], ignore_index=True)
    elif config.evaluate.report == "claims":
        by_market, sales, failed = run_claims(config, cache, on_progress)
        report = claims_report.make(config, by_market, sales, provenance_of(config), failed)
        rows = pd.concat([part.assign(market=key) for key, part in by_market.items()], ignore_index=True)
    else:
        blocks = run_blocks(config, cache, on_progress)
        rows, sales = blocks.rows(), blocks.sales()
        effects = override_effects(config, blocks, on_progress)
        compared, sold = whole(rows, blocks.failures), whole(sales, blocks.failures)
        run = MatrixRun(
            config,
            own_setting(compared),
            by_kind(blocks.provenance),
            compared,
            blocks.settings,
            own_setting(sold),
            effects,
            [str(failure) for failure in blocks.failures],
        )
        report = ablation_report.make(run)
        write_text(folder / "sales.csv", sales.to_csv(index=False, lineterminator="\n"))
        write_text(folder / "overrides.csv", effects.to_csv(index=False, lineterminator="\n"))
    write_text(folder / "results.csv", rows.to_csv(index=False, lineterminator="\n"))
    write_parquet(folder / "results.parquet", rows)
    _write_report(folder, report)
    return report


def compare(config: Config, folder: Path, cache: Path, on_progress: Progress | None = None) -> Comparison:
    """Run a matrix into ``folder`` beside a run, and say what a run's report shows of it."""
    folder.mkdir()
    report = evaluate_matrix(config, folder, cache, on_progress)
    return Comparison(
        rows=report.headline,
        sentences=report.sentences,
        weeks=config.evaluate.weeks,
        seeds=config.evaluate.seeds,
        page=f"{folder.name}/report.html",
    )


def _write_report(folder: Path, report: MatrixReport) -> None:
    (folder / "tables").mkdir(exist_ok=True)
    for name, text in report.tables.items():
        write_text(folder / "tables" / name, text)
    write_text(folder / "report.html", report.page)
    write_text(folder / "report.json", json.dumps(report.numbers, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
