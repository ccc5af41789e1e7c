"""Live sources together: what Britain's public services say of a stretch, as one ``GridSeries``, and their outlook.

Carbon is the actual intensity; where the service has closed no actual, its own last forecast, marked filled. The
auction's price is not public: Elexon's market index of short-term trades stands for it, and is called modelled. Gaps
of at most ``LONGEST_FILL`` are drawn straight between their neighbours; a longer one is an error with its first time.
System prices replace the modelled ones only where the source has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from grid.http import Client, SourceError
from grid.series import STEP, WEATHER_COLUMNS, GridDataError, GridSeries
from grid.sources import carbon_intensity_api as carbon
from grid.sources import elexon, open_meteo
from grid.sources.feeds import HALF_HOUR, HOUR, Feed, Reading, read

BASE_URLS = {
    "carbon_intensity": carbon.BASE_URL,
    "elexon": elexon.BASE_URL,
    "open_meteo": open_meteo.FORECAST_URL,
    "open_meteo_archive": open_meteo.ARCHIVE_URL,
}
LONGEST_FILL = pd.Timedelta(hours=2)
OUTLOOK_REACH = pd.Timedelta(hours=48)
CARBON, PRICE, SYSTEM = "carbon_gco2_per_kwh", "day_ahead_gbp_per_mwh", "system_gbp_per_mwh"

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Place:
    """Where and whom to ask: a region of the carbon service (None: Great Britain) and the services' addresses."""

    region: int | None = None
    base_urls: Mapping[str, str] = field(default_factory=lambda: BASE_URLS)

    def feeds(self, now_utc: pd.Timestamp) -> dict[str, Feed]:
        """What a stretch is made of."""
        url = self.base_urls
        return {
            "carbon": carbon.intensity(self.region, url["carbon_intensity"]),
            "weather": open_meteo.archive(now_utc, url["open_meteo_archive"]),
            "recent": open_meteo.recent(url["open_meteo"]),
            "index": elexon.market_index(url["elexon"]),
            "system": elexon.system_price(url["elexon"]),
        }


@dataclass(frozen=True)
class Fetched:
    """A stretch of live signals.

    series        15 min, provenance and filled steps as everywhere
    attribution   column -> whose data it is and under what licence
    heard_at      column -> oldest time, UTC, at which one of its values was received
    notes         what went wrong or was left out, one line each
    """

    series: GridSeries
    attribution: dict[str, str]
    heard_at: dict[str, pd.Timestamp]
    notes: tuple[str, ...]


def fetch(
    client: Client,
    place: Place,
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    on_progress: OnProgress | None = None,
) -> Fetched:
    """All signals of [start, end). Calls already answered for good are read from the client's store.

    Raises:
        GridDataError: a gap that is too long to fill, with its first time; a stretch that is not over yet.
        SourceError: the same gap where a source did not answer. RefusedError.
    """
    now = pd.Timestamp(client.clock(), unit="s", tz="UTC")
    if end_utc > now:
        raise GridDataError(f"live signals: asked until {end_utc:%Y-%m-%d %H:%M} UTC, it is {now:%Y-%m-%d %H:%M}")
    readings = _read_all(client, place.feeds(now), start_utc, end_utc, now, on_progress)
    notes = [problem for reading in readings.values() for problem in reading.problems]
    index = pd.date_range(start_utc, end_utc, freq=STEP, inclusive="left", name="time_utc")

    forecast, actual = (readings["carbon"].frame[name] for name in (carbon.FORECAST, carbon.ACTUAL))
    intensity, filled = _without_gaps(actual.fillna(forecast), "carbon", readings["carbon"].problems, notes)
    filled = filled | actual.isna().to_numpy()
    index_price = readings["index"].frame[elexon.INDEX]
    price, _ = _without_gaps(index_price, "day-ahead price (market index)", readings["index"].problems, notes)
    columns = {**_weather(readings, index, notes), CARBON: _held(intensity, index), PRICE: _held(price, index)}
    regional = place.region is not None  # a region's values are the service's model, and say so
    provenance = dict.fromkeys(WEATHER_COLUMNS, "real")
    provenance |= {CARBON: "modelled" if regional else "filled" if filled.any() else "real", PRICE: "modelled"}
    system = readings["system"].frame[elexon.SYSTEM]
    if system.isna().any():
        first = system.index[int(np.argmax(system.isna()))]
        notes.append(f"system price: none for {first:%Y-%m-%d %H:%M} UTC; left out, so the modelled one stands")
    else:
        columns[SYSTEM], provenance[SYSTEM] = _held(system, index), "real"

    mask = {} if regional else {CARBON: _held(pd.Series(filled, intensity.index), index).astype(bool)}
    series = GridSeries.validated(pd.DataFrame(columns, index=index), provenance, "live sources", mask)
    of = {CARBON: "carbon", PRICE: "index", SYSTEM: "system"}
    heard = {name: reading.heard_at.min() for name, reading in readings.items()}
    heard["weather"] = min(heard[name] for name in ("weather", "recent") if name in heard and heard[name] is not pd.NaT)
    return Fetched(
        series,
        {column: readings[of.get(column, "weather")].feed.attribution for column in columns},
        {column: heard[of.get(column, "weather")] for column in columns},
        tuple(notes),
    )


def outlook(client: Client, place: Place, now_utc: pd.Timestamp) -> tuple[pd.DataFrame, tuple[Reading, ...]]:
    """The services' own forecasts for the 48 h after ``now``, by half-hour (96, 3), and the readings they come from.

    Columns carbon, dry and wet bulb; NaN where there is none. The readings know age and staleness of every value.
    """
    start = now_utc.floor(HALF_HOUR) + HALF_HOUR
    end = start + OUTLOOK_REACH
    intensity = read(client, carbon.forecast(place.region, place.base_urls["carbon_intensity"]), start, end)
    weather = read(client, open_meteo.recent(place.base_urls["open_meteo"]), start.floor("h"), end + HOUR)
    index = pd.date_range(start, end, freq=HALF_HOUR, inclusive="left", name="time_utc")
    halves = weather.frame.reindex(weather.frame.index.union(index)).interpolate("time", limit=1, limit_area="inside")
    return halves.loc[index].assign(**{CARBON: intensity.frame[carbon.FORECAST].reindex(index)}), (intensity, weather)


def _read_all(
    client: Client,
    feeds: Mapping[str, Feed],
    start_utc: pd.Timestamp,
    end_utc: pd.Timestamp,
    now_utc: pd.Timestamp,
    on_progress: OnProgress | None,
) -> dict[str, Reading]:
    """One reading a feed; the recent weather only where the archive does not reach."""
    archived = now_utc - open_meteo.ARCHIVE_LAG
    wanted = {name: feed for name, feed in feeds.items() if name != "recent" or end_utc > archived.normalize()}
    # An hour more of weather, so that its last hour leads somewhere.
    reach = {name: end_utc + (HOUR if name in ("weather", "recent") else 0 * HOUR) for name in wanted}
    total = sum(len(feed.calls(start_utc, reach[name])) for name, feed in wanted.items())
    done = 0

    def on_call() -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    return {name: read(client, feed, start_utc, reach[name], on_call) for name, feed in wanted.items()}


def _weather(readings: Mapping[str, Reading], index: pd.DatetimeIndex, notes: list[str]) -> dict[str, np.ndarray]:
    """Hourly weather drawn straight from hour to hour; the archive first."""
    hourly = readings["weather"].frame
    if "recent" in readings:
        hourly = hourly.fillna(readings["recent"].frame)
    problems = [line for name in ("weather", "recent") if name in readings for line in readings[name].problems]
    columns = {}
    for column in WEATHER_COLUMNS:
        values = hourly[column]
        if len(values) > 1 and np.isnan(values.iloc[-1]):
            values = values.iloc[:-1]  # the hour after the end: the last one is held without it
        values, _ = _without_gaps(values, column, problems, notes)
        at = (index - values.index[0]) / HOUR
        columns[column] = np.interp(np.asarray(at), np.arange(len(values)), values.to_numpy())
    return columns


def _without_gaps(
    values: pd.Series, what: str, problems: Sequence[str], notes: list[str]
) -> tuple[pd.Series, np.ndarray]:
    """Short gaps filled, and which steps were. A long gap: SourceError if there were problems, else GridDataError."""
    missing = values.isna()
    if missing.any():
        run = missing.groupby((~missing).cumsum()).cumsum().to_numpy()
        step = values.index[1] - values.index[0]
        too_long = np.flatnonzero(run * step > LONGEST_FILL)
        if len(too_long) or missing.all():
            last = too_long[0] if len(too_long) else len(values) - 1
            first = values.index[last - run[last] + 1]
            place = (
                f"live signals: no {what} from {first:%Y-%m-%d %H:%M} UTC on for more than {LONGEST_FILL / HOUR:g} h"
            )
            if problems:
                raise SourceError(f"{place}; {problems[-1]}; try again later, what came is kept")
            raise GridDataError(f"{place}; the source has no value there, choose other dates")
        notes.append(f"{what}: {int(missing.sum())} of {len(values)} values missing at the source, filled")
    return values.interpolate("time", limit_direction="both"), missing.to_numpy()


def _held(values: pd.Series, index: pd.DatetimeIndex) -> np.ndarray:
    """Values of longer steps at 15 min."""
    return values.reindex(index, method="ffill").to_numpy()
