"""Figures of matrix reports: rows with intervals (forest) and points of a plane, for a wide and a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from evaluate.figures import NARROW, WIDE, Sheet, colour, drawing, text_width, ticks

_TINTS = {"better": "better", "worse": "worse", "open": "muted"}


@dataclass(frozen=True)
class Line:
    """A row of a forest: an estimate with its interval, and single weeks behind it. verdict: better | worse | open."""

    label: str
    estimate: float
    low: float
    high: float
    text: str
    verdict: str
    dots: Sequence[float] = ()


@dataclass(frozen=True)
class Point:
    """A point of a plane with its intervals: (estimate, low, high) on either axis."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]


@dataclass(frozen=True)
class Path:
    """Points of a plane joined in order, each with its own word; ``label`` names the line at its last point."""

    label: str
    tint: str
    points: Sequence[tuple[float, float, str]]


def forest(lines: Sequence[Line], unit: str, ends: tuple[str, str], description: str, *, narrow: bool) -> Markup:
    """Rows of estimates around a line at zero.

    Args:
        unit: of the axis. ends: what left and right of zero mean.
    """
    sheet = NARROW if narrow else WIDE
    font = sheet.font
    crowded = any(text_width(line.label + line.text, font) + 12 > sheet.width for line in lines)
    row = (2.9 + 1.4 * crowded) * font + 9 if narrow else 27.0
    values = [value for line in lines for value in (line.low, line.high, *line.dots)]
    low, high = _span([*values, 0.0])
    left = 8.0 if narrow else 12.0 + max(text_width(line.label, font) for line in lines)
    right = 8.0 if narrow else 16.0 + max(text_width(line.text, font) for line in lines)
    above = 1.6 * font + 6
    bottom = above + row * len(lines)
    height = bottom + 1.6 * font + 4

    def x(value: float) -> float:
        return left + (sheet.width - left - right) * (value - low) / (high - low)

    def draw(paper: Axes) -> None:
        marks = ticks(low, high, 5 if narrow else 10)
        for value in marks:
            _write(paper, x(value), bottom + 1.2 * font, _number(value, unit), font - 1, "center")
        for side, word in zip((-1, 1), ends, strict=True):
            _end_word(paper, word, side, x(0.0), above - 8, sheet)
        for number, line in enumerate(lines):
            top = above + row * number
            middle = top + row - font if narrow else top + 0.5 * row
            band = [middle - 0.8 * font, middle + 0.8 * font] if narrow else [top, top + row]
            for value in marks:
                paper.plot([x(value)] * 2, band, color=colour("grid"), linewidth=0.7)
            paper.plot([x(0.0)] * 2, band, color=colour("ink"), linewidth=0.9)
            at = top + 1.3 * font if narrow else middle + 0.36 * font
            tint = "muted" if line.verdict == "open" else "ink"
            _write(paper, 0.0, at, line.label, font, "left", "ink")
            if narrow and crowded:
                _write(paper, 0.0, at + 1.4 * font, line.text, font, "left", tint)
            else:
                _write(paper, sheet.width, at, line.text, font, "right", tint)
            _whisker(paper, line, x, middle)

    return drawing(sheet.width, height, description, draw)


def plane(
    points: Sequence[Point], paths: Sequence[Path], axes: tuple[str, str], description: str, *, narrow: bool
) -> Markup:
    """Points with crosses for their intervals, and joined paths, over two axes that are named in words."""
    sheet = NARROW if narrow else WIDE
    font, height = sheet.font, 330.0 if narrow else 470.0
    xs = [value for point in points for value in point.x] + [p[0] for path in paths for p in path.points]
    ys = [value for point in points for value in point.y] + [p[1] for path in paths for p in path.points]
    (x_low, x_high), (y_low, y_high) = _span(xs), _span(ys)
    left, above, bottom = 44.0, 24.0, height - 38.0
    right = sheet.width - (12.0 if narrow else 20.0)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (right - left) * (x - x_low) / (x_high - x_low),
            bottom - (bottom - above) * (y - y_low) / (y_high - y_low),
        )

    def draw(paper: Axes) -> None:
        for value in ticks(x_low, x_high, 5 if narrow else 10):
            px = at(value, y_low)[0]
            paper.plot([px, px], [above, bottom], color=colour("ink" if value == 0.0 else "grid"), linewidth=0.7)
            _write(paper, px, bottom + 1.3 * font, _number(value), font - 1, "center")
        for value in ticks(y_low, y_high, 6):
            py = at(x_low, value)[1]
            paper.plot([left, right], [py, py], color=colour("ink" if value == 0.0 else "grid"), linewidth=0.7)
            _write(paper, left - 6, py + 0.36 * font, _number(value), font - 1, "right")
        _write(paper, 0.0, 12.0, f"↑ {axes[1]}", font, "left", "ink")
        _write(paper, right, height - 4.0, f"{axes[0]} →", font, "right", "ink")
        for path in paths:
            corners = [at(x, y) for x, y, _ in path.points]
            paper.plot(*zip(*corners, strict=True), color=colour(path.tint), linewidth=1.6)
            for corner in corners:
                paper.add_patch(Circle(corner, 3.0, facecolor=colour(path.tint), linewidth=0))
        for point in points:
            (px, py), tint = at(point.x[0], point.y[0]), colour("muted")
            paper.plot([at(point.x[1], 0)[0], at(point.x[2], 0)[0]], [py, py], color=tint, linewidth=1.0, alpha=0.6)
            paper.plot([px, px], [at(0, point.y[1])[1], at(0, point.y[2])[1]], color=tint, linewidth=1.0, alpha=0.6)
            paper.add_patch(Circle((px, py), 4.4, facecolor=colour("better"), linewidth=0))
        named = [(*at(p.x[0], p.y[0]), p.label, "ink") for p in points]
        for path in paths:
            named += [(*at(x, y), word, path.tint) for x, y, word in path.points if word]
            named.append((*at(*path.points[-1][:2]), path.label, path.tint))
        _label(paper, named, (left, right, above, bottom), font)

    return drawing(sheet.width, height, description, draw)


def _whisker(paper: Axes, line: Line, x: Callable[[float], float], y: float) -> None:
    tint = colour(_TINTS[line.verdict])
    for dot in line.dots:
        paper.add_patch(Circle((x(dot), y), 2.3, facecolor=colour("muted"), alpha=0.45, linewidth=0))
    paper.plot([x(line.low), x(line.high)], [y, y], color=tint, linewidth=2.4)
    paper.add_patch(Circle((x(line.estimate), y), 4.6, facecolor=tint, linewidth=0))


def both(draw: Callable[..., Markup], *arguments: object) -> tuple[Markup, Markup]:
    """(wide, narrow) versions of a figure."""
    return draw(*arguments, narrow=False), draw(*arguments, narrow=True)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _number(value: float, unit: str = "") -> str:
    text = f"{value:,.10g}".replace("-", "−")
    return f"{text} {unit}" if unit and value == 0.0 else text


def _write(paper: Axes, x: float, y: float, text: str, font: float, ha: str, tint: str = "muted") -> None:
    paper.text(x, y, text, fontsize=font, ha=ha, color=colour(tint))


def _end_word(paper: Axes, word: str, side: int, zero: float, y: float, sheet: Sheet) -> None:
    """The meaning of one side of zero, where there is room for it."""
    room = zero if side < 0 else sheet.width - zero
    if text_width(word, sheet.font - 1) + 24 < room:
        text = f"← {word}" if side < 0 else f"{word} →"
        _write(paper, zero + 8 * side, y, text, sheet.font - 1, "right" if side < 0 else "left")


def _label(
    paper: Axes, named: Sequence[tuple[float, float, str, str]], box: tuple[float, float, float, float], font: float
) -> None:
    """Words beside their points, each at the first place around it that is clear of points and other words."""
    left, right, above, bottom = box
    taken = [(x - 5, x + 5, y - 5, y + 5) for x, y, _, _ in named]
    for x, y, word, tint in named:
        width, tall = 0.95 * text_width(word, font), font
        places = [
            (x + dx, y + dy, ha)
            for dy in (-6, 4 + tall, -20, 18 + tall, -34, 32 + tall, -48)
            for dx, ha in ((6, "left"), (-6, "right"))
        ]
        best = places[0]
        for px, py, ha in places:
            near = (px, px + width) if ha == "left" else (px - width, px)
            area = (*near, py - tall, py + 2)
            inside = left < area[0] and area[1] < right + 8 and above < area[2] and area[3] < bottom
            if inside and not any(_overlap(area, other) for other in taken):
                best = (px, py, ha)
                taken.append(area)
                break
        _write(paper, best[0], best[1], word, font, best[2], tint)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
