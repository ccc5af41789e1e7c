"""Contract 1: the exogenous world of one run, as a table that many sites share.

One row is one 15-minute control step. ``values`` is what the site kernel reads, column by column in
``COLUMNS`` order; ``forecast`` is what had been published about the future by the start of each row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from grid.events import FlexEvent

STEP_MINUTES = 15
STEP_HOURS = 0.25
STEPS_PER_PERIOD = 2
STEPS_PER_DAY = 96
RUN_IN_DAYS = 60
TAIL_STEPS = STEPS_PER_DAY  # 24 h after the run: queued work is priced on them

COLUMNS = (
    "utilisation",
    "dry_bulb_degc",
    "wet_bulb_degc",
    "carbon_gco2_per_kwh",
    "day_ahead_gbp_per_mwh",
    "system_gbp_per_mwh",
    "tariff_gbp_per_mwh",
    "network_gbp_per_mwh",
    "reference_price_gbp_per_mwh",
    "event_requested_kw",
    "event_gbp_per_mwh",
    "baseline_kw",
)
(
    UTILISATION, DRY_BULB, WET_BULB, CARBON, DAY_AHEAD, SYSTEM, TARIFF, NETWORK, REFERENCE_PRICE,
    EVENT_KW, EVENT_PRICE, BASELINE,
) = range(len(COLUMNS))  # fmt: skip

FORECAST_SIGNALS = (
    "carbon_gco2_per_kwh",
    "day_ahead_gbp_per_mwh",
    "system_gbp_per_mwh",
    "dry_bulb_degc",
    "wet_bulb_degc",
)
FORECAST_HALF_HOURS = 96  # 48 h

PROVENANCE = ("real", "filled", "synthetic", "modelled")


@dataclass(frozen=True)
class ExogenousRows:
    """The world of one run: ``steps`` control steps, then at least ``TAIL_STEPS`` more for the terminal terms.

    values          float64 (T, len(COLUMNS)), units in the column names, T >= steps + TAIL_STEPS
    forecast        float32 (T, len(FORECAST_SIGNALS), 96): [t, s, k] is what was published by the start of row t
                    about signal s at (row start + 30 min x (k + 1)); day-ahead prices are exact while published
    published_steps int64 (T,): how many rows from t on (t included) have their day-ahead price published at t
    trailing        float64 (T, len(FORECAST_SIGNALS)): mean of each signal over the 7 days before the row
    events          requests of the whole run, each visible from its ``published_at`` on
    provenance      column name -> real | filled | synthetic | modelled
    seen            float64 (T, len(COLUMNS)): what controllers see of ``values`` where it is not the truth (sensors or
                    signals out), or None
    """

    start_utc: pd.Timestamp
    steps: int
    values: np.ndarray
    forecast: np.ndarray
    published_steps: np.ndarray
    trailing: np.ndarray
    events: tuple[FlexEvent, ...] = ()
    provenance: dict[str, str] = field(default_factory=dict)
    seen: np.ndarray | None = None

    @property
    def visible(self) -> np.ndarray:
        """float64 (T, len(COLUMNS)): the rows as controllers see them."""
        return self.values if self.seen is None else self.seen

    def __getitem__(self, column: str) -> np.ndarray:
        """float64 (T,): one column by name."""
        return self.values[:, COLUMNS.index(column)]

    @property
    def periods(self) -> int:
        """Settlement periods of the run proper (30 min each)."""
        return self.steps // STEPS_PER_PERIOD

    @property
    def times_utc(self) -> pd.DatetimeIndex:
        """Start of every row, tz-aware UTC, tail included."""
        return pd.date_range(self.start_utc, periods=len(self.values), freq=f"{STEP_MINUTES}min")
