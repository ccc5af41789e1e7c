"""Draw one panel: a plot that stretches to any width, with labels that keep their size.

The SVG holds shapes only and is stretched (``preserveAspectRatio="none"``); text is HTML placed in percent over it. So
a report reads the same on a phone and on a wide screen, without a script and without a font of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup

HEIGHT = 1000  # of the SVG's own coordinates; the panel's height is the template's


@dataclass(frozen=True)
class Series:
    """One quantity on a panel. values: float64 (columns,), NaN where there is nothing to draw.

    form: line | dash | dots | bold (a heavy line) | area (filled to zero)
    """

    name: str
    values: np.ndarray
    colour: str
    form: str = "line"
    digits: int = 0


@dataclass(frozen=True)
class Panel:
    """A plot ready for the template. ticks: [(percent from the bottom, label)]."""

    title: str
    unit: str
    svg: Markup
    series: Sequence[Series]
    ticks: Sequence[tuple[float, str]] = ()
    height: int = 120
    note: str = ""
    keys: Sequence[Series] = field(default_factory=tuple)

    @property
    def legend(self) -> Sequence[Series]:
        return self.keys or self.series


def plot(
    title: str,
    unit: str,
    series: Sequence[Series],
    *,
    grid: Sequence[float] = (),
    shaded: Sequence[tuple[float, float]] = (),
    limit: float | None = None,
    from_zero: bool = True,
    height: int = 120,
    note: str = "",
) -> Panel:
    """A panel of lines and areas; areas are painted in the order given, so a stack goes from its top layer down.

    Args:
        grid: columns at which a vertical line stands. shaded: stretches of columns to tint.
        limit: a value to mark with a red line.
    """
    columns = len(series[0].values)
    low, high, steps = _scale(series, limit, from_zero)

    def y(value: Any) -> Any:
        return np.round(HEIGHT * (high - np.asarray(value)) / (high - low)).astype(int)

    shapes = [f'<rect class="ev" x="{a:g}" y="0" width="{b - a:g}" height="{HEIGHT}"/>' for a, b in shaded]
    shapes += [f'<path class="gx" d="M{x:g},0V{HEIGHT}"/>' for x in grid]
    shapes += [f'<path class="gy{" g0" if value == 0 else ""}" d="M0,{y(value)}H{columns}"/>' for value in steps]
    zero = int(y(min(max(0.0, low), high)))
    for one in series:
        if one.form == "area":
            shapes.append(f'<path fill="{one.colour}" d="{_area(y, one.values, zero)}"/>')
        else:
            shapes.append(f'<path class="ln {one.form}" stroke="{one.colour}" d="{_line(y, one.values)}"/>')
    if limit is not None:
        shapes.append(f'<path class="lim" d="M0,{y(limit)}H{columns}"/>')
    return Panel(
        title=title,
        unit=unit,
        svg=_svg(title, columns, shapes),
        series=series,
        ticks=[(float(100.0 * (value - low) / (high - low)), f"{value:,g}") for value in steps],
        height=height,
        note=note,
    )


def strip(title: str, note: str, series: Series, changed: np.ndarray, grid: Sequence[float]) -> Panel:
    """A narrow band for an action in [-1, 1], coloured by its value; a mark below where the agent was changed.

    changed: float (columns,), above zero where the executed action is not the proposed one.
    """
    columns = len(series.values)
    shapes = [
        f'<rect x="{a}" y="0" width="{b - a}" height="700" fill="{_diverging(value)}"/>'
        for a, b, value in _runs(np.round(series.values * 8) / 8)
    ]
    shapes += [
        f'<rect class="ch" x="{a}" y="780" width="{b - a}" height="220"/>'
        for a, b, marked in _runs((changed > 0).astype(float))
        if marked
    ]
    shapes += [f'<path class="gx" d="M{x:g},0V{HEIGHT}"/>' for x in grid]
    return Panel(title, "", _svg(title, columns, shapes), [series], height=26, note=note)


def marks(title: str, columns: int, kinds: Sequence[tuple[Series, Sequence[float]]], grid: Sequence[float]) -> Panel:
    """A narrow band with a tick for each happening. kinds: a series for name and colour, and the columns it stands at."""
    shapes = [f'<path class="gx" d="M{x:g},0V{HEIGHT}"/>' for x in grid]
    for one, places in kinds:
        path = "".join(f"M{x:g},0V{HEIGHT}" for x in places)
        shapes.append(f'<path class="mk" stroke="{one.colour}" d="{path}"/>')
    return Panel(title, "", _svg(title, columns, shapes), (), height=22, keys=[one for one, _ in kinds])


def _svg(title: str, columns: int, shapes: Sequence[str]) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {columns} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f"{''.join(shapes)}</svg>"
    )


def _line(y: Callable[[Any], Any], values: np.ndarray) -> str:
    """Path of a held line, broken where a value is NaN."""
    parts: list[str] = []
    drawing = False
    for x, value in enumerate(values):
        if np.isnan(value):
            drawing = False
            continue
        at = int(y(value))
        parts.append(f"V{at}h1" if drawing else f"M{x},{at}h1")
        drawing = True
    return "".join(parts)


def _area(y: Callable[[Any], Any], values: np.ndarray, zero: int) -> str:
    """Closed path between a held line and zero."""
    heights = y(np.nan_to_num(values))
    return f"M0,{zero}" + "".join(f"V{at}h1" for at in heights) + f"V{zero}Z"


def _runs(values: np.ndarray) -> list[tuple[int, int, float]]:
    """[(first, end, value)]: stretches of one value."""
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return [(a, b, float(values[a])) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def _diverging(value: float) -> str:
    """Blue below zero, amber above it, pale at zero."""
    pale, end = (238, 240, 243), ((46, 110, 178) if value < 0 else (214, 128, 20))
    share = min(abs(value), 1.0)
    return "#" + "".join(f"{round(p + (e - p) * share):02x}" for p, e in zip(pale, end, strict=True))


def _scale(series: Sequence[Series], limit: float | None, from_zero: bool) -> tuple[float, float, list[float]]:
    """(low, high, tick values): a range that holds all finite values, on a step of 1, 2 or 5 times a power of ten."""
    values = np.concatenate([one.values[np.isfinite(one.values)] for one in series])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if limit is not None:
        low, high = min(low, limit), max(high, limit)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        high = low + 1.0
    rough = (high - low) / 4.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough))
    margin = 0.04 * (high - low)
    low = low if from_zero and low == 0.0 else low - margin
    high = high + margin
    first = int(np.ceil(low / step))
    ticks = [round(i * step, 10) for i in range(first, int(np.floor(high / step)) + 1)]
    return low, high, ticks
