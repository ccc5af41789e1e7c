"""How high recorded prices have been: what "up to GBP 3,000/MWh" stands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FILE = "gb_price.csv.gz"
REAL = ("real", "filled_1h")


@dataclass(frozen=True)
class Prices:
    """Recorded day-ahead prices of one year, GBP/MWh; filled hours are left out.

    above: share of hours at or above a third, two thirds and the whole of what is claimed
    """

    year: int
    hours: int
    mean: float
    highest: float
    highest_at: str
    above: tuple[float, float, float]


def prices(folder: Path, ceiling_gbp_per_mwh: float) -> list[Prices]:
    """Every year of the file with recorded prices."""
    frame = pd.read_csv(folder / FILE)
    time = frame[frame.columns[0]]
    real = frame["source"].isin(REAL)
    found = []
    for year, mine in frame[real].groupby(time[real].str[:4]):
        value = mine["price_gbp_per_mwh"].to_numpy(float)
        at = str(time[mine.index[int(value.argmax())]])
        third, two_thirds, whole = (float((value >= ceiling_gbp_per_mwh * part / 3.0).mean()) for part in (1, 2, 3))
        found.append(
            Prices(int(str(year)), len(mine), float(value.mean()), float(value.max()), at, (third, two_thirds, whole))
        )
    return found
