"""What the report of one run is made from. ``deg run`` fills it; nothing here is computed from a simulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluate.names import ADDITIVE, COUNTERS
from grid.events import FlexEvent
from grid.rows import PROVENANCE, STEPS_PER_DAY

AGENT_NAMES = ("load_shift", "battery", "cooling")
LONDON = "Europe/London"

# Who moved an executed action away from the proposal: the cause named in ``changed_by_<agent>``, "" for nobody.
CHANGED_BY = ("supervisor", "tracker", "notice", "clipped")

# Contract 9, then what the figure needs beside it. Energies are kWh a step of 15 min; states are at the step's end.
STEP_COLUMNS = (
    "time_utc", "settlement_date", "settlement_period",
    "import_kwh", "it_kwh", "cooling_kwh", "loss_kwh", "battery_kwh", "soc_kwh", "queued_kwh",
    "inlet_degc", "supply_degc", "dry_bulb_degc",
    "carbon_gco2_per_kwh", "tariff_gbp_per_mwh", "system_gbp_per_mwh", "baseline_kw", "neutral_kw", "sold_kw",
    *(f"{kind}_{agent}" for agent in AGENT_NAMES for kind in ("raw", "executed", "changed_by")),
    *(name for name in ADDITIVE if name != "import_kwh"),
)  # fmt: skip
SETTLEMENT_COLUMNS = (
    "settlement_date", "settlement_period", "event_id", "term", "volume_mwh", "price_gbp_per_mwh", "amount_gbp",
)  # fmt: skip
TERMS = ("sale", "imbalance", "compensation", "aggregator_share")
SITE_KEYS = ("battery_kwh", "soc_min", "soc_max", "overheat_limit_degc", "import_limit_kw")


@dataclass(frozen=True)
class DecisionRecord:
    """One decision of the supervisor at one site.

    modes       agent -> "follow", or what it was held to in a few words ("set charge", "limit to 0 or less")
    reason_code one word out of the directive's list; text: the reason in words, as written by the supervisor
    source      engine | cache | fallback | rules
    accepts     event id -> kW taken on by this decision
    """

    time_utc: pd.Timestamp
    modes: Mapping[str, str]
    reason_code: str
    text: str
    source: str
    accepts: Mapping[str, float]

    @property
    def overrides(self) -> bool:
        """At least one agent does not simply follow its own proposal (contract 8, counter ``overrides``)."""
        return any(mode != "follow" for mode in self.modes.values())


@dataclass(frozen=True)
class Comparison:
    """What a matrix says beside a run: ``deg run --compare``.

    rows       a row a variant with ``saving_percent``, its ends ``_low_`` and ``_high_``, carbon alike, flex a week
    sentences  what is to be said first. weeks, seeds: what it was run on
    page       address of the whole report, relative to the run's
    """

    rows: Sequence[Mapping[str, Any]]
    sentences: Sequence[str]
    weeks: int
    seeds: int
    page: str


@dataclass(frozen=True)
class RunData:
    """A finished run.

    config      the resolved configuration tree, plain values (``Config.model_dump(mode="json")``)
    site        parameters of the site by name, at least ``SITE_KEYS``
    steps       a row per 15 min, ``STEP_COLUMNS``; ``changed_by_<agent>`` holds a name of ``CHANGED_BY`` or ""
    settlement  a row per period, event and term, ``SETTLEMENT_COLUMNS``; may be empty
    summary     the 21 additive names, the counters, ``complete`` (false where the run was stopped early), and under
                ``neutral`` the additive names of the neutral site
    events      every request of the run, accepted or not
    provenance  row column -> real | filled | synthetic | modelled
    audit_head  hash of the audit trail's last line, "" where there is no trail
    comparison  how other controllers do over other weeks, where that was asked for

    Raises ValueError where a column or name is missing, or a mark is none of those listed, naming it.
    """

    name: str
    config: Mapping[str, Any]
    config_hash: str
    site: Mapping[str, float]
    steps: pd.DataFrame
    settlement: pd.DataFrame
    summary: Mapping[str, Any]
    events: Sequence[FlexEvent]
    decisions: Sequence[DecisionRecord]
    provenance: Mapping[str, str]
    audit_head: str
    comparison: Comparison | None = None

    def __post_init__(self) -> None:
        _require("steps", self.steps.columns, STEP_COLUMNS)
        _require("settlement", self.settlement.columns, SETTLEMENT_COLUMNS)
        _require("summary", self.summary, (*ADDITIVE, *COUNTERS, "complete", "neutral"))
        _require("summary.neutral", self.summary["neutral"], ADDITIVE)
        _require("site", self.site, SITE_KEYS)
        _known("provenance", self.provenance.values(), PROVENANCE)
        for agent in AGENT_NAMES:
            _known(f"steps.changed_by_{agent}", self.steps[f"changed_by_{agent}"].unique(), ("", *CHANGED_BY))
        if self.steps.empty:
            raise ValueError(f"run {self.name}: steps has no rows; a report needs at least one step")

    @property
    def neutral(self) -> Mapping[str, float]:
        """The additive names of the site left alone over the same rows."""
        return self.summary["neutral"]

    @property
    def times_utc(self) -> pd.DatetimeIndex:
        """Start of every step, tz-aware UTC."""
        return pd.DatetimeIndex(self.steps["time_utc"]).tz_convert("UTC")

    @property
    def days(self) -> int:
        """Length to the nearest day; at least one."""
        return max(1, round(len(self.steps) / STEPS_PER_DAY))


def _known(place: str, values: Iterable[str], allowed: Sequence[str]) -> None:
    strange = [value for value in values if value not in allowed]
    if strange:
        raise ValueError(f"{place}: {strange[0]!r} is none of {', '.join(map(repr, allowed))}")


def _require(place: str, present: Any, needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in present]
    if missing:
        raise ValueError(f"{place}: {missing[0]} is missing; the report needs every name of evaluate/run_data.py")
