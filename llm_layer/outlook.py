"""One site's published outlook at one moment: its stages, its cheapest and dearest, and what o'clock they are."""

from __future__ import annotations

import numpy as np

from envs.view import SiteView
from grid.rows import FORECAST_HALF_HOURS
from llm_layer.lookahead import held_stages, stage_signals
from llm_layer.situation import clock

STEP_NS = 900 * 10**9
DAY_STEPS = 96


class Outlook:
    """Stages of the coming hours (``llm_layer.lookahead``).

    hold         steps until the next decision; the stages after them are what an action now competes with
    steps, starts  int64 (stages,): length and start of each stage, in control steps from now
    price, bill  float64 (stages,) GBP/kWh, of the objective and on the bill. carbon: float64 (stages,) kg/kWh
    sold         whether the present settlement period has been sold
    cheapest, dearest  stage after the hold, within a day, at the lowest and highest price
    """

    def __init__(self, view: SiteView, site: int, hold: int, p: dict[str, float]) -> None:
        self.now_ns = int(view.now_utc[site].astype(np.int64))
        self.hour = self.now_ns // (4 * STEP_NS) % 24
        self.quarter = self.now_ns // STEP_NS % 4
        self.hold = hold
        self.carbon_gbp_per_kg = p["carbon_price_gbp_per_t"] / 1000.0
        self.sold = bool(view.commitments_kw[site, view.period] > 0.0)
        self.steps, self.price, self.bill, self.carbon = stage_signals(
            view.row[site],
            view.forecast[site],
            view.commitments_kw[site, view.period : view.period + FORECAST_HALF_HOURS],
            self.quarter,
            hold,
            self.carbon_gbp_per_kg,
            1.0 - p["aggregator_share"],
        )
        self.starts = np.cumsum(self.steps) - self.steps
        held = held_stages(self.steps, hold)
        day = max(held + 1, int(np.searchsorted(self.starts, DAY_STEPS)))
        self.cheapest = held + int(np.argmin(self.price[held:day]))
        self.dearest = held + int(np.argmax(self.price[held:day]))
        self.rank = float((self.price[:day] < self.price[0]).mean())
        self.carbon_rank = float((self.carbon[:day] < self.carbon[0]).mean())

    def bill_gbp_per_mwh(self, stage: int) -> float:
        """What metered energy costs in a stage."""
        return 1000.0 * float(self.bill[stage])

    def now(self) -> str:
        """The present price in words, and whether it falls into a sale."""
        return f"now at GBP {self.bill_gbp_per_mwh(0):.0f}/MWh" + (" in a sold period" if self.sold else "")

    def clock(self, stage: int) -> str:
        """London wall clock at the start of a stage."""
        return clock(self.now_ns + int(self.starts[stage]) * STEP_NS)
