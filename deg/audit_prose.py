"""An audit trail in words: what was decided and why, what was sold, what it earned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
AGENTS = {"load_shift": "load", "battery": "battery", "cooling": "cooling"}
Body = Mapping[str, Any]


def prose(bodies: Iterable[Body]) -> Iterator[str]:
    """Lines of text, records in their order under a heading for each London day; decisions to follow are gathered."""
    heading = None
    for (day, follows), group in groupby(bodies, key=lambda body: (day_of(body), _follows(body))):
        if day != heading and day is not None:
            heading = day
            yield f"\n{date.fromisoformat(day):%A %-d %B %Y}"
        records = list(group)
        if follows and len(records) > 1:
            yield f"  {_clock(records[0])} to {_clock(records[-1])}  {len(records)} decisions: the agents are followed"
        else:
            yield from (f"  {sentence(body)}" for body in records)


def day_of(body: Body) -> str | None:
    """London date of a record; None for those that are about the whole run."""
    return body.get("settlement_date")


def sentence(body: Body) -> str:
    """One record in words."""
    write = _WRITERS.get(body["kind"])
    return write(body) if write else f"{body['kind']}: {dict(body)}"


def _follows(body: Body) -> bool:
    """A decision that leaves all agents to themselves and does no business."""
    if body["kind"] != "decision" or body["sales"] or not body["answered"]:
        return False
    return all(body["directive"][agent] == "follow" for agent in AGENTS)


def _run(body: Body) -> str:
    market = body["market"]
    return (
        f"Run of {body['agents']} under {body['supervisor']}; market rules {market.get('rulebook', '?')}, "
        f"compensation {market.get('compensation', '?')}; configuration {body['config_hash'][:12]}"
    )


def _decision(body: Body) -> str:
    start = f"{_clock(body)}  "
    if not body["answered"]:
        return f"{start}no usable answer: the agents go on, asked again at the next step"
    directive = body["directive"]
    orders = [f"{name} {_order(directive[agent])}" for agent, name in AGENTS.items() if directive[agent] != "follow"]
    clamped = [AGENTS[agent] for agent in body["clamped"]]
    parts = [", ".join(orders) or "the agents are followed"]
    parts += [f"({', '.join(clamped)}: as far as possible)"] if clamped else []
    parts += [f"- {directive['text']} [{directive['reason_code']}]"] if directive["text"] else []
    parts += [f"| {_sale(sale)}" for sale in body["sales"]]
    return start + " ".join(parts)


def _order(asked: Any) -> str:
    """A verb, or a level on the agent's axis of -1 to 1."""
    if isinstance(asked, str):
        return asked
    if asked["mode"] == "set":
        return f"set to {asked['level']:g}"
    return f"at least {asked['at_least']:g}" if "at_least" in asked else f"at most {asked['at_most']:g}"


def _sale(sale: Body) -> str:
    what = f"request {sale['event_id']}" if "event_id" in sale else f"own trade in {len(sale['periods'])} half-hours"
    if sale["refused"]:
        return f"{what}: refused ({sale['refused']})"
    return f"{what}: {sale['kw']:.0f} kW sold"


def _reading(body: Body) -> str:
    """A notice and what it was read as; an operator is told of one that could not be read, or not surely."""
    start = f'{_clock(body)}  notice from the {body["source"]}: "{body["text"]}" - '
    asked = body["constraint"]
    if asked is None:
        return f"{start}not read surely by {body['engine']}; what is in force stays, please look at it"
    if asked["bound"] in ("none", "cancel"):
        return start + ("asks for nothing" if asked["bound"] == "none" else f"ends what {asked['kind']} asked")
    value = "" if asked["value"] is None else f" {asked['value']:g} {asked['unit']}"
    return f"{start}{asked['bound']}{value}, {asked['from'] or 'now'} to {asked['until'] or 'further notice'}"


def _delivery_start(body: Body) -> str:
    return (
        f"{_clock(body)}  delivery of {body['sold_kw']:.0f} kW begins: baseline {body['baseline_kw']:.0f} kW, "
        f"target {body['target_kwh']:.1f} kWh in this half-hour"
    )


def _delivery_end(body: Body) -> str:
    return (
        f"{_clock(body)}  delivery over after {body['periods']} half-hours: metered {sum(body['metered_kwh']):.1f} kWh "
        f"against a target of {sum(body['target_kwh']):.1f}, missed {body['missed_kwh']:.1f}"
    )


def _settlement(body: Body) -> str:
    terms = ", ".join(f"{term['term'].replace('_', ' ')} {term['amount_gbp']:+.2f}" for term in body["terms"])
    volumes = f"baseline {body['baseline_kwh']:.1f}, metered {body['metered_kwh']:.1f}"
    return (
        f"period {body['settlement_period']} of {body['event_id']} settled: sold {body['sold_kwh']:.1f} kWh, "
        f"delivered {body['deviation_kwh']:.1f} ({volumes}); GBP {body['flex_gbp']:+.2f} ({terms}), "
        f"of it real {body['flex_real_gbp']:+.2f}, phantom {body['flex_phantom_gbp']:+.2f}"
    )


def _summary(body: Body) -> str:
    totals = body["totals"]
    return (
        f"In all: bill GBP {totals['cost_gbp']:,.2f}, flexibility GBP {totals['flex_gbp']:,.2f} "
        f"(real {totals['flex_real_gbp']:,.2f}, phantom {totals['flex_phantom_gbp']:,.2f}), "
        f"objective GBP {totals['objective_gbp']:,.2f}, carbon {totals['carbon_kg']:,.0f} kg"
    )


def _cut(body: Body) -> str:
    return (
        f"{body['bytes']} bytes of an unfinished line were cut after line {body['after_line']}: a run was killed there"
    )


def _contract(body: Body) -> str:
    what = f"contract {body['event_id']} with {body['buyer']}: {body['kw']:.0f} kW, {_span(body)}"
    if not body["accepted"]:
        return f"{_clock(body)}  {what}: refused ({body['reason']})"
    return f"{_clock(body)}  {what} at GBP {body['price_gbp_per_mwh']:.0f}/MWh: accepted"


def _contract_cancelled(body: Body) -> str:
    end = "free again" if body["released"] else f"stays sold ({body['reason']})"
    return f"{_clock(body)}  contract {body['event_id']} cancelled by its buyer: what was sold is {end}"


def _message(body: Body) -> str:
    way = f"to {body['peer']}" if body["direction"] == "out" else f"from {body['peer']}"
    end = f" ({body['outcome']})" if body["outcome"] not in ("", "sent") else ""
    return f"message {body['seq']}: {body['action']} {way}{end}"


def _head(body: Body) -> str:
    return f"head {body['head'][:12]} after {body['lines']} lines, signed with {body['key_id']} and sent"


def _span(body: Body) -> str:
    start, end = (datetime.fromisoformat(body[name]).astimezone(LONDON) for name in ("start", "end"))
    return f"{start:%-d %B %H:%M} to {end:%H:%M}"


def pack_prose(pack: Body) -> Iterator[str]:
    """A settlement pack in words."""
    totals, contract = pack["totals"], pack["contract"]
    yield f"Event {pack['event']}, trail of {pack['trail']['lines']} lines, head {pack['trail']['head']}"
    if contract:
        yield f"  {sentence(contract)}"
    for day, days in pack["baseline"]["days"].items():
        yield f"  baseline of {day}: {pack['baseline']['method']}, mean of {', '.join(days) or 'the own meter'}"
    for period in pack["periods"]:
        yield (
            f"  {period['settlement_date']} period {period['settlement_period']}: "
            f"baseline {period['baseline_kwh']:.1f}, metered {period['metered_kwh']:.1f}, "
            f"delivered {period['deviation_kwh']:.1f}, sold {period['sold_kwh']:.1f} kWh; GBP {period['flex_gbp']:+.2f}"
        )
    terms = ", ".join(f"{name.replace('_', ' ')} {gbp:+.2f}" for name, gbp in totals["market_terms_gbp"].items())
    yield f"  in the market: GBP {totals['market_amount_gbp']:+.2f} ({terms})"
    if contract:
        agreed = totals["agreed_amount_gbp"]
        yield (
            f"  on the contract: {totals['delivered_kwh']:.1f} kWh x GBP {totals['contract_rate_gbp_per_kwh']:g} = "
            f"GBP {totals['contract_amount_gbp']:.2f}, "
            f"agreed {'nothing yet' if agreed is None else f'GBP {agreed:.2f}'}; "
            f"difference GBP {totals['difference_gbp']:+.2f}"
        )
    holds = [message["signature_holds"] for message in pack["messages"]]
    checked = f"{holds.count(True)} signatures hold, {holds.count(False)} do not" if any(holds) else "unchecked"
    yield f"  {len(pack['decisions'])} decisions, {len(holds)} messages ({checked}), {len(pack['heads'])} signed heads"


def _clock(body: Body) -> str:
    return f"{datetime.fromisoformat(body['time_utc']).astimezone(LONDON):%H:%M}"


_WRITERS = {
    "run": _run,
    "decision": _decision,
    "reading": _reading,
    "delivery_start": _delivery_start,
    "delivery_end": _delivery_end,
    "settlement": _settlement,
    "summary": _summary,
    "cut": _cut,
    "contract": _contract,
    "contract_cancelled": _contract_cancelled,
    "message": _message,
    "head": _head,
}
