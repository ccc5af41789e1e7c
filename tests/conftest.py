"""Shared by all rooms' tests: where the real data lie."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("DEG_SHARED") or Path(__file__).resolve().parent.parent / "../shared").resolve()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and fixtures; a test that needs it is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real data: set DEG_SHARED to the folder that holds data/ and fixtures/")
    return SHARED
