"""What every report page shares: how it is rendered, and how numbers are put into words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluate.run_data import LONDON

_TEMPLATES = Path(__file__).parent / "templates"
_DIGITS = {"gbp": 2, "kg": 1, "kwh": 1, "minutes": 0}


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """A page as text; a name the template asks for and ``context`` lacks is an error."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "gbp": gbp, "signed": signed_gbp, "quantity": quantity, "number": number, "percent": percent, "when": when,
    }  # fmt: skip
    return environment.get_template(template).render(**context)


def number(value: float, digits: int = 0) -> str:
    """``1,234.5`` with a true minus sign, and no minus before a zero."""
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return f"−{text}" if negative else text


def gbp(value: float, digits: int = 2) -> str:
    """``£1,234.50``, ``−£3.00``."""
    text = number(value, digits)
    return f"−£{text[1:]}" if text.startswith("−") else f"£{text}"


def signed_gbp(value: float) -> str:
    """``+£3.00``, ``−£3.00``, ``£0.00``."""
    text = gbp(value)
    return text if text.startswith("−") or text == "£0.00" else f"+{text}"


def percent(share: float) -> str:
    """``7.2 %`` of a share, kept on one line."""
    return f"{number(100.0 * share, 1)}\u00a0%"


def quantity(value: float, name: str, signed: bool = False) -> str:
    """A value with the unit its name ends in: gbp, kg, kwh or minutes."""
    unit = name.rsplit("_", 1)[-1]
    if unit == "gbp":
        return signed_gbp(value) if signed else gbp(value)
    shown = number(value, _DIGITS[unit])
    plus = "+" if signed and value > 0 and shown.strip("0.,") else ""
    return f"{plus}{shown} {({'kwh': 'kWh', 'minutes': 'min'}).get(unit, unit)}"


def when(time: pd.Timestamp, form: str = "minute") -> str:
    """London time: ``Mon 13 Nov 16:00``."""
    local = time.tz_convert(LONDON)
    return f"{local:%H:%M}" if form == "clock" else f"{local:%a} {local.day} {local:%b} {local:%H:%M}"
