"""What makes the British site worth believing: its PUE over London weather, and set-points that are a real choice."""

import numpy as np
import pandas as pd
import pytest

from envs.neutral import run_neutral
from envs.params import site_params
from grid.rows import COLUMNS, UTILISATION, WET_BULB
from grid.sources import load_signals
from grid.workload import load_workload

# Published yearly PUE of sites cooled largely without chillers: Meta about 1.09, Google 1.10, Microsoft 1.18 (2021-22).
PUBLISHED_PUE = (1.08, 1.18)
LEVELS_DEGC = np.arange(16.0, 26.01, 0.5)


def london(shared, year, months):
    """Rows (n, columns) of real or synthetic London weather and utilisation; a month in each of ``months``."""
    folder = None if shared is None else str(shared / "data" / "train")
    parts = []
    for month in months:
        start = pd.Timestamp(f"{year}-{month:02d}-01", tz="UTC")
        span = start, start + pd.DateOffset(months=1)
        signals = load_signals("synthetic" if folder is None else "file", folder, *span, seed=0)
        work = load_workload("generator" if folder is None else "alibaba_2", folder, *span, seed=0)
        frame = signals.with_columns(work).frame.loc[span[0] : span[1]]
        values = np.zeros((len(frame), len(COLUMNS)))
        for name in ("utilisation", "wet_bulb_degc", "dry_bulb_degc"):
            values[:, COLUMNS.index(name)] = frame[name]
        parts.append(values)
    return parts


def best_constant(values):
    """Supply air, degC, at which the neutral site imports least over the rows."""
    imports = [run_neutral(site_params(supply_neutral_degc=c), values).import_kwh.sum() for c in LEVELS_DEGC]
    return LEVELS_DEGC[int(np.argmin(imports))]


def check_pue(months):
    pue = run_neutral(site_params(), np.concatenate(months)).import_per_it
    assert PUBLISHED_PUE[0] < pue < PUBLISHED_PUE[1]


@pytest.mark.parametrize("year", [2021, 2022])
def test_pue_over_london_weather_is_that_of_published_free_cooled_sites(shared, year):
    check_pue(london(shared, year, (4, 7, 10, 12)))


def test_pue_over_synthetic_weather_too():
    check_pue(london(None, 2022, (4, 7, 10, 12)))


def test_best_constant_set_point_moves_with_the_season():
    winter, summer = london(None, 2022, (1, 7))
    assert best_constant(summer) - best_constant(winter) >= 2.0


def test_best_constant_set_point_moves_with_the_load_in_mild_weather():
    mild = np.zeros((192, len(COLUMNS)))
    mild[:, WET_BULB] = 15.0  # a London summer night: partial free cooling
    best = []
    for load in (0.2, 0.9):
        mild[:, UTILISATION] = load
        best.append(best_constant(mild))
    assert abs(best[1] - best[0]) >= 2.0  # light load goes to the warm end, heavy load stops where server fans speed up


def test_a_site_of_another_size_is_the_same_site_scaled():
    values = london(None, 2022, (7,))[0]
    one = run_neutral(site_params(), values)
    five = run_neutral(site_params(it_capacity_kw=5000.0, import_limit_kw=8000.0), values)
    np.testing.assert_allclose(five.import_kwh, 5.0 * one.import_kwh, rtol=1e-9)
