"""What was sold and what was delivered: requests and own trades apart, behaviour and baseline error apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluate.statistics import Interval, ratio_of_sums

WHOLE = 0.95  # a sale of which at least so much was delivered counts as kept
RESAMPLES = 2_000


@dataclass(frozen=True)
class Delivery:
    """Sales of one variant, of requests or of own trades.

    sales           a week. sold_kwh: a week
    delivered       of what was sold, by settlement: baseline less meter, at most what was sold
    reduced         of what was sold, by behaviour: the neutral site less meter, at most what was sold
                    (weeks with sales resampled, seeds summed; None with fewer than two of them)
    kept            share of sales with ``WHOLE`` or more delivered
    gbp_per_mwh     flexibility money for each MWh sold, real and phantom
    """

    variant: str
    own: bool
    sales: float
    sold_kwh: float
    delivered: Interval | None
    reduced: Interval | None
    kept: float
    real_gbp_per_mwh: float
    phantom_gbp_per_mwh: float


def deliveries(sales: pd.DataFrame, rows: pd.DataFrame, rng_seed: int = 0) -> list[Delivery]:
    """One entry a variant and kind of sale, in the order of ``rows``; variants that sold nothing are left out.

    sales: see ``evaluate.sales``. rows: result rows of the same matrix, for the weeks in which nothing was sold.
    """
    if sales.empty:
        return []
    runs = rows[["seed", "week_start"]].astype({"week_start": str}).drop_duplicates()
    found = []
    for variant in rows["variant"].unique():
        for own in (False, True):
            mine = sales[(sales["variant"] == variant) & (sales["own"].astype(bool) == own)]
            if len(mine):
                found.append(_delivery(str(variant), own, mine, runs, rng_seed))
    return found


def _delivery(variant: str, own: bool, sales: pd.DataFrame, runs: pd.DataFrame, rng_seed: int) -> Delivery:
    sold = sales["sold_kwh"]
    capped = sales.assign(
        delivered=np.clip(sales["delivered_kwh"], 0.0, sold), reduced=np.clip(sales["reduced_kwh"], 0.0, sold)
    )
    flex, phantom, sold_mwh = sales["flex_gbp"].sum(), sales["flex_phantom_gbp"].sum(), sold.sum() / 1000.0
    weekly = capped.groupby("week_start")[["sold_kwh", "delivered", "reduced"]].sum()

    def share(name: str) -> Interval | None:
        if len(weekly) < 2:
            return None
        part, whole = (weekly[column].to_numpy(float)[None] for column in (name, "sold_kwh"))
        return ratio_of_sums(part, whole, rng=np.random.default_rng(rng_seed), resamples=RESAMPLES)

    return Delivery(
        variant=variant,
        own=own,
        sales=len(sales) / len(runs),
        sold_kwh=float(sold.sum()) / len(runs),
        delivered=share("delivered"),
        reduced=share("reduced"),
        kept=float((capped["delivered"] >= WHOLE * sold).mean()),
        real_gbp_per_mwh=float((flex - phantom) / sold_mwh),
        phantom_gbp_per_mwh=float(phantom / sold_mwh),
    )
