"""The founding README's impact claims, recomputed: what of them holds, and under what conditions.

Bill and pounds come from matrices of the site under several markets; tonnes from shifting a flat load along recorded
carbon intensity; the price ceiling from recorded prices. All shares are ratios of sums with weeks resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.schema import Config
from evaluate.ablation import IDLE_TRADES, NEUTRAL, tables_of
from evaluate.ablation_delivery import Delivery, deliveries
from evaluate.claims_carbon import Shifted, shifted
from evaluate.claims_price import Prices, prices
from evaluate.headroom_plan import traders
from evaluate.matrix import run_in_turn, whole
from evaluate.names import ADDITIVE
from evaluate.sales import no_sales
from evaluate.statistics import Interval, ratio_of_sums

# What the founding README says.
BILL_SHARE = (0.15, 0.35)
SITE_GBP_A_YEAR = 36e6
SITE_SAVES_GBP = (5e6, 12e6)
TONNES, SITE_KWH, SHIFTED_SHARE = 21_780.0, 300e6, 0.3
CEILING_GBP_PER_MWH = 3_000.0

REQUESTS = "requests"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Market:
    """A condition that the bill is looked at under. keys: of ``market``; trades: with own trades where known."""

    name: str
    words: str
    keys: Mapping[str, Any]
    trades: bool = False


MARKETS = (
    Market("day_ahead", "day-ahead prices alone", {"requests": False}),
    Market(
        REQUESTS, "with flexibility requests, suppliers’ pot pays", {"requests": True, "compensation": "mutualised"}
    ),
    Market(
        "requests_vtp", "with requests, trader compensates the supplier", {"requests": True, "compensation": "vtp_pays"}
    ),
    Market(
        "trades", "with own trades too, suppliers’ pot pays", {"requests": True, "compensation": "mutualised"}, True
    ),
    Market(
        "trades_vtp", "with own trades too, trader compensates", {"requests": True, "compensation": "vtp_pays"}, True
    ),
)


@dataclass(frozen=True)
class Bill:
    """One variant under one market, shares of the neutral site's bill.

    bill    saved on the bill alone. net: bill less all flexibility money. net_real: without phantom money
    carbon  share of carbon saved
    """

    market: Market
    variant: str
    bill: Interval
    net: Interval
    net_real: Interval
    carbon: Interval


@dataclass(frozen=True)
class Claims:
    """Everything recomputed.

    gbp_per_mwh     of the neutral site's import over the weeks of the matrix
    deliveries      what requests paid for each MWh sold, by variant
    """

    bills: list[Bill]
    shifts: list[Shifted]
    prices: list[Prices]
    gbp_per_mwh: float
    deliveries: list[Delivery]
    weeks: int
    seeds: int


def planned(config: Config) -> list[tuple[Market, Config]]:
    """The matrix of each market; own trades only where a variant has a twin that makes them."""
    idle = (IDLE_TRADES,) if IDLE_TRADES in config.evaluate.variants else ()
    twins = tuple(dict.fromkeys((*idle, *traders(config.evaluate.variants).values())))
    found = []
    for market in MARKETS:
        changed = config.market.model_copy(update=dict(market.keys))
        variants = (NEUTRAL, *twins) if market.trades else tuple(v for v in config.evaluate.variants if v not in twins)
        if len(variants) > 1:
            evaluate = config.evaluate.model_copy(update={"variants": variants})
            found.append((market, config.model_copy(update={"market": changed, "evaluate": evaluate})))
    return found


def run_claims(
    config: Config, cache: Path, on_progress: Progress | None = None
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, list[str]]:
    """Market name -> result rows of what is whole, the sales under requests, and what failed.

    Raises ValueError: see ``evaluate.matrix.run_blocks``.
    """
    matrices = planned(config)
    rows, sales = {}, no_sales()
    failed: list[str] = []
    in_turn = run_in_turn([one for _, one in matrices], cache, on_progress)
    for (market, _), blocks in zip(matrices, in_turn, strict=True):
        rows[market.name] = whole(blocks.rows(), blocks.failures)
        sales = whole(blocks.sales(), blocks.failures) if market.name == REQUESTS else sales
        failed += [f"{market.words}: {failure}" for failure in blocks.failures]
    return rows, sales, failed


def claims(config: Config, rows: Mapping[str, pd.DataFrame], sales: pd.DataFrame, rng_seed: int = 0) -> Claims:
    """All claims from the rows and the signal files of ``config``.

    Raises:
        ValueError: signals that are not recorded files.
    """
    folder = config.signals.path
    if config.signals.source != "file" or folder is None:
        raise ValueError("evaluate.report claims is about recorded data; set signals.source=file and signals.path")
    found = [bill for market in MARKETS if market.name in rows for bill in _bills(market, rows[market.name], rng_seed)]
    first = next(iter(rows.values()))
    neutral = first[first["variant"] == NEUTRAL]
    return Claims(
        bills=found,
        shifts=shifted(Path(folder), SHIFTED_SHARE, SITE_KWH, rng_seed),
        prices=prices(Path(folder), CEILING_GBP_PER_MWH),
        gbp_per_mwh=float(1000.0 * neutral["energy_gbp"].sum() / neutral["import_kwh"].sum()),
        deliveries=deliveries(sales, rows[REQUESTS]) if REQUESTS in rows else [],
        weeks=config.evaluate.weeks,
        seeds=config.evaluate.seeds,
    )


def _bills(market: Market, rows: pd.DataFrame, rng_seed: int) -> list[Bill]:
    tables = tables_of(rows.dropna(subset=list(ADDITIVE)))
    neutral = tables[NEUTRAL]
    whole = neutral["cost_gbp"]

    def share(saved: np.ndarray, of: np.ndarray) -> Interval:
        return ratio_of_sums(saved, of, rng=np.random.default_rng(rng_seed))

    return [
        Bill(
            market=market,
            variant=name,
            bill=share(whole - mine["cost_gbp"], whole),
            net=share(whole - mine["net_gbp"], whole),
            net_real=share(whole - mine["net_real_gbp"], whole),
            carbon=share(neutral["carbon_kg"] - mine["carbon_kg"], neutral["carbon_kg"]),
        )
        for name, mine in tables.items()
        if name != NEUTRAL
    ]
