"""One situation made up for trials: what an engine is tried with at its start, and what `deg llm show-prompt` shows."""

from __future__ import annotations

import pandas as pd

from grid.events import FlexEvent
from llm_layer.situation import Finding, Request, Situation

_START = pd.Timestamp("2023-11-13T17:30Z")

SAMPLE = Situation(
    site=0,
    step=40,
    time_utc="2023-11-13T10:00Z",
    wake="request published",
    hold_steps=4,
    facts={
        "tariff_gbp_per_mwh": 121.67,
        "carbon_gco2_per_kwh": 97.5,
        "system_gbp_per_mwh": 93.98,
        "price_rank": 0.167,
        "carbon_rank": 0.4,
        "cheapest_gbp_per_mwh": 83.22,
        "cheapest_in_h": 12.0,
        "dearest_gbp_per_mwh": 268.11,
        "dearest_in_h": 7.0,
        "price_known_h": 13.0,
        "adder_gbp_per_mwh": 0.0,
        "utilisation": 0.569,
        "outside_degc": 10.7,
        "load_kw": 726.5,
        "soc": 0.5,
        "queued_kwh": 65.8,
        "overdue_kwh": 0.0,
        "inlet_degc": 22.0,
        "inlet_limit_degc": 27.0,
        "sold_kw": 0.0,
    },
    proposals=(1.0, -0.5, 0.6),
    findings=(
        Finding("battery", "conflict", "price_low", 1.0, 3.1, 21.7, "charging 500 kW now gains GBP 3.10"),
        Finding("load_shift", "conflict", "price_high", -0.75, 1.46, 3.4, "running 66 kWh now costs GBP 1.46 more"),
        Finding("cooling", "opportunity", "efficiency", -0.2, 0.8, 0.6, "supply air at 20.0 degC saves GBP 0.80"),
    ),
    requests=(
        Request(
            FlexEvent("sample", _START - pd.Timedelta(hours=10), _START, _START + pd.Timedelta(hours=2), 325.0, 478.0),
            kw=325.0,
            value_gbp=248.55,
            last_call=False,
            text="selling 325 kW 17:30-19:30 at GBP 478/MWh pays GBP 248.55, more than it costs",
        ),
    ),
)
