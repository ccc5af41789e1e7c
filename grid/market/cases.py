"""Hand-worked money cases against the code: ``python -m grid.market.cases FILE``.

A file is a JSON list of cases, each with ``kind`` (settlement, baseline, calendar, gate, terminal), ``name``, inputs
and ``expected``; ``note`` is for the reader. One line is printed a case. Exit code 0 when all agree, 1 on any miss,
2 when the file or a case cannot be read. Totals in GBP agree to the penny, everything else to 1e-6.

Every key of ``expected`` is compared with what the code computes under that name, so a case states only what it is
about; the ``_answers`` functions list the names of each kind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grid.calendar import HALF_HOURS_PER_DAY, is_clock_change, is_working_day, periods_in_day, settlement_index
from grid.market.baseline import DayFlags, NoBaselineError, baseline_kw_rows, day_baseline_kwh
from grid.market.commitments import gate_open
from grid.market.rules import MarketRules
from grid.market.settle import PERIOD_HOURS, settle_periods
from grid.market.terminal import battery_import_kwh, terminal_gbp
from grid.rows import RUN_IN_DAYS

HALF_PENNY_GBP = 0.005
TOLERANCE = 1e-6
# Sums of binary floats land a hair off a half-penny; the hair is not a miss.
HAIR = 1e-9


class CaseError(ValueError):
    """A case, or the file, is not of the documented form."""


def run_file(path: Path) -> int:
    """Print a line per case of ``path`` and return the exit code."""
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        return _refuse(f"{path}: cannot be read as JSON ({error}); give a list of cases")
    if not isinstance(cases, list) or not cases:
        return _refuse(f"{path}: holds no list of cases; see grid/market/cases.py for the form")
    misses = bad = 0
    for number, case in enumerate(cases, start=1):
        try:
            expected, got = check(case)
        except CaseError as error:
            bad += 1
            _refuse(f"{path}: case {number}: {error}")
            continue
        hit = all(agrees(name, value, got[name]) for name, value in expected.items())
        misses += not hit
        print(f"{'ok  ' if hit else 'MISS'} {case['kind']}: {case.get('name', number)}: {_said(expected, got)}")
    print(f"{len(cases) - misses - bad} of {len(cases)} cases agree")
    return 2 if bad else int(misses > 0)


def check(case: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case's ``expected`` and the computed answers by the same names; ``CaseError`` for a case of another form."""
    kind = case.get("kind") if isinstance(case, dict) else None
    if kind not in ANSWERS:
        raise CaseError(f"kind {kind!r} is not one of {', '.join(ANSWERS)}")
    expected = case.get("expected")
    if not isinstance(expected, dict) or not expected:
        raise CaseError("'expected' is missing or empty; state at least one answer")
    try:
        got = ANSWERS[kind](case)
    except KeyError as error:
        raise CaseError(f"key {error} is missing from this {kind} case") from error
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise CaseError(f"{kind} case: {error}") from error
    unknown = [name for name in expected if name not in got]
    if unknown:
        raise CaseError(f"expected {unknown[0]!r} is not an answer of a {kind} case; known: {', '.join(got)}")
    return expected, got


def agrees(name: str, expected: Any, got: Any) -> bool:
    """Whether an answer is right: to the penny for a total in GBP, to 1e-6 for other numbers, exactly for the rest."""
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(agrees("", e, g) for e, g in zip(expected, got, strict=True))
    if isinstance(expected, list) != isinstance(got, list):
        return False
    if _is_number(expected) and _is_number(got):
        tolerance = HALF_PENNY_GBP + HAIR if name.endswith("_gbp") else TOLERANCE
        return abs(expected - got) <= tolerance
    return bool(expected == got)


def settlement_answers(case: dict[str, Any]) -> dict[str, Any]:
    """flex_gbp(_per_period), flex_other_rule_gbp; with ``neutral_kwh`` real and phantom; with ``start_utc`` places."""
    periods = case["periods"]
    rules = MarketRules(aggregator_share=case["aggregator_share"], compensation=case["compensation"])

    def column(name: str, default: str | None = None) -> np.ndarray:
        return np.array([period[name] if default is None else period.get(name, period[default]) for period in periods])

    money = settle_periods(
        column("committed_kw") * PERIOD_HOURS,
        column("baseline_kwh"),
        column("neutral_kwh", default="baseline_kwh"),
        column("metered_kwh"),
        column("price_gbp_per_mwh"),
        column("system_price_gbp_per_mwh"),
        case["reference_price_gbp_per_mwh"] if rules.vtp_pays else case.get("reference_price_gbp_per_mwh", np.nan),
        rules,
    )
    answers = {
        "flex_gbp_per_period": money.flex_gbp.tolist(),
        "flex_gbp": float(money.flex_gbp.sum()),
        "flex_other_rule_gbp": float(money.other_rule_gbp.sum()),
    }
    if all("neutral_kwh" in period for period in periods):
        answers["flex_real_gbp"] = float(money.real_gbp.sum())
        answers["flex_phantom_gbp"] = float(money.phantom_gbp.sum())
    if "start_utc" in case:
        starts = pd.date_range(_instant(case["start_utc"]), periods=len(periods), freq="30min")
        answers["settlement_periods"] = [[str(day), int(n)] for day, n in zip(*settlement_index(starts), strict=True)]
    return answers


def baseline_answers(case: dict[str, Any]) -> dict[str, Any]:
    """refused; baseline_kwh_per_period (a number where flat, else 48 by clock half-hour); with ``times_utc``: kW there.

    History days may come in any order; days outside D-60 .. D-1 are left out and days not listed are incomplete.
    """
    target = date.fromisoformat(case["target_date"])
    history, flags = _history(case["history"], target)
    working = case.get("target_is_working_day", is_working_day(target))
    try:
        kwh = day_baseline_kwh(history, flags, target, working, case.get("rule", "mid"))
    except NoBaselineError:
        return {"refused": True, "baseline_kwh_per_period": None}
    wanted = case["expected"].get("baseline_kwh_per_period")
    flat = not isinstance(wanted, list) and np.ptp(kwh) <= TOLERANCE
    answers = {"refused": False, "baseline_kwh_per_period": float(kwh[0]) if flat else kwh.tolist()}
    if "times_utc" in case:
        times = pd.DatetimeIndex([_instant(time) for time in case["times_utc"]])
        answers["baseline_kw"] = baseline_kw_rows(kwh[None], target, times).tolist()
    return answers


def calendar_answers(case: dict[str, Any]) -> dict[str, Any]:
    """periods of ``settlement_date``; instants: each expected instant with the date and period the code gives it."""
    answers: dict[str, Any] = {}
    if "settlement_date" in case:
        answers["periods"] = periods_in_day(date.fromisoformat(case["settlement_date"]))
    if "instants" in case["expected"]:
        stated = case["expected"]["instants"]
        times = pd.DatetimeIndex([_instant(entry["time_utc"]) for entry in stated])
        dates, numbers = settlement_index(times)
        places = [
            {"settlement_date": str(day), "settlement_period": int(n)} for day, n in zip(dates, numbers, strict=True)
        ]
        answers["instants"] = [
            {key: place.get(key, value) for key, value in entry.items()}
            for entry, place in zip(stated, places, strict=True)
        ]
    return answers


def gate_answers(case: dict[str, Any]) -> dict[str, Any]:
    """accepted: whether the period can still be sold at ``now_utc``."""
    return {"accepted": gate_open(_instant(case["now_utc"]), _instant(case["period_start_utc"]))}


def terminal_answers(case: dict[str, Any]) -> dict[str, Any]:
    """terminal_gbp: what the battery's change of charge and the queue cost, positive when the week ends short."""
    battery_kwh = battery_import_kwh(
        case["soc_start_kwh"], case["soc_end_kwh"], case["charge_efficiency"], case["discharge_efficiency"]
    )
    queued = case.get("queued", [])
    site_kwh = np.array([entry["site_kwh"] for entry in queued], dtype=np.float64)
    tariff = np.array([entry["mean_window_tariff_gbp_per_mwh"] for entry in queued], dtype=np.float64)
    battery_gbp = terminal_gbp(battery_kwh, case["mean_tariff_gbp_per_mwh"], 0.0, 0.0)
    return {"terminal_gbp": float(battery_gbp + terminal_gbp(0.0, 0.0, site_kwh, tariff).sum())}


ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "settlement": settlement_answers,
    "baseline": baseline_answers,
    "calendar": calendar_answers,
    "gate": gate_answers,
    "terminal": terminal_answers,
}


def _history(days: list[dict[str, Any]], target: date) -> tuple[np.ndarray, DayFlags]:
    """The listed days as kWh (60, 48) and flags, by date; a flag not stated is the calendar's."""
    first = target - timedelta(days=RUN_IN_DAYS)
    kwh = np.full((RUN_IN_DAYS, HALF_HOURS_PER_DAY), np.nan)
    flags = DayFlags.of_days(first, RUN_IN_DAYS)
    for day in days:
        when = date.fromisoformat(day["date"])
        row = (when - first).days
        if not 0 <= row < RUN_IN_DAYS:
            continue
        flags.working_day[row] = day.get("working_day", flags.working_day[row])
        flags.event_day[row] = day.get("event_day", False)
        flags.complete[row] = day.get("complete", True)
        flags.clock_change[row] = day.get("clock_change", is_clock_change(when))
        kwh[row] = _day_kwh(day["kwh_per_period"], bool(flags.clock_change[row]))
    return kwh, flags


def _day_kwh(stated: float | list[float | None] | None, clock_change: bool) -> np.ndarray:
    """One day by clock half-hour; a null is a missing reading. A clock-change day's 46 or 50 values are never used."""
    values = np.array(np.nan if stated is None else stated, dtype=np.float64)
    if values.ndim and len(values) != HALF_HOURS_PER_DAY:
        if not clock_change:
            raise ValueError(f"kwh_per_period has {len(values)} values; give one, or {HALF_HOURS_PER_DAY}")
        return np.full(HALF_HOURS_PER_DAY, np.nan)
    return values


def _instant(text: str) -> pd.Timestamp:
    time = pd.Timestamp(text)
    if time.tzinfo is None:
        raise ValueError(f"time {text!r} is naive; end it in Z")
    return time.tz_convert("UTC")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(expected: dict[str, Any], got: dict[str, Any]) -> str:
    return "; ".join(f"{name} expected {_short(value)}, got {_short(got[name])}" for name, value in expected.items())


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_short(item) for item in value)}]"
    if isinstance(value, dict):
        return " ".join(str(item) for item in value.values())
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def main() -> int:
    if len(sys.argv) != 2:
        return _refuse("usage: python -m grid.market.cases FILE")
    return run_file(Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
