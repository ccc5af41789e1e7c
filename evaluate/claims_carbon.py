"""Carbon saved by moving a flat load along recorded intensity: closed form without a limit on power, LP with one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import diags_array

from evaluate.statistics import Interval, ratio_of_sums

FILE = "gb_carbon_intensity.csv.gz"
FACTORS = {"direct": "ci_direct_g_per_kwh", "lifecycle": "ci_lifecycle_g_per_kwh"}
HIGH_G, LOW_G = 270.0, 28.0  # between which the founding README shifts
WEEK_HOURS = 168
# (hours of delay, most power over the mean; None: no limit)
FORMS = ((12, None), (24, None), (24, 1.3))


@dataclass(frozen=True)
class Shifted:
    """One year, factor and form of shifting, under perfect foresight.

    g_per_kwh   of what is shifted, weeks resampled. tonnes_a_year: of the whole site
    share       of the site's carbon. mean_g_per_kwh: of the year
    high_hours, low_hours   share of hours at or above 270 g, at or below 28 g
    """

    year: int
    factor: str
    delay_h: int
    most_power: float | None
    mean_g_per_kwh: float
    g_per_kwh: Interval
    tonnes_a_year: Interval
    share: float
    high_hours: float
    low_hours: float


def shifted(folder: Path, share: float, site_kwh: float, rng_seed: int = 0) -> list[Shifted]:
    """Every whole year of the file, both factors. share: of each hour's load that may wait. site_kwh: a year."""
    frame = pd.read_csv(folder / FILE)
    time = pd.to_datetime(frame[frame.columns[0]], utc=True)
    found = []
    for year in sorted(time.dt.year.unique()):
        mine = frame[time.dt.year == year]
        if len(mine) < 365 * 24:
            continue
        for factor, column in FACTORS.items():
            g = mine[column].to_numpy(float)
            found += [_of(int(year), factor, g, delay, power, share, site_kwh, rng_seed) for delay, power in FORMS]
    return found


def _of(
    year: int, factor: str, g: np.ndarray, delay: int, power: float | None, share: float, site_kwh: float, rng_seed: int
) -> Shifted:
    saved = saved_g(g, delay, share, power)
    weeks = len(g) // WEEK_HOURS
    by_week = saved[: weeks * WEEK_HOURS].reshape(weeks, -1).sum(axis=1)[None]
    moved = np.full_like(by_week, share * WEEK_HOURS)
    per_kwh = ratio_of_sums(by_week, moved, rng=np.random.default_rng(rng_seed))
    tonnes = share * site_kwh / 1e6
    scaled = replace(per_kwh, **{end: tonnes * getattr(per_kwh, end) for end in ("estimate", "low", "high")})
    mean = float(g.mean())
    return Shifted(
        year, factor, delay, power, mean, per_kwh, scaled, per_kwh.estimate * share / mean,
        float((g >= HIGH_G).mean()), float((g <= LOW_G).mean()),
    )  # fmt: skip


def saved_g(g: np.ndarray, delay: int, share: float, most_power: float | None = None) -> np.ndarray:
    """Grams saved per hour of a flat load of 1 kW, booked where the work would have run or runs, float64 (hours,).

    Args:
        g: intensity (hours,). delay: hours that work may wait; none is put off past the end.
        most_power: of the site, over its mean; None: no limit.

    Without a limit each hour's work goes to the cleanest of the hours it may run in. With one, served work S
    (cumulated) lies between what is due and what has arrived; an hour serves at most ``most_power - 1 + share``.
    """
    hours = len(g)
    if most_power is None:
        windows = np.lib.stride_tricks.sliding_window_view(np.append(g, np.full(delay, np.inf)), delay + 1)
        return share * (g - windows.min(axis=1))
    arrived = share * np.arange(1, hours + 1)
    due = np.append(np.zeros(min(delay, hours)), arrived)[:hours]
    due[-1] = arrived[-1]
    step = diags_array([np.ones(hours), -np.ones(hours - 1)], offsets=[0, -1]).tocsr()
    cost = g - np.append(g[1:], 0.0)  # sum of g x (S_t - S_{t-1}), by S
    rate = LinearConstraint(step, 0.0, most_power - 1.0 + share)
    solved = milp(cost, bounds=Bounds(due, arrived), constraints=[rate])
    if solved.x is None:
        raise ValueError(f"shifting {share:g} of a load within {most_power:g} of its mean: {solved.message}")
    return g * (share - np.diff(solved.x, prepend=0.0))
