"""The plan model against optima known otherwise: closed forms, dynamic programming, the data pack's own site."""

from __future__ import annotations

import numpy as np

from evaluate.optimal.plain_site import PlainSite, least_cost_gbp

HOURS = 24 * 14


def _price(rng: np.random.Generator) -> np.ndarray:
    hour = np.arange(HOURS) % 24
    return 90.0 + 40.0 * np.sin((hour - 10) / 12 * np.pi) + np.cumsum(rng.normal(0.0, 6.0, HOURS)) * 0.3


def test_work_alone_agrees_with_the_closed_form() -> None:
    rng = np.random.default_rng(3)
    price, load = _price(rng), rng.uniform(400.0, 900.0, HOURS)
    site = PlainSite(load, 0.3, cap_kw=1e5, battery_kwh=0.0, battery_kw=0.0, efficiency=1.0)
    # Without a cap each hour's work goes to the cheapest hour up to 24 h later, the end of the run included.
    cheapest = np.array([price[t : t + 25].min() for t in range(HOURS)])
    expected = float((load * (0.7 * price + 0.3 * cheapest)).sum()) / 1000.0
    assert abs(least_cost_gbp(site, price) - expected) < 1e-6 * expected


def test_battery_alone_agrees_with_dynamic_programming() -> None:
    rng = np.random.default_rng(4)
    price, load = _price(rng), np.full(HOURS, 800.0)
    site = PlainSite(load, 0.0, cap_kw=1000.0, battery_kwh=1000.0, battery_kw=500.0, efficiency=0.95)
    idle = float((load * price).sum()) / 1000.0
    saving, best = idle - least_cost_gbp(site, price), _battery_saving(price)
    assert best > 0.0
    assert abs(saving - best) < 0.005 * best


def test_a_capped_site_saves_less() -> None:
    rng = np.random.default_rng(5)
    price, load = _price(rng), rng.uniform(400.0, 900.0, HOURS)
    costs = [least_cost_gbp(PlainSite(load, 0.3, cap, 0.0, 0.0, 1.0), price) for cap in (950.0, 1200.0, 1e5)]
    assert costs[0] > costs[1] > costs[2]


def _battery_saving(price: np.ndarray, levels: int = 401) -> float:
    """Most a 1 MWh, 0.5 MW battery, 0.95 each way, earns between half full and half full, on a grid of charge."""
    soc = np.linspace(0.0, 1000.0, levels)
    change = soc[None, :] - soc[:, None]  # from, to
    power = np.where(change > 0.0, change / 0.95, change * 0.95)
    allowed = np.abs(power) <= 500.0 + 1e-9
    value = np.where(np.isclose(soc, 500.0), 0.0, -np.inf)
    for hour in range(len(price) - 1, -1, -1):
        value = np.where(allowed, value[None, :] - power * price[hour] / 1000.0, -np.inf).max(axis=1)
    return float(value[levels // 2])
