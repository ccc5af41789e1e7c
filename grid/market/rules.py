"""The market's parameters in one frozen object, and who may trade at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

COMPENSATION = ("mutualised", "vtp_pays")
BASELINE_RULES = ("mid", "high", "all")
RULEBOOKS = ("p415-2024-11", "p511-2026-08")


class IneligibleSiteError(ValueError):
    """The rulebook does not let this site trade its deviation."""


@dataclass(frozen=True)
class MarketRules:
    """Terms under which deviation is sold; the defaults are those of design section 4."""

    aggregator_share: float = 0.2  # of gains and losses alike; public models: 0.1-0.5 to the trader; assumption
    compensation: str = "mutualised"  # Ofgem's P415 decision; vtp_pays is the rule it refused
    half_spread_gbp_per_mwh: float = 1.0  # GBP/MWh below day-ahead that an own trade fetches; assumption
    min_commitment_kw: float = 50.0  # kW per period; assumption
    registered_kw: float = 500.0  # kW, the registered flexible capacity: the battery's power; assumption
    rulebook: str = "p511-2026-08"  # in force from 2026-08-24 (P511, decided 2026-08-10)
    baseline_rule: str = "mid"  # which eligible days BL01 averages: mid | high | all; one secondary text reads high
    max_export_kw: float = 0.0  # kW, largest half-hourly export P511 allows; no export by default; assumption

    def __post_init__(self) -> None:
        _one_of("compensation", self.compensation, COMPENSATION)
        _one_of("rulebook", self.rulebook, RULEBOOKS)
        _one_of("baseline_rule", self.baseline_rule, BASELINE_RULES)
        if not 0 <= self.aggregator_share <= 1:
            raise ValueError(
                f"aggregator_share={self.aggregator_share} is outside [0, 1]; give a fraction, 0.2 for 20 %"
            )
        for name in ("half_spread_gbp_per_mwh", "min_commitment_kw", "registered_kw", "max_export_kw"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name}={value} must be a finite number, 0 or above")
        if self.min_commitment_kw > self.registered_kw:
            raise ValueError(
                f"min_commitment_kw={self.min_commitment_kw} exceeds registered_kw={self.registered_kw}; lower it"
            )

    @property
    def vtp_pays(self) -> bool:
        """Whether the trader, not all suppliers together, compensates the supplier."""
        return self.compensation == "vtp_pays"


def check_eligible(largest_export_kw: float, rules: MarketRules) -> None:
    """Raise ``IneligibleSiteError`` where P511 excludes a site by its largest half-hourly export (kW)."""
    if rules.rulebook == "p511-2026-08" and largest_export_kw > rules.max_export_kw:
        raise IneligibleSiteError(
            f"site exports up to {largest_export_kw:g} kW, rulebook {rules.rulebook} allows {rules.max_export_kw:g}: "
            "keep the battery below the site's load, raise max_export_kw, or choose rulebook p415-2024-11"
        )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(allowed)}")
