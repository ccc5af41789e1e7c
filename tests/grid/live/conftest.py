import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from grid.http import Client, Terms

SERVER = runpy.run_path(str(Path(__file__).with_name("server.py")))


class Clock:
    """Time that a test moves; the client measures age on it."""

    def __init__(self, services: Any) -> None:
        self.services = services

    def __call__(self) -> float:
        return self.services.now.timestamp()

    def forward(self, **span: float) -> None:
        self.services.now += pd.Timedelta(**span)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """All public services on one loopback server; it is 2023-05-22 12:10 UTC there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = SERVER["GridServices"]("2023-05-22 12:10")
    yield running
    running.released.set()
    running.stop()


@pytest.fixture
def clock(services: Any) -> Clock:
    return Clock(services)


@pytest.fixture
def client(services: Any, clock: Clock, tmp_path: Path) -> Iterator[Client]:
    """Small waits, no distance; patient with a machine that is busy."""
    terms = Terms(silence_s=5.0, whole_s=10.0, tries=3, backoff_s=0.02, distance_s=0.0, rest_s=0.0)
    with Client(tmp_path / "cache", terms, clock) as opened:
        yield opened


@pytest.fixture
def hasty(client: Client, tmp_path: Path) -> Iterator[Client]:
    """The same without patience for silence."""
    with Client(tmp_path / "hasty", replace(client.terms, silence_s=0.6), client.clock) as opened:
        yield opened
