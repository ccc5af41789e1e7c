"""Elexon Insights: system (imbalance) prices by settlement date, and the market index of short-term trades.

Since 2015 sell and buy price of a period are one. A provider without trades in a period reports volume 0 and price 0:
that is no trade, so no value, not a free half-hour.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from grid.calendar import LONDON, PERIOD, london_midnight_utc
from grid.sources.feeds import HALF_HOUR, Call, Feed, spans, table

BASE_URL = "https://data.elexon.co.uk/bmrs/api/v1"
ATTRIBUTION = "Contains BMRS data © Elexon Limited copyright and database right"
PROVIDER = "APXMIDP"
INDEX_DAYS = pd.Timedelta(days=7)
SETTLED_AFTER = pd.Timedelta(days=35)  # settlement runs R1 and R2 still move prices; later ones hardly do
SYSTEM, INDEX = "system_gbp_per_mwh", "market_index_gbp_per_mwh"


def system_price(base_url: str = BASE_URL) -> Feed:
    """The single system price of each settlement period; one call a London date."""
    return Feed(
        "system price", base_url, ATTRIBUTION, (SYSTEM,), HALF_HOUR, SETTLED_AFTER, _system_calls, _system_prices
    )


def market_index(base_url: str = BASE_URL) -> Feed:
    """Volume-weighted price of short-term trades; NaN where nothing was traded."""
    return Feed("market index", base_url, ATTRIBUTION, (INDEX,), HALF_HOUR, SETTLED_AFTER, _index_calls, _index_prices)


def _system_calls(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> list[Call]:
    first, last = (at.tz_convert(LONDON).date() for at in (start_utc, end_utc - HALF_HOUR))
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    return [
        Call(
            f"/balancing/settlement/system-prices/{day}",
            london_midnight_utc(day),
            london_midnight_utc(day + timedelta(days=1)),
        )
        for day in days
    ]


def _index_calls(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> list[Call]:
    return [
        Call(
            "/balancing/pricing/market-index",
            start,
            end,
            {"from": f"{start:%Y-%m-%dT%H:%MZ}", "to": f"{end:%Y-%m-%dT%H:%MZ}", "dataProviders": PROVIDER},
        )
        for start, end in spans(start_utc, end_utc, INDEX_DAYS)
    ]


def _system_prices(tree: Any) -> pd.DataFrame:
    return table([(_start(entry), entry["systemSellPrice"]) for entry in tree["data"]], (SYSTEM,))


def _index_prices(tree: Any) -> pd.DataFrame:
    rows = [
        (_start(entry), entry["price"] if entry["volume"] else None)
        for entry in tree["data"]
        if entry["dataProvider"] == PROVIDER
    ]
    return table(rows, (INDEX,))


def _start(entry: Any) -> pd.Timestamp:
    """From date and period, which are always there; ``startTime`` may be null."""
    return london_midnight_utc(date.fromisoformat(entry["settlementDate"])) + (entry["settlementPeriod"] - 1) * PERIOD
