"""The notebooks are short, carry no outputs, import the package alone, and run from top to bottom."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_CELLS, MOST_CPU_S = 14, 60.0
ROOMS = "agents configs deg envs evaluate grid llm_layer train"
OTHERS = "json tempfile pathlib datetime numpy pandas matplotlib"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_carries_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert len(notebook.cells) <= MOST_CELLS
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    imported = re.findall(r"^(?:from|import) (\w+)", "\n".join(cell.source for cell in code), re.M)
    assert set(imported) <= set(f"{ROOMS} {OTHERS}".split())


def test_there_are_five() -> None:
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEG_SHARED", os.environ.get("DEG_SHARED") or str(ROOT.parent / "shared"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(path, 4)
    notebook.cells.append(nbformat.v4.new_code_cell("import time; print(time.process_time())"))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert float(notebook.cells[-1].outputs[0].text) < MOST_CPU_S
