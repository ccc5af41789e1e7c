"""Fit the constants of the synthetic source: ``python -m grid.sources.fit FOLDER`` (files as in ``grid.sources.file``).

Uses February to December 2022 alone, the part of that year with real prices. January is the mean of its neighbours.
The correlation in time and across signals is fitted by least squares on the cross-covariances at lags 0 to 480 h: a sum
of damped components, each with a positive semi-definite matrix (so the sum is a covariance that can be simulated).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.stats import norm, rankdata

from grid.sources import file
from grid.sources.synthetic import (
    CONSTANTS,
    LAW_AT,
    SIGNALS,
    Component,
    Constants,
    corrected,
    level,
    month_position,
    raw_year,
    scale,
    simulated_year,
    uncrossed,
)

PERIOD = ("2022-02-01", "2023-01-01")
JANUARY, FEBRUARY, DECEMBER = 0, 1, 11
# (correlation time h, turning period h): hours to days; weeks, turning so that no year drifts from its months' means,
# which the fit takes as given; daily and half-daily shapes that last days.
COMPONENTS = (
    (1.0, None), (3.0, None), (12.0, None), (36.0, 250.0), (150.0, 600.0), (60.0, 24.0), (60.0, 12.0),
)  # fmt: skip
LAGS = np.concatenate([np.arange(0, 49), np.arange(51, 96, 3), np.arange(96, 481, 8)])
# How far a signal's scale follows the month's own: a price's size follows its level; a month's spread of carbon or
# temperature in one year is mostly one or two weather spells.
MONTH_POWER = np.array([0.0, 1.0, 0.4, 0.5])
CALM_ROUNDS, CALM_HOURS, FIT_YEAR, FIT_SEEDS, SETTLE_ROUNDS = 6, 15.0, 2022, 120, 4
Z_GRID = np.round(np.arange(-3.6, 3.61, 0.1), 1)


def observed(folder: str) -> pd.DataFrame:
    """Hourly columns ``SIGNALS`` of the fitting period."""
    frame = file.signals(folder).frame.iloc[::4]
    inside = frame.loc[
        (frame.index >= pd.Timestamp(PERIOD[0], tz="UTC")) & (frame.index < pd.Timestamp(PERIOD[1], tz="UTC"))
    ]
    values = (
        inside["carbon_gco2_per_kwh"],
        inside["day_ahead_gbp_per_mwh"],
        inside["dry_bulb_degc"],
        inside["wet_bulb_degc"],
    )
    return pd.DataFrame(dict(zip(SIGNALS, values, strict=True)))


def fit(table: pd.DataFrame) -> Constants:
    """Constants of the four hourly signals in ``table``.

    A Gaussian z has no quiet and wild days of its own, so the covariance that fits best makes the mean daily range too
    wide. ``calm`` shrinks what changes within a day until simulated and observed mean ranges agree.
    """
    times, x = pd.DatetimeIndex(table.index), table.to_numpy().T
    constants = _shapes(times, x)
    standard = (x - level(constants, times)) / scale(constants, times)
    constants = replace(constants, quantiles=_quantiles(standard))
    z = np.stack([norm.ppf((rankdata(row) - 0.5) / len(row)) for row in standard])
    calm = np.ones(len(x))
    for _ in range(CALM_ROUNDS):
        constants = replace(constants, components=_components(z, calm), correction=np.zeros((len(x), len(LAW_AT))))
        raw = [raw_year(constants, seed, FIT_YEAR)[:, -x.shape[1] :] for seed in range(FIT_SEEDS)]
        at, correction = _correction(np.concatenate(raw, axis=1), x)
        constants = replace(constants, correction_at=at, correction=correction)
        simulated = np.mean([_mean_range(corrected(constants, year)) for year in raw], axis=0)
        calm *= (_mean_range(x) / simulated) ** 2
    return settled(constants, x)


def settled(constants: Constants, x: np.ndarray) -> Constants:
    """The correction moved until whole simulated years, bounds and all, have the observed law on average.

    Where dry and wet bulb would cross they are set equal, which shifts the laws of both a little.
    """
    wanted = np.quantile(x, LAW_AT, axis=1).T
    for _ in range(SETTLE_ROUNDS):
        years = (uncrossed(simulated_year(constants, seed, FIT_YEAR))[:, -x.shape[1] :] for seed in range(FIT_SEEDS))
        found = np.mean([np.quantile(year, LAW_AT, axis=1).T for year in years], axis=0)
        constants = replace(constants, correction=constants.correction + wanted - found)
    return constants


def _correction(simulated: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simulated values (4, m) and what to add there, so that simulated years have the observed law of the period."""
    at, wanted = (np.quantile(values, LAW_AT, axis=1).T for values in (simulated, x))
    return at, wanted - at


def _shapes(times: pd.DatetimeIndex, x: np.ndarray) -> Constants:
    """Levels and scales; the law and the components are still empty."""
    month, hour = times.month.to_numpy() - 1, times.hour.to_numpy()
    shape = _month_hour_means(x, month, hour)
    flat = Constants(
        knots=_knots(shape),
        weekday=_weekday_shape(x - shape[:, month, hour], times),
        month_scale=np.ones((len(x), 12)),
        hour_scale=np.ones((len(x), 24)),
        z_grid=Z_GRID,
        quantiles=np.zeros((len(x), len(Z_GRID))),
        correction_at=np.tile(LAW_AT, (len(x), 1)),
        correction=np.zeros((len(x), len(LAW_AT))),
        components=(),
    )
    residual = x - level(flat, times)
    whole = _size(residual)[:, None]
    month_scale = np.full((len(x), 12), np.nan)
    for m in np.unique(month):
        month_scale[:, m] = _size(residual[:, month == m])
    month_scale = whole * (_january_filled(month_scale) / whole) ** MONTH_POWER[:, None]
    by_month = replace(flat, month_scale=month_scale)
    standard = residual / scale(by_month, times)
    return replace(by_month, hour_scale=np.stack([_size(standard[:, hour == h]) for h in range(24)], axis=1))


def _mean_range(x: np.ndarray) -> np.ndarray:
    """(4,): mean over days of the largest less the smallest value of the day."""
    return np.ptp(x.reshape(len(x), -1, 24), axis=2).mean(axis=1)


def _month_hour_means(x: np.ndarray, month: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """(4, 12, 24)"""
    cell = month * 24 + hour
    count = np.bincount(cell, minlength=288)
    with np.errstate(invalid="ignore"):
        means = np.stack([np.bincount(cell, weights=row, minlength=288) / count for row in x])
    return _january_filled(means.reshape(len(x), 12, 24))


def _january_filled(by_month: np.ndarray) -> np.ndarray:
    """Months on axis 1; January, which is not observed, as the mean of December and February."""
    filled = by_month.copy()
    filled[:, JANUARY] = 0.5 * (by_month[:, DECEMBER] + by_month[:, FEBRUARY])
    return filled


def _weekday_shape(deviation: np.ndarray, times: pd.DatetimeIndex) -> np.ndarray:
    """(4, 3, 24): mean deviation of working days, Saturdays and Sundays by hour."""
    cell = np.maximum(times.day_of_week.to_numpy() - 4, 0) * 24 + times.hour.to_numpy()
    count = np.bincount(cell, minlength=72)
    return np.stack([np.bincount(cell, weights=row, minlength=72) / count for row in deviation]).reshape(-1, 3, 24)


def _knots(shape: np.ndarray) -> np.ndarray:
    """Mid-month knots whose linear interpolation has the month means ``shape`` (4, 12, 24)."""
    days = pd.date_range("2022-01-01", "2022-12-31", freq="D", tz="UTC")
    before, weight = month_position(days)
    interpolation = np.zeros((len(days), 12))
    interpolation[np.arange(len(days)), before] += 1.0 - weight
    interpolation[np.arange(len(days)), (before + 1) % 12] += weight
    month_means = np.stack([interpolation[days.month == m + 1].mean(axis=0) for m in range(12)])
    return np.einsum("mn,snh->smh", np.linalg.inv(month_means), shape)


def _size(values: np.ndarray) -> np.ndarray:
    """Scale along the last axis from mean absolute values: one spike does not widen a whole month."""
    return 1.25 * np.abs(values - values.mean(axis=-1, keepdims=True)).mean(axis=-1)


def _quantiles(standard: np.ndarray) -> np.ndarray:
    """(4, n): the law of the standardised residuals on ``Z_GRID``, centred under the Gaussian."""
    table = np.quantile(standard, norm.cdf(Z_GRID), axis=1).T
    fine = np.linspace(-5.0, 5.0, 20001)
    density = norm.pdf(fine) / norm.pdf(fine).sum()
    mean = np.array([(np.interp(fine, Z_GRID, row) * density).sum() for row in table])
    return table - mean[:, None]


def _components(z: np.ndarray, calm: np.ndarray) -> tuple[Component, ...]:
    n, pairs = len(z), np.tril_indices(len(z))
    now = _covariance(z, 0)
    shrink = 1.0 - (1.0 - np.sqrt(np.outer(calm, calm))) * np.exp(-LAGS / CALM_HOURS)[:, None, None]
    target = np.stack([now - (now - _covariance(z, int(lag))) * f for lag, f in zip(LAGS, shrink, strict=True)])
    target = target[:, *pairs]
    basis = np.stack([Component(hours, period, np.eye(n)).correlation(LAGS) for hours, period in COMPONENTS])
    weight = np.where(LAGS == 0, 10.0, np.where(np.isin(LAGS, (1, 23, 24, 25)), 4.0, 1.0))[:, None]

    def matrices(free: np.ndarray) -> np.ndarray:
        lower = np.zeros((len(COMPONENTS), n, n))
        lower[:, pairs[0], pairs[1]] = free.reshape(len(COMPONENTS), -1)
        return lower

    def miss(free: np.ndarray) -> np.ndarray:
        lower = matrices(free)
        covariance = (lower @ lower.transpose(0, 2, 1))[:, pairs[0], pairs[1]]
        return (weight * (basis.T @ covariance - target)).ravel()

    start = np.linalg.cholesky(_covariance(z, 0) / len(COMPONENTS) + 1e-6 * np.eye(n))[pairs]
    lower = matrices(least_squares(miss, np.tile(start, len(COMPONENTS)), ftol=1e-5, xtol=1e-5).x)
    total = np.sqrt((lower @ lower.transpose(0, 2, 1)).sum(axis=0).diagonal())
    return tuple(
        Component(hours, period, mix / total[:, None]) for (hours, period), mix in zip(COMPONENTS, lower, strict=True)
    )


def _covariance(z: np.ndarray, lag: int) -> np.ndarray:
    """(4, 4): covariance at a lag, symmetric in the signals (which of two leads is left out)."""
    ahead = z[:, lag:] @ z[:, : z.shape[1] - lag].T / (z.shape[1] - lag)
    return 0.5 * (ahead + ahead.T)


def write(constants: Constants, path: Path) -> None:
    about = (
        f"Fitted by grid.sources.fit on {PERIOD[0]} .. {PERIOD[1]} (UTC, end excluded); meaning: grid.sources.synthetic"
    )
    arrays = {name: np.round(value, 4).tolist() for name, value in vars(constants).items() if name != "components"}
    components = [
        {"hours": c.hours, "period_hours": c.period_hours, "mix": np.round(c.mix, 5).tolist()}
        for c in constants.components
    ]
    part = path.with_suffix(".part")
    lines = [
        f"{json.dumps(k)}: {json.dumps(v)}" for k, v in {"about": about, **arrays, "components": components}.items()
    ]
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m grid.sources.fit FOLDER")
    write(fit(observed(sys.argv[1])), Path(__file__).with_name(CONSTANTS))
