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
    sheet = NARROW if narrow else WIDE
    spans = [
        Span(
            line.hours(event.start_utc),
            line.hours(event.end_utc),
            str(event.number) if line.unit != "day" else "",
            "event" if event.accepted else "declined",
        )
        for event in events
    ]
    return stack(
        _panels(run, line, narrow),
        float(line.edges_h[-1]),
        _ticks(line, sheet),
        spans,
        sheet,
        "Prices, carbon, power, battery, temperatures, queue and actions of the run on one time axis, London time",
    )


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
    mean, edges = line.mean, line.edges_h
    limit = run.site["overheat_limit_degc"]

    def draw(axes: Axes, name: str, tint: str, width: float = 1.2, dashed: bool = False) -> None:
        style = (0, (3.5, 2.0)) if dashed else "-"
        axes.plot(*held(edges, mean[name]), color=colour(tint), linewidth=width, linestyle=style)

    def band(axes: Axes, name: str, tint: str) -> None:
        """Least and greatest value of each column, where a column gathers steps."""
        if line.gathered:
            x, low = held(edges, line.low[name])
            axes.fill_between(x, low, held(edges, line.high[name])[1], color=colour(tint), alpha=0.22, linewidth=0)

    def prices(axes: Axes) -> None:
        band(axes, "tariff_gbp_per_mwh", "price")
        draw(axes, "system_gbp_per_mwh", "system", 1.0)
        draw(axes, "tariff_gbp_per_mwh", "price", 1.5)
        _fit(axes, zero=True)

    def carbon(axes: Axes) -> None:
        band(axes, "carbon_gco2_per_kwh", "carbon")
        draw(axes, "carbon_gco2_per_kwh", "carbon", 1.5)
        _fit(axes, zero=True)

    def power(axes: Axes) -> None:
        _areas(axes, line)
        draw(axes, "baseline_kw", "baseline", 1.1, dashed=True)
        draw(axes, "import_kw", "import", 1.3)
        x, target = held(edges, mean["target_kw"])
        metered = held(edges, mean["import_kw"])[1]
        if not line.gathered:
            axes.fill_between(x, target, metered, color=colour("target"), alpha=0.35, linewidth=0)
        axes.plot(x, target, color=colour("target"), linewidth=2.6)
        _fit(axes, zero=True)

    def charge(axes: Axes) -> None:
        size = run.site["battery_kwh"]
        band(axes, "soc_kwh", "battery")
        draw(axes, "soc_kwh", "battery", 1.5)
        for share in (run.site["soc_min"], run.site["soc_max"]):
            axes.axhline(share * size, color=colour("limit"), linewidth=0.8, linestyle=(0, (1.5, 2)))
        axes.set_ylim(0.0, max(size, 1e-6) * 1.02)

    def temperatures(axes: Axes) -> None:
        draw(axes, "dry_bulb_degc", "outdoor", 1.1)
        draw(axes, "supply_degc", "supply", 1.1)
        draw(axes, "inlet_degc", "inlet", 1.5)
        axes.axhline(limit, color=colour("limit"), linewidth=1.0, linestyle=(0, (1.5, 2)))
        _fit(axes)

    def queue(axes: Axes) -> None:
        x, waiting = held(edges, mean["queued_kwh"])
        axes.fill_between(x, 0.0, waiting, color=colour("queue"), alpha=0.5, linewidth=0)
        axes.set_ylim(0.0, max(float(mean["queued_kwh"].max()) * 1.06, 1.0))

    per = {"15 min": "", "hour": ", hourly means", "day": ", daily means"}[line.unit]
    extremes = [Key("range", "price", "area")] if line.gathered else []
    panels = [
        Panel(f"Price £/MWh{per}", [Key("tariff", "price"), Key("system", "system", "thin"), *extremes], 84, prices),
        Panel("Carbon g/kWh", [Key("grid average", "carbon")], 60, carbon),
        Panel(
            "Power kW",
            [
                Key("IT", "it", "area"), Key("losses", "loss", "area"), Key("cooling", "cooling", "area"),
                Key("battery", "battery", "area"), Key("import", "import"), Key("baseline", "baseline", "dash"),
                Key("baseline less what was sold", "target"),
            ],
            190,
            power,
        ),
        Panel("Battery kWh", [Key("stored", "battery"), Key("allowed range", "limit", "dash")], 68, charge),
        Panel(
            "Temperature °C" + (", inlet: highest" if line.gathered else ""),
            [
                Key("server inlet", "inlet"), Key("supply air", "supply", "thin"), Key("outdoor", "outdoor", "thin"),
                Key(f"limit {limit:g}", "limit", "dash"),
            ],
            88,
            temperatures,
        ),
        Panel("Queued work kWh", [Key("IT work waiting", "queue", "area")], 52, queue),
    ]  # fmt: skip
    return panels + _agent_panels(line, narrow)


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
