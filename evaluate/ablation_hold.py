"""What supervisors save by how long a decision is held, a panel for all else that a matrix changes about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from configs.axes import Setting, in_words
from evaluate.ablation_versus import RULE, Versus
from evaluate.figures import NARROW, WIDE, Sheet, colour, drawing, text_width, ticks
from evaluate.statistics import Interval
from evaluate.variants import Variant
from grid.rows import STEP_HOURS

HELD = "supervisor.every_steps"
TINTS = ("ink", "better", "worse", "carbon", "inlet", "battery", "system", "queue", "price")
DODGE = 9.0  # pixels between the whiskers of neighbouring lines
PANEL_HEIGHT, GAP = 250.0, 34.0


@dataclass(frozen=True)
class Held:
    """One panel.

    circumstances   what else is changed, ``key=value, ...``; "" for nothing
    lines           variant -> hours a decision is held -> share of the neutral site's objective saved
    level           name -> share saved by what decides at every step: the agents alone, and the rule alone
    """

    circumstances: str
    lines: dict[str, dict[float, Interval]]
    level: dict[str, float]


def held_of(versus: Sequence[Versus], settings: Sequence[Setting]) -> list[Held]:
    """Panels of a matrix that holds decisions for different times; of each, variants seen at two times or more."""
    if len(settings) < 2:
        return []
    panels: dict[str, Held] = {}
    by_name = {setting.name: setting for setting in settings}
    for one in versus:
        setting = by_name[one.setting]
        if setting.changes and HELD not in setting.changes:
            continue
        circumstances = in_words({key: value for key, value in setting.changes.items() if key != HELD})
        panel = panels.setdefault(circumstances, Held(circumstances, {}, {}))
        hours = setting.config.supervisor.every_steps * STEP_HOURS
        panel.lines.setdefault(one.variant, {})[hours] = one.saving
        for name in (Variant.parse(one.variant).base, RULE):
            if name in one.against:
                panel.level.setdefault(name, one.saving.estimate - one.against[name].estimate)
    kept = [
        Held(panel.circumstances, {name: line for name, line in panel.lines.items() if len(line) > 1}, panel.level)
        for panel in panels.values()
    ]
    return [panel for panel in kept if panel.lines]


def draw(panels: Sequence[Held], description: str, *, narrow: bool) -> Markup:
    """Lines over hours with their 95 % intervals; what decides at every step is a level across the panel."""
    sheet = NARROW if narrow else WIDE
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    tints = {name: TINTS[k % len(TINTS)] for k, name in enumerate(names)}
    legend = _legend(tints, sheet)
    top = (len(legend) + 0.6) * 1.5 * sheet.font
    columns = 1 if narrow or len(panels) == 1 else 2
    height = top + -(-len(panels) // columns) * (PANEL_HEIGHT + GAP) + 1.5 * sheet.font
    width = sheet.width / columns
    values = [v for panel in panels for v in (*panel.level.values(), *_ends(panel))]
    scale = (100.0 * min(0.0, *values) - 0.5, 100.0 * max(values) + 0.5)
    aside = 24.0 + max((text_width(name, sheet.font) for panel in panels for name in panel.level), default=0.0)
    all_hours = sorted({hours for panel in panels for line in panel.lines.values() for hours in line})

    def paint(paper: Axes) -> None:
        for row, line in enumerate(legend):
            for x, name in line:
                at = (row + 0.9) * 1.5 * sheet.font
                paper.text(x, at, name, fontsize=sheet.font, color=colour(tints[name]))
        for number, panel in enumerate(panels):
            left = (number % columns) * width
            above = top + (number // columns) * (PANEL_HEIGHT + GAP)
            box = (left + 36.0, left + width - aside, above + 2.2 * sheet.font, above + PANEL_HEIGHT - 1.6 * sheet.font)
            _panel(paper, panel, box, scale, all_hours, tints, sheet)

    return drawing(sheet.width, height, description, paint)


def _ends(panel: Held) -> list[float]:
    return [value for line in panel.lines.values() for one in line.values() for value in (one.low, one.high)]


def _legend(tints: dict[str, str], sheet: Sheet) -> list[list[tuple[float, str]]]:
    """Rows of (x, name)."""
    rows: list[list[tuple[float, str]]] = [[]]
    x = 0.0
    for name in tints:
        room = text_width(name, sheet.font) + 18.0
        if rows[-1] and x + room > sheet.width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, name))
        x += room
    return rows


def _panel(
    paper: Axes,
    panel: Held,
    box: tuple[float, float, float, float],
    scale: tuple[float, float],
    all_hours: Sequence[float],
    tints: dict[str, str],
    sheet: Sheet,
) -> None:
    """box: left, right, top, bottom in pixels. scale: lowest and highest per cent."""
    left, right, top, bottom = box
    font, muted = sheet.font, colour("muted")
    slot = (right - left) / len(all_hours)

    def y(percent: float) -> float:
        return bottom - (bottom - top) * (percent - scale[0]) / (scale[1] - scale[0])

    title = panel.circumstances or "as configured"
    paper.text(left - 36.0, top - 0.9 * font, title, fontsize=font, color=colour("ink"))
    for value in ticks(*scale, 6):
        tint = colour("ink" if value == 0.0 else "grid")
        paper.plot([left, right], [y(value)] * 2, color=tint, linewidth=0.7)
        paper.text(left - 6, y(value) + 0.36 * font, f"{value:g} %", fontsize=font - 1, ha="right", color=muted)
    for name, share in panel.level.items():
        paper.plot([left, right], [y(100.0 * share)] * 2, color=muted, linewidth=1.0, linestyle=(0, (4, 3)))
        paper.text(right + 5, y(100.0 * share) + 0.36 * font, name, fontsize=font - 1, color=muted)
    for k, hours in enumerate(all_hours):
        paper.text(
            left + (k + 0.5) * slot, bottom + 1.3 * font, f"{hours:g} h", fontsize=font - 1, ha="center", color=muted
        )
    for number, (name, line) in enumerate(panel.lines.items()):
        aside = DODGE * (number - 0.5 * (len(panel.lines) - 1))
        xs = [left + (all_hours.index(hours) + 0.5) * slot + aside for hours in sorted(line)]
        found = [line[hours] for hours in sorted(line)]
        tint = colour(tints[name])
        paper.plot(xs, [y(100.0 * one.estimate) for one in found], color=tint, linewidth=1.4)
        for x, one in zip(xs, found, strict=True):
            paper.plot([x, x], [y(100.0 * one.low), y(100.0 * one.high)], color=tint, linewidth=1.0, alpha=0.55)
            paper.add_patch(Circle((x, y(100.0 * one.estimate)), 3.2, facecolor=tint, linewidth=0))
