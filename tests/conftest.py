"""Shared by all rooms' tests: where the real data lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .llm_layer.loopback import Server

SHARED = Path(os.environ.get("DEG_SHARED") or Path(__file__).resolve().parent.parent / "../shared").resolve()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A model's server on this machine, asked without a key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and fixtures; a test that needs it is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real data: set DEG_SHARED to the folder that holds data/ and fixtures/")
    return SHARED
