"""How far BL01 can be gamed: the event price at which inflating the baseline's own days pays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def inflation_break_even_gbp_per_mwh(
    inflated_days_tariff_gbp_per_mwh: ArrayLike,
    *,
    share: float,
    event_days: int = 1,
    vtp_pays: bool = False,
    reference_gbp_per_mwh: float = 0.0,
) -> float:
    """Event price above which burning 1 kWh more on every prior eligible day, at the event's half-hour, pays.

    Each kWh added to all ten eligible days costs their tariffs once and lifts the baseline by one kWh (the rule drops
    two of the ten, but averages the rest), which can then be sold on each event day that shares the history:

        sum(tariff) = event_days x (1 - share) x (price - reference if vtp_pays)

    At GBP 92/MWh, ten days and a share of 0.2 this is GBP 1,150/MWh for one event, GBP 230 for five: far above a
    usual request, so it takes scarcity prices or many events on one frozen history. The tariffs are those of the
    inflated half-hours, one a day (4 for a non-working day), network charges included where they apply.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share={share}: at a share of 1 nothing is earned and no price breaks even; give [0, 1)")
    if event_days < 1:
        raise ValueError(f"event_days={event_days} must be 1 or more")
    cost = float(np.sum(inflated_days_tariff_gbp_per_mwh))
    return cost / (event_days * (1.0 - share)) + (reference_gbp_per_mwh if vtp_pays else 0.0)
