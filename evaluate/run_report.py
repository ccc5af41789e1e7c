"""One run as one page: ``report.html``, readable offline, with every number taken from the run's own tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluate.names import COUNTERS
from evaluate.run_data import AGENT_NAMES, LONDON, TERMS, RunData
from evaluate.run_figure import run_figure
from evaluate.run_settlement import event_rows, window_text
from evaluate.run_tables import (
    MOST_DECISIONS,
    QUANTITIES,
    by_calendar,
    by_rule,
    decision_rows,
    headline,
    largest_first,
    leading,
    rule_year,
    waterfall,
)
from evaluate.run_timeline import FINE_DAYS, timeline

_TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_DECISIONS = 20
_SHOWN_EVENTS = 20  # more are folded away
LONGEST_ON_RUN_IN = 14  # days; a longer run takes its baseline from its own meter (section 4 of the design)
_DIGITS = {"gbp": 2, "kg": 1, "kwh": 1, "minutes": 0}

COUNTER_MEANINGS = {
    "decisions": "times the supervisor decided",
    "overrides": "decisions that held at least one agent to something else than its proposal",
    "fallbacks": "decisions where the supervisor gave no usable answer and the agents were followed",
    "events_accepted": "requests taken on",
    "clipped": "steps in which a proposal lay outside what the site can do",
    "bound_steps": "steps in which the supervisor changed an action",
    "tracker_steps": "steps in which the delivery tracker changed an action",
    "reads": "notices read",
    "notice_breach_steps": "steps outside what a notice truly asked for",
}
PROVENANCE_MEANINGS = {
    "real": "as its source measured or published it",
    "filled": "a gap or a missing quarter, filled by a stated rule",
    "synthetic": "drawn from a model fitted to real data",
    "modelled": "computed here; no such figure was published",
}


def write_report(path: Path, run: RunData) -> None:
    """Write the page to ``path``: whole, or not at all."""
    page = render(run)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(page, encoding="utf-8")
    os.replace(unfinished, path)


def render(run: RunData) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "gbp": gbp, "signed": signed_gbp, "quantity": quantity, "number": number, "percent": percent, "when": when,
    }  # fmt: skip
    return environment.get_template("run_report.html.j2").render(**_context(run))


def _context(run: RunData) -> dict[str, Any]:
    events = event_rows(run)
    settled = [event for event in events if event.sold]
    rows = decision_rows(run)
    ordered = largest_first(rows)
    long = run.days > FINE_DAYS
    first, last = run.times_utc[0].tz_convert(LONDON), run.times_utc[-1].tz_convert(LONDON)
    return {
        "run": run,
        "mine": run.summary,
        "neutral": run.neutral,
        "config": run.config,
        "period": f"{_day(first)} to {_day(last)}" if first.date() != last.date() else _day(first),
        "data_year": first.year,
        "data_years": " and ".join(str(year) for year in range(first.year, last.year + 1)),
        "rule_year": rule_year(run.config),
        "headline": headline(run),
        "rules": by_rule(run),
        "figure_wide": run_figure(run, events, narrow=False),
        "figure_narrow": run_figure(run, events, narrow=True),
        "figure_unit": timeline(run).unit,
        "waterfall": waterfall(run),
        "quantities": QUANTITIES,
        "calendar_unit": "month" if long else "day",
        "calendar": by_calendar(run, "month" if long else "day"),
        "events": events,
        "settled": settled,
        "terms": TERMS,
        "settled_gbp": float(run.settlement["amount_gbp"].sum()),
        "window": window_text,
        "agents": AGENT_NAMES,
        "decisions": leading(ordered, _SHOWN_DECISIONS),
        "all_decisions": ordered[:MOST_DECISIONS] if long else rows,
        "decision_count": len(rows),
        "long": long,
        "own_history": run.config["run"]["days"] > LONGEST_ON_RUN_IN,
        "fine_days": FINE_DAYS,
        "counters": [(name, run.summary[name], COUNTER_MEANINGS[name]) for name in COUNTERS],
        "provenance": _by_kind(run.provenance),
        "provenance_meanings": PROVENANCE_MEANINGS,
        "folder": f"{run.config['run']['dir']}/{run.config['run']['name']}",
        "config_text": _yaml(run.config),
        "interrupted": not run.summary["complete"],
        "most_events": _SHOWN_EVENTS,
    }


def _by_kind(provenance: Mapping[str, str]) -> list[tuple[str, str]]:
    kinds = list(PROVENANCE_MEANINGS)
    return sorted(provenance.items(), key=lambda item: (kinds.index(item[1]), item[0]))


def _day(time: pd.Timestamp) -> str:
    return f"{time.day} {time:%B %Y}"


def _yaml(config: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def number(value: float, digits: int = 0) -> str:
    """``1,234.5`` with a true minus sign, and no minus before a zero."""
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return f"−{text}" if negative else text


def gbp(value: float, digits: int = 2) -> str:
    """``£1,234.50``, ``−£3.00``."""
    text = number(value, digits)
    return f"−£{text[1:]}" if text.startswith("−") else f"£{text}"


def signed_gbp(value: float) -> str:
    """``+£3.00``, ``−£3.00``, ``£0.00``."""
    text = gbp(value)
    return text if text.startswith("−") or text == "£0.00" else f"+{text}"


def percent(share: float) -> str:
    """``7.2 %`` of a share, kept on one line."""
    return f"{number(100.0 * share, 1)}\u00a0%"


def quantity(value: float, name: str, signed: bool = False) -> str:
    """A value with the unit its name ends in: gbp, kg, kwh or minutes."""
    unit = name.rsplit("_", 1)[-1]
    if unit == "gbp":
        return signed_gbp(value) if signed else gbp(value)
    shown = number(value, _DIGITS[unit])
    plus = "+" if signed and value > 0 and shown.strip("0.,") else ""
    return f"{plus}{shown} {({'kwh': 'kWh', 'minutes': 'min'}).get(unit, unit)}"


def when(time: pd.Timestamp, form: str = "minute") -> str:
    """London time: ``Mon 13 Nov 16:00``."""
    local = time.tz_convert(LONDON)
    return f"{local:%H:%M}" if form == "clock" else f"{local:%a} {local.day} {local:%b} {local:%H:%M}"
