"""Open-Meteo: hourly London weather, past (archive) and recent to next days (forecast); wet bulb by PsychroLib.

The archive ends some days ago, so the forecast service's own past days follow it. Times are naive strings in UTC, as
asked for by ``timezone=UTC``.
"""

from __future__ import annotations

from functools import lru_cache, partial
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from grid.sources.feeds import HOUR, Call, Feed, table

ARCHIVE_URL = "https://archive-api.open-meteo.com"
FORECAST_URL = "https://api.open-meteo.com"
ATTRIBUTION = "Weather data by Open-Meteo.com, CC BY 4.0"
LATITUDE, LONGITUDE = 51.494, -0.163  # the grid cell of the GB data pack, central London
HOURLY = ("temperature_2m", "relative_humidity_2m", "surface_pressure")
COLUMNS = ("dry_bulb_degc", "wet_bulb_degc")
SETTLED_AFTER = pd.Timedelta(days=10)
NEVER_SETTLED = pd.Timedelta(days=3650)
ARCHIVE_LAG = pd.Timedelta(days=6)
PAST_DAYS, NEXT_DAYS = 10, 3
PA_PER_HPA = 100.0


def archive(now_utc: pd.Timestamp, base_url: str = ARCHIVE_URL) -> Feed:
    """Reanalysis up to some days before ``now``; one call a calendar quarter."""
    calls = partial(_archive_calls, last_day=(now_utc - ARCHIVE_LAG).normalize())
    return Feed("weather archive", base_url, ATTRIBUTION, COLUMNS, HOUR, SETTLED_AFTER, calls, _parsed)


def recent(base_url: str = FORECAST_URL) -> Feed:
    """The last ten days and the next three, as the forecast service has them now: one call, whatever the stretch."""
    return Feed("weather forecast", base_url, ATTRIBUTION, COLUMNS, HOUR, NEVER_SETTLED, _recent_calls, _parsed)


def wet_bulb_degc(dry_bulb_degc: np.ndarray, relative_humidity: np.ndarray, pressure_pa: np.ndarray) -> np.ndarray:
    """Psychrometric wet bulb (ASHRAE, PsychroLib), float64 (n,); humidity as a share; NaN where an input is."""
    wet = np.full(len(dry_bulb_degc), np.nan)
    known = np.isfinite(dry_bulb_degc) & np.isfinite(relative_humidity) & np.isfinite(pressure_pa)
    if known.any():
        share = np.clip(relative_humidity[known], 0.0, 1.0)
        wet[known] = _psychrometrics().GetTWetBulbFromRelHum(dry_bulb_degc[known], share, pressure_pa[known])
    return np.minimum(wet, dry_bulb_degc)


@lru_cache(maxsize=1)
def _psychrometrics() -> ModuleType:
    """Imported at first use: it compiles its functions for arrays, which takes seconds."""
    import psychrolib

    psychrolib.SetUnitSystem(psychrolib.SI)
    return psychrolib


def _archive_calls(start_utc: pd.Timestamp, end_utc: pd.Timestamp, last_day: pd.Timestamp) -> list[Call]:
    calls = []
    for quarter in pd.period_range(start_utc.tz_convert(None), (end_utc - HOUR).tz_convert(None), freq="Q"):
        first, last = (t.normalize().tz_localize("UTC") for t in (quarter.start_time, quarter.end_time))
        last = min(last, last_day)
        if first > last:
            break
        params = {"start_date": f"{first:%Y-%m-%d}", "end_date": f"{last:%Y-%m-%d}"}
        calls.append(Call("/v1/archive", first, last + pd.Timedelta(days=1), _place(params)))
    return calls


def _recent_calls(start_utc: pd.Timestamp, end_utc: pd.Timestamp) -> list[Call]:
    return [
        Call("/v1/forecast", start_utc, end_utc, _place({"past_days": str(PAST_DAYS), "forecast_days": str(NEXT_DAYS)}))
    ]


def _place(params: dict[str, str]) -> dict[str, str]:
    return {
        "latitude": str(LATITUDE),
        "longitude": str(LONGITUDE),
        "hourly": ",".join(HOURLY),
        "timezone": "UTC",
        **params,
    }


def _parsed(tree: Any) -> pd.DataFrame:
    hourly = tree["hourly"]
    raw = table(list(zip(hourly["time"], *(hourly[name] for name in HOURLY), strict=True)), HOURLY)
    dry, humidity, pressure = raw.to_numpy().T
    wet = wet_bulb_degc(dry, humidity / 100.0, PA_PER_HPA * pressure)
    return pd.DataFrame({"dry_bulb_degc": dry, "wet_bulb_degc": wet}, index=raw.index)
