"""Check a matrix report: its numbers against its rows, and a random sample of its rows against runs made anew.

Nothing is taken from the cache. A sample is of blocks, drawn at random; every number of a block's rows is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.axes import settings
from configs.load import config_hash, load_config
from configs.schema import Config
from evaluate.ablation import ablation
from evaluate.ablation_report import plain
from evaluate.block import Block, Job, run_block
from evaluate.identity import code_hash
from evaluate.matrix import SETTING, cases_of, own_setting
from evaluate.model_blocks import run_under_model
from evaluate.names import ADDITIVE, COUNTERS
from evaluate.strata import weeks_of
from evaluate.supervisors import models_asked
from evaluate.variants import Variant, check_known, groups_of
from llm_layer.answers import FILE_NAME as ANSWERS

CLOSE = 1e-9  # relative, of numbers made anew
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Checked:
    """problems: a line each, none where all holds. notes: what the comparison stands on."""

    numbers: int
    rows: int
    problems: list[str]
    notes: list[str]


def check(
    report: Path,
    sample: int,
    rng: np.random.Generator,
    on_progress: Progress | None = None,
    cache: Path | None = None,
) -> Checked:
    """Check ``report.json``, with ``config.yaml`` and ``results.csv`` beside it.

    cache: folder of the matrix's blocks, whose answers stand for language models; None: these are asked again.

    Raises:
        ValueError: a file that is missing or is no matrix report.
    """
    told, config, rows = _read(report)
    identity = told["identity"]
    notes = []
    if identity["code_hash"] != code_hash():
        notes.append(
            f"made by code {identity['code_hash']} ({identity['commit']}), checked by {code_hash()}: numbers may differ"
        )
    problems = (
        [] if identity["config_hash"] == config_hash(config) else ["config.yaml is not what the report was made from"]
    )
    compared, differing = _compare_numbers(told, rows)
    problems += differing
    count = 0
    blocks = list(_blocks(config, rows))
    chosen = rng.permutation(len(blocks))[:sample]
    for done, place in enumerate(chosen):
        if on_progress is not None:
            on_progress(done, len(chosen))
        setting, variant, seed, weeks = blocks[place]
        mine = rows[
            (rows.get(SETTING, "") == setting) & (rows["variant"] == variant) & (rows["seed"] == seed)
            & rows["week_start"].isin(weeks)
        ]  # fmt: skip
        count += len(mine)
        problems += _compare_block(config, setting, variant, seed, mine, cache)
    return Checked(compared, count, problems, notes)


def _read(report: Path) -> tuple[dict[str, Any], Config, pd.DataFrame]:
    try:
        told = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--check {report}: cannot be read ({error}); give a report.json of deg evaluate") from None
    folder = report.parent
    for name in ("config.yaml", "results.csv"):
        if not (folder / name).is_file():
            raise ValueError(f"--check {report}: {name} is not beside it; keep a report with its files")
    config = load_config(folder / "config.yaml")
    if config.evaluate.report != "ablation" or "variants" not in told:
        raise ValueError(
            f"--check {report}: of {config.evaluate.report}, not of an ablation; give an ablation's report"
        )
    rows = pd.read_csv(folder / "results.csv", dtype={SETTING: str}, keep_default_na=True)
    if SETTING in rows:
        rows[SETTING] = rows[SETTING].fillna("")
    return told, config, rows


def _compare_numbers(told: dict[str, Any], rows: pd.DataFrame) -> tuple[int, list[str]]:
    """Every number about variants and questions, recomputed from the rows."""
    result = ablation(own_setting(rows))
    again = {"variants": plain(list(result.summaries)), "answers": plain(list(result.answers))}
    compared, problems = 0, []
    for path, mine in _leaves(again, ""):
        theirs = _at(told, path)
        compared += 1
        if not _same(theirs, mine):
            problems.append(f"{path[1:]} is {theirs} in the report, {mine} from results.csv")
    return compared, problems


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}\0{key}")
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}\0{place}")
    elif isinstance(value, (int, float)):
        yield path, value


def _at(told: Any, path: str) -> Any:
    for part in path.split("\0")[1:]:
        try:
            told = told[int(part)] if isinstance(told, list) else told[part]
        except (KeyError, IndexError):
            return None
    return told


def _same(a: Any, b: float) -> bool:
    return isinstance(a, (int, float)) and bool(np.isclose(a, b, rtol=CLOSE, atol=1e-12, equal_nan=True))


def _blocks(config: Config, rows: pd.DataFrame) -> Iterator[tuple[str, str, int, tuple[str, ...]]]:
    """(setting, variant, seed, weeks) of every block that ``rows`` came from."""
    columns = [*([SETTING] if SETTING in rows else []), "variant", "seed"]
    for _, part in rows.groupby(columns, sort=False):
        first = part.iloc[0]
        setting, variant, seed = first.get(SETTING, ""), first["variant"], first["seed"]
        weeks = sorted(part["week_start"].astype(str))
        for group in groups_of(Variant.parse(str(variant)), len(weeks)):
            yield str(setting), str(variant), int(seed), tuple(weeks[k] for k in group)


def _compare_block(
    config: Config, setting: str, variant: str, seed: int, mine: pd.DataFrame, cache: Path | None
) -> list[str]:
    """Run one block anew and compare every number of its rows."""
    found = next((one for one in settings(config) if one.name == setting), None)
    if found is None:
        return [f"setting {setting}: not in config.yaml"]
    name = Variant.parse(variant)
    check_known([name])
    weeks = weeks_of(config)
    wanted = [week for week in weeks if week.isoformat() in set(mine["week_start"].astype(str))]
    job = Job(found.config, name, cases_of(found.config, wanted, seed), seed)
    again = _run(job, cache).rows
    problems = []
    for (_, theirs), (_, new) in zip(mine.sort_values("week_start").iterrows(), again.iterrows(), strict=True):
        for column in (*ADDITIVE, *COUNTERS):
            if not np.isclose(theirs[column], new[column], rtol=CLOSE, atol=1e-6, equal_nan=True):
                place = f"{setting or 'matrix'}, {variant}, seed {seed}, week {theirs['week_start']}"
                problems.append(f"{place}: {column} is {theirs[column]} in results.csv, {new[column]} when run again")
    return problems


def _run(job: Job, cache: Path | None) -> Block:
    if cache is not None and models_asked(job):
        return run_under_model([job], cache / ANSWERS)[0]
    return run_block(job, run_block(job.twin) if job.twin else None)
