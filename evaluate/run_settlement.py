"""Settlement of a run gathered by request: what was sold, what was delivered, what each term came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluate.run_data import LONDON, TERMS, RunData
from grid.events import FlexEvent

_KEYS = ["settlement_date", "settlement_period"]
_HALF_HOUR = pd.Timedelta(minutes=30)


@dataclass(frozen=True)
class PeriodRow:
    """One settled period of one request. Energies in kWh, prices in GBP/MWh, amounts in GBP by term."""

    start_utc: pd.Timestamp
    settlement_period: int
    baseline_kwh: float
    metered_kwh: float
    sold_kwh: float
    delivered_kwh: float
    price_gbp_per_mwh: float
    system_gbp_per_mwh: float
    amounts_gbp: Mapping[str, float]
    total_gbp: float


@dataclass(frozen=True)
class EventRow:
    """One request, or one trade of the site's own; ``periods`` is empty where the request was not accepted.

    number        place in time order from 1, the mark in the figure
    requested_kw  None for an own trade
    delivered_mwh deviation from the baseline: what was sold plus the imbalance volume
    price_gbp_per_mwh  of the sale, weighted by volume; the request's own price where nothing was sold
    real_gbp, phantom_gbp  the split of ``total_gbp`` (section 4 of the design), from the steps of these periods
    """

    number: int
    event_id: str
    start_utc: pd.Timestamp
    end_utc: pd.Timestamp
    requested_kw: float | None
    price_gbp_per_mwh: float
    sold_mwh: float
    delivered_mwh: float
    amounts_gbp: Mapping[str, float]
    total_gbp: float
    real_gbp: float
    phantom_gbp: float
    periods: Sequence[PeriodRow]

    @property
    def accepted(self) -> bool:
        return bool(self.periods)


def event_rows(run: RunData) -> list[EventRow]:
    """Every request and own trade of the run, in time order."""
    metered = _metered(run.steps)
    settled = {str(name): rows for name, rows in run.settlement.groupby("event_id", sort=False)}
    requests = {event.id: event for event in run.events}
    found = [_row(name, settled.get(name), requests.get(name), metered) for name in {**requests, **settled}]
    ordered = sorted(found, key=lambda row: (row["start_utc"], row["event_id"]))
    return [EventRow(number=number, **row) for number, row in enumerate(ordered, start=1)]


def _metered(steps: pd.DataFrame) -> pd.DataFrame:
    """What the steps know of each settlement period, by (date as ISO text, period)."""
    frame = steps.assign(
        settlement_date=steps["settlement_date"].astype(str).str[:10],
        baseline_kwh=steps["baseline_kw"] / 4.0,
    )
    sums = dict.fromkeys(("import_kwh", "baseline_kwh", "flex_real_gbp", "flex_phantom_gbp"), "sum")
    return frame.groupby(_KEYS).agg({"time_utc": "first", "system_gbp_per_mwh": "mean", **sums})


def _row(name: str, rows: pd.DataFrame | None, request: FlexEvent | None, metered: pd.DataFrame) -> dict[str, Any]:
    if rows is None:
        assert request is not None  # a name comes from one of the two
        periods: list[PeriodRow] = []
        real, phantom = 0.0, 0.0
    else:
        periods, here = _periods(name, rows, metered)
        real, phantom = float(here["flex_real_gbp"].sum()), float(here["flex_phantom_gbp"].sum())
    sold = sum(period.sold_kwh for period in periods)
    takings = sum(period.sold_kwh * period.price_gbp_per_mwh for period in periods)
    asked = request.price_gbp_per_mwh if request else float("nan")
    return {
        "event_id": name,
        "start_utc": request.start if request else periods[0].start_utc,
        "end_utc": request.end if request else periods[-1].start_utc + _HALF_HOUR,
        "requested_kw": request.kw if request else None,
        "price_gbp_per_mwh": takings / sold if sold else asked,
        "sold_mwh": sold / 1000.0,
        "delivered_mwh": sum(period.delivered_kwh for period in periods) / 1000.0,
        "amounts_gbp": {term: sum(period.amounts_gbp[term] for period in periods) for term in TERMS},
        "total_gbp": sum(period.total_gbp for period in periods),
        "real_gbp": real,
        "phantom_gbp": phantom,
        "periods": periods,
    }


def _periods(name: str, rows: pd.DataFrame, metered: pd.DataFrame) -> tuple[list[PeriodRow], pd.DataFrame]:
    rows = rows.assign(settlement_date=rows["settlement_date"].astype(str).str[:10])
    unknown = set(rows["term"]) - set(TERMS)
    if unknown:
        raise ValueError(f"settlement of {name}: term {sorted(unknown)[0]!r} is not one of {', '.join(TERMS)}")
    by_period = {key: group.set_index("term") for key, group in rows.groupby(_KEYS, sort=False)}
    outside = [key for key in by_period if key not in metered.index]
    if outside:
        raise ValueError(f"settlement of {name}: period {outside[0]} is not among the run's steps")
    here = metered.loc[list(by_period)]
    periods = [_period(terms, here.loc[key]) for key, terms in by_period.items()]
    return sorted(periods, key=lambda period: period.start_utc), here


def _period(terms: pd.DataFrame, here: pd.Series) -> PeriodRow:
    """One period from its settlement rows (index ``term``) and what the steps know of it."""
    amounts = {term: float(terms["amount_gbp"].get(term, 0.0)) for term in TERMS}
    sold, beyond = (1000.0 * float(terms["volume_mwh"].get(term, 0.0)) for term in ("sale", "imbalance"))
    return PeriodRow(
        start_utc=here["time_utc"],
        settlement_period=int(here.name[1]),
        baseline_kwh=here["baseline_kwh"],
        metered_kwh=here["import_kwh"],
        sold_kwh=sold,
        delivered_kwh=sold + beyond,
        price_gbp_per_mwh=float(terms["price_gbp_per_mwh"]["sale"]),
        system_gbp_per_mwh=here["system_gbp_per_mwh"],
        amounts_gbp=amounts,
        total_gbp=sum(amounts.values()),
    )


def window_text(row: EventRow) -> str:
    """When a request applies, London: ``Wed 15 Nov 17:00-18:30``."""
    start, end = row.start_utc.tz_convert(LONDON), row.end_utc.tz_convert(LONDON)
    return f"{start:%a} {start.day} {start:%b} {start:%H:%M}–{end:%H:%M}"
