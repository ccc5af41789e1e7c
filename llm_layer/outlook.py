"""Published outlooks at one moment: their stages, the cheapest and dearest, and what o'clock they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from envs.view import SiteView
from grid.rows import FORECAST_HALF_HOURS
from llm_layer.lookahead import STAGES, held_stages, stage_signals
from llm_layer.situation import clock

STEP_NS = 900 * 10**9
DAY_STEPS = 96


@dataclass(frozen=True, slots=True)
class Outlook:
    """One site's stages of the coming hours (``llm_layer.lookahead``).

    now_ns       present instant, nanoseconds since 1970. hour, quarter: of the UTC day, and of the hour
    hold         steps until the next decision; the stages after them are what an action now competes with
    steps, starts  int64 (stages,): length and start of each stage, in control steps from now
    price, bill  float64 (stages,) GBP/kWh, of the objective and on the bill. carbon: float64 (stages,) kg/kWh
    sold         whether the present settlement period has been sold
    cheapest, dearest  stage after the hold, within a day, at the lowest and highest price
    rank, carbon_rank  share of the day's stages that are lower than now
    """

    now_ns: int
    hour: int
    quarter: int
    hold: int
    carbon_gbp_per_kg: float
    sold: bool
    steps: np.ndarray
    starts: np.ndarray
    price: np.ndarray
    bill: np.ndarray
    carbon: np.ndarray
    cheapest: int
    dearest: int
    rank: float
    carbon_rank: float

    def bill_gbp_per_mwh(self, stage: int) -> float:
        """What metered energy costs in a stage."""
        return 1000.0 * float(self.bill[stage])

    def now(self) -> str:
        """The present price in words, and whether it falls into a sale."""
        return f"now at GBP {self.bill_gbp_per_mwh(0):.0f}/MWh" + (" in a sold period" if self.sold else "")

    def clock(self, stage: int) -> str:
        """London wall clock at the start of a stage."""
        return clock(self.now_ns + int(self.starts[stage]) * STEP_NS)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of n sites as arrays, as the look-ahead programmes take them.

    hold int64 (n,); steps int64 (n, stages); price float64 (n, stages); hour, quarter int64 (n,)
    """

    hold: np.ndarray
    steps: np.ndarray
    price: np.ndarray
    hour: np.ndarray
    quarter: np.ndarray


def outlooks(
    view: SiteView, params: np.ndarray, sites: np.ndarray, hold: Sequence[int]
) -> tuple[Stages, list[Outlook]]:
    """What n sites expect.

    Args:
        params: records of ``SITE_DTYPE`` (B,). sites: int64 (n,), places in the batch.
        hold: steps until each is asked again.
    """
    now_ns = view.now_utc[sites].astype(np.int64)
    holds = np.asarray(hold, dtype=np.int64)
    hour, quarter = now_ns // (4 * STEP_NS) % 24, now_ns // STEP_NS % 4
    sold_kw = np.ascontiguousarray(view.commitments_kw[sites, view.period : view.period + FORECAST_HALF_HOURS])
    p = params[sites]
    carbon_gbp_per_kg = p["carbon_price_gbp_per_t"] / 1000.0
    steps, starts, price, bill, carbon, at, ranks = _stages(
        view.row, view.forecast, sold_kw, sites, quarter, holds, carbon_gbp_per_kg, 1.0 - p["aggregator_share"]
    )
    lists = zip(
        now_ns.tolist(), hour.tolist(), quarter.tolist(), holds.tolist(), carbon_gbp_per_kg.tolist(),
        (sold_kw[:, 0] > 0.0).tolist(), steps, starts, price, bill, carbon, *at.T.tolist(), *ranks.T.tolist(),
        strict=True,
    )  # fmt: skip
    return Stages(holds, steps, price, hour, quarter), [Outlook(*of_site) for of_site in lists]


@njit(cache=True)
def _stages(
    row: np.ndarray,
    forecast: np.ndarray,
    sold_kw: np.ndarray,
    sites: np.ndarray,
    quarter: np.ndarray,
    hold: np.ndarray,
    carbon_gbp_per_kg: np.ndarray,
    kept_share: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``stage_signals`` of each site, starts after steps; then cheapest and dearest int64 (n, 2), ranks (n, 2)."""
    count = len(sites)
    steps, starts = np.zeros((count, STAGES), dtype=np.int64), np.zeros((count, STAGES), dtype=np.int64)
    price, bill, carbon = np.zeros((count, STAGES)), np.zeros((count, STAGES)), np.zeros((count, STAGES))
    at, ranks = np.zeros((count, 2), dtype=np.int64), np.zeros((count, 2))
    for i in range(count):
        site = sites[i]
        steps[i], price[i], bill[i], carbon[i] = stage_signals(
            row[site], forecast[site], sold_kw[i], quarter[i], hold[i], carbon_gbp_per_kg[i], kept_share[i]
        )
        for j in range(1, STAGES):
            starts[i, j] = starts[i, j - 1] + steps[i, j - 1]
        held = held_stages(steps[i], hold[i])
        day = 0
        while day < STAGES and starts[i, day] < DAY_STEPS:
            day += 1
        day = max(held + 1, day)
        low = high = held
        for j in range(held, min(day, STAGES)):
            if price[i, j] < price[i, low]:
                low = j
            if price[i, j] > price[i, high]:
                high = j
        at[i, 0], at[i, 1] = low, high
        cheaper = cleaner = 0
        for j in range(min(day, STAGES)):
            cheaper += price[i, j] < price[i, 0]
            cleaner += carbon[i, j] < carbon[i, 0]
        ranks[i, 0], ranks[i, 1] = cheaper / min(day, STAGES), cleaner / min(day, STAGES)
    return steps, starts, price, bill, carbon, at, ranks
