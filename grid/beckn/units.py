"""Figures with their units, as messages carry them: kW, kWh and GBP/kWh come out, a missing unit is refused."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from grid.beckn.faults import Refused

_KW = {"w": 0.001, "kw": 1.0, "mw": 1000.0, "gw": 1e6}
_KWH = {f"{unit}h": factor for unit, factor in _KW.items()}
_HOURS = {"min": 1 / 60, "h": 1.0, "hours": 1.0, "d": 24.0, "days": 24.0}
_FIGURE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")


def power_kw(value: Any, unit: Any, place: str) -> float:
    """A power in kW."""
    return _number(value, place) * _factor(unit, _KW, place)


def energy_kwh(value: Any, unit: Any, place: str) -> float:
    """An energy in kWh."""
    return _number(value, place) * _factor(unit, _KWH, place)


def energy_text_kwh(text: str, place: str) -> float:
    """``50MWh`` as kWh."""
    value, unit = _split(text, place)
    return energy_kwh(value, unit, place)


def span_of_text(text: str, place: str) -> timedelta:
    """``12h`` as a duration."""
    value, unit = _split(text, place)
    return timedelta(hours=value * _factor(unit, _HOURS, place))


def _split(text: Any, place: str) -> tuple[float, str]:
    found = _FIGURE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Refused("pack_invalid", f"{place}: {text!r} is not a number with its unit", place)
    return float(found[1]), found[2]


def _number(value: Any, place: str) -> float:
    """rc1's prices and powers come as numbers, and now and then as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise Refused("pack_invalid", f"{place}: {value!r} is not a number", place)
    return number


def number(value: Any, place: str) -> float:
    """A finite number, given as one or as text."""
    return _number(value, place)


def _factor(unit: Any, known: dict[str, float], place: str) -> float:
    factor = known.get(unit.lower()) if isinstance(unit, str) else None
    if factor is None:
        raise Refused("pack_invalid", f"{place}: unit {unit!r}; one of {', '.join(known)} is needed", place)
    return factor
