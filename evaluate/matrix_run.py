"""A matrix that was run: its rows, its configuration, and where its data come from, as the reports read them."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from configs.load import config_hash
from configs.schema import Config
from evaluate.identity import code_commit, code_hash
from evaluate.matrix import cases_of
from evaluate.run_tables import rule_year
from evaluate.weeks import spread_weeks

_VERSIONS = ("numpy", "numba", "pandas", "scipy", "highspy", "torch")


@dataclass(frozen=True)
class MatrixRun:
    """rows: columns of ``evaluate.matrix.COLUMNS``; provenance: column of the row table -> its kinds over the weeks."""

    config: Config
    rows: pd.DataFrame
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class MatrixReport:
    """A report ready to be written.

    numbers     every number of the page, for ``report.json``
    tables      file name -> LaTeX
    headline    a row a variant, all with the same keys, for a terminal and for tracking
    sentences   what is to be said first
    """

    page: str
    numbers: dict[str, Any]
    tables: dict[str, str]
    headline: list[dict[str, Any]]
    sentences: list[str]


def provenance_of(config: Config) -> dict[str, str]:
    """Column -> real | filled | synthetic | modelled over the matrix's weeks; the least real where weeks differ."""
    order = ("real", "filled", "synthetic", "modelled")
    weeks = spread_weeks(config.evaluate.weeks, config.evaluate.period)
    found: dict[str, str] = {}
    for case in cases_of(config, weeks, 0):
        for column, kind in case.rows.provenance.items():
            found[column] = max(found.get(column, kind), kind, key=order.index)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[1]), item[0])))


def shared_context(run: MatrixRun) -> dict[str, Any]:
    """What every page about a matrix says of it: configuration, data, code, versions."""
    config = run.config
    weeks = sorted(run.rows["week_start"].astype(str).unique())
    years = sorted({week[:4] for week in weeks})
    return {
        "config": config,
        "weeks": weeks,
        "years": " and ".join(years),
        "rule_year": rule_year(config.model_dump(mode="json")),
        "data_year": int(years[0]),
        "seeds": int(run.rows["seed"].nunique()),
        "provenance": list(run.provenance.items()),
        "identity": identity(run),
        "commits": sorted(run.rows["code_commit"].astype(str).unique()),
        "folder": f"{config.run.dir}/{config.run.name}",
    }


def identity(run: MatrixRun) -> dict[str, str]:
    """What the numbers can be traced to."""
    data: Sequence[str] = sorted(run.rows["data_hash"].astype(str).unique())
    return {
        "commit": code_commit(),
        "code_hash": code_hash(),
        "config_hash": config_hash(run.config),
        "data_hashes": f"{len(data)}: {data[0]} .. {data[-1]}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in _VERSIONS},
    }
