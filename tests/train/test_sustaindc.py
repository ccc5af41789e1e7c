"""SustainDC's own site behind the fast path: its codes, each agent its own observation, staggered episodes, a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from configs.schema import Config
from envs.sustaindc.batch import SustainDCBatch
from envs.sustaindc.series import Series
from envs.sustaindc.site import size_site
from train.sustaindc import DOWN, PARTS, SEEN, SustainDCSites, codes_of, end_to_end, train_sustaindc

STEPS = 96


def series(count: int) -> list[Series]:
    draws = np.random.default_rng(0)
    made = []
    for _ in range(count):
        rows = STEPS + 33
        day = np.sin(2.0 * np.pi * (np.arange(rows) / 96.0 + draws.random()))
        carbon, warm = 0.5 + 0.4 * day, 0.5 - 0.3 * day
        columns = (0.5 + 0.2 * day, 12.0 + 6.0 * day, 10.0 + 4.0 * day, 300.0 * carbon, carbon, warm)
        made.append(Series(np.column_stack(columns), start=16, steps=STEPS, day=120, hour=0.0))
    return made


def test_levels_become_sustaindc_codes() -> None:
    levels = np.array([[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype=np.float32)
    codes = codes_of(levels).tolist()
    assert codes == [[0, 1, 0], [1, 2, 1], [2, 0, 2]], "defer, discharge, colder; nothing; process, charge, warmer"


def test_sites_step_as_the_profile_does_at_staggered_points() -> None:
    site = size_site("ny")
    sites = SustainDCSites(site, series(1), 8, seed=0)
    twin = SustainDCBatch([site], series(1), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64))
    seen = np.zeros((8, SEEN), dtype=np.float32)
    sites.observe(seen)
    np.testing.assert_array_equal(seen[:2], end_to_end(twin.reset()))
    draws = np.random.default_rng(1)
    ended = np.zeros(8, dtype=np.int64)
    for _ in range(STEPS):
        levels = draws.integers(-1, 2, (8, 3)).astype(np.float32)
        sites.hold(levels)
        codes = codes_of(levels)[:2][:, [0, 2, 1]]
        result = twin.step(codes)
        np.testing.assert_array_equal(sites.reward[:2], result.rewards[:, [0, 2, 1]])
        ended += sites.done
        if not result.truncated:
            sites.observe(seen)
            np.testing.assert_array_equal(seen[:2], end_to_end(result.observations))
    np.testing.assert_array_equal(ended, np.ones(8))
    assert sum(PARTS) == SEEN


@pytest.mark.usefixtures("cluster")
def test_training_ends_in_a_table_that_beats_chance(small_config: Callable[..., Config]) -> None:
    config = small_config("train.env_steps=8192", "train.gamma=0.99")
    summary = train_sustaindc(config, series(8), series(2))
    table = {row["policy"]: row for row in summary["table"]}
    assert table["neutral"]["co2_vs_neutral"] == 0.0
    assert table["set-point always down"]["co2_vs_neutral"] < -0.02, DOWN
    assert table["trained agents"]["co2_kg"] < table["random"]["co2_kg"]
    assert summary["trained_wall_s"] > 0.0
