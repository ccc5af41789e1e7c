"""What the agents observe, declared once, as data: name, unit, range, normaliser, information set (contract 5).

``site``          own state, time, weather, workload
``carbon_aware``  plus carbon now and forecast (what SustainDC's agents see)
``grid_aware``    plus prices, requests and what has been sold

The three agents of a site see the same vector: the own set-point, battery and queue are in every layout. Prices and
carbon enter as ranks within the next 36 h plus spread features, levels by the trailing 7-day mean, the queue by age
bins, so that a policy trained on one year's level reads another's. Every number is clipped to its range.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

INFORMATION_SETS = ("site", "carbon_aware", "grid_aware")

WINDOW_HOURS = 36
RANK_HOURS = (*range(13), 14, 16, 18, 20, 22, 24, 28, 32)
QUEUE_BINS_STEPS = (0, 4, 8, 16, 28, 44, 64, 80, 96)


@dataclass(frozen=True)
class Feature:
    """One observed number: ``normaliser`` says how it is made of quantities with ``unit``, within [low, high]."""

    name: str
    unit: str  # of the quantity behind the number, before it is normalised
    low: float
    high: float
    normaliser: str
    information: str  # the smallest information set that holds it


def _outlook(signal: str, unit: str, information: str) -> tuple[Feature, ...]:
    """Ranks and spreads of one signal over the next hours, as published. See ``envs.features.outlook_columns``."""
    window = f"within the next {WINDOW_HOURS} h, -1 lowest to 1 highest"
    ranks = [
        Feature(f"{signal}_rank_{hour}h", unit, -1.0, 1.0, f"rank of hour +{hour} {window}", information)
        for hour in RANK_HOURS
    ]
    spreads = [
        Feature(f"{signal}_{name}", unit, low, 3.0, f"{meaning} / level", information)
        for name, low, meaning in (
            ("above_min_6h", 0.0, "(now - lowest of 6 h)"),
            ("below_max_6h", 0.0, "(highest of 6 h - now)"),
            ("above_min_24h", 0.0, "(now - lowest of 24 h)"),
            ("below_max_24h", 0.0, "(highest of 24 h - now)"),
            ("above_mean_24h", -3.0, "(now - mean of 24 h)"),
            ("sd_36h", 0.0, "standard deviation of 36 h"),
            ("level", -3.0, "(now - trailing 7-day mean)"),
        )
    ]
    return (*ranks, *spreads)


# Of one site's own state. Work is normalised by the deferrable work of full load: IT kWh of 1 h, 4 h, 24 h.
STATE_FEATURES: tuple[Feature, ...] = (
    Feature("soc", "kWh", 0.0, 1.0, "/ battery energy", "site"),
    Feature("set_point", "degC", -1.0, 1.0, "as an action: -1 coldest, 1 warmest", "site"),
    Feature("inlet_margin", "degC", -2.0, 2.0, "(overheat limit - inlet) / 10 K", "site"),
    Feature("mass_offset", "degC", -2.0, 2.0, "(mass - return air) / 10 K", "site"),
    Feature("load", "kW", 0.0, 2.0, "load of the last step without the battery / IT capacity", "site"),
    Feature("queued", "kWh", 0.0, 1.0, "/ deferrable work of 24 h at full load", "site"),
    *(
        Feature(f"due_in_{low}_{high}_steps", "kWh", 0.0, 2.0, "/ deferrable work of 4 h at full load", "site")
        for low, high in itertools.pairwise(QUEUE_BINS_STEPS)
    ),
    Feature("time_to_end", "steps", 0.0, 1.0, "min(steps left, 96) / 96", "site"),
)

# Of the series alone: computed once per time row, shared by every site that meets it.
ROW_FEATURES: tuple[Feature, ...] = (
    *(Feature(f"{f}_{p}", "h", -1.0, 1.0, "London clock", "site") for p in ("day", "week") for f in ("sin", "cos")),
    Feature("dry_bulb", "degC", -3.0, 3.0, "(x - 12) / 12 K", "site"),
    Feature("wet_bulb", "degC", -3.0, 3.0, "(x - 10) / 10 K", "site"),
    Feature("wet_bulb_in_6h", "degC", -3.0, 3.0, "(forecast - 10) / 10 K", "site"),
    Feature("utilisation", "-", 0.0, 1.0, "as it is", "site"),
    Feature("utilisation_24h", "-", 0.0, 1.0, "mean of the run's last 24 h", "site"),
    *_outlook("carbon", "gCO2/kWh", "carbon_aware"),
    *_outlook("price", "GBP/MWh", "grid_aware"),
    Feature("price_known", "h", 0.0, 1.5, "hours ahead with a published price / 36", "grid_aware"),
    Feature("system_premium", "GBP/MWh", -3.0, 5.0, "(system - day-ahead price) / level", "grid_aware"),
    Feature("request_now", "-", 0.0, 1.0, "1 inside a published request", "grid_aware"),
    Feature("request_in", "h", 0.0, 2.0, "hours to the next published request / 24; 2 if none", "grid_aware"),
    Feature("request_power", "kW", 0.0, 2.0, "its power / 500 kW", "grid_aware"),
    Feature("request_price", "GBP/MWh", 0.0, 10.0, "its price / level", "grid_aware"),
)

# Of what the site has sold.
SALE_FEATURES: tuple[Feature, ...] = (
    Feature("sold_now", "kW", 0.0, 2.0, "sold in this settlement period / IT capacity", "grid_aware"),
    Feature("sold_next_4h", "kW", 0.0, 2.0, "most sold in a period of the next 4 h / IT capacity", "grid_aware"),
    Feature("sale_gap", "kW", -2.0, 2.0, "(baseline - sold - last load) / IT capacity while sold", "grid_aware"),
)


def layout(information: str) -> tuple[Feature, ...]:
    """Features of an information set, in the order of the observation vector.

    Raises:
        ValueError: unknown information set.
    """
    if information not in INFORMATION_SETS:
        raise ValueError(f"information set {information!r} is unknown; known: {', '.join(INFORMATION_SETS)}")
    level = INFORMATION_SETS.index(information)
    features = (*STATE_FEATURES, *ROW_FEATURES, *SALE_FEATURES)
    return tuple(f for f in features if INFORMATION_SETS.index(f.information) <= level)


def limits(features: tuple[Feature, ...]) -> np.ndarray:
    """float32 (len(features), 2): lowest and highest value of each feature."""
    return np.array([(f.low, f.high) for f in features], dtype=np.float32).reshape(-1, 2)
