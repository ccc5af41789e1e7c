"""A synthetic data set is described as it is: file, hash, every column; valid where the validator is installed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from deg.cli import exit_code
from deg.croissant import SUFFIX


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("croissant") / "britain.parquet"
    assert exit_code(["data", "synth", "--out", str(path), "--seed", "5"]) == 0
    return path


def test_it_says_which_file_and_which_columns(made: Path) -> None:
    about = json.loads(made.with_name(made.stem + SUFFIX).read_text())
    (file,) = about["distribution"]
    assert file["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert (made.parent / file["contentUrl"]).is_file()
    (records,) = about["recordSet"]
    assert [field["name"] for field in records["field"]] == list(
        pd.read_parquet(made).reset_index().columns.drop("index", errors="ignore")
    )
    assert "synthetic signals, seed 5" in about["description"]
    assert about["conformsTo"] == "http://mlcommons.org/croissant/1.0"


def test_the_validator_takes_it_and_reads_the_rows(made: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant: pip install mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(made.with_name(made.stem + SUFFIX)))
    assert not dataset.metadata.ctx.issues.errors
    first = next(iter(dataset.records(record_set="quarter_hours")))
    assert "quarter_hours/carbon_gco2_per_kwh" in first
