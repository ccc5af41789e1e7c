"""A report can be checked: its numbers from its rows, its rows by running them again, its page by opening it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from evaluate.ablation import ablation
from evaluate.ablation_parts import TERMS, whys
from evaluate.matrix_check import check
from evaluate.matrix_files import evaluate_matrix
from evaluate.page import number

OVERRIDES = [
    "run.name=checked", "evaluate.weeks=6", "evaluate.seeds=1", "evaluate.counterfactual_weeks=1",
    "evaluate.variants=[neutral, neutral+trades, threshold, threshold+rules]",
    "evaluate.axes={site.carbon_price_gbp_per_t: [0.0, 500.0]}",
]  # fmt: skip
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("checked")
    evaluate_matrix(load_config(None, OVERRIDES), made, made / ".cache")
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text()


def test_a_report_as_written_holds(folder: Path) -> None:
    found = check(folder / "report.json", 2, np.random.default_rng(0))
    assert found.problems == []
    assert found.notes == []
    assert found.numbers > 100
    assert found.rows >= 2


@pytest.mark.parametrize("name", ["results.csv", "report.json"])
def test_a_number_that_was_changed_is_found(folder: Path, tmp_path: Path, name: str) -> None:
    for each in ("config.yaml", "results.csv", "report.json"):
        shutil.copy(folder / each, tmp_path / each)
    if name == "results.csv":
        rows = pd.read_csv(tmp_path / name)
        rows.loc[rows["variant"] == "threshold", "carbon_kg"] *= 1.01
        rows.to_csv(tmp_path / name, index=False)
    else:
        told = json.loads((tmp_path / name).read_text())
        told["variants"][2]["saving"]["claim_gbp"]["low"] += 0.001
        (tmp_path / name).write_text(json.dumps(told))
    assert check(tmp_path / "report.json", 1, np.random.default_rng(0)).problems


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        check(tmp_path / "report.json", 1, np.random.default_rng(0))


def test_the_page_shows_what_the_rows_add_up_to(folder: Path, page: str) -> None:
    rows = pd.read_csv(folder / "results.csv")
    rows = rows[rows["setting"].isna()]
    rows["claim"] = rows["objective_gbp"] + rows["flex_phantom_gbp"]
    means = rows.groupby("variant")[["claim", "cost_gbp", "carbon_kg", "flex_real_gbp", "flex_phantom_gbp"]].mean()
    table = page[page.index('<table id="variants">') :]
    for variant, mean in means.iterrows():
        row = re.search(rf'<tr data-name="{re.escape(str(variant))}">(.*?)</tr>', table, re.S)
        assert row is not None
        cells = [re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", row[1], re.S)]
        assert cells[0] == number(mean["claim"])
        assert [cells[k] for k in (2, 3, 5, 6)] == [number(value) for value in mean.iloc[1:]]


def test_every_section_is_there_and_nothing_reaches_outside(page: str) -> None:
    for section in ("savings", "questions", "losses", "plane", "flex", "delivery", "supervisor", "settings", "method"):
        assert f'id="{section}"' in page
    assert "Frontiers: other carbon prices" in page
    assert 'class="mark synthetic"' in page
    assert not re.search(r"https?:|//\w|@import|@font-face|<script|<img", page)


def test_terms_of_a_difference_add_up(folder: Path) -> None:
    rows = pd.read_csv(folder / "results.csv")
    own = rows[rows["setting"].isna()].copy()
    worse = own[own["variant"] == "threshold"].copy()
    worse[["energy_gbp", "cost_gbp", "net_gbp", "objective_gbp"]] += 500.0
    worse["variant"] = "threshold+rules"
    both = pd.concat([own[own["variant"] != "threshold+rules"], worse])
    (why,) = [one for one in whys(both, ablation(both)) if one.b == "threshold"]
    assert list(why.terms) == list(TERMS)
    assert why.terms["energy_gbp"].estimate == pytest.approx(500.0)
    assert sum(term.estimate for term in why.terms.values()) == pytest.approx(why.total.estimate, abs=1e-6)


def test_overrides_in_the_report_are_those_of_the_file(folder: Path, told: dict[str, Any]) -> None:
    effects = pd.read_csv(folder / "overrides.csv")
    (found,) = told["overrides"]
    assert found["count"] == len(effects)
    assert found["best"][0]["effect_gbp"] == pytest.approx(effects["effect_gbp"].max())
    assert found["worst"][0]["effect_gbp"] == pytest.approx(effects["effect_gbp"].min())
    assert found["replayed_gbp"] < 1e-6


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_opens_it_without_complaint(folder: Path, width: int) -> None:
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        f"--window-size={width},2000", "--virtual-time-budget=2000", "--dump-dom", f"file://{folder}/report.html",
    ]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert told.returncode == 0
    assert "CONSOLE" not in told.stderr
    assert 'id="savings"' in told.stdout
