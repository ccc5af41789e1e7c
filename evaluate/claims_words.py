"""What is found of each claim, in sentences made from its numbers; verdicts are made from the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluate import claims
from evaluate.ablation_words import shares
from evaluate.claims import Bill, Claims
from evaluate.claims_carbon import HIGH_G, LOW_G, Shifted
from evaluate.page import gbp, number
from evaluate.statistics import Interval

FORESIGHT = ("oracle", "oracle+trades")  # what no site can do
IDLE = "neutral+trades"
SPACE = "\u00a0"


def reading(share: Interval, low: float, high: float) -> str:
    """Where an interval lies against a claimed range: above | holds | within reach | below."""
    if share.low >= low:
        return "above" if share.low > high else "holds"
    return "within reach" if share.high >= low else "below"


def sentences(result: Claims) -> dict[str, str]:
    """Claim -> what is found, in words."""
    return {
        "bill": _bill_words(result),
        "tonnes": _tonne_words(result.shifts),
        "price": _price_words(result),
        "pounds": _pound_words(result),
    }


def best(bills: Sequence[Bill], *, trades: bool) -> Bill | None:
    """The largest saving on the bill less real flexibility money by a variant that a site could run."""
    able = [bill for bill in bills if bill.market.trades == trades and bill.variant not in (*FORESIGHT, IDLE)]
    return max(able, key=lambda bill: bill.net_real.estimate, default=None)


def of_tonnes(shift: Shifted) -> Interval:
    """Share of the claimed tonnes."""
    tonnes, ends = shift.tonnes_a_year, ("estimate", "low", "high")
    return replace(tonnes, **{end: getattr(tonnes, end) / claims.TONNES for end in ends})


def _bill_words(result: Claims) -> str:
    low, high = (number(100 * value) for value in claims.BILL_SHARE)
    held = [bill for bill in result.bills if reading(bill.net_real, *claims.BILL_SHARE) in ("holds", "above")]
    able = [bill for bill in held if bill.variant not in FORESIGHT]
    said = [f"{low}-{high}{SPACE}% of the bill:"]
    own = best(result.bills, trades=False)
    if own is not None:
        said.append("the most that a site could save here without own trades is")
        said.append(f"{shares(own.net_real)} ({own.variant}, {own.market.words}).")
    if not held:
        return " ".join([*said, "The claimed range is reached under no condition that was run."])
    top = max(able or held, key=lambda bill: bill.net_real.estimate)
    who = "" if able else " and then only with perfect foresight"
    said.append(f"It is reached {top.market.words}{who}: {shares(top.net_real)} by {top.variant},")
    return " ".join([*said, f"with {shares(top.carbon)} of the carbon saved."])


def _tonne_words(shifts: Sequence[Shifted]) -> str:
    said = [f"{number(claims.TONNES)} t a year:"]
    direct = [shift for shift in shifts if shift.factor == "direct" and shift.delay_h == 24]
    if not direct:
        return " ".join([*said, "no whole year of carbon intensity here."])
    last = max(shift.year for shift in direct)
    free, bound = sorted((s for s in direct if s.year == last), key=lambda s: s.most_power is not None)
    said.append("holds." if of_tonnes(free).high >= 1.0 else "does not hold.")
    said.append(f"In {last} shifting 30{SPACE}% of every hour by up to 24 h with perfect foresight saves")
    said.append(f"{number(free.tonnes_a_year.estimate)} t, {shares(of_tonnes(free), 0)} of the claim, and")
    said.append(f"{number(bound.tonnes_a_year.estimate)} t, {shares(of_tonnes(bound), 0)}, where power may rise to")
    said.append(f"{bound.most_power:g} times the mean: {number(free.g_per_kwh.estimate)} and")
    said.append(f"{number(bound.g_per_kwh.estimate)} g for each kWh shifted, against {number(HIGH_G - LOW_G)} claimed.")
    high, low = (f"{number(100 * share, 1)}{SPACE}%" for share in (free.high_hours, free.low_hours))
    return " ".join([*said, f"{high} of hours reached {number(HIGH_G)} g and {low} fell to {number(LOW_G)} g."])


def _price_words(result: Claims) -> str:
    said = [f"Up to {gbp(claims.CEILING_GBP_PER_MWH, 0)}/MWh:"]
    top = max(result.prices, key=lambda year: year.highest, default=None)
    if top is None:
        return " ".join([*said, "no recorded prices here."])
    said.append("a tail, not a planning value. The dearest recorded day-ahead hour is")
    said.append(
        f"{gbp(top.highest)}/MWh ({top.highest_at[:10]}); {number(100 * top.above[0], 2)}{SPACE}% of that year’s"
    )
    said.append("hours reach a third of the claim.")
    paid = [one for one in result.deliveries if not one.own]
    if paid:
        most = max(paid, key=lambda one: one.real_gbp_per_mwh)
        said.append(f"Modelled requests earned at most {gbp(most.real_gbp_per_mwh, 0)} of real money for each MWh sold")
        said.append(f"({most.variant}).")
    return " ".join(said)


def _pound_words(result: Claims) -> str:
    low, high, site = (gbp(value / 1e6, 0) for value in (*claims.SITE_SAVES_GBP, claims.SITE_GBP_A_YEAR))
    needed = number(100 * claims.SITE_SAVES_GBP[0] / claims.SITE_GBP_A_YEAR)
    said = [f"{low}M to {high}M of {site}M a year:"]
    own = best(result.bills, trades=False)
    if own is None:
        return " ".join([*said, "nothing to go by here."])
    gwh = number(claims.SITE_GBP_A_YEAR / result.gbp_per_mwh / 1000.0)
    said.append(f"asks for {needed}{SPACE}% or more. At {gbp(result.gbp_per_mwh, 0)}/MWh such a site takes {gwh} GWh a")
    said.append(f"year; scaled in proportion, {own.variant} ({own.market.words}) saves {_millions(own)}.")
    traded = [bill for bill in result.bills if bill.market.trades and bill.variant != IDLE]
    if traded:
        top = max(traded, key=lambda bill: bill.net_real.estimate)
        said.append(f"The most of all that was run is {_millions(top)} ({top.variant}, {top.market.words}).")
    return " ".join(said)


def _millions(bill: Bill) -> str:
    """Of the claimed site's bill, with its interval."""
    share, site = bill.net_real, claims.SITE_GBP_A_YEAR / 1e6
    middle, least, most = (number(site * value, 1) for value in (share.estimate, share.low, share.high))
    return f"£{middle}M [{least}, {most}]"
