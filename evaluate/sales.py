"""What a block sold, and what it delivered: a row for each request or own trade, real and phantom energy apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluate.accounting import Books
from evaluate.rollout import Rollout
from grid.rows import STEPS_PER_PERIOD

KEYS = ("variant", "seed", "week_start", "site", "workload")
COLUMNS = (
    *KEYS,
    "event_id",
    "own",  # a trade of the site's own, else a request
    "start_utc",
    "periods",
    "sold_kwh",
    "delivered_kwh",  # baseline less metered import: what is settled
    "reduced_kwh",  # neutral site less metered import: what behaviour changed
    "sale_gbp",  # sold x price, before the aggregator's share
    "flex_gbp",
    "flex_phantom_gbp",
)
_KWH = 1e-3


def no_sales() -> pd.DataFrame:
    """What nobody sold."""
    return pd.DataFrame(columns=list(COLUMNS))


def sales_of(run: Rollout, books: Books, keys: Sequence[Mapping[str, object]]) -> list[list[dict[str, object]]]:
    """The sales of each site, columns ``COLUMNS``. keys: of each site's result row."""
    return [_of_site(run, books, site, key) for site, key in enumerate(keys)]


def as_frame(sales: Sequence[Sequence[Mapping[str, object]]]) -> pd.DataFrame:
    """A row a sale, site after site."""
    rows = [row for own in sales for row in own]
    return pd.DataFrame(rows, columns=list(COLUMNS)) if rows else no_sales()


def _of_site(run: Rollout, books: Books, site: int, key: Mapping[str, object]) -> list[dict[str, object]]:
    count = int(run.lengths[site]) // STEPS_PER_PERIOD
    ledger = run.ledger[site, :count]
    p = {name: values[site, :count] for name, values in books.periods.items()}
    times = run.cases[run.site_case[site]].rows.times_utc[: count * STEPS_PER_PERIOD : STEPS_PER_PERIOD]
    found = []
    for event_id in dict.fromkeys(name for name in ledger if name):
        at = np.flatnonzero(ledger == event_id)
        found.append(
            {
                **{name: key[name] for name in KEYS},
                "event_id": event_id,
                "own": bool(run.own_trade[site, at].all()),
                "start_utc": times[at[0]],
                "periods": len(at),
                "sold_kwh": float(p["sold_kwh"][at].sum()),
                "delivered_kwh": float((p["baseline_kwh"] - p["metered_kwh"])[at].sum()),
                "reduced_kwh": float((p["neutral_kwh"] - p["metered_kwh"])[at].sum()),
                "sale_gbp": float((p["sold_kwh"] * p["price_gbp_per_mwh"])[at].sum() * _KWH),
                "flex_gbp": float(p["flex_gbp"][at].sum()),
                "flex_phantom_gbp": float(p["flex_phantom_gbp"][at].sum()),
            }
        )
    return found
