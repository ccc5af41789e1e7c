"""Drawings for reports, as inline SVG that takes its colours from the page.

matplotlib lays the drawing out in CSS pixels and writes text as text; ``_page_svg`` then replaces each colour by a CSS
variable, so that one drawing serves light and dark, and drops everything that would reach outside the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

# Names of the page's CSS variables (``--f-<name>``). Each is drawn in a colour of its own that the page replaces.
COLOURS = (
    "ink", "muted", "grid", "it", "loss", "cooling", "battery", "import", "baseline", "target", "price", "system",
    "carbon", "inlet", "supply", "outdoor", "limit", "queue", "event", "declined", "supervisor", "tracker", "notice",
    "clipped", "better", "worse",
)  # fmt: skip
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "path.simplify_threshold": 0.3,
}
_DPI = 72  # the SVG's user unit is then a pixel


def colour(name: str) -> str:
    """The stand-in for a CSS variable."""
    return f"#0101{COLOURS.index(name):02x}"


@dataclass(frozen=True)
class Key:
    """A word of a panel's heading with a sample of what it names. form: line | dash | thin | area"""

    label: str
    colour: str
    form: str = "line"


@dataclass(frozen=True)
class Panel:
    """One panel of a stack.

    draw    called with the panel's axes; sets its own y limits
    ends    words for the bottom and the top of the y axis, in place of numbers
    """

    title: str
    keys: Sequence[Key]
    height: float
    draw: Callable[[Axes], None]
    ends: tuple[str, str] | None = None


@dataclass(frozen=True)
class Span:
    """A stretch of the shared axis to tint, with a mark above it. kind: event | declined"""

    left: float
    right: float
    mark: str
    kind: str


@dataclass(frozen=True)
class Sheet:
    """Widths of a stack, in pixels. wide for a screen, narrow for a phone: the same panels, laid out again."""

    width: float
    left: float
    font: float
    most_ticks: int

    right: float = 10.0
    above: float = 20.0
    gap: float = 9.0


WIDE = Sheet(width=1120.0, left=64.0, font=11.5, most_ticks=14)
NARROW = Sheet(width=380.0, left=58.0, font=10.5, most_ticks=7)


def held(edges: np.ndarray, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Corner points (2n,) of values that hold between ``edges`` (n + 1,): a single column keeps its width."""
    return np.repeat(edges, 2)[1:-1], np.repeat(np.asarray(values), 2)


def stack(
    panels: Sequence[Panel],
    end: float,
    ticks: Sequence[tuple[float, str]],
    spans: Sequence[Span],
    sheet: Sheet,
    description: str,
) -> Markup:
    """Panels under each other on one axis from 0 to ``end``, ticks and tinted spans running through all of them.

    Args:
        ticks: [(position, label)], drawn as a line at the position with the label to its right.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": f"{description}{sheet.width}"}):
        headings = [_heading(panel, sheet) for panel in panels]
        line_height = 1.45 * sheet.font
        tops, y = [], sheet.above
        for panel, lines in zip(panels, headings, strict=True):
            y += len(lines) * line_height + 6.0
            tops.append(y)
            y += panel.height + sheet.gap
        bottom, height = y - sheet.gap, y - sheet.gap + 1.7 * sheet.font
        figure, paper = _paper(sheet.width, height)
        plot_width = sheet.width - sheet.left - sheet.right

        def x(position: float) -> float:
            return sheet.left + plot_width * position / end

        _spans(paper, spans, x, sheet, bottom)
        for position, label in ticks:
            paper.plot([x(position)] * 2, [sheet.above, bottom], color=colour("grid"), linewidth=0.7)
            below = bottom + 1.2 * sheet.font
            paper.text(x(position) + 3, below, label, color=colour("muted"), fontsize=sheet.font - 1)
        for panel, lines, top in zip(panels, headings, tops, strict=True):
            for number, pieces in enumerate(lines):
                _write_line(paper, pieces, top - 9.0 - (len(lines) - 1 - number) * line_height, sheet.font)
            box = (sheet.left, height - top - panel.height, plot_width, panel.height)
            scale = (sheet.width, height, sheet.width, height)
            axes = figure.add_axes(tuple(np.divide(box, scale)))
            axes.set_axis_off()
            axes.set_xlim(0.0, end)
            panel.draw(axes)
            _scale(paper, axes, panel, top, sheet)
        return _page_svg(figure, description)


def drawing(width: float, height: float, description: str, draw: Callable[[Axes], None]) -> Markup:
    """A picture drawn by ``draw`` on one sheet whose unit is the pixel, y downwards."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": f"{description}{width}"}):
        figure, paper = _paper(width, height)
        draw(paper)
        return _page_svg(figure, description)


def text_width(text: str, font: float, bold: bool = False) -> float:
    """Pixels a text takes, near enough to keep others clear of it."""
    prop = FontProperties(family="DejaVu Sans", size=font, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, prop, ismath=False)[0])


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers inside [low, high]."""
    values = MaxNLocator(nbins=wanted, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(value) for value in values if low - 1e-9 <= value <= high + 1e-9]


def _paper(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure and axes over all of it whose unit is the pixel, y downwards."""
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasSVG(figure)
    paper = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    paper.set_axis_off()
    paper.set_xlim(0.0, width)
    paper.set_ylim(height, 0.0)
    return figure, paper


def _spans(paper: Axes, spans: Sequence[Span], x: Callable[[float], float], sheet: Sheet, bottom: float) -> None:
    for span in spans:
        left, right = x(span.left), max(x(span.right), x(span.left) + 0.5)  # an hour in a year is still a hairline
        strong = span.kind == "event"
        paper.add_patch(
            Rectangle(
                (left, sheet.above),
                right - left,
                bottom - sheet.above,
                facecolor=colour(span.kind),
                alpha=0.30 if strong else 0.22,
                linewidth=0,
            )
        )
        if not span.mark:
            continue
        middle = min(max((left + right) / 2, sheet.left + 4), sheet.width - 8)
        paper.text(
            middle, sheet.above - 5, span.mark, ha="center", fontsize=sheet.font - 1,
            color=colour("ink" if strong else "muted"), fontweight="bold" if strong else "normal",
        )  # fmt: skip


_SAMPLE = 15.0  # pixels of a key's sample


def _heading(panel: Panel, sheet: Sheet) -> list[list[tuple[float, str | Key]]]:
    """Title and keys broken into lines: [[(x, piece)]]."""
    lines: list[list[tuple[float, str | Key]]] = [[(0.0, panel.title)]]
    x = text_width(panel.title, sheet.font, bold=True) + 14.0
    for key in panel.keys:
        width = _SAMPLE + 5.0 + text_width(key.label, sheet.font) * 0.94 + 12.0
        if x + width - 12.0 > sheet.width and x > 0:
            lines.append([])
            x = 0.0
        lines[-1].append((x, key))
        x += width
    return lines


def _write_line(paper: Axes, pieces: Sequence[tuple[float, str | Key]], y: float, font: float) -> None:
    for x, piece in pieces:
        if isinstance(piece, str):
            paper.text(x, y, piece, fontsize=font, fontweight="bold", color=colour("ink"))
            continue
        tint, middle = colour(piece.colour), y - 0.34 * font
        if piece.form == "area":
            paper.add_patch(Rectangle((x + 3, middle - 4.5), 9, 9, facecolor=tint, linewidth=0))
        else:
            width = {"line": 1.8, "dash": 1.4, "thin": 1.0}[piece.form]
            dashes = (0, (3.5, 2.0)) if piece.form == "dash" else "-"
            paper.plot([x, x + _SAMPLE], [middle, middle], color=tint, linewidth=width, linestyle=dashes)
        paper.text(x + _SAMPLE + 4, y, piece.label, fontsize=font, color=colour("muted"))


def _scale(paper: Axes, axes: Axes, panel: Panel, top: float, sheet: Sheet) -> None:
    """Y axis of a panel: hairlines and numbers, or two words."""
    low, high = axes.get_ylim()
    font = sheet.font - 1

    def label(y: float, text: str) -> None:
        paper.text(sheet.left - 6, y, text, ha="right", va="center_baseline", fontsize=font, color=colour("muted"))

    if panel.ends:
        label(top + panel.height - 5, panel.ends[0])
        label(top + 5, panel.ends[1])
        return
    wanted = int(np.clip(panel.height / 26, 2, 6))
    for value in ticks(low, high, wanted):
        y = top + panel.height * (high - value) / (high - low)
        paper.plot([sheet.left, sheet.width - sheet.right], [y, y], color=colour("grid"), linewidth=0.7)
        label(y, f"{value:,g}".replace("-", "−"))


def _short_path(path: str) -> str:
    """The same path with H and V where only one coordinate changes: most of a held line, at a third of the length."""
    parts: list[str] = []
    last, before = ("", ""), ""
    for command, x, y in re.findall(r"([MLz]) ?(?:(-?[\d.]+) (-?[\d.]+))?", path):
        if command == "L" and y == last[1]:
            if before == "H":
                parts.pop()
            before = "H"
            parts.append(f"H{x}")
        elif command == "L" and x == last[0]:
            before = "V"
            parts.append(f"V{y}")
        else:
            before = command
            parts.append(f"{command}{x} {y}".strip())
        last = (x, y) if command != "z" else last
    return "".join(parts)


def _page_svg(figure: Figure, description: str) -> Markup:
    """The figure as an ``<svg>`` element for the inside of a page: no addresses, no ids but those in use."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    width, height = (f"{float(size):g}" for size in re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0])
    svg = re.sub(r"<svg[^>]*>", "", svg, count=1)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)  # it would style the whole page
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg).replace("xlink:href", "href")
    svg = re.sub(r' transform="rotate\(-?0 [^"]*"', "", svg)
    svg = re.sub(r"; font-family: [^;\"]*|(?<=\")font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r"(\d+\.\d)\d+(?=[ \"\n])", r"\1", svg)  # a tenth of a pixel
    svg = re.sub(r"; stroke-line(?:join|cap): \w+", "", svg)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    svg = re.sub(r'(?<= d=")[MLz\d. -]+(?=")', lambda found: _short_path(found.group(0)), svg)
    svg = re.sub(r"#0101([0-9a-f]{2})", lambda found: f"var(--f-{COLOURS[int(found.group(1), 16)]})", svg)
    opening = Markup('<svg class="figure" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return opening.format(width, height, description) + Markup(svg)
