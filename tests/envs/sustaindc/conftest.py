"""Toy episodes of the SustainDC profile, and the recorded ones where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envs.sustaindc import Series, SustainDCBatch, size_site

TRACES = Path(os.environ.get("DEG_SHARED", "../shared")) / "fixtures" / "sustaindc"
PAD = 17


@pytest.fixture(scope="session")
def traces() -> Path:
    if not TRACES.is_dir():
        pytest.skip(f"no recorded SustainDC episodes at {TRACES}; set DEG_SHARED")
    return TRACES


@pytest.fixture(scope="session")
def make_series() -> Callable[..., Series]:
    def make(
        steps: int = 300, seed: int = 0, workload: float | None = None, day: int = 180, hour: float = 0.0
    ) -> Series:
        """Seeded weather, carbon and load; a constant load where one is given."""
        rng = np.random.default_rng(seed)
        rows = PAD + steps + PAD
        k = np.arange(rows)
        values = np.empty((rows, 6))
        values[:, 0] = np.clip(0.55 + 0.4 * np.sin(k / 15.0) + 0.05 * rng.standard_normal(rows), 0.0, 1.0)
        if workload is not None:
            values[:, 0] = workload
        values[:, 1] = 15.0 + 12.0 * np.sin(k / 20.0)
        values[:, 2] = values[:, 1] - 4.0
        values[:, 3] = 300.0 + 80.0 * np.sin(k / 12.0) + rng.standard_normal(rows)
        values[:, 4] = (values[:, 3] - 220.0) / 160.0
        values[:, 5] = (values[:, 1] - 3.0) / 24.0
        return Series(values, start=PAD, steps=steps, day=day, hour=hour)

    return make


@pytest.fixture
def make_batch(make_series: Callable[..., Series]) -> Callable[..., SustainDCBatch]:
    def make(flexible_share: float = 0.2, **series: float) -> SustainDCBatch:
        site = size_site("ca", flexible_share=flexible_share)
        return SustainDCBatch([site], [make_series(**series)], np.zeros(1, int), np.zeros(1, int))

    return make
