"""The ladder of a headroom page: steps from the neutral site up, in pounds or in kilograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from evaluate.figures import NARROW, colour, drawing, text_width, ticks

_WIDTH, _FONT, _ROW = 545.0, 11.5, 25.0


@dataclass(frozen=True)
class Bar:
    """A step from ``start`` to ``end`` with the interval of its end, or a total (from 0). text: its amount in words."""

    label: str
    start: float
    end: float
    low: float
    high: float
    text: str
    total: bool = False


def ladder(bars: Sequence[Bar], title: str, description: str, *, narrow: bool) -> Markup:
    """Bars under each other; to the right is better."""
    width, font = (NARROW.width, NARROW.font) if narrow else (_WIDTH, _FONT)
    left = 10.0 + max(text_width(bar.label, font) for bar in bars)
    right = 10.0 + max(text_width(bar.text, font) for bar in bars)
    values = [0.0, *(value for bar in bars for value in (bar.start, bar.end, bar.low, bar.high))]
    low, high = min(values), max(max(values), min(values) + 1.0)
    above = 2.0 * font
    bottom = above + _ROW * len(bars)

    def x(value: float) -> float:
        return left + (width - left - right) * (value - low) / (high - low)

    def draw(paper: Axes) -> None:
        paper.text(0.0, font, title, fontsize=font, fontweight="bold", color=colour("ink"))
        for value in ticks(low, high, 4 if narrow else 5):
            tint = colour("ink" if value == 0.0 else "grid")
            paper.plot([x(value)] * 2, [above, bottom], color=tint, linewidth=0.7)
            mark = f"{value:,g}".replace("-", "−")
            paper.text(x(value), bottom + 1.2 * font, mark, fontsize=font - 1, ha="center", color=colour("muted"))
        for number, bar in enumerate(bars):
            _bar(paper, bar, x(bar.start), x(bar.end), (x(bar.low), x(bar.high)), above + _ROW * number)
            at = above + _ROW * (number + 0.5) + 0.36 * font
            weight = "bold" if bar.total else "normal"
            paper.text(0.0, at, bar.label, fontsize=font, fontweight=weight, color=colour("ink"))
            paper.text(width, at, bar.text, fontsize=font, fontweight=weight, ha="right", color=colour("ink"))

    return drawing(width, bottom + 1.7 * font, description, draw)


def _bar(paper: Axes, bar: Bar, start: float, end: float, span: tuple[float, float], top: float) -> None:
    tint = "muted" if bar.total else "better" if bar.end >= bar.start else "worse"
    left, wide = min(start, end), max(abs(end - start), 1.0)
    paper.add_patch(Rectangle((left, top + 5), wide, _ROW - 10, facecolor=colour(tint), linewidth=0))
    middle = top + _ROW / 2
    paper.plot(span, [middle, middle], color=colour("ink"), linewidth=1.1)
