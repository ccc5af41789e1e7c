"""The figure of a run report: signals, power, battery, temperatures, queue and actions on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from evaluate.figures import NARROW, WIDE, Key, Panel, Sheet, Span, colour, held, stack
from evaluate.run_data import AGENT_NAMES, CHANGED_BY, RunData
from evaluate.run_settlement import EventRow
from evaluate.run_timeline import Timeline, day_ticks, timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LineStyle = str | tuple[float, tuple[float, float]]

_DASHED: LineStyle = (0, (3.5, 2.0))
_DOTTED: LineStyle = (0, (1.5, 2.0))
_ENDS = {"load_shift": ("defer", "drain"), "battery": ("discharge", "charge"), "cooling": ("colder", "warmer")}
_CAUSES = {
    "supervisor": "changed by the supervisor",
    "tracker": "by the delivery tracker",
    "notice": "by a notice",
    "clipped": "clipped to what the site can do",
}
_NARROW_CAUSES = {"supervisor": "supervisor", "tracker": "tracker", "notice": "notice", "clipped": "clipped"}


def run_figure(run: RunData, events: Sequence[EventRow], *, narrow: bool) -> Markup:
    """The whole stack, for a wide screen or for a narrow one."""
    line = timeline(run)
    sheet, end = NARROW if narrow else WIDE, float(line.edges_h[-1])
    spans = [
        Span(
            max(line.hours(event.start_utc), 0.0),
            min(line.hours(event.end_utc), end),
            _mark(event, line, sheet, len(events)),
            "event" if event.sold else "declined",
        )
        for event in events
        if line.hours(event.start_utc) < end and line.hours(event.end_utc) > 0.0
    ]
    return stack(
        _panels(run, line, narrow),
        end,
        _ticks(line, sheet),
        spans,
        sheet,
        "Prices, carbon, power, battery, temperatures, queue and actions of the run on one time axis, London time",
    )


def _mark(event: EventRow, line: Timeline, sheet: Sheet, count: int) -> str:
    """The event's number, and what was asked where there is room to say it."""
    if line.unit == "day":
        return ""
    roomy = sheet is WIDE and count <= 7 and event.requested_kw is not None
    return f"{event.number}: {event.requested_kw:,.0f} kW" if roomy else str(event.number)


def _ticks(line: Timeline, sheet: Sheet) -> list[tuple[float, str]]:
    marks = day_ticks(line, sheet.most_ticks)
    long = line.edges_h[-1] > 62 * 24

    def text(mark: pd.Timestamp) -> str:
        if long:
            return f"{mark:%b}"
        room = len(marks) <= 8 and sheet is WIDE
        return f"{mark:%a} {mark.day} {mark:%b}" if room else f"{mark:%a} {mark.day}"

    return [(hours, text(mark)) for hours, mark in marks]


def _panels(run: RunData, line: Timeline, narrow: bool) -> list[Panel]:
    signals = [_prices(line), _carbon(line)]
    site = [_power(line), _charge(line, run), _temperatures(line, run.site["overheat_limit_degc"]), _queue(line)]
    return signals + site + _agent_panels(line, narrow)


def _trace(axes: Axes, line: Timeline, name: str, tint: str, width: float = 1.5, style: LineStyle = "-") -> None:
    axes.plot(*held(line.edges_h, line.mean[name]), color=colour(tint), linewidth=width, linestyle=style)


def _band(axes: Axes, line: Timeline, name: str, tint: str) -> None:
    """Least and greatest value of each column, where a column gathers steps."""
    if line.gathered:
        x, low = held(line.edges_h, line.low[name])
        high = held(line.edges_h, line.high[name])[1]
        axes.fill_between(x, low, high, color=colour(tint), alpha=0.22, linewidth=0)


def _prices(line: Timeline) -> Panel:
    def draw(axes: Axes) -> None:
        _band(axes, line, "tariff_gbp_per_mwh", "price")
        _trace(axes, line, "system_gbp_per_mwh", "system", 1.0)
        _trace(axes, line, "tariff_gbp_per_mwh", "price")
        _fit(axes, zero=True)

    per = {"15 min": "", "hour": ", hourly means", "day": ", daily means"}[line.unit]
    return Panel(f"Price £/MWh{per}", [Key("tariff", "price"), Key("system", "system", "thin")], 84, draw)


def _carbon(line: Timeline) -> Panel:
    def draw(axes: Axes) -> None:
        _band(axes, line, "carbon_gco2_per_kwh", "carbon")
        _trace(axes, line, "carbon_gco2_per_kwh", "carbon")
        _fit(axes, zero=True)

    return Panel("Carbon g/kWh", [Key("grid average", "carbon")], 60, draw)


def _power(line: Timeline) -> Panel:
    def draw(axes: Axes) -> None:
        _areas(axes, line)
        _trace(axes, line, "baseline_kw", "baseline", 1.1, _DASHED)
        _trace(axes, line, "import_kw", "import", 0.9 if line.unit == "day" else 1.3)
        if not line.gathered:  # a target of some half-hours says nothing beside a mean over all of them
            x, target = held(line.edges_h, line.mean["target_kw"])
            metered = held(line.edges_h, line.mean["import_kw"])[1]
            axes.fill_between(x, target, metered, color=colour("target"), alpha=0.35, linewidth=0)
            axes.plot(x, target, color=colour("target"), linewidth=2.6)
        _fit(axes, zero=True)

    areas = [Key(label, tint, "area") for label, tint in (("IT", "it"), ("losses", "loss"), ("cooling", "cooling"))]
    lines = [Key("battery", "battery", "area"), Key("import", "import"), Key("baseline", "baseline", "dash")]
    target = [] if line.gathered else [Key("baseline less what was sold", "target")]
    return Panel("Power kW", [*areas, *lines, *target], 190, draw)


def _charge(line: Timeline, run: RunData) -> Panel:
    size = run.site["battery_kwh"]

    def draw(axes: Axes) -> None:
        _band(axes, line, "soc_kwh", "battery")
        _trace(axes, line, "soc_kwh", "battery")
        for share in (run.site["soc_min"], run.site["soc_max"]):
            axes.axhline(share * size, color=colour("limit"), linewidth=0.8, linestyle=_DOTTED)
        axes.set_ylim(0.0, max(size, 1.0) * 1.02)

    return Panel("Battery kWh", [Key("stored", "battery"), Key("allowed range", "limit", "dash")], 68, draw)


def _temperatures(line: Timeline, limit: float) -> Panel:
    def draw(axes: Axes) -> None:
        _trace(axes, line, "dry_bulb_degc", "outdoor", 1.1)
        _trace(axes, line, "supply_degc", "supply", 1.1)
        _trace(axes, line, "inlet_degc", "inlet")
        axes.axhline(limit, color=colour("limit"), linewidth=1.0, linestyle=_DOTTED)
        _fit(axes)

    air = [Key("supply air", "supply", "thin"), Key("outdoor", "outdoor", "thin")]
    keys = [Key("server inlet", "inlet"), *air, Key(f"limit {limit:g}", "limit", "dash")]
    return Panel("Temperature °C" + (", inlet: highest" if line.gathered else ""), keys, 88, draw)


def _queue(line: Timeline) -> Panel:
    def draw(axes: Axes) -> None:
        x, waiting = held(line.edges_h, line.mean["queued_kwh"])
        axes.fill_between(x, 0.0, waiting, color=colour("queue"), alpha=0.5, linewidth=0)
        axes.set_ylim(0.0, max(float(waiting.max()) * 1.06, 1.0))

    return Panel("Queued work kWh", [Key("IT work waiting", "queue", "area")], 52, draw)


def _agent_panels(line: Timeline, narrow: bool) -> list[Panel]:
    """One strip an agent: proposal against action, or how often the action was changed where columns gather steps."""
    words = _NARROW_CAUSES if narrow else _CAUSES
    seen = [cause for cause in CHANGED_BY if any(line.changed[agent][cause].any() for agent in AGENT_NAMES)]
    causes = [Key(words[cause], cause, "area") for cause in seen]
    panels: list[Panel] = []
    for agent in AGENT_NAMES:
        name = agent.replace("_", " ").capitalize()
        if line.gathered:
            title = f"{name}: % of steps changed"
            panels.append(Panel(title, causes if not panels else [], 44, _changed(line, agent)))
        else:
            keys = [Key("proposed", "muted", "thin"), Key("executed", "ink"), *causes] if not panels else []
            panels.append(Panel(name, keys, 40, _actions(line, agent), _ENDS[agent]))
    return panels


def _areas(axes: Axes, line: Timeline) -> None:
    """Consumption stacked on zero, battery discharge below it: their sum is the metered import."""
    mean, edges = line.mean, line.edges_h
    below = np.zeros(2 * len(mean))
    for name, tint in (("it_kw", "it"), ("loss_kw", "loss"), ("cooling_kw", "cooling"), ("charge_kw", "battery")):
        x, values = held(edges, mean[name])
        axes.fill_between(x, below, below + values, color=colour(tint), linewidth=0)
        below = below + values
    x, values = held(edges, mean["discharge_kw"])
    axes.fill_between(x, 0.0, values, color=colour("battery"), linewidth=0)


def _actions(line: Timeline, agent: str) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        x, raw = held(line.edges_h, line.mean[f"raw_{agent}"])
        executed = held(line.edges_h, line.mean[f"executed_{agent}"])[1]
        axes.axhline(0.0, color=colour("grid"), linewidth=0.7)
        for cause in CHANGED_BY:
            marked = held(line.edges_h, line.changed[agent][cause])[1] > 0
            if marked.any():
                axes.fill_between(x, raw, executed, where=marked, color=colour(cause), alpha=0.45, linewidth=0)
        axes.plot(x, raw, color=colour("muted"), linewidth=0.8)
        axes.plot(x, executed, color=colour("ink"), linewidth=1.4)
        axes.set_ylim(-1.1, 1.1)

    return draw


def _changed(line: Timeline, agent: str) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        below = np.zeros(2 * len(line.mean))
        for cause in CHANGED_BY:
            x, share = held(line.edges_h, 100.0 * line.changed[agent][cause])
            axes.fill_between(x, below, below + share, color=colour(cause), linewidth=0)
            below = below + share
        axes.set_ylim(0.0, 100.0)

    return draw


def _fit(axes: Axes, zero: bool = False) -> None:
    """Y limits around what was drawn, with zero inside where the panel counts from it."""
    low, high = axes.dataLim.intervaly
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = 0.05 * max(high - low, 1e-6)
    axes.set_ylim(low if zero and low == 0.0 else low - margin, high + margin)
