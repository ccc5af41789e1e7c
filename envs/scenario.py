"""Robustness scenarios: what may go wrong at a site for some hours, as data.

    chiller_loss     severity is the share of the chillers' capacity that is lost
    battery_outage   severity is the share of the battery's power that is lost
    demand_surge     severity is added to the utilisation (which stays below 1)
    sensor_dropout   room, weather and load sensors hold their last reading; charge and queue stay known
    stale_signals    nothing arrives from the grid side: forecasts age, prices and carbon are the last forecast of
                     them, requests published meanwhile are seen afterwards

The plant, the meter and the money always follow the truth; feasible ranges too, since the actuators know their own
limits. The last two change what controllers see, nothing else. A neutral site meets the same scenario.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grid.events import FlexEvent
from grid.rows import (
    CARBON,
    DAY_AHEAD,
    DRY_BULB,
    EVENT_KW,
    EVENT_PRICE,
    FORECAST_SIGNALS,
    STEP_MINUTES,
    STEPS_PER_PERIOD,
    SYSTEM,
    TARIFF,
    UTILISATION,
    WET_BULB,
    ExogenousRows,
)

# Parameter that a kind takes a share of.
DERATED = {"chiller_loss": "chiller_capacity", "battery_outage": "battery_kw"}
BLINDING = ("sensor_dropout", "stale_signals")
KINDS = (*DERATED, "demand_surge", *BLINDING)
ROOM_SENSORS = ("supply_degc", "air_degc", "mass_degc", "inlet_degc", "load_kw")  # fields of the state that hold
_STEP = pd.Timedelta(minutes=STEP_MINUTES)
_ROW_SENSORS = [UTILISATION, DRY_BULB, WET_BULB]
_SIGNAL_COLUMNS = {"carbon_gco2_per_kwh": CARBON, "system_gbp_per_mwh": SYSTEM, "day_ahead_gbp_per_mwh": DAY_AHEAD}


@dataclass(frozen=True)
class Disturbance:
    """One thing that goes wrong over the rows [start_step, start_step + steps) of a case.

    Raises:
        ValueError: unknown kind, an empty or negative window, a severity outside (0, 1], or one without a meaning.
    """

    kind: str
    start_step: int
    steps: int
    severity: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"disturbance kind {self.kind!r} is unknown; known: {', '.join(KINDS)}")
        if self.start_step < 0 or self.steps < 1:
            raise ValueError(
                f"{self.kind}: {self.steps} steps from row {self.start_step}; give at least one, from 0 on"
            )
        if not 0.0 < self.severity <= 1.0:
            raise ValueError(f"{self.kind}: severity {self.severity:g} is outside (0, 1]")
        if self.kind in BLINDING and self.severity != 1.0:
            raise ValueError(f"{self.kind}: severity {self.severity:g} has no meaning; leave it at 1")

    @property
    def end_step(self) -> int:
        """First row after it."""
        return self.start_step + self.steps


def disturb_rows(rows: ExogenousRows, scenario: Sequence[Disturbance]) -> ExogenousRows:
    """The rows as a site of this scenario meets and sees them; ``rows`` itself when nothing changes.

    Raises:
        ValueError: a disturbance beyond the end of the run.
    """
    for disturbance in scenario:
        if disturbance.end_step > rows.steps:
            raise ValueError(
                f"{disturbance.kind}: rows {disturbance.start_step} to {disturbance.end_step} of {rows.steps}; "
                "let it end with the run"
            )
        if disturbance.kind == "demand_surge":
            rows = _surge(rows, disturbance)
    for disturbance in scenario:
        if disturbance.kind == "sensor_dropout":
            rows = _hold_sensors(rows, disturbance)
        elif disturbance.kind == "stale_signals":
            rows = _hold_signals(rows, disturbance)
    return rows


def _surge(rows: ExogenousRows, surge: Disturbance) -> ExogenousRows:
    values = rows.values.copy()
    window = slice(surge.start_step, surge.end_step)
    values[window, UTILISATION] = np.minimum(1.0, values[window, UTILISATION] + surge.severity)
    return dataclasses.replace(rows, values=values)


def _hold_sensors(rows: ExogenousRows, dropout: Disturbance) -> ExogenousRows:
    seen = rows.visible.copy()
    last = max(0, dropout.start_step - 1)
    seen[dropout.start_step : dropout.end_step, _ROW_SENSORS] = seen[last, _ROW_SENSORS]
    return dataclasses.replace(rows, seen=seen)


def _hold_signals(rows: ExogenousRows, outage: Disturbance) -> ExogenousRows:
    """What was received by the first row of the outage is read off at its later rows; beyond 48 h it holds."""
    first, window = outage.start_step, slice(outage.start_step, outage.end_step)
    age = np.arange(outage.steps)
    ahead = age[:, None] // STEPS_PER_PERIOD + np.arange(rows.forecast.shape[2] + 1)
    seen, forecast = rows.visible.copy(), rows.forecast.copy()
    published, trailing = rows.published_steps.copy(), rows.trailing.copy()
    adder = seen[window, TARIFF] - seen[window, DAY_AHEAD]
    known = np.maximum(1, published[first] - age)
    for k, signal in enumerate(FORECAST_SIGNALS):
        column = _SIGNAL_COLUMNS.get(signal)
        if column is None:  # weather is measured on site; only its forecast ages
            received = np.append(np.float32(np.nan), rows.forecast[first, k])
        else:
            received = np.append(np.float32(seen[first, column]), rows.forecast[first, k])
        aged = received[np.minimum(ahead, len(received) - 1)]
        forecast[window, k] = aged[:, 1:]
        if column == DAY_AHEAD:  # a price published before the outage is known to the penny
            seen[window, column] = np.where(age >= published[first], aged[:, 0], seen[window, column])
        elif column is not None:
            seen[first + 1 : outage.end_step, column] = aged[1:, 0]
    seen[window, TARIFF] = seen[window, DAY_AHEAD] + adder
    events = tuple(_received(event, rows.start_utc, outage) for event in rows.events)
    for was, event in zip(rows.events, events, strict=True):
        if event is not was:
            begin = max(first, int((event.start - rows.start_utc) / _STEP))
            seen[begin : outage.end_step, [EVENT_KW, EVENT_PRICE]] = 0.0
    published[window] = known
    trailing[window] = trailing[first]
    return dataclasses.replace(
        rows,
        seen=seen,
        forecast=forecast,
        published_steps=published,
        trailing=trailing,
        events=events,
    )


def _received(event: FlexEvent, start_utc: pd.Timestamp, outage: Disturbance) -> FlexEvent:
    """A request published during the outage arrives at its end."""
    begin, end = start_utc + outage.start_step * _STEP, start_utc + outage.end_step * _STEP
    return dataclasses.replace(event, published_at=end) if begin < event.published_at < end else event


def window_edges(scenario: Sequence[Disturbance], steps: int) -> list[int]:
    """Ascending rows at which a window begins or ends, from 0 to ``steps``."""
    edges = {edge for what in scenario for edge in (what.start_step, what.end_step)}
    return sorted({0, steps, *(edge for edge in edges if 0 < edge < steps)})


def derated(params: np.ndarray, scenario: tuple[Disturbance, ...], row: int) -> np.ndarray:
    """One site's record (1,) as it is at ``row`` of its case."""
    params = params.copy()
    for what in scenario:
        if what.kind in DERATED and what.start_step <= row < what.end_step:
            params[DERATED[what.kind]] *= 1.0 - what.severity
    return params
