"""A stretch that is not over: what the live services know of it by now, and what they expect of the rest.

Up to ``LAG`` before now the series is what ``live.fetch`` finds. From there on carbon and weather are the services' own
forecasts, as far as these reach (48 h); a service that is down is stood in for by its last good forecast, stale with
its age, and after the client's age limit by nothing: an explicit gap. What nobody forecasts (prices, gaps, the time
beyond 48 h) is the last day repeated: the one forecast that needs no model. Expected steps are masked as filled.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from grid.http import Client, SourceError
from grid.rows import STEPS_PER_DAY
from grid.series import STEP, WEATHER_COLUMNS, GridDataError, GridSeries
from grid.sources import carbon_intensity_api as carbon
from grid.sources import live, open_meteo
from grid.sources.feeds import HALF_HOUR, HOUR, Reading, read

LAG = pd.Timedelta(hours=1)  # after it, market index and system price of a period are out
REREAD = pd.Timedelta(days=3)  # of what was measured may still have changed; older values stand for the run
FRESH, STALE, GAP = "fresh", "stale", "gap"
WEATHER = "weather"


@dataclass(frozen=True)
class Heard:
    """How a service's forecast of the next hours stands: fresh, stale (its last good answer) or gap; s since heard."""

    state: str
    age_s: float | None
    problem: str = ""


@dataclass(frozen=True)
class Expected:
    """A series to its end, whatever is known of it.

    known_until   steps before it were measured; later ones are forecast, or the last day repeated
    forecast_until  "carbon_gco2_per_kwh", "weather" -> where the service's own forecast ends
    heard         the same names -> how its forecast stands
    problem       why nothing newer is known, '' where all is well
    """

    series: GridSeries
    known_until: pd.Timestamp
    forecast_until: dict[str, pd.Timestamp]
    heard: dict[str, Heard]
    problem: str = ""

    def brief(self) -> dict[str, object]:
        """Plain words and numbers, for a trail."""
        return {
            "known_until": self.known_until.isoformat(),
            **{name: asdict(heard) for name, heard in self.heard.items()},
            "problem": self.problem,
        }


def known(client: Client, place: live.Place, start_utc: pd.Timestamp) -> GridSeries:
    """All signals from ``start`` to ``LAG`` before now. Raises as ``live.fetch``."""
    return live.fetch(client, place, start_utc, (_now(client) - LAG).floor(HALF_HOUR)).series


def expected(client: Client, place: live.Place, measured: GridSeries, end_utc: pd.Timestamp) -> Expected:
    """``measured``, or more of it where the services have more, continued to ``end`` as they expect it now.

    Never raises for a service that is down: what was measured before stands.
    """
    problem = ""
    try:
        measured = _joined(measured, known(client, place, max(measured.start_utc, measured.end_utc - REREAD)))
    except (SourceError, GridDataError) as error:
        problem = str(error)
    index = pd.date_range(measured.start_utc, end_utc, freq=STEP, inclusive="left", name="time_utc")
    frame, now, until = measured.frame.reindex(index), _now(client), measured.end_utc
    intensity, ahead = _carbon(client, place, until, now)
    hourly = read(
        client, open_meteo.recent(place.base_urls["open_meteo"]), until.floor("h"), now + live.OUTLOOK_REACH + HOUR
    )
    frame[live.CARBON] = frame[live.CARBON].fillna(intensity.reindex(index, method="ffill", limit=1))
    for column in WEATHER_COLUMNS:
        frame[column] = frame[column].fillna(_quarter_hours(hourly.frame[column], index))
    ends = {live.CARBON: _end(frame[live.CARBON], until), WEATHER: _end(frame[list(WEATHER_COLUMNS)], until)}
    heard = {live.CARBON: _heard(ahead, now), WEATHER: _heard(hourly, now)}
    return Expected(_repeated(measured, frame), until, ends, heard, problem)


def _joined(older: GridSeries, newer: GridSeries) -> GridSeries:
    """The older series up to where the newer begins, then that. A system price that is not in both is the price's."""
    if newer.start_utc <= older.start_utc:
        return newer
    before = older.between(older.start_utc, newer.start_utc)
    frame = pd.concat([before.frame, newer.frame.reindex(columns=before.frame.columns)])
    missing = np.asarray(frame.isna())
    if live.SYSTEM in frame:
        frame[live.SYSTEM] = frame[live.SYSTEM].fillna(frame[live.PRICE])
    none = np.zeros(len(newer.frame), dtype=bool)
    mask = {
        name: np.concatenate([was, newer.filled.get(name, none)]) | missing[:, frame.columns.get_loc(name)]
        for name, was in _masks(before).items()
    }
    return GridSeries(frame, {**before.provenance, **_kinds(mask)}, older.source, mask)


def _masks(series: GridSeries) -> dict[str, np.ndarray]:
    """bool (T,) for each column that is measured: what of it is not."""
    none = np.zeros(len(series.frame), dtype=bool)
    return {name: series.filled.get(name, none) for name, kind in series.provenance.items() if kind != "modelled"}


def _kinds(masks: dict[str, np.ndarray]) -> dict[str, str]:
    return {name: "filled" if mask.any() else "real" for name, mask in masks.items()}


def _carbon(client: Client, place: live.Place, until: pd.Timestamp, now: pd.Timestamp) -> tuple[pd.Series, Reading]:
    """Half-hourly intensity from ``until`` on: actual, else the forecast of the time; and the reading of the latter."""
    url, ahead = place.base_urls["carbon_intensity"], now.floor(HALF_HOUR) + HALF_HOUR
    recent = read(client, carbon.intensity(place.region, url), until, ahead).frame
    later = read(client, carbon.forecast(place.region, url), ahead, ahead + live.OUTLOOK_REACH)
    close = recent[carbon.ACTUAL].fillna(recent[carbon.FORECAST])
    return pd.concat([close, later.frame[carbon.FORECAST]]), later


def _quarter_hours(hourly: pd.Series, index: pd.DatetimeIndex) -> pd.Series:
    """Straight lines from hour to hour; nothing outside, nothing across a missing hour."""
    within = hourly.reindex(hourly.index.union(index)).interpolate("time", limit=3, limit_area="inside")
    return within.reindex(index)


def _end(columns: pd.Series | pd.DataFrame, known_until: pd.Timestamp) -> pd.Timestamp:
    """The first step after what is known that has no value."""
    missing = columns.isna()
    empty = missing.any(axis=1) if isinstance(missing, pd.DataFrame) else missing
    later = empty.index[empty & (empty.index >= known_until)]
    return later[0] if len(later) else empty.index[-1] + STEP


def _heard(reading: Reading, now: pd.Timestamp) -> Heard:
    age = reading.age(now).max()
    if age is pd.NaT:
        return Heard(GAP, None, reading.problems[-1] if reading.problems else "")
    return Heard(STALE if reading.stale.any() else FRESH, round(age.total_seconds(), 3), " ".join(reading.problems))


def _repeated(measured: GridSeries, frame: pd.DataFrame) -> GridSeries:
    """``frame`` with its empty steps taken from a day before, as often as it takes; the system price is the price's."""
    if live.SYSTEM in frame:
        frame[live.SYSTEM] = frame[live.SYSTEM].fillna(frame[live.PRICE])
    columns = {name: frame[name].to_numpy().copy() for name in frame}
    for values in columns.values():
        for at in np.flatnonzero(np.isnan(values)):
            values[at] = values[at - STEPS_PER_DAY]
    columns["wet_bulb_degc"] = np.minimum(columns["wet_bulb_degc"], columns["dry_bulb_degc"])
    unknown = np.ones(len(frame) - len(measured.frame), dtype=bool)
    mask = {name: np.concatenate([was, unknown]) for name, was in _masks(measured).items()}
    provenance = {**measured.provenance, **_kinds(mask)}
    return GridSeries.validated(pd.DataFrame(columns, index=frame.index), provenance, measured.source, mask)


def _now(client: Client) -> pd.Timestamp:
    return pd.Timestamp(client.clock(), unit="s", tz="UTC")
