"""What a headroom page says, in sentences made from its numbers."""

from __future__ import annotations

from evaluate.headroom import DAY_AHEAD, Headroom, Ladder, Worth
from evaluate.headroom_plan import REQUESTS, RULES, TRADES, market_key
from evaluate.page import gbp, number
from evaluate.statistics import Interval

# Whose ladder is drawn first: the nearest to what could be won that a site can really do.
FIRST = ("oracle", "mpc", "grid_aware", "threshold")
WANTED = ("mpc", "oracle", "oracle_bound")
WITH = {REQUESTS: "with requests", TRADES: "with requests and own trades"}
ORIGINS = {REQUESTS: "requests", TRADES: "own trades"}


def pounds(interval: Interval) -> str:
    """``£324 [280, 371]``."""
    return f"{gbp(interval.estimate, 0)} [{number(interval.low)}, {number(interval.high)}]"


def kilograms(interval: Interval | None) -> str:
    """``253 [190, 310]``; a dash where there is none."""
    return f"{number(interval.estimate)} [{number(interval.low)}, {number(interval.high)}]" if interval else "–"


def first(result: Headroom) -> Ladder:
    """The ladder to show first."""
    by_name = {ladder.controller: ladder for ladder in result.ladders}
    return next((by_name[name] for name in FIRST if name in by_name), result.ladders[-1])


def lead(result: Headroom) -> list[str]:
    """The two sentences at the top."""
    shown = first(result)
    parts = sorted(shown.flexibilities.items(), key=lambda item: -item[1].gbp.estimate)
    told = ", ".join(f"{name} {gbp(worth.gbp.estimate, 0)}" for name, worth in parts)
    share = shown.share[DAY_AHEAD]
    sentences = [
        f"On day-ahead prices alone {shown.controller} saves {pounds(shown.day_ahead.gbp)} a week, "
        f"{number(100 * share.estimate, 1)}\u00a0% of the neutral objective{': ' if told else ''}{told}."
    ]
    bound = next((ladder for ladder in result.ladders if ladder.controller == "oracle_bound"), None)
    if bound is not None:
        most = bound.share[DAY_AHEAD]
        sentences.append(f"No controller can save more than {number(100 * most.estimate, 1)}\u00a0% there.")
    return sentences


def standing(result: Headroom) -> list[str]:
    """What controllers take of the bound, and whether planning beats the rule; requests in, under the first rule."""
    key = market_key(REQUESTS, RULES[0])
    found = result.comparison(key)
    if found is None:
        return []
    told = [
        f"{one.controller} {number(100 * one.share_of_bound.estimate, 1)}\u00a0%"
        for one in found.weekly
        if one.share_of_bound is not None
    ]
    sentences = [f"Of the bound’s saving, requests included: {', '.join(told)}."] if told else []
    for pair in found.pairs:
        if (pair.a, pair.b) == ("mpc", "threshold"):
            sure = "" if pair.gbp.excludes_zero else "; the interval holds zero"
            sentences.append(
                f"mpc saves {pounds(pair.gbp)} a week more than threshold, {number(100 * pair.share.estimate, 2)} "
                f"[{number(100 * pair.share.low, 2)}, {number(100 * pair.share.high, 2)}]\u00a0% of the neutral "
                f"objective{sure}."
            )
    return sentences


def directions(ladder: Ladder) -> list[str]:
    """Whether requests and own trades move money and carbon the same way, under each rule."""
    return [
        f"Under {rule}, {ORIGINS[origin]} bring {ladder.controller} {pounds(worth.gbp)} a week and "
        f"{_carbon(worth.kg)}: {_direction(worth)}."
        for rule, steps in ladder.by_rule.items()
        for origin, worth in steps.items()
        if worth.kg is not None
    ]


def _carbon(kg: Interval) -> str:
    if kg.estimate >= 0:
        return f"save {kilograms(kg)} kg of carbon"
    return f"cause {number(-kg.estimate)} [{number(-kg.high)}, {number(-kg.low)}] kg more carbon"


def _direction(worth: Worth) -> str:
    assert worth.kg is not None
    if not worth.gbp.excludes_zero:
        return "the money cannot be told from zero"
    if not worth.kg.excludes_zero:
        return "the carbon cannot be told from zero"
    return "the same direction" if (worth.gbp.low > 0) == (worth.kg.low > 0) else "opposite directions"


def idle(result: Headroom) -> str:
    """What the baseline's errors alone pay."""
    if not result.phantom_gbp:
        return "neutral+trades is not in this matrix: what an idle site is paid for its baseline’s errors is not shown."
    told = " and ".join(f"{gbp(amount, 0)} under {rule}" for rule, amount in result.phantom_gbp.items())
    return (
        f"An idle site’s own trades (neutral+trades) would be paid {told} a week for nothing; no number here counts it."
    )


def gaps(result: Headroom) -> list[str]:
    """What the page was asked for and does not show, or shows on too little."""
    shown = {ladder.controller for ladder in result.ladders}
    missing = [name for name in WANTED if name not in shown]
    told = [f"Not in this matrix: {', '.join(missing)}."] if missing else []
    if not any(TRADES in steps for ladder in result.ladders for steps in ladder.by_rule.values()):
        told.append(
            "No controller of this matrix makes own trades and moves load: their worth beyond phantom is not shown."
        )
    flat = [name for name, points in result.frontier.items() if len({p.carbon.estimate for p in points}) == 1]
    if flat:
        verb = "does" if len(flat) == 1 else "do"
        told.append(f"The carbon price does not move {', '.join(flat)}, which {verb} not weigh it.")
    return told
