"""The Supplier Compensation Reference Price: one value for all periods of a price-cap quarter, GBP/MWh.

Sourced points come from Elexon settlement files (as published: GBP 87.21 in February 2026, 98.53 in August 2026).
Other quarters are modelled: the mean day-ahead price of the latest earlier quarter that the series covers in full
with real values, else GBP 90, the mean of what was paid from September 2025 to February 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grid.calendar import LONDON

SOURCED_GBP_PER_MWH = {"2026Q1": 87.21, "2026Q3": 98.53}
DEFAULT_GBP_PER_MWH = 90.0
# The GB price source drops one hour at each autumn clock change: that lone interpolated hour does not spoil a quarter.
MAX_FILLED = pd.Timedelta(hours=2)


def reference_price_gbp_per_mwh(
    times_utc: pd.DatetimeIndex, day_ahead: pd.Series | None = None, filled: np.ndarray | None = None
) -> tuple[np.ndarray, str]:
    """Reference price at each instant, float64 (n,), and the column's provenance: real only where all are sourced.

    ``day_ahead``: GBP/MWh on a regular tz-aware index, as long as is known; ``filled``: bool, True where it is not a
    real value. Quarters are calendar quarters in Europe/London.
    """
    quarters = _quarters(times_utc)
    wanted = quarters.unique()
    means = _real_quarter_means(day_ahead, filled) if day_ahead is not None else {}
    price = {quarter: _price(quarter, means) for quarter in wanted}
    sourced = all(str(quarter) in SOURCED_GBP_PER_MWH for quarter in wanted)
    return quarters.map(price).to_numpy(dtype=np.float64), "real" if sourced else "modelled"


def _price(quarter: pd.Period, means: Mapping[pd.Period, float]) -> float:
    if str(quarter) in SOURCED_GBP_PER_MWH:
        return SOURCED_GBP_PER_MWH[str(quarter)]
    earlier = [known for known in means if known < quarter]
    return means[max(earlier)] if earlier else DEFAULT_GBP_PER_MWH


def _real_quarter_means(day_ahead: pd.Series, filled: np.ndarray | None) -> dict[pd.Period, float]:
    """Mean day-ahead price of every quarter that is covered in full by real values."""
    if len(day_ahead) < 2:
        return {}
    step = day_ahead.index[1] - day_ahead.index[0]
    not_real = day_ahead.isna().to_numpy() | (np.zeros(len(day_ahead), bool) if filled is None else np.asarray(filled))
    frame = pd.DataFrame({"price": day_ahead.to_numpy(), "not_real": not_real})
    means = {}
    for quarter, part in frame.groupby(_quarters(pd.DatetimeIndex(day_ahead.index))):
        covered, length = len(part) * step, _length(quarter)
        if covered == length and part["not_real"].sum() * step <= MAX_FILLED:
            means[quarter] = float(part["price"].mean())
    return means


def _quarters(times_utc: pd.DatetimeIndex) -> pd.PeriodIndex:
    return times_utc.tz_convert(LONDON).tz_localize(None).to_period("Q")


def _length(quarter: pd.Period) -> pd.Timedelta:
    start, end = (period.start_time.tz_localize(LONDON) for period in (quarter, quarter + 1))
    return end - start
