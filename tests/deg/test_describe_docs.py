"""Generated pages follow from the code, and those in the repository are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from deg.describe_docs import ROOMS, ROOT, pages, room_page


@pytest.mark.parametrize("name", [*(f"rooms/{room}.md" for room in ROOMS), "configuration.md"])
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


def test_a_room_names_its_modules_and_what_they_offer() -> None:
    page = room_page("evaluate")
    assert "## `evaluate/counterfactual.py`" in page
    assert "- `ratio_of_sums()`: sum(part) / sum(whole)" in page
    assert "_replayed" not in page


def test_every_key_has_its_line() -> None:
    page = pages()["configuration.md"]
    assert "| `supervisor.every_steps` | `4` | 15-min steps |" in page
    assert str(Path.home()) not in page
