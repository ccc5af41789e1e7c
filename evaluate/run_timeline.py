"""The steps of a run gathered into the columns of a figure: steps for two weeks, then hours, then London days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluate.run_data import AGENT_NAMES, CHANGED_BY, LONDON, RunData

STEPS_PER_HOUR = 4
FINE_DAYS = 14  # longer runs are shown by the hour
HOURLY_DAYS = 45  # longer still: by the day

MEANS = (
    "it_kw", "cooling_kw", "loss_kw", "charge_kw", "discharge_kw", "import_kw", "baseline_kw", "neutral_kw",
    "tariff_gbp_per_mwh", "system_gbp_per_mwh", "carbon_gco2_per_kwh", "soc_kwh", "queued_kwh",
    "supply_degc", "dry_bulb_degc",
)  # fmt: skip
BANDS = ("tariff_gbp_per_mwh", "carbon_gco2_per_kwh", "soc_kwh", "import_kw")


@dataclass(frozen=True)
class Timeline:
    """``n`` columns of a figure on one time axis.

    unit        "15 min" | "hour" | "day": what a column holds
    start_utc   left edge of the first column
    edges_h     float64 (n + 1,): edges in hours since ``start_utc``
    mean        frame (n rows): ``MEANS``, and ``raw_<agent>``, ``executed_<agent>``, ``target_kw`` (NaN where
                nothing was sold); ``inlet_degc`` is the greatest value of each column, as a limit asks
    low, high   frames (n rows): ``BANDS``
    changed     agent -> frame (n rows, ``CHANGED_BY``): share of the column's steps changed, by cause
    """

    unit: str
    start_utc: pd.Timestamp
    edges_h: np.ndarray
    mean: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    changed: dict[str, pd.DataFrame]

    @property
    def gathered(self) -> bool:
        return self.unit != "15 min"

    def hours(self, time_utc: pd.Timestamp) -> float:
        """Position of an instant on the axis."""
        return (time_utc - self.start_utc) / pd.Timedelta(hours=1)

    @property
    def end_utc(self) -> pd.Timestamp:
        return self.start_utc + pd.Timedelta(hours=float(self.edges_h[-1]))


def timeline(run: RunData) -> Timeline:
    """Gather a run's steps; see ``Timeline``."""
    times = run.times_utc
    unit = "15 min" if run.days <= FINE_DAYS else "hour" if run.days <= HOURLY_DAYS else "day"
    column = _column_of(times, unit)
    start = times[0]
    hours = np.asarray((times - start) / pd.Timedelta(hours=1), dtype=np.float64)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    steps = _in_kw(run.steps)
    groups = steps.groupby(column, sort=True)
    actions = [f"{kind}_{agent}" for agent in AGENT_NAMES for kind in ("raw", "executed")]
    mean = groups[[*MEANS, "target_kw", *actions]].mean()
    mean["inlet_degc"] = groups["inlet_degc"].max()
    return Timeline(
        unit=unit,
        start_utc=start,
        edges_h=np.append(hours[first], hours[-1] + 1.0 / STEPS_PER_HOUR),
        mean=mean,
        low=groups[list(BANDS)].min(),
        high=groups[list(BANDS)].max(),
        changed={agent: _shares(run.steps[f"changed_by_{agent}"], column) for agent in AGENT_NAMES},
    )


def day_ticks(line: Timeline, most: int) -> list[tuple[float, pd.Timestamp]]:
    """[(hours on the axis, London instant)]: midnights, firsts of the month in a year; at most about ``most``."""
    first, last = line.start_utc.tz_convert(LONDON), line.end_utc.tz_convert(LONDON)
    days = max(1.0, (last - first) / pd.Timedelta(days=1))
    if days > 62:
        every = int(np.ceil(days / 30.5 / most))
        marks = pd.date_range(first.normalize().replace(day=1), last, freq=f"{every}MS")
    else:
        every = int(np.ceil(days / most))
        marks = pd.date_range(first.normalize(), last, freq=f"{every}D")
    return [(line.hours(mark.tz_convert("UTC")), mark) for mark in marks if first <= mark < last]


def _column_of(times: pd.DatetimeIndex, unit: str) -> np.ndarray:
    """int64 (T,): the column each step belongs to, from 0."""
    if unit == "15 min":
        return np.arange(len(times))
    london = times.tz_convert(LONDON)
    keys = times.floor("h") if unit == "hour" else london.tz_localize(None).floor("D")
    return pd.factorize(keys)[0]


def _in_kw(steps: pd.DataFrame) -> pd.DataFrame:
    battery = STEPS_PER_HOUR * steps["battery_kwh"]
    powers = {f"{name}_kw": STEPS_PER_HOUR * steps[f"{name}_kwh"] for name in ("it", "cooling", "loss", "import")}
    sold = steps["sold_kw"]
    return steps.assign(
        **powers,
        charge_kw=battery.clip(lower=0.0),
        discharge_kw=battery.clip(upper=0.0),
        target_kw=(steps["baseline_kw"] - sold).where(sold > 0.0),
    ).reset_index(drop=True)


def _shares(causes: pd.Series, column: np.ndarray) -> pd.DataFrame:
    marks = pd.DataFrame({cause: causes.to_numpy() == cause for cause in CHANGED_BY}, dtype=np.float64)
    return marks.groupby(column, sort=True).mean()
