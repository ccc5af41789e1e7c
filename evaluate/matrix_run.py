"""A matrix that was run: its rows, its configuration, and where its data come from, as the reports read them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from configs.axes import Setting
from configs.load import config_hash
from configs.schema import Config
from evaluate.identity import code_commit, code_hash
from evaluate.matrix import KINDS, cases_of, least_real
from evaluate.run_tables import rule_year
from evaluate.strata import weeks_of

# What a column of a table rests on: columns of the row table. The site itself is modelled throughout.
RESTS_ON = {
    "bill": ("tariff_gbp_per_mwh",),
    "carbon": ("carbon_gco2_per_kwh",),
    "flex": ("event_gbp_per_mwh", "system_gbp_per_mwh", "baseline_kw"),
}
_VERSIONS = ("numpy", "numba", "pandas", "scipy", "highspy", "torch")


@dataclass(frozen=True)
class MatrixRun:
    """rows: columns of ``evaluate.matrix.COLUMNS``; provenance: column of the row table -> its kinds over the weeks.

    all_rows, settings  of a matrix with other settings besides its configuration: rows of all of them
    sales, effects      see ``evaluate.sales`` and ``evaluate.matrix_effects``; None where they were not kept
    failures            what could not be run, a line each; variants that miss a block are not among the rows
    """

    config: Config
    rows: pd.DataFrame
    provenance: Mapping[str, str]
    all_rows: pd.DataFrame | None = None
    settings: tuple[Setting, ...] = ()
    sales: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None
    failures: Sequence[str] = ()


@dataclass(frozen=True)
class MatrixReport:
    """A report ready to be written.

    numbers     every number of the page, for ``report.json``
    tables      file name -> LaTeX
    headline    a row a variant, all with the same keys, for a terminal and for tracking
    sentences   what is to be said first
    failures    what could not be run, a line each
    """

    page: str
    numbers: dict[str, Any]
    tables: dict[str, str]
    headline: list[dict[str, Any]]
    sentences: list[str]
    failures: Sequence[str] = ()


def provenance_of(config: Config) -> dict[str, str]:
    """Column -> real | filled | synthetic | modelled over the matrix's weeks; the least real where weeks differ."""
    found: dict[str, str] = {}
    least_real(found, cases_of(config, weeks_of(config), 0))
    return by_kind(found)


def by_kind(provenance: Mapping[str, str]) -> dict[str, str]:
    """The most real columns first."""
    return dict(sorted(provenance.items(), key=lambda item: (KINDS.index(item[1]), item[0])))


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
        "marks": marks(run.provenance, bool(config.tariff.network_bands)),
        "identity": identity(run),
        "commits": sorted(run.rows["code_commit"].astype(str).unique()),
        "folder": f"{config.run.dir}/{config.run.name}",
        "failures": list(run.failures),
    }


def marks(provenance: Mapping[str, str], network: bool) -> dict[str, str]:
    """What the prices or intensities behind a column of a table are at worst: real, filled, synthetic or modelled.

    network: whether the bill has network charges.
    """
    rests = {**RESTS_ON, "bill": (*RESTS_ON["bill"], *(("network_gbp_per_mwh",) if network else ()))}
    found = {name: [provenance[one] for one in columns if one in provenance] for name, columns in rests.items()}
    return {name: max(kinds, key=KINDS.index, default="modelled") for name, kinds in found.items()}


def _processor() -> str:
    """The model's name where Linux tells it."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")), "unknown"
    )


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
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        **{name: version(name) for name in _VERSIONS},
    }
