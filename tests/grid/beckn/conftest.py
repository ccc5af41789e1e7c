"""Third-party messages are read from the shared folder (their licence does not let them live here)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(os.environ.get("DEG_SHARED") or "../shared") / "fixtures" / "beckn"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    if not (FIXTURES / "index.json").is_file():
        pytest.skip(f"no Beckn fixtures at {FIXTURES}; set DEG_SHARED")
    return FIXTURES


@pytest.fixture(scope="session")
def published(fixtures: Path) -> dict[str, bytes]:
    """Every published message by its file name, as bytes."""
    index = json.loads((fixtures / "index.json").read_text())
    return {one["file"]: (fixtures / one["file"]).read_bytes() for one in index["files"] if one["kind"] == "message"}


@pytest.fixture
def confirm(published: dict[str, bytes]) -> dict[str, Any]:
    """The LTS confirm of a 480 kW turn-down, a fresh copy."""
    return json.loads(published["lts/C_flex_as_product/09_confirm.json"])
