"""Contract 4: what a controller may see. State of the site, plus what has been published by now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grid.rows import DAY_AHEAD, FORECAST_SIGNALS, TARIFF

if TYPE_CHECKING:
    from grid.events import FlexEvent


@dataclass(frozen=True)
class SiteView:
    """A batch of B sites at the start of one control step. Nothing here comes from the future.

    step            control steps since the start of the run
    now_utc         start of the step for each site, datetime64[ns] in UTC, (B,)
    row             float64 (B, len(grid.rows.COLUMNS)): the present row
    forecast        float32 (B, signals, 96): published forecasts, half-hourly to 48 h (see ``ExogenousRows``)
    published_steps int64 (B,): rows from now on whose day-ahead price is known exactly
    baseline_kw     float64 (B, 96): BL01 baseline of the half-hours to come, the present one first
    state           record array (B,) of ``envs.state.STATE_DTYPE``
    queue_kwh       float64 (B, 96): deferred work in IT kWh by steps left, [:, 0] has to run in this step
    params          record array (B,) of ``envs.params.SITE_DTYPE``
    commitments_kw  float64 (B, P): kW sold in each settlement period of the run
    events          for each site the requests published by now and not yet over
    notices         for each site the constraints read by now and not yet over (``llm_layer.notices.notice``), and what
                    is information only; empty where nobody reads
    """

    step: int
    now_utc: np.ndarray
    row: np.ndarray
    forecast: np.ndarray
    published_steps: np.ndarray
    baseline_kw: np.ndarray
    state: np.ndarray
    queue_kwh: np.ndarray
    params: np.ndarray
    commitments_kw: np.ndarray
    events: tuple[tuple[FlexEvent, ...], ...]
    notices: tuple[tuple[Any, ...], ...] = ()

    @property
    def batch_size(self) -> int:
        return len(self.row)

    @property
    def period(self) -> int:
        """Index of the present settlement period within the run."""
        return self.step // 2

    def timestamp(self, site: int) -> pd.Timestamp:
        """The present instant at one site, tz-aware UTC."""
        return pd.Timestamp(self.now_utc[site], tz="UTC")

    def outlook(self, signal: str) -> np.ndarray:
        """float64 (B, 97): a forecast signal now, then each half-hour of the next 48 h."""
        from grid.rows import COLUMNS

        now = self.row[:, COLUMNS.index(signal)][:, None]
        return np.concatenate([now, self.forecast[:, FORECAST_SIGNALS.index(signal)]], axis=1)

    def tariff_outlook_gbp_per_mwh(self) -> np.ndarray:
        """float64 (B, 97): the site's tariff, day-ahead price plus its fixed adder, now and to 48 h."""
        adder = self.row[:, TARIFF] - self.row[:, DAY_AHEAD]
        return self.outlook("day_ahead_gbp_per_mwh") + adder[:, None]
