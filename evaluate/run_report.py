"""One run as one page: ``report.html``, readable offline, with every number taken from the run's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from evaluate.atomic import write_text
from evaluate.names import COUNTERS
from evaluate.page import render_page
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

_SHOWN_DECISIONS = 20
_SHOWN_EVENTS = 20  # more are folded away
LONGEST_ON_RUN_IN = 14  # days; a longer run takes its baseline from its own meter (section 4 of the design)

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
    write_text(path, render(run))


def render(run: RunData) -> str:
    """The page as text."""
    return render_page("run_report.html.j2", _context(run))


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
