"""The picture of a set of signals: each one over time and over the hours of the day, beside another set's if asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grid.description import SignalSet

COLOURS = ("#1f5fa8", "#c2571a")
UNITS = {
    "utilisation": "utilisation",
    "dry_bulb_degc": "dry bulb, °C",
    "wet_bulb_degc": "wet bulb, °C",
    "carbon_gco2_per_kwh": "carbon, gCO2/kWh",
    "day_ahead_gbp_per_mwh": "day-ahead price, GBP/MWh",
    "system_gbp_per_mwh": "system price, GBP/MWh",
}
ROW_INCHES, WIDTH_INCHES = 2.1, 11.0


def draw(sets: Sequence[SignalSet], target: Path) -> None:
    """Write a PNG: a row a signal; left its daily mean and range, right its mean and 10-90 % by hour, UTC."""
    columns = [str(column) for column in sets[0].frame]
    figure = Figure(figsize=(WIDTH_INCHES, 0.7 + ROW_INCHES * len(columns)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(columns), 2, squeeze=False, width_ratios=(3, 1))
    for row, column in zip(axes, columns, strict=True):
        for signals, colour in zip(sets, COLOURS, strict=False):
            if column in signals.frame:
                hourly = signals.hourly()[column]
                _over_time(row[0], hourly, colour, signals.name)
                _over_the_day(row[1], hourly, colour)
        row[0].set_title(UNITS.get(column, column), loc="left", fontsize=9)
        for ax in row:
            ax.tick_params(labelsize=8)
            ax.spines[["top", "right"]].set_visible(False)
    axes[-1, 1].set_xlabel("hour of the day, UTC", fontsize=8)
    if len(sets) > 1:
        axes[0, 0].legend(fontsize=8, frameon=False)
    part = target.with_name(f".{target.name}.part")
    figure.savefig(part, dpi=110, format="png")
    os.replace(part, target)


def _over_time(ax: Axes, hourly: pd.Series, colour: str, name: str) -> None:
    days = hourly.groupby(pd.DatetimeIndex(hourly.index).floor("D")).agg(["mean", "min", "max"])
    at = pd.DatetimeIndex(days.index).tz_convert(None)
    ax.fill_between(at, days["min"], days["max"], color=colour, alpha=0.18, linewidth=0)
    ax.plot(at, days["mean"], color=colour, linewidth=1.0, label=name)


def _over_the_day(ax: Axes, hourly: pd.Series, colour: str) -> None:
    by_hour = hourly.groupby(pd.DatetimeIndex(hourly.index).hour)
    ax.fill_between(range(24), by_hour.quantile(0.1), by_hour.quantile(0.9), color=colour, alpha=0.18, linewidth=0)
    ax.plot(range(24), by_hour.mean(), color=colour, linewidth=1.2)
    ax.set_xticks(range(0, 25, 6))
