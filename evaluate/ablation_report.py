"""The ablation as one page, LaTeX tables and a JSON of every number; nothing in them is typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from evaluate import ablation_more
from evaluate.ablation import CLAIM, EARNED, FEW_WEEKS, FEWEST_WEEKS, NEUTRAL, Ablation, Answer, Summary, ablation
from evaluate.ablation_more import More
from evaluate.ablation_words import amounts, by_name, claim, lead, negatives, one_for_many, p_text, phantom, shares
from evaluate.matrix_figures import Line, Point, both, forest, plane
from evaluate.matrix_run import MatrixReport, MatrixRun, identity, shared_context
from evaluate.page import number, render_page
from evaluate.run_report import PROVENANCE_MEANINGS
from evaluate.run_tables import COMPENSATION
from evaluate.statistics import Interval
from evaluate.tex import booktabs
from evaluate.variants import BOUND


def render(run: MatrixRun, result: Ablation, more: More) -> str:
    """The page as text."""
    rest = by_name(result.answers, against_neutral=False)
    steered = [summary for summary in result.summaries if summary.name != NEUTRAL]
    rule = run.config.market.compensation
    context = {
        **shared_context(run),
        **ablation_more.context(more),
        "result": result,
        "lead": lead(result),
        "phantom": phantom(result),
        "negatives": negatives(result),
        "groups": _groups(result.answers),
        "asked": len(result.answers),
        "has_bound": any(summary.name == BOUND for summary in result.summaries),
        "savings_figure": both(forest, [_saving_line(s, result) for s in steered], "%", ("worse", "better"), _SAVINGS),
        "questions_figure": both(forest, [_question_line(a) for a in rest], "%", ("worse", "better"), _QUESTIONS)
        if rest
        else None,
        "plane_figure": both(plane, [_point(s) for s in steered if EARNED in s.saving], [], _AXES, _PLANE),
        "rules": (rule, next(name for name in COMPENSATION if name != rule)),
        "claim": CLAIM,
        "earned": EARNED,
        "one_for_many": one_for_many(run.rows),
        "few_weeks": FEW_WEEKS,
        "fewest_weeks": FEWEST_WEEKS,
        "shares": shares,
        "amounts": amounts,
        "p_text": p_text,
        "provenance_meanings": PROVENANCE_MEANINGS,
        "config_text": yaml.safe_dump(run.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
    }
    return render_page("ablation_report.html.j2", context)


_SAVINGS = "Saving of each variant against the neutral site, in per cent of its objective, with single weeks"
_QUESTIONS = "Paired questions: saving of the first variant against the second, in per cent of the neutral objective"
_PLANE = "Money and carbon saved by each variant, in per cent of the neutral site"
_AXES = ("money saved, % of the neutral site’s net cost", "carbon saved, %")


def numbers(run: MatrixRun, result: Ablation, more: More) -> dict[str, Any]:
    """Every number of the page, for ``report.json``."""
    return {
        "identity": identity(run),
        "failures": list(run.failures),
        "weeks": list(result.weeks),
        "seeds": result.seeds,
        "claim": "objective_gbp + flex_phantom_gbp, paired by week and seed; positive savings are better",
        "variants": [plain(asdict(summary)) for summary in result.summaries],
        "answers": [{**plain(asdict(answer)), "verdict": answer.verdict} for answer in result.answers],
        "sentences": {
            "lead": lead(result),
            "phantom": phantom(result),
            "answers": [claim(answer, len(result.answers)) for answer in result.answers],
        },
        **plain(ablation_more.numbers(more)),
    }


def tables(result: Ablation, more: More) -> dict[str, str]:
    """File name -> LaTeX."""
    savings = [
        [
            s.name,
            number(s.mean[CLAIM]),
            _or_dash(s.saving.get(CLAIM), 1),
            _or_dash(s.saving.get("carbon_kg"), 1),
            _amount(s, "flex_real_gbp"),
            _amount(s, "flex_phantom_gbp"),
            _amount(s, "events_accepted", 1),
            shares(s.share_of_bound, 0) if s.share_of_bound else "-",
        ]
        for s in result.summaries
    ]
    about = f"{len(result.weeks)} weeks, {result.seeds} seeds; 95 % intervals, weeks and seeds resampled"
    questions = [
        [answer.a, answer.b, shares(answer.saving[CLAIM], 2), p_text(answer.p_holm), answer.verdict]
        for answer in result.answers
    ]
    rules = [
        [s.name, *(number(value) for rule in s.by_rule for value in (rule.flex_gbp, rule.net_gbp, rule.objective_gbp))]
        for s in result.summaries
        if s.by_rule
    ]
    heads = ["variant", "GBP a week", "saving", "carbon saved", "flex, real", "flex, phantom", "requests", "of bound"]
    return {
        "savings.tex": booktabs(f"Objective net of phantom money. {about}.", "tab:savings", heads, savings),
        "questions.tex": booktabs(
            f"Paired savings of a against b in % of the neutral objective, p corrected by Holm. {about}.",
            "tab:questions", ["a", "b", "saving", "p", "verdict"], questions,
        ),
        "rules.tex": booktabs(
            "Flexibility, net cost and objective in GBP a week: as configured, then under the other compensation rule.",
            "tab:rules", ["variant", *(["flex", "net", "objective"] * 2)], rules,
        ),
        **ablation_more.tables(more, about),
    }  # fmt: skip


def make(run: MatrixRun) -> MatrixReport:
    """The report of a matrix. Raises ValueError: see ``evaluate.ablation.ablation``."""
    result = ablation(run.rows)
    more = ablation_more.more_of(run, result)
    page = render(run, result, more)
    found = numbers(run, result, more), tables(result, more), headline(result), lead(result)
    return MatrixReport(page, *found, run.failures)


def headline(result: Ablation) -> list[dict[str, Any]]:
    """A row a variant: saving and carbon saved in per cent of the neutral site's, flexibility in GBP a week."""
    rows = []
    for summary in result.summaries:
        row: dict[str, Any] = {"variant": summary.name}
        for key, name in (("saving", CLAIM), ("carbon_saved", "carbon_kg")):
            interval = summary.saving.get(name)
            ends = (interval.estimate, interval.low, interval.high) if interval else (None, None, None)
            for end, value in zip(("", "_low", "_high"), ends, strict=True):
                row[f"{key}{end}_percent"] = None if value is None else 100.0 * value
        row |= {f"{name}_a_week": summary.mean.get(name) for name in ("flex_real_gbp", "flex_phantom_gbp")}
        rows.append(row)
    return rows


def _groups(answers: Sequence[Answer]) -> list[tuple[str, list[Answer]]]:
    """Answers by what they are about, in the order asked."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.about, []).append(answer)
    return list(found.items())


def _saving_line(summary: Summary, result: Ablation) -> Line:
    saving = summary.saving[CLAIM]
    verdict = next((a.verdict for a in result.answers if (a.a, a.b) == (summary.name, NEUTRAL)), "open")
    weekly = 100.0 * summary.weekly / result.summary(NEUTRAL).mean[CLAIM]
    return _line(summary.name, saving, verdict, tuple(float(value) for value in weekly))


def _question_line(answer: Answer) -> Line:
    return _line(f"{answer.a} against {answer.b}", answer.saving[CLAIM], answer.verdict)


def _line(label: str, saving: Interval, verdict: str, dots: Sequence[float] = ()) -> Line:
    low, middle, high = (100.0 * value for value in (saving.low, saving.estimate, saving.high))
    return Line(label, middle, low, high, shares(saving), verdict, dots)


def _point(summary: Summary) -> Point:
    money, carbon = summary.saving[EARNED], summary.saving["carbon_kg"]
    return Point(summary.name, _triple(money), _triple(carbon))


def _triple(interval: Interval) -> tuple[float, float, float]:
    return 100.0 * interval.estimate, 100.0 * interval.low, 100.0 * interval.high


def _or_dash(interval: Interval | None, digits: int) -> str:
    return shares(interval, digits) if interval else "-"


def _amount(summary: Summary, name: str, digits: int = 0) -> str:
    return number(summary.mean[name], digits) if name in summary.mean else "-"


def plain(value: Any) -> Any:
    """``value`` as JSON has it: dataclasses as objects, arrays as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
