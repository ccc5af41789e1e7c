"""The headroom page, its LaTeX tables and the JSON of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import yaml
from markupsafe import Markup

from configs.schema import Config
from evaluate import headroom_words as words
from evaluate.ablation import FEW_WEEKS
from evaluate.ablation_words import shares
from evaluate.headroom import DAY_AHEAD, FrontierPoint, Headroom, Ladder, Worth, headroom
from evaluate.headroom_figure import Bar, ladder
from evaluate.headroom_plan import FLEXIBILITIES, REQUESTS, RULES, market_key, scenarios
from evaluate.matrix_figures import Path, Point, both, plane
from evaluate.matrix_run import MatrixReport, MatrixRun, identity, shared_context
from evaluate.page import number, render_page
from evaluate.run_report import PROVENANCE_MEANINGS
from evaluate.tex import booktabs

_TINTS = ("supervisor", "tracker", "carbon", "battery", "notice", "queue", "price", "system")
_LABELS = {"load": "load shifting", "battery": "battery", "cooling": "cooling"}


def make(
    config: Config, rows: Mapping[str, pd.DataFrame], provenance: Mapping[str, str], failures: Sequence[str] = ()
) -> MatrixReport:
    """The report of all scenarios' rows. Raises ValueError: see ``evaluate.headroom.headroom``."""
    result = headroom(scenarios(config), rows)
    run = MatrixRun(config, pd.concat(list(rows.values()), ignore_index=True), provenance, failures=failures)
    lead = words.lead(result)
    numbers = {
        "identity": identity(run),
        "failures": list(failures),
        "claim": "objective_gbp + flex_phantom_gbp, means a week; positive is saved against the neutral site",
        "headroom": asdict(result),
        "sentences": [
            *lead,
            *words.standing(result),
            *words.directions(words.first(result)),
            words.idle(result),
            *words.gaps(result),
        ],
    }
    return MatrixReport(_render(run, result, lead), numbers, _tables(result), _headline(result), lead, failures)


def _render(run: MatrixRun, result: Headroom, lead: list[str]) -> str:
    shown = words.first(result)
    context = {
        **shared_context(run),
        "weeks": list(result.weeks),
        "result": result,
        "lead": lead,
        "shown": shown,
        "ladders": [(one, _figures(one)) for one in result.ladders],
        "standing": words.standing(result),
        "directions": words.directions(shown),
        "idle": words.idle(result),
        "gaps": words.gaps(result),
        "origins": words.ORIGINS,
        "labels": _LABELS,
        "rules": RULES,
        "day_ahead": DAY_AHEAD,
        "frontier_figure": _frontier(result),
        "market_names": {DAY_AHEAD: "day-ahead only"}
        | {market_key(o, rule): f"{words.WITH[o]}, {rule}" for rule in RULES for o in words.WITH},
        "profiled": result.comparison(market_key(REQUESTS, RULES[0])),
        "profile_figure": _profiles(result),
        "pounds": words.pounds,
        "kilograms": words.kilograms,
        "few_weeks": FEW_WEEKS,
        "provenance_meanings": PROVENANCE_MEANINGS,
        "config_text": yaml.safe_dump(run.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
    }
    return render_page("headroom_report.html.j2", context)


def _figures(one: Ladder) -> list[tuple[Markup, Markup]]:
    """(wide, narrow) in pounds, then in kilograms where the controller has them."""
    found = [both(ladder, _bars(one, "gbp"), "Pounds a week", f"{one.controller}: saved by step, pounds a week")]
    if one.day_ahead.kg is not None:
        title = "Kilograms of CO₂ a week"
        found.append(both(ladder, _bars(one, "kg"), title, f"{one.controller}: saved by step, kilograms a week"))
    return found


def _bars(one: Ladder, unit: str) -> list[Bar]:
    bars, level = [], 0.0
    for name, worth in one.flexibilities.items():
        bars.append(_step(_LABELS[name], level, worth, unit))
        level = bars[-1].end
    bars.append(_total("day-ahead only", one.day_ahead, unit))
    base = bars[-1].end
    for rule in RULES:
        level = base
        for origin, worth in one.by_rule[rule].items():
            bars.append(_step(f"{words.ORIGINS[origin]}, {rule}", level, worth, unit))
            level = bars[-1].end
        bars.append(_total(f"all, {rule}", one.totals[rule], unit))
    return bars


def _step(label: str, level: float, worth: Worth, unit: str) -> Bar:
    interval = worth.gbp if unit == "gbp" else worth.kg
    assert interval is not None
    text = ("+" if interval.estimate > 0 else "") + number(interval.estimate)
    return Bar(label, level, level + interval.estimate, level + interval.low, level + interval.high, text)


def _total(label: str, worth: Worth, unit: str) -> Bar:
    interval = worth.gbp if unit == "gbp" else worth.kg
    assert interval is not None
    return Bar(label, 0.0, interval.estimate, interval.low, interval.high, number(interval.estimate), total=True)


def _frontier(result: Headroom) -> tuple[Markup, Markup] | None:
    if not result.frontier:
        return None
    paths = [
        Path(name, _TINTS[place % len(_TINTS)], _corners(points))
        for place, (name, points) in enumerate(result.frontier.items())
    ]
    neutral = [Point("neutral", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))]
    axes = ("money saved, % of the neutral site’s net cost", "carbon saved, %")
    return both(plane, neutral, paths, axes, "Money and carbon saved by each controller at four carbon prices")


def _profiles(result: Headroom) -> tuple[Markup, Markup] | None:
    """In how many weeks each controller takes at least so much of the bound's saving."""
    found = result.comparison(market_key(REQUESTS, RULES[0]))
    shown = [one for one in found.weekly if one.profile] if found else []
    if not shown:
        return None
    paths = [
        Path(one.controller, _TINTS[k % len(_TINTS)], [(100 * share, 100 * weeks, "") for share, weeks in one.profile])
        for k, one in enumerate(shown)
    ]
    axes = ("share of the bound’s saving, %", "weeks that reach it, %")
    return both(plane, [], paths, axes, "Share of weeks in which each controller takes at least a share of the bound")


def _corners(points: Sequence[FrontierPoint]) -> list[tuple[float, float, str]]:
    """Percentages; the first and last point of a line that moves carry their price."""
    at = [(100 * point.money.estimate, 100 * point.carbon.estimate) for point in points]
    ends = (0, len(at) - 1) if at[0] != at[-1] else ()
    return [(*xy, f"£{points[k].price_gbp_per_t:,.0f}/t" if k in ends else "") for k, xy in enumerate(at)]


def _headline(result: Headroom) -> list[dict[str, Any]]:
    rows = []
    for one in result.ladders:
        row: dict[str, Any] = {"variant": one.controller}
        for key, share in one.share.items():
            stem = "day_ahead" if key == DAY_AHEAD else f"with_market_{key}"
            row |= {
                f"{stem}_percent": 100 * share.estimate,
                f"{stem}_low_percent": 100 * share.low,
                f"{stem}_high_percent": 100 * share.high,
            }
        rows.append(row)
    return rows


def _tables(result: Headroom) -> dict[str, str]:
    about = f"GBP a week net of phantom money with 95 % intervals; {len(result.weeks)} weeks, {result.seeds} seeds"
    ladders = [
        [
            one.controller,
            *(words.pounds(worth.gbp) if (worth := one.flexibilities.get(name)) else "--" for name in FLEXIBILITIES),
            words.pounds(one.day_ahead.gbp),
            *(words.pounds(one.totals[rule].gbp) for rule in RULES),
        ]
        for one in result.ladders
    ]
    columns = ["controller", *(_LABELS[name] for name in FLEXIBILITIES), "day-ahead", *(f"all, {r}" for r in RULES)]
    controllers = [one.controller for one in result.ladders]
    changes = [[one.label, *(shares(one.saving[name]) for name in controllers)] for one in result.sensitivities]
    few = f"Saving in % of the neutral objective, {len(result.few_weeks)} weeks"
    return {
        "ladder.tex": booktabs(f"What each flexibility is worth. {about}.", "tab:ladder", columns, ladders),
        "sensitivity.tex": booktabs(f"{few}.", "tab:sensitivity", ["changed", *controllers], changes),
    }
