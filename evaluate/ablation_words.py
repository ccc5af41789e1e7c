"""What an ablation says, in sentences made from its numbers; losses are said as plainly as gains."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from agents.factory import TRAINED
from evaluate.ablation import CLAIM, FEWEST_WEEKS, IDLE_TRADES, NEUTRAL, Ablation, Answer, Summary
from evaluate.page import gbp, number
from evaluate.statistics import Interval
from evaluate.variants import BOUND, Variant

FORESIGHT = ("oracle", BOUND)  # what no site can do


def shares(interval: Interval, digits: int = 1) -> str:
    """``6.6 % [4.3, 9.8]`` of an interval of shares."""
    low, high = (number(100.0 * value, digits) for value in (interval.low, interval.high))
    return f"{number(100.0 * interval.estimate, digits)}\u00a0% [{low}, {high}]"


def amounts(interval: Interval, digits: int = 0) -> str:
    """``−12 [−15, −9]`` of an interval of amounts."""
    low, high = (number(value, digits) for value in (interval.low, interval.high))
    return f"{number(interval.estimate, digits)} [{low}, {high}]"


def p_text(p_value: float) -> str:
    """``p = 0.012``; what the number of resamples cannot tell from 0 is ``p < 0.001``."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def claim(answer: Answer, asked: int) -> str:
    """One question answered. asked: how many questions the correction was made for."""
    saving = answer.saving[CLAIM]
    gain = saving.estimate >= 0
    size = saving if gain else Interval(-saving.estimate, -saving.high, -saving.low, *_rest(saving))
    verb = "saves" if gain else "costs"
    against = "than" if not gain else "against"
    head = f"{answer.a} {verb} {shares(size, 2)} of the neutral site’s objective"
    head += f" {'more ' if not gain else ''}{against} {answer.b}"
    if answer.verdict != "open":
        return f"{head}: {answer.verdict} ({p_text(answer.p_holm)} after correction)."
    if saving.weeks < FEWEST_WEEKS:
        return f"{head}: {saving.weeks} weeks are too few for a verdict."
    if saving.excludes_zero:
        return f"{head}: not distinguishable from zero once corrected for {asked} questions ({p_text(answer.p_holm)})."
    return f"{head}: not distinguishable from zero."


def lead(result: Ablation) -> list[str]:
    """Two or three sentences for the top of the page."""
    steered = [s for s in result.summaries if s.name not in (NEUTRAL, IDLE_TRADES, *FORESIGHT)]
    if not steered:
        return ["The matrix holds no variant that a site could run: there is nothing to compare."]
    best = max(steered, key=lambda s: s.saving[CLAIM].estimate)
    most = f"Of {len(steered)} variants {best.name} saved most" if len(steered) > 1 else f"{best.name} saved"
    text = f"{most}: {shares(best.saving[CLAIM])} of the neutral site’s objective, {_carbon_words(best)}."
    sentences = [text]
    bound = next((s for s in result.summaries if s.name == BOUND), None)
    if bound is not None and best.share_of_bound is not None:
        sentences.append(
            f"Perfect foresight could not have saved more than {shares(bound.saving[CLAIM])}; {best.name} reached "
            f"{shares(best.share_of_bound, 0)} of that."
        )
    lost = [answer for answer in result.answers if answer.verdict != "better"]
    if len(result.weeks) < FEWEST_WEEKS:
        sentences.append(f"{len(result.weeks)} weeks are too few for verdicts; intervals are shown all the same.")
    elif lost:
        verb = "is" if len(lost) == 1 else "are"
        sentences.append(f"{len(lost)} of {len(result.answers)} questions below {verb} not answered with a gain.")
    return sentences


def phantom(result: Ablation) -> str:
    """What the baseline's errors alone are worth."""
    names = [summary.name for summary in result.summaries]
    if IDLE_TRADES not in names:
        return (
            f"{IDLE_TRADES} is not in this matrix, so it is not shown what an idle site would have been paid for its "
            "baseline’s errors."
        )
    idle = result.summary(IDLE_TRADES)
    of_bill = 100.0 * idle.mean["flex_gbp"] / result.summary(NEUTRAL).mean["cost_gbp"]
    kept = ""
    if abs(idle.saving[CLAIM].estimate) > 5e-5:
        kept = (
            f" Its saving is {shares(idle.saving[CLAIM], 2)} all the same, because selling what is not delivered below "
            "the system price is a real loss, and the gains of the other hours are phantom."
        )
    return (
        f"An idle site that sold wherever its baseline looked too high ({IDLE_TRADES}) was paid "
        f"{gbp(idle.mean['flex_gbp'], 0)} a week for doing nothing, {number(of_bill, 1)}\u00a0% of its bill; "
        f"{gbp(idle.mean['flex_phantom_gbp'], 0)} of it is phantom and counts in no saving here.{kept}"
    )


def negatives(result: Ablation) -> list[str]:
    """Every question whose answer is no gain, losses first."""
    asked = len(result.answers)
    if len(result.weeks) < FEWEST_WEEKS:
        chance = 100.0 * 2.0 ** (1 - len(result.weeks))
        return [
            f"{len(result.weeks)} weeks are too few to say: weeks that agree in sign do so by chance in "
            f"{number(chance)}\u00a0% of cases."
        ]
    order = {"worse": 0, "open": 1}
    lost = [answer for answer in result.answers if answer.verdict in order]
    return [claim(answer, asked) for answer in sorted(lost, key=lambda answer: order[answer.verdict])]


def one_for_many(rows: pd.DataFrame) -> str:
    """Trained policies of which fewer exist than there are seeds; empty where each seed has its own."""
    bases = rows["variant"].map(lambda name: Variant.parse(name).base)
    found = {name: int(rows.loc[bases == name, "policy_hash"].nunique()) for name in TRAINED if name in set(bases)}
    seeds = int(rows["seed"].nunique())
    few = [f"{count} of {name}" for name, count in found.items() if count < seeds]
    if not few:
        return ""
    return (
        f"Trained policies stand for several of the {seeds} seeds: there are {', '.join(few)}. Intervals then say "
        "little about how results vary from training to training."
    )


def by_name(answers: Sequence[Answer], against_neutral: bool) -> list[Answer]:
    """Answers against neutral, or all others."""
    return [answer for answer in answers if (answer.b == NEUTRAL) == against_neutral]


def _carbon_words(summary: Summary) -> str:
    carbon = summary.saving.get("carbon_kg")
    if carbon is None:
        return "with no carbon figure of its own"
    word = "less" if carbon.estimate >= 0 else "more"
    size = carbon if carbon.estimate >= 0 else Interval(-carbon.estimate, -carbon.high, -carbon.low, *_rest(carbon))
    return f"with {shares(size)} {word} carbon"


def _rest(interval: Interval) -> tuple[float, float, int, int]:
    return interval.p_value, interval.level, interval.seeds, interval.weeks
