"""How often requests and prices pass GBP 1,000, 2,000 and 3,000 a MWh: synthetic years beside real ones. One JSON.

Twenty synthetic years are laid beside the real 2022 they are fitted on and, for what weeks of the report pay, beside
2023. Requests pay 1.5 to 3 times day-ahead, so their level and tail are the price's: what differs between a synthetic
and a real week is the year's price level, which the ratio to the mean day-ahead price takes out.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from grid.calendar import london_midnight_utc
from grid.event_source import generate_events, system_prices
from grid.series import GridSeries
from grid.sources import file, synthetic

YEARS, FIRST_SEED, WEEKS = 20, 1000, 52
LEVELS = (1000, 2000, 3000)
REAL = {"real 2022": (date(2022, 2, 7), date(2023, 1, 2)), "real 2023": (date(2023, 1, 2), date(2023, 12, 25))}
PRICE = "day_ahead_gbp_per_mwh"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="../shared/data/train", help="real signals")
    args = parser.parse_args()
    start, end = london_midnight_utc(date(2023, 1, 2)), london_midnight_utc(date(2024, 1, 1))
    worlds = [(synthetic.signals(start, end, FIRST_SEED + k), f"synthetic-{FIRST_SEED + k}") for k in range(YEARS)]
    found = {"synthetic": measured(worlds, start, YEARS * WEEKS)}
    for name, (first, last) in REAL.items():
        begin, close = (london_midnight_utc(day) for day in (first, last))
        series = file.signals(args.folder).between(begin - pd.Timedelta(days=7), close)
        found[name] = measured([(series, "file")], begin, (last - first).days / 7)
    made, crisis, calm = found.values()
    holds = (
        made["requests_a_year_above"]["3000"] <= 1.0
        and calm["requests_a_year_above"]["1000"] == 0.0
        and abs(made["pay_over_mean_day_ahead"] / crisis["pay_over_mean_day_ahead"] - 1.0) < 0.15
        and made["requests_a_week"] / crisis["requests_a_week"] < 1.25
    )
    claim = "GBP 3,000/MWh is a spike of a crisis winter, and requests pay the same multiple of the year's price level"
    print(json.dumps({"claim": claim, "holds": holds, **found}, indent=2))


def measured(worlds: list[tuple[GridSeries, str]], start: pd.Timestamp, weeks: float) -> dict[str, Any]:
    """Figures of requests and prices from ``start`` on, all worlds together."""
    pay: list[float] = []
    energy_mwh: list[float] = []
    day_ahead: list[np.ndarray] = []
    system: list[np.ndarray] = []
    for series, key in worlds:
        events = generate_events(series.frame[PRICE], start, series.end_utc, key)
        pay += [event.price_gbp_per_mwh for event in events]
        energy_mwh += [event.kw * event.hours / 1000.0 for event in events]
        first = series.position(start)
        day_ahead.append(series.frame[PRICE].to_numpy()[first::2])
        system.append(system_prices(series, events, key)[first::2])
    price, paid = np.concatenate(day_ahead), np.array(pay)
    years = weeks / WEEKS
    return {
        "mean_day_ahead_gbp_per_mwh": round(float(price.mean()), 1),
        "requests_a_week": round(len(paid) / weeks, 2),
        "pay_gbp_per_mwh": {"p50": round(float(np.median(paid)), 1), "most": round(float(paid.max()), 1)},
        "pay_over_mean_day_ahead": round(float(paid.mean() / price.mean()), 2),
        "gbp_a_week_if_all_is_sold": round(float(paid @ np.array(energy_mwh)) / weeks, 1),
        "requests_a_year_above": {str(x): round(float((paid > x).sum() / years), 2) for x in LEVELS},
        "day_ahead_half_hours_a_year_above": {str(x): round(float((price > x).sum() / years), 2) for x in LEVELS},
        "system_half_hours_a_year_above": {
            str(x): round(float((np.concatenate(system) > x).sum() / years), 2) for x in LEVELS
        },
    }


if __name__ == "__main__":
    main()
