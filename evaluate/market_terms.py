"""What the market of a configuration pays and what gaming its baseline would take, for ``deg describe market``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from configs.schema import Config
from envs.case import Case
from evaluate.cases import make_case, market_rules, series_of, source_key, tariff_of
from grid.calendar import clock_half_hour, is_clock_change, is_working_day, settlement_index
from grid.events import FlexEvent
from grid.market.baseline import ELIGIBLE_WORKING_DAYS
from grid.market.gaming import inflation_break_even_gbp_per_mwh
from grid.rows import RUN_IN_DAYS
from grid.series import STEP
from grid.week import run_in_rows, with_system_price


def described(config: Config) -> dict[str, Any]:
    """Terms, requests of the run, and the break-even price of inflating the ten days before it, as plain numbers."""
    case, rules = make_case(config), market_rules(config)
    events = case.rows.events
    hours = sorted({int(half) for e in events for half in clock_half_hour(case.rows.times_utc[_rows(case, e)])})
    tariffs = _inflated_tariffs(config, hours)
    reference = float(case.rows["reference_price_gbp_per_mwh"][0])

    def break_even(event_days: int) -> float:
        prices = [
            inflation_break_even_gbp_per_mwh(
                of_half_hour,
                share=rules.aggregator_share,
                event_days=event_days,
                vtp_pays=rules.vtp_pays,
                reference_gbp_per_mwh=reference,
            )
            for of_half_hour in tariffs.T
        ]
        return float(np.mean(prices)) if prices else float("nan")

    event_days = len({day for e in events for day in settlement_index(case.rows.times_utc[_rows(case, e)])[0]})
    paid = [event.price_gbp_per_mwh for event in events]
    return {
        "rules": {name: getattr(rules, name) for name in vars(rules)},
        "requests": len(events),
        "request_days": event_days,
        "request_gbp_per_mwh": {"lowest": min(paid), "highest": max(paid)} if paid else None,
        "reference_gbp_per_mwh": reference,
        "same_day_baseline_shift_kwh": 0.0,
        "inflation": {
            "days": ELIGIBLE_WORKING_DAYS,
            "mean_tariff_gbp_per_mwh": float(tariffs.mean()) if tariffs.size else None,
            "break_even_one_event_gbp_per_mwh": break_even(1),
            "break_even_all_event_days_gbp_per_mwh": break_even(max(event_days, 1)),
        },
    }


def _inflated_tariffs(config: Config, half_hours: list[int]) -> np.ndarray:
    """Tariff and network charge of the ten eligible days before the run, GBP/MWh float64 (10, half-hours)."""
    series = with_system_price(series_of(config, config.run.start, config.run.days), (), source_key(config))
    rows = run_in_rows(series, config.run.start, tariff_of(config))
    times = rows.times_utc[: rows.steps]
    price = (rows["tariff_gbp_per_mwh"] + rows["network_gbp_per_mwh"])[: rows.steps]
    dates, half = settlement_index(times)[0], clock_half_hour(times)
    before = [config.run.start - timedelta(days=k) for k in range(1, RUN_IN_DAYS + 1)]
    days = [day for day in before if is_working_day(day) and not is_clock_change(day)][:ELIGIBLE_WORKING_DAYS]
    return np.array([[price[(dates == day) & (half == h)].mean() for h in half_hours] for day in days])


def _rows(case: Case, event: FlexEvent) -> slice:
    first, last = (int((at - case.rows.start_utc) / STEP) for at in (event.start, event.end))
    return slice(first, last)
