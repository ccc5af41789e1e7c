"""Attribute packs: what has to stand in a JSON-LD bag of each ``@type`` we trade with, in one table.

The schema leaves these bags free. A missing ``@context`` or ``@type`` is a schema fault; everything else wrong inside
a bag is ``pack_invalid``. Energies kWh, powers kW, prices GBP/kWh; a figure without its unit is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from grid.beckn.faults import Refused
from grid.beckn.times import parse_duration, parse_instant
from grid.beckn.wire import Json

CONTEXT_URL = "https://example.org/schemas/uk-flex/v1/context.jsonld"
ALLOWED_HOSTS = frozenset({"example.org", "schema.org", "beckn.io"})
PERIOD_MINUTES = 30
GATE = timedelta(minutes=60)
MOST_KW, MOST_KWH, MOST_GBP = 1e6, 1e9, 1e9
_SUM_TOLERANCE_KWH = 1e-3


class Field(NamedTuple):
    """check(value) -> what is wrong, or ''. required: has to be there."""

    check: Callable[[Any], str]
    required: bool = False


def _number(low: float, high: float) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "is not a number"
        return "" if low <= value <= high else f"lies outside {low:g} .. {high:g}"

    return check


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "is not a text"


def _one_of(*allowed: Any) -> Callable[[Any], str]:
    return lambda value: "" if value in allowed else f"is not one of {', '.join(map(str, allowed))}"


def _instant(value: Any) -> str:
    try:
        parse_instant(value)
    except (TypeError, ValueError) as error:
        return f"is no time ({error})"
    return ""


def _half_hour(value: Any) -> str:
    wrong = _instant(value)
    if wrong:
        return wrong
    at = parse_instant(value)
    return "" if at.minute % PERIOD_MINUTES == 0 and at.second == at.microsecond == 0 else "is not on a half-hour"


def _duration(value: Any) -> str:
    try:
        parse_duration(value)
    except (TypeError, ValueError) as error:
        return f"is no duration ({error})"
    return ""


def _list(value: Any) -> str:
    return "" if isinstance(value, list) else "is not a list"


_KW, _KWH = _number(0, MOST_KW), _number(0, MOST_KWH)
_SIGNED_KWH, _GBP = _number(-MOST_KWH, MOST_KWH), _number(-MOST_GBP, MOST_GBP)
_PRICE = _number(0, 1000)

PACKS: dict[str, dict[str, Field]] = {
    "FlexResource": {
        "maxReductionKw": Field(_KW, True),
        "siteId": Field(_text), "meteringId": Field(_text), "minDuration": Field(_duration),
        "maxDuration": Field(_duration), "minNotice": Field(_duration), "responseTime": Field(_duration),
        "reboundFactor": Field(_number(0, 100)), "energyKwh": Field(_KWH), "duration": Field(_duration),
        "earliestStart": Field(_instant), "latestEnd": Field(_instant), "deferralWindow": Field(_duration),
        "count": Field(_number(0, 1e9)),
    },
    "FlexOffer": {
        "direction": Field(_one_of("turn_down", "turn_up"), True), "utilisationPrice": Field(_PRICE, True),
        "currency": Field(_text, True), "unit": Field(_one_of("per_kWh_reduced"), True),
    },
    "FlexEvent": {
        "eventId": Field(_text, True), "eventType": Field(_one_of("turn_down", "turn_up"), True),
        "start": Field(_half_hour, True), "end": Field(_half_hour, True),
        "requestedReductionKw": Field(_KW, True), "committedReductionKw": Field(_KW),
        "settlementPeriodMinutes": Field(_one_of(PERIOD_MINUTES)), "baselineMethod": Field(_text),
        "responseDeadline": Field(_instant), "publishedAt": Field(_instant), "rulebook": Field(_text),
        "currency": Field(_text),
    },
    "FlexParty": {"role": Field(_text, True)},
    "FlexPrice": {"amount": Field(_GBP, True), "currency": Field(_text, True), "basis": Field(_text)},
    "FlexDelivery": {
        "baselineKw": Field(_KW), "baselineMethod": Field(_text), "baselineDays": Field(_list),
        "intervals": Field(_list, True), "deliveredKwh": Field(_SIGNED_KWH, True), "meterDataUrl": Field(_text),
        "meterDataVersion": Field(_text),
    },
    "FlexSettlement": {
        "amount": Field(_GBP, True), "currency": Field(_text, True), "ratePerKwh": Field(_PRICE, True),
        "deliveredKwh": Field(_SIGNED_KWH, True), "method": Field(_text), "compensationRule": Field(_text),
        "referencePrice": Field(_number(-1e6, 1e6)), "systemPrice": Field(_list),
    },
    "AuditHead": {"head": Field(_text, True), "lines": Field(_number(0, 1e12), True), "signature": Field(_text)},
}  # fmt: skip

_INTERVAL: dict[str, Field] = {
    "start": Field(_half_hour, True), "durationMinutes": Field(_one_of(PERIOD_MINUTES), True),
    "baselineKwh": Field(_KWH, True), "meteredKwh": Field(_SIGNED_KWH, True), "deliveredKwh": Field(_SIGNED_KWH, True),
    "soldKwh": Field(_KWH), "settlementDate": Field(_text), "settlementPeriod": Field(_number(1, 50)),
}  # fmt: skip


def check_packs(value: Any, path: str) -> None:
    """Check every ``*Attributes`` bag below ``value``, and the unit of every committed quantity.

    Raises:
        Refused: unknown type, a context of another host, or a field that is missing, of the wrong kind or out of range.
    """
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_packs(item, f"{path}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{path}/{key}"
            if key.endswith("Attributes") and isinstance(item, dict):
                _check_bag(item, place)
            elif key == "quantity":
                _check_quantity(item, place)
            else:
                check_packs(item, place)


def _check_bag(bag: Json, path: str) -> None:
    host = urlsplit(bag["@context"]).hostname
    if host not in ALLOWED_HOSTS:
        raise Refused("jsonld_host", f"{path}/@context: host {host} is not allowed", f"{path}/@context")
    kind = bag["@type"]
    fields = PACKS.get(kind)
    if fields is None:
        raise Refused("entity_type_unknown", f"{path}/@type: {kind!r} is not known here", f"{path}/@type")
    _check_fields(bag, fields, path)
    if kind == "FlexEvent":
        _check_event(bag, path)
    elif kind == "FlexResource" and "minNotice" in bag and parse_duration(bag["minNotice"]) < GATE:
        raise _invalid(path, "minNotice", "is shorter than gate closure, PT60M")
    elif kind == "FlexDelivery":
        _check_delivery(bag, path)


def _check_fields(bag: Json, fields: dict[str, Field], path: str) -> None:
    for name, field in fields.items():
        if name not in bag:
            if field.required:
                raise _invalid(path, name, "is missing")
            continue
        wrong = field.check(bag[name])
        if wrong:
            raise _invalid(path, name, wrong)


def _check_event(bag: Json, path: str) -> None:
    start, end = parse_instant(bag["start"]), parse_instant(bag["end"])
    if end <= start:
        raise _invalid(path, "end", "is not after start")
    if "responseDeadline" in bag and parse_instant(bag["responseDeadline"]) > start - GATE:
        raise _invalid(path, "responseDeadline", "is later than gate closure, 60 min before the start")


def _check_delivery(bag: Json, path: str) -> None:
    for index, interval in enumerate(bag["intervals"]):
        place = f"{path}/intervals/{index}"
        if not isinstance(interval, dict):
            raise _invalid(path, f"intervals/{index}", "is not an object")
        _check_fields(interval, _INTERVAL, place)
        delivered = interval["baselineKwh"] - interval["meteredKwh"]
        if abs(delivered - interval["deliveredKwh"]) > _SUM_TOLERANCE_KWH:
            raise _invalid(place, "deliveredKwh", "is not baseline less metered")


def _check_quantity(quantity: Any, path: str) -> None:
    if not isinstance(quantity, dict) or quantity.get("unitText") != "kW":
        raise Refused("pack_invalid", f"{path}: a committed quantity is given in kW", f"{path}/unitText")
    wrong = _KW(quantity.get("unitQuantity"))
    if wrong:
        raise _invalid(path, "unitQuantity", wrong)


def _invalid(path: str, name: str, wrong: str) -> Refused:
    return Refused("pack_invalid", f"{path}/{name}: {wrong}", f"{path}/{name}")
