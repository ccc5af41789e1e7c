"""Synthetic Britain: seeded, joint carbon, day-ahead price and weather, from constants fitted on 2022 (Feb-Dec).

    x(t) = shape(day of year, hour) + weekday(hour) + scale(day of year, hour) Q(z(t))

z is Gaussian with unit variance: a sum of damped components with correlation times from hours to weeks, some of them
turning once or twice a day, each correlated across the signals (``synthetic_2022.json``, written by
``python -m grid.sources.fit FOLDER``). The slow shared components are the windless days that lift carbon and price
together; the daily ones make one day's evening peak resemble the next day's. Q restores each signal's own law:
skewed prices with spikes and some negative hours, a bounded carbon intensity; a small correction does so for the
year as a whole, and each year's own law is drawn part of the way to it. Wet bulb never exceeds dry bulb.

Time is cut into calendar years. A year's noise comes from a hash of (seed, year) and its components start from zero a
whole year earlier, so the same (seed, hour) has the same value whatever stretch is asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from grid.noise import hashed_generator
from grid.series import GridDataError, GridSeries, to_steps
from grid.sources.variation import drawn

CONSTANTS = "synthetic_2022.json"
SIGNALS = ("carbon", "price", "dry_bulb", "wet_bulb")
FIRST_YEAR, LAST_YEAR = 2014, 2036  # starts of 2015-2035 with history and outlook
CARBON_FLOOR = 5.0  # gCO2/kWh; the least of 2021-2022 is 14
HOURS_A_DAY = 24
# Where the law of a year is compared, and how far it is drawn to the fitted one: as far as twenty years need.
LAW_AT = np.array([0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998])
PULL, FADE_DAYS = 2.0 / 3.0, 10.0


@dataclass(frozen=True)
class Component:
    """One part of z: unit noises, filtered in time, mixed into the four signals by ``mix`` float64 (4, 4).

    Without a period it is a double real pole: phi = exp(-1 / hours), as smooth from hour to hour as the data. With one
    it is a single complex pole that turns once in ``period_hours`` and keeps its amplitude for about ``hours``.
    """

    hours: float
    period_hours: float | None
    mix: np.ndarray

    def correlation(self, lag_hours: np.ndarray) -> np.ndarray:
        """Of the filtered unit noise with itself, by lag."""
        phi = np.exp(-1.0 / self.hours)
        if self.period_hours is None:
            return phi**lag_hours * (1.0 + lag_hours * (1.0 - phi**2) / (1.0 + phi**2))
        return phi**lag_hours * np.cos(2.0 * np.pi * lag_hours / self.period_hours)

    def filtered(self, noise: np.ndarray) -> np.ndarray:
        """Real part of unit complex noise (4, T) run through the poles from rest; unit variance once settled."""
        phi = np.exp(-1.0 / self.hours)
        if self.period_hours is None:
            gain = np.sqrt((1.0 - phi**2) ** 3 / (1.0 + phi**2))
            return lfilter([gain], [1.0, -2.0 * phi, phi**2], noise.real, axis=1)
        turning = phi * np.exp(2j * np.pi / self.period_hours)
        return lfilter([np.sqrt(1.0 - phi**2)], [1.0, -turning], noise, axis=1).real


@dataclass(frozen=True)
class Constants:
    """Fitted constants; first axis of every array is the signal in ``SIGNALS`` order.

    knots (4, 12, 24) mid-month shape by hour; weekday (4, 3, 24) working day, Saturday, Sunday; month_scale (4, 12);
    hour_scale (4, 24); z_grid (n,) and quantiles (4, n); correction (4, m) to add to values correction_at (4, m).
    Hours are UTC. Units: gCO2/kWh, GBP/MWh, degC, degC.
    """

    knots: np.ndarray
    weekday: np.ndarray
    month_scale: np.ndarray
    hour_scale: np.ndarray
    z_grid: np.ndarray
    quantiles: np.ndarray
    correction_at: np.ndarray
    correction: np.ndarray
    components: tuple[Component, ...]


@lru_cache(maxsize=1)
def fitted() -> Constants:
    raw = json.loads(files("grid.sources").joinpath(CONSTANTS).read_text(encoding="utf-8"))
    parts = tuple(Component(c["hours"], c["period_hours"], np.array(c["mix"])) for c in raw.pop("components"))
    raw.pop("about")
    return Constants(**{name: np.array(value) for name, value in raw.items()}, components=parts)


def signals(start_utc: pd.Timestamp, end_utc: pd.Timestamp, seed: int, *, randomise: bool = False) -> GridSeries:
    """Weather, carbon and day-ahead price at 15 min over [start, end). GridDataError outside 2015-2035.

    ``randomise`` draws the world's level, season and volatility of carbon and price (``grid.sources.variation``).
    """
    hours = pd.date_range(start_utc.floor("h"), end_utc.ceil("h"), freq="h", name="time_utc")
    years = range(hours[0].year, hours[-1].year + 1)
    if years[0] < FIRST_YEAR or years[-1] > LAST_YEAR:
        raise GridDataError(
            f"synthetic signals: {start_utc:%Y-%m-%d} .. {end_utc:%Y-%m-%d} asked (history and outlook included); "
            "choose a run inside 2015-2035"
        )
    values = np.concatenate([_year(seed, year) for year in years], axis=1)
    skip = int((hours[0] - _new_year(years[0])) / pd.Timedelta(hours=1))
    carbon, price, dry, wet = uncrossed(values[:, skip : skip + len(hours)])
    if randomise:
        carbon, price = _varied(carbon, "carbon", hours, seed), _varied(price, "price", hours, seed)
    hourly = pd.DataFrame(
        {
            "dry_bulb_degc": dry,
            "wet_bulb_degc": wet,
            "carbon_gco2_per_kwh": np.maximum(carbon, CARBON_FLOOR),
            "day_ahead_gbp_per_mwh": np.round(price, 2),
        },
        index=hours,
    )
    frame = to_steps(hourly).loc[start_utc:end_utc]
    frame = frame[frame.index < end_utc]
    name = f"synthetic signals, seed {seed}" + (", randomised" if randomise else "")
    return GridSeries.validated(frame, dict.fromkeys(frame.columns, "synthetic"), name)


def _varied(values: np.ndarray, signal: str, hours: pd.DatetimeIndex, seed: int) -> np.ndarray:
    """One signal (T,) in the world of its drawn variation."""
    daily = fitted().knots[SIGNALS.index(signal)].mean(axis=1)
    before, weight = month_position(hours)
    slow = (1.0 - weight) * daily[before] + weight * daily[(before + 1) % len(daily)]
    return drawn(seed, signal).applied(values, slow, float(daily.mean()))


@lru_cache(maxsize=64)
def _year(seed: int, year: int) -> np.ndarray:
    return simulated_year(fitted(), seed, year)


def simulated_year(constants: Constants, seed: int, year: int) -> np.ndarray:
    """float64 (4, hours of the year) in ``SIGNALS`` order, before bounds and rounding."""
    times = _hours_of(year)
    return conditioned(constants, corrected(constants, raw_year(constants, seed, year)), times)


def raw_year(constants: Constants, seed: int, year: int) -> np.ndarray:
    """The year before its law is corrected; what the fit looks at."""
    times = _hours_of(year)
    z = latent(constants, seed, year)
    deviation = np.stack([np.interp(z[s], constants.z_grid, constants.quantiles[s]) for s in range(len(SIGNALS))])
    return uncrossed(level(constants, times) + scale(constants, times) * deviation)


def uncrossed(values: np.ndarray) -> np.ndarray:
    """Values (4, T) with dry and wet bulb at their middle, saturated air, wherever they would cross."""
    carbon, price, dry, wet = values
    middle = 0.5 * (dry + wet)
    return np.stack([carbon, price, np.maximum(dry, middle), np.minimum(wet, middle)])


def corrected(constants: Constants, values: np.ndarray) -> np.ndarray:
    """Values (4, T) moved a little so that their law over a whole year is the observed one; spikes move by the last."""
    moves = [np.interp(x, constants.correction_at[s], constants.correction[s]) for s, x in enumerate(values)]
    return values + np.stack(moves)


def conditioned(constants: Constants, values: np.ndarray, times_utc: pd.DatetimeIndex) -> np.ndarray:
    """One year's values (4, T) with its own law of February to December drawn ``PULL`` of the way to the fitted one.

    A few spells decide where a year's coldest or dearest hours lie, so means over some years would miss the fitted law
    by as much as real years do. When things happen stays the year's own. The pull fades at the ends of the year, where
    the next one, with other spells, takes over.
    """
    fitted_hours = times_utc.month.to_numpy() > 1
    days = np.minimum(np.arange(len(times_utc)), np.arange(len(times_utc))[::-1]) / HOURS_A_DAY
    pull = PULL * np.minimum(days / FADE_DAYS, 1.0)
    wanted = constants.correction_at + constants.correction
    own = np.quantile(values[:, fitted_hours], LAW_AT, axis=1).T
    moves = [np.interp(x, own[s], wanted[s] - own[s]) for s, x in enumerate(values)]
    return values + pull * np.stack(moves)


def latent(constants: Constants, seed: int, year: int) -> np.ndarray:
    """z, float64 (4, hours of the year): the sum of all components, each run in over the year before."""
    hours = _hours(year)
    total = np.zeros((len(SIGNALS), hours))
    before, now = (_normals(seed, y, len(constants.components)) for y in (year - 1, year))
    for k, part in enumerate(constants.components):
        noise = np.concatenate([before[k], now[k]], axis=1)
        total += part.mix @ part.filtered(noise)[:, -hours:]
    return total


def level(constants: Constants, times_utc: pd.DatetimeIndex) -> np.ndarray:
    """Expected value by hour, float64 (4, T): smooth over the year, with the weekday's own shape."""
    hour, kind = times_utc.hour.to_numpy(), np.maximum(times_utc.day_of_week.to_numpy() - 4, 0)
    before, weight = month_position(times_utc)
    after = (before + 1) % 12
    smooth = (1.0 - weight) * constants.knots[:, before, hour] + weight * constants.knots[:, after, hour]
    return smooth + constants.weekday[:, kind, hour]


def scale(constants: Constants, times_utc: pd.DatetimeIndex) -> np.ndarray:
    """Size of the deviations by hour, float64 (4, T)."""
    before, weight = month_position(times_utc)
    months = (1.0 - weight) * constants.month_scale[:, before] + weight * constants.month_scale[:, (before + 1) % 12]
    return months * constants.hour_scale[:, times_utc.hour.to_numpy()]


def month_position(times_utc: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Month (0..11) whose middle lies before each day, and how far the day is from it to the next middle, 0..1."""
    year = 12.0 * (times_utc.day_of_year.to_numpy() - 0.5) / np.where(times_utc.is_leap_year, 366, 365)
    position = year - 0.5
    before = np.floor(position)
    return before.astype(np.int64) % 12, position - before


@lru_cache(maxsize=16)
def _normals(seed: int, year: int, components: int) -> np.ndarray:
    """complex (components, 4, hours of the year): real and imaginary parts independent, unit variance each."""
    rng = hashed_generator("synthetic", seed, year)
    parts = rng.standard_normal((components, len(SIGNALS), _hours(year), 2))
    return parts.view(np.complex128)[..., 0]


def _hours_of(year: int) -> pd.DatetimeIndex:
    return pd.date_range(_new_year(year), _new_year(year + 1), freq="h", inclusive="left")


def _new_year(year: int) -> pd.Timestamp:
    return pd.Timestamp(year=year, month=1, day=1, tz="UTC")


def _hours(year: int) -> int:
    return int((_new_year(year + 1) - _new_year(year)) / pd.Timedelta(hours=1))
