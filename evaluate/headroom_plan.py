"""Which matrices a headroom page is made from: the site with each set of its flexibilities, and its surroundings.

Controllers that plan every hour take most of the time. What they would make of parts of the site is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from configs.fields import VARIANTS
from configs.schema import Config, RequestTerms
from evaluate.ablation import IDLE_TRADES, NEUTRAL
from evaluate.matrix import run_in_turn, whole

LOAD, BATTERY, COOLING = "load", "battery", "cooling"
FLEXIBILITIES = (LOAD, BATTERY, COOLING)
RULES = ("mutualised", "vtp_pays")
REQUESTS, TRADES = "requests", "trades"
FEW_WEEKS = 8  # of frontiers and sensitivities
CARBON_PRICES_GBP_PER_T = (0.0, 50.0, 250.0, 1000.0)
HOURLY_PLANNERS = ("mpc", "carbon_mpc")
BASE = "base"  # all flexibilities and requests, on the few weeks
Progress = Callable[[int, int], None]
# A set-point range has to have some width.
_FIXED_K = 0.001


@dataclass(frozen=True)
class Scenario:
    """A matrix of its own. kind: flexibility | market | frontier | sensitivity; label: of a sensitivity, in words."""

    key: str
    kind: str
    label: str
    config: Config


def scenarios(config: Config) -> list[Scenario]:
    """All matrices of the page, the cheap ones last."""
    moving = tuple(name for name in config.evaluate.variants if name != IDLE_TRADES)
    without_idle = _with(config, evaluate={"variants": moving})
    few = _with(without_idle, evaluate={"weeks": min(FEW_WEEKS, config.evaluate.weeks)})
    return [*_flexibilities(without_idle), *_markets(config), *_frontier(few), *_sensitivities(few)]


def run_scenarios(
    config: Config, cache: Path, on_progress: Progress | None = None
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Scenario key -> result rows of what is whole, and what failed. Raises ValueError: see ``matrix.run_blocks``."""
    planned = scenarios(config)
    rows: dict[str, pd.DataFrame] = {}
    failed: list[str] = []
    in_turn = run_in_turn([scenario.config for scenario in planned], cache, on_progress)
    for scenario, blocks in zip(planned, in_turn, strict=True):
        rows[scenario.key] = whole(blocks.rows(), blocks.failures)
        failed += [f"{scenario.key}: {failure}" for failure in blocks.failures]
    return rows, failed


def key_of(flexibilities: tuple[str, ...]) -> str:
    """``battery+load``: a set in the order of ``FLEXIBILITIES``."""
    return "+".join(name for name in FLEXIBILITIES if name in flexibilities)


def market_key(origin: str, rule: str) -> str:
    """``requests/mutualised``."""
    return f"{origin}/{rule}"


def frontier_key(price_gbp_per_t: float) -> str:
    """``carbon/250``."""
    return f"carbon/{price_gbp_per_t:g}"


def traders(variants: tuple[str, ...]) -> dict[str, str]:
    """Controller -> its twin that also makes own trades, for those that have one."""
    return {name: f"{name}+trades" for name in variants if f"{name}+trades" in VARIANTS and name != NEUTRAL}


def _flexibilities(config: Config) -> list[Scenario]:
    """Every set of flexibilities, without requests: day-ahead prices alone."""
    everything = config.evaluate.variants
    in_parts = tuple(name for name in everything if name not in HOURLY_PLANNERS)
    found = []
    for size in range(1, len(FLEXIBILITIES) + 1):
        for chosen in combinations(FLEXIBILITIES, size):
            site: dict[str, Any] = {}
            for name in FLEXIBILITIES:
                site |= {} if name in chosen else _without(config, name)
            variants = everything if len(chosen) == len(FLEXIBILITIES) else in_parts
            alone = _with(config, site=site, market={"requests": False}, evaluate={"variants": variants})
            found.append(Scenario(key_of(chosen), "flexibility", "", alone))
    return found


def _without(config: Config, flexibility: str) -> Mapping[str, float]:
    neutral = config.site.supply_neutral_degc
    return {
        LOAD: {"deferrable_share": 0.0},
        BATTERY: {"battery_kwh": 0.0, "battery_kw": 0.0},
        COOLING: {"supply_min_degc": neutral - _FIXED_K, "supply_max_degc": neutral + _FIXED_K},
    }[flexibility]


def _markets(config: Config) -> list[Scenario]:
    """All flexibilities with requests, and with own trades too, under each compensation rule."""
    found = []
    twins = traders(config.evaluate.variants)
    for rule in RULES:
        market = {"requests": True, "compensation": rule}
        found.append(Scenario(market_key(REQUESTS, rule), "market", "", _with(config, market=market)))
        if twins:
            variants = (NEUTRAL, *twins.values())
            trading = _with(config, market=market, evaluate={"variants": variants})
            found.append(Scenario(market_key(TRADES, rule), "market", "", trading))
    return found


def _frontier(few: Config) -> list[Scenario]:
    return [
        Scenario(
            frontier_key(price), "frontier", "",
            _with(few, site={"carbon_price_gbp_per_t": price}, market={"requests": True}),
        )
        for price in CARBON_PRICES_GBP_PER_T
    ]  # fmt: skip


def _sensitivities(few: Config) -> list[Scenario]:
    """One thing changed at a time. Shares and sizes are relative to the configured site."""
    site = few.site
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        BASE: ("as configured", {}),
        "deferrable/half": ("half the deferrable share", {"deferrable_share": 0.5 * site.deferrable_share}),
        "deferrable/twice": ("twice the deferrable share", {"deferrable_share": min(1.0, 2 * site.deferrable_share)}),
        "deadline/6h": ("deadline of 6 h", {"deadline_steps": 24}),
        "deadline/12h": ("deadline of 12 h", {"deadline_steps": 48}),
        "battery/half": ("half the battery", _battery(site.battery_kwh, site.battery_kw, 0.5)),
        "battery/twice": ("twice the battery", _battery(site.battery_kwh, site.battery_kw, 2.0)),
        "battery/slow": ("half the battery’s power, same energy", {"battery_kw": 0.5 * site.battery_kw}),
        "connection/less": ("connection limit 15 % lower", {"import_limit_kw": 0.85 * site.import_limit_kw}),
    }
    found = [
        Scenario(key, "sensitivity", label, _with(few, site=change, market={"requests": True}))
        for key, (label, change) in changes.items()
    ]
    return [*found, *_frequencies(few)]


def _frequencies(few: Config) -> list[Scenario]:
    """How often the grid side asks. Weeks without a likely evening still hold one request, as the model has it."""
    terms = few.market.request_terms
    often = {
        "requests/one": ("one request a week", {"most_per_week": 1}),
        "requests/five": ("up to five requests a week, likelier", _likelier(terms, 5, 2.0)),
        "requests/daily": (
            "a request on every day",
            _likelier(terms, 7, 100.0) | {"most_probable": 1.0, "ratio_floor": 0.0},
        ),
    }
    found = [Scenario("requests/none", "sensitivity", "no requests", _with(few, market={"requests": False}))]
    for key, (label, change) in often.items():
        market = {"requests": True, "request_terms": terms.model_copy(update=change)}
        found.append(Scenario(key, "sensitivity", label, _with(few, market=market)))
    return found


def _likelier(terms: RequestTerms, most: int, factor: float) -> dict[str, Any]:
    return {"most_per_week": most, "slope": factor * terms.slope}


def _battery(kwh: float, kw: float, factor: float) -> dict[str, float]:
    return {"battery_kwh": factor * kwh, "battery_kw": factor * kw}


def _with(config: Config, **changes: Mapping[str, Any]) -> Config:
    """``config`` with some keys changed, section by section."""
    sections = {name: getattr(config, name).model_copy(update=dict(update)) for name, update in changes.items()}
    return config.model_copy(update=sections)
