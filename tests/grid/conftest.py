import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grid.series import GridSeries


@pytest.fixture(scope="session")
def train_folder() -> str:
    """The real British signals; tests that need them are skipped where they are not."""
    folder = Path(os.environ.get("DEG_SHARED", "../shared")) / "data" / "train"
    if not folder.is_dir():
        pytest.skip(f"no signal files in {folder}; set DEG_SHARED")
    return str(folder)


@pytest.fixture
def small_series() -> GridSeries:
    """Ten plain days from 2023-05-01 with every column, so that a test can break one thing."""
    index = pd.date_range("2023-05-01", periods=960, freq="15min", tz="UTC", name="time_utc")
    frame = pd.DataFrame(
        {
            "utilisation": 0.5,
            "dry_bulb_degc": 12.0,
            "wet_bulb_degc": 9.0,
            "carbon_gco2_per_kwh": 150.0 + np.arange(960) % 96,
            "day_ahead_gbp_per_mwh": 80.0 + np.arange(960) % 96,
            "system_gbp_per_mwh": 90.0,
        },
        index=index,
    )
    return GridSeries.validated(frame, dict.fromkeys(frame.columns, "synthetic"), "ten days")
