"""Learning curves from the logs of training runs: saving share of training episodes against environment steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from evaluate.figures import NARROW, WIDE, colour, drawing, text_width, ticks

LOG, CARD = "metrics.csv", "policy/card.json"
POINTS = 60  # of a curve
SMOOTHED = 9  # iterations that a point is the mean of
TINTS = ("better", "worse", "carbon", "price", "battery", "system", "inlet", "queue")


@dataclass(frozen=True)
class Curve:
    """Runs that differ in their seed alone. env_steps, mean, low, high: (``POINTS``,), shares of the neutral's cost."""

    label: str
    seeds: tuple[int, ...]
    env_steps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curves(folder: str | None) -> list[Curve]:
    """Curves of the finished runs in ``folder``, by information set and algorithm; none where there are no logs."""
    runs: dict[str, list[tuple[int, pd.DataFrame]]] = {}
    for log in sorted(Path(folder).glob(f"*/{LOG}")) if folder else ():
        card = log.parent / CARD
        if card.is_file():
            said = json.loads(card.read_text(encoding="utf-8"))
            label = f"{said['information']}, {said['algorithm']}"
            runs.setdefault(label, []).append((int(said["seed"]), pd.read_csv(log)))
    return [_curve(label, logs) for label, logs in runs.items()]


def _curve(label: str, logs: Sequence[tuple[int, pd.DataFrame]]) -> Curve:
    ends = [log["env_steps"].iloc[-1] for _, log in logs]
    steps = np.linspace(max(log["env_steps"].iloc[0] for _, log in logs), min(ends), POINTS)
    smooth = [
        np.interp(steps, log["env_steps"], log["saving_share"].rolling(SMOOTHED, min_periods=1).mean())
        for _, log in logs
    ]
    table = np.array(smooth)
    seeds = tuple(sorted(seed for seed, _ in logs))
    return Curve(label, seeds, steps, table.mean(axis=0), table.min(axis=0), table.max(axis=0))


def draw(found: Sequence[Curve], description: str, *, narrow: bool) -> Markup:
    """Means over seeds as lines, lowest to highest seed as bands; x in millions of steps, y in per cent."""
    sheet = NARROW if narrow else WIDE
    font, height = sheet.font, 280.0 if narrow else 340.0
    x_high = max(curve.env_steps[-1] for curve in found)
    values = np.concatenate([np.concatenate([curve.low, curve.high]) for curve in found]) * 100.0
    y_low, y_high = float(np.floor(values.min())), float(np.ceil(values.max()))
    room = 0.0 if narrow else max(text_width(curve.label, font) for curve in found) + 14.0
    left, right, above, bottom = 44.0, sheet.width - 12.0 - room, 26.0, height - 38.0

    def x(steps: np.ndarray | float) -> np.ndarray | float:
        return left + (right - left) * np.asarray(steps) / x_high

    def y(share: np.ndarray | float) -> np.ndarray | float:
        return bottom - (bottom - above) * (100.0 * np.asarray(share) - y_low) / (y_high - y_low)

    def paint(paper: Axes) -> None:
        for value in ticks(y_low, y_high, 6):
            at = float(y(value / 100.0))
            paper.plot([left, right], [at, at], color=colour("ink" if value == 0.0 else "grid"), linewidth=0.7)
            paper.text(left - 6, at + 0.36 * font, f"{value:g}", fontsize=font - 1, ha="right", color=colour("muted"))
        for value in ticks(0.0, x_high / 1e6, 6):
            at = float(x(1e6 * value))
            paper.text(at, bottom + 1.3 * font, f"{value:g}", fontsize=font - 1, ha="center", color=colour("muted"))
        paper.text(0.0, 12.0, "↑ saved in training, %", fontsize=font, color=colour("ink"))
        words = "million environment steps →"
        paper.text(right, height - 4.0, words, fontsize=font, ha="right", color=colour("ink"))
        ends = _apart([float(y(curve.mean[-1])) for curve in found], 1.25 * font)
        for number, curve in enumerate(found):
            tint = colour(TINTS[number % len(TINTS)])
            paper.fill_between(x(curve.env_steps), y(curve.low), y(curve.high), color=tint, alpha=0.18, linewidth=0)
            paper.plot(x(curve.env_steps), y(curve.mean), color=tint, linewidth=1.8)
            if not narrow:
                paper.text(right + 8, ends[number] + 0.36 * font, curve.label, fontsize=font, color=tint)
            else:
                paper.text(left + 8, bottom - 8 - 1.3 * font * number, curve.label, fontsize=font, color=tint)

    return drawing(sheet.width, height, description, paint)


def _apart(places: Sequence[float], least: float) -> list[float]:
    """Places of words moved down as little as keeps them ``least`` apart."""
    moved, below = list(places), -np.inf
    for k in np.argsort(places):
        moved[k] = below = max(places[k], below + least)
    return moved
