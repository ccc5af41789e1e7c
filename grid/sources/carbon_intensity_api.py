"""NESO's Carbon Intensity API: national and regional intensity, its 48 h forecast, and the generation mix.

Half-hours in UTC, times ``YYYY-MM-DDThh:mmZ``, at most 14 days a call. A range may also return the half-hour before
it; ``actual`` is null until a period is closed. Regions have forecasts alone, made again after the fact.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from grid.sources.feeds import HALF_HOUR, Call, Feed, spans, table

BASE_URL = "https://api.carbonintensity.org.uk"
ATTRIBUTION = "Carbon Intensity API, National Energy System Operator, CC BY 4.0"
MOST_A_CALL = pd.Timedelta(days=14)
SETTLED_AFTER = pd.Timedelta(days=2)
FORECAST_REACH = pd.Timedelta(hours=48)
LONDON_REGION = 13
ACTUAL, FORECAST = "actual_gco2_per_kwh", "forecast_gco2_per_kwh"
FUELS = ("biomass", "coal", "imports", "gas", "nuclear", "other", "hydro", "solar", "wind")
MIX_COLUMNS = tuple(f"{fuel}_pct" for fuel in FUELS)


def intensity(region: int | None = None, base_url: str = BASE_URL) -> Feed:
    """Actual and forecast intensity of Great Britain, or of a region (13: London), where ``actual`` is always NaN."""
    place = "national" if region is None else f"region {region}"
    path = "/intensity/{0}/{1}" if region is None else f"/regional/intensity/{{0}}/{{1}}/regionid/{region}"
    return _feed(f"carbon intensity, {place}", path, (ACTUAL, FORECAST), _intensity_row, base_url)


def mix(base_url: str = BASE_URL) -> Feed:
    """Share of each fuel in the generation of Great Britain, per cent."""
    return _feed("generation mix", "/generation/{0}/{1}", MIX_COLUMNS, _mix_row, base_url)


def forecast(region: int | None = None, base_url: str = BASE_URL) -> Feed:
    """Intensity over the 48 h from the start of the stretch, as published now."""
    place = "national" if region is None else f"region {region}"

    def calls(start_utc: pd.Timestamp, _end_utc: pd.Timestamp) -> list[Call]:
        start = start_utc.floor(HALF_HOUR)
        path = f"/intensity/{_text(start)}/fw48h"
        if region is not None:
            path = f"/regional{path}/regionid/{region}"
        return [Call(path, start, start + FORECAST_REACH, key=f"forecast {place}")]

    feed = _feed(f"carbon forecast, {place}", "", (ACTUAL, FORECAST), _intensity_row, base_url)
    return Feed(**{**vars(feed), "calls": calls})


def _feed(name: str, path: str, columns: tuple[str, ...], row: Any, base_url: str) -> Feed:
    def calls(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> list[Call]:
        return [
            Call(path.format(_text(start), _text(end)), start, end)
            for start, end in spans(start_utc, end_utc, MOST_A_CALL)
        ]

    parse = partial(_parsed, row=row, columns=columns)
    return Feed(name, base_url, ATTRIBUTION, columns, HALF_HOUR, SETTLED_AFTER, calls, parse)


def _parsed(tree: Any, row: Any, columns: tuple[str, ...]) -> pd.DataFrame:
    return table([(entry["from"], *row(entry)) for entry in _entries(tree["data"])], columns)


def _entries(data: Any) -> list[Any]:
    """Regional answers wrap their rows in the region, alone or in a list."""
    if isinstance(data, dict):
        data = [data]
    return [row for entry in data for row in entry.get("data", [entry])]


def _intensity_row(entry: Any) -> tuple[Any, ...]:
    return entry["intensity"].get("actual"), entry["intensity"]["forecast"]


def _mix_row(entry: Any) -> tuple[Any, ...]:
    share = {part["fuel"]: part["perc"] for part in entry["generationmix"]}
    return tuple(share.get(fuel) for fuel in FUELS)


def _text(time_utc: pd.Timestamp) -> str:
    return f"{time_utc:%Y-%m-%dT%H:%MZ}"
