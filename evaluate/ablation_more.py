"""What an ablation's page shows besides savings: deliveries, settings, supervisors, learning curves, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from evaluate.ablation import Ablation
from evaluate.ablation_curves import Curve, curves, draw
from evaluate.ablation_delivery import Delivery, deliveries
from evaluate.ablation_hold import Held, held_of
from evaluate.ablation_hold import draw as draw_held
from evaluate.ablation_parts import TERMS, Why, in_words, whys
from evaluate.ablation_settings import Axis, axes_of, frontiers
from evaluate.ablation_supervisor import Overrides, Supervision, measured, overrides_of, supervisions
from evaluate.ablation_versus import Versus, table_of, versus_of
from evaluate.ablation_words import shares
from evaluate.matrix_figures import both, plane
from evaluate.matrix_run import MatrixRun
from evaluate.page import number
from evaluate.statistics import Interval
from evaluate.tex import booktabs

_AXES = ("money saved, % of the neutral site’s net cost", "carbon saved, %")
_FRONTIER = "Money and carbon saved along carbon prices, in per cent of the neutral site"
_HELD = "Share of the neutral site’s objective saved, by how long a supervisor’s decision is held"
_CURVES = "Share of the neutral site’s cost saved in training episodes, by information set and algorithm"


@dataclass(frozen=True)
class More:
    """The other sections of a page, each empty where the matrix has nothing for it."""

    deliveries: list[Delivery]
    axes: list[Axis]
    supervisions: list[Supervision]
    versus: list[Versus]
    held: list[Held]
    overrides: list[Overrides]
    probes: dict[str, dict[str, float]]
    curves: list[Curve]
    training_runs: str | None  # where curves were looked for
    whys: list[Why]


def more_of(run: MatrixRun, result: Ablation) -> More:
    """Raises ValueError: a probe file that cannot be read."""
    evaluate = run.config.evaluate
    versus = versus_of(run.rows if run.all_rows is None else run.all_rows)
    return More(
        deliveries=[] if run.sales is None else deliveries(run.sales, run.rows),
        axes=[] if run.all_rows is None else axes_of(run.all_rows, run.settings),
        supervisions=supervisions(run.rows),
        versus=versus,
        held=held_of(versus, run.settings),
        overrides=[] if run.effects is None else overrides_of(run.effects),
        probes=measured(evaluate.probes),
        curves=curves(evaluate.training_runs),
        training_runs=evaluate.training_runs,
        whys=whys(run.rows, result),
    )


def context(more: More) -> dict[str, Any]:
    """For the page's template."""
    paths = frontiers(more.axes)
    return {
        "more": more,
        "terms": TERMS,
        "why_words": in_words,
        "frontier_figure": both(plane, [], paths, _AXES, _FRONTIER) if paths else None,
        "versus_table": table_of(more.versus),
        "held_figure": both(draw_held, more.held, _HELD) if more.held else None,
        "curves_figure": both(draw, more.curves, _CURVES) if more.curves else None,
    }


def numbers(more: More) -> dict[str, Any]:
    """For ``report.json``: every number of these sections."""
    return {
        "deliveries": [asdict(one) for one in more.deliveries],
        "axes": [asdict(axis) for axis in more.axes],
        "supervisors": [asdict(one) for one in more.supervisions],
        "versus": [asdict(one) for one in more.versus],
        "overrides": [asdict(one) for one in more.overrides],
        "probes": more.probes,
        "curves": [asdict(curve) for curve in more.curves],
        "whys": [{**asdict(why), "words": in_words(why)} for why in more.whys],
    }


def tables(more: More, about: str) -> dict[str, str]:
    """File name -> LaTeX, of the sections that are there. about: what the intervals stand on."""
    found = {}
    if more.deliveries:
        found["delivery.tex"] = _delivery_table(more, about)
    if more.axes:
        found["settings.tex"] = _settings_table(more, about)
    if more.supervisions:
        found["supervisors.tex"] = _supervisors_table(more)
    if more.versus:
        found["versus.tex"] = _versus_table(more, about)
    if more.whys:
        heads = ["a", "b", *(words for words, _ in TERMS.values()), "sum"]
        rows = [
            [why.a, why.b, *(number(term.estimate, 1) for term in why.terms.values()), number(why.total.estimate, 1)]
            for why in more.whys
        ]
        caption = "What a pays more than b, GBP a week, where training or supervision brought no gain."
        found["whys.tex"] = booktabs(caption, "tab:whys", heads, rows)
    return found


def _delivery_table(more: More, about: str) -> str:
    heads = ["variant", "sold", "a week", "MWh a week", "delivered", "by behaviour", "kept", "GBP/MWh real", "phantom"]
    rows = [
        [
            one.variant, "own trades" if one.own else "requests", number(one.sales, 1), number(one.sold_kwh / 1000, 2),
            _or_dash(one.delivered), _or_dash(one.reduced), f"{number(100 * one.kept)} %",
            number(one.real_gbp_per_mwh, 0), number(one.phantom_gbp_per_mwh, 0),
        ]
        for one in more.deliveries
    ]  # fmt: skip
    return booktabs(f"Sales and deliveries. {about}.", "tab:delivery", heads, rows)


def _settings_table(more: More, about: str) -> str:
    rows = [
        [
            axis.name, value, outcome.variant, shares(outcome.saving),
            shares(outcome.carbon) if outcome.carbon else "-", shares(outcome.points) if outcome.points else "-",
        ]
        for axis in more.axes
        for value, outcomes in axis.settings
        for outcome in outcomes
    ]  # fmt: skip
    heads = ["axis", "value", "variant", "saved", "carbon saved", "points more"]
    return booktabs(
        f"Savings in other settings, each against its own neutral site. {about}.", "tab:settings", heads, rows
    )


def _supervisors_table(more: More) -> str:
    shown = ("decisions", "fallbacks", "events_accepted", "notice_breach_steps", "llm_kwh", "llm_gbp")
    rows = [
        [
            one.variant,
            f"{number(100 * one.override_share)} %",
            *(number(one.counted.get(name, 0.0), 2) for name in shown),
        ]
        for one in more.supervisions
    ]
    heads = ["variant", "overrides", *(name.replace("_", " ") for name in shown)]
    return booktabs("Supervisors, means a week.", "tab:supervisors", heads, rows)


def _versus_table(more: More, about: str) -> str:
    rows = [
        [one.setting or "as configured", one.variant, other, shares(interval, 2)]
        for one in more.versus
        for other, interval in one.against.items()
    ]
    caption = f"What supervisors save more than what they have to beat, of the neutral site's objective. {about}."
    return booktabs(caption, "tab:versus", ["setting", "variant", "against", "saved more"], rows)


def _or_dash(interval: Interval | None) -> str:
    return shares(interval, 0) if interval else "-"
