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
    real_gbp: float
    phantom_gbp: float


@dataclass(frozen=True)
class EventRow:
    """One request, or one trade of the site's own; ``periods`` is empty where nothing was sold.

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
    def sold(self) -> bool:
        return bool(self.periods)


def event_rows(run: RunData) -> list[EventRow]:
    """Every request and own trade of the run, in time order."""
    metered = _metered(run.steps)
    ledger = run.settlement.assign(settlement_date=_iso(run.settlement["settlement_date"]))
    settled = {str(name): rows for name, rows in ledger.groupby("event_id", sort=False)}
    requests = {event.id: event for event in run.events}
    found = [
        _row(name, _periods(name, settled[name], metered) if name in settled else [], requests.get(name))
        for name in {**requests, **settled}
    ]
    ordered = sorted(found, key=lambda row: (row["start_utc"], row["event_id"]))
    return [EventRow(number=number, **row) for number, row in enumerate(ordered, start=1)]


def _iso(dates: pd.Series) -> pd.Series:
    """Dates as ISO text, whether they came as dates, timestamps or text."""
    return dates.astype(str).str[:10]


def _metered(steps: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    """What the steps know of each settlement period, by (date as ISO text, period)."""
    frame = steps.assign(settlement_date=_iso(steps["settlement_date"]), baseline_kwh=steps["baseline_kw"] / 4.0)
    sums = dict.fromkeys(("import_kwh", "baseline_kwh", "flex_real_gbp", "flex_phantom_gbp"), "sum")
    grouped = frame.groupby(_KEYS).agg({"time_utc": "first", "system_gbp_per_mwh": "mean", **sums})
    return {key: dict(zip(grouped.columns, row, strict=True)) for key, *row in grouped.itertuples(name=None)}


def _row(name: str, periods: Sequence[PeriodRow], request: FlexEvent | None) -> dict[str, Any]:
    """The fields of an ``EventRow`` but its number."""
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
        "real_gbp": sum(period.real_gbp for period in periods),
        "phantom_gbp": sum(period.phantom_gbp for period in periods),
        "periods": periods,
    }


def _periods(name: str, rows: pd.DataFrame, metered: dict[Any, dict[str, Any]]) -> list[PeriodRow]:
    found: dict[Any, dict[str, tuple[float, float, float]]] = {}
    columns = (*_KEYS, "term", "volume_mwh", "price_gbp_per_mwh", "amount_gbp")
    for date, period, term, *numbers in zip(*(rows[column] for column in columns), strict=True):
        key = (date, int(period))
        if term not in TERMS:
            raise ValueError(f"settlement of {name}: term {term!r} is not one of {', '.join(TERMS)}")
        if key not in metered:
            raise ValueError(f"settlement of {name}: {date} period {period} is not among the run's steps")
        found.setdefault(key, {})[term] = tuple(numbers)
    periods = [_period(key[1], terms, metered[key]) for key, terms in found.items()]
    return sorted(periods, key=lambda period: period.start_utc)


def _period(number: int, terms: dict[str, tuple[float, float, float]], here: dict[str, Any]) -> PeriodRow:
    """One period from its terms, (volume MWh, price GBP/MWh, amount GBP) each, and what the steps know of it."""
    nothing = (0.0, 0.0, 0.0)
    amounts = {term: terms.get(term, nothing)[2] for term in TERMS}
    sold, beyond = (1000.0 * terms.get(term, nothing)[0] for term in ("sale", "imbalance"))
    return PeriodRow(
        start_utc=here["time_utc"],
        settlement_period=number,
        baseline_kwh=here["baseline_kwh"],
        metered_kwh=here["import_kwh"],
        sold_kwh=sold,
        delivered_kwh=sold + beyond,
        price_gbp_per_mwh=terms.get("sale", nothing)[1],
        system_gbp_per_mwh=here["system_gbp_per_mwh"],
        amounts_gbp=amounts,
        total_gbp=sum(amounts.values()),
        real_gbp=here["flex_real_gbp"],
        phantom_gbp=here["flex_phantom_gbp"],
    )


def window_text(row: EventRow) -> str:
    """When a request applies, London: ``Wed 15 Nov 17:00-18:30``."""
    start, end = row.start_utc.tz_convert(LONDON), row.end_utc.tz_convert(LONDON)
    return f"{start:%a} {start.day} {start:%b} {start:%H:%M}–{end:%H:%M}"
