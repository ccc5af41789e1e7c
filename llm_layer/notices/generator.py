"""Notices of a run: a pure function of (source, calendar week) and of the rows they live in.

A week has one notice of each binding kind and two more, on seven different days, so that all can be kept; up to two
price warnings, margin notices before some of the requests, noise, and one attempt to give orders. Some are cancelled
half-way. Numbers are taken from the rows: caps at 85-95 % of the neutral site's carbon, import limits at 94-106 % of
its highest import in the window, prices that the system price does reach. All shares are assumptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from grid.calendar import LONDON, is_clock_change
from grid.noise import hashed_generator, mondays_between
from grid.rows import CARBON, STEP_HOURS, SYSTEM, ExogenousRows
from llm_layer.notices.compose import compose, compose_injection
from llm_layer.notices.notice import NOISE, Authored, Constraint, Notice, Source, cancel_of, constraint_of
from llm_layer.notices.wordings import Split

STEP, HOUR = pd.Timedelta(minutes=15), pd.Timedelta(hours=1)
BINDING_KINDS = ("plant_outage", "battery_reserve", "carbon_cap", "maintenance_window", "service_priority")
CARBON_SHARE, IMPORT_SHARE, RESERVE = (0.85, 0.95), (0.94, 1.06), (0.3, 0.8)
DEFERRED_SHARE, STORED_HOURS = 0.08, 0.35  # what a cap counts on, so that it can be kept
CANCELLED, ANNOUNCED = 0.15, 0.7  # share of binding notices that end early; of requests that a margin notice precedes
NOISE_A_WEEK = 3


@dataclass(frozen=True, slots=True)
class _Plan:
    """A notice before it is worded."""

    published_at: pd.Timestamp
    source: Source
    meaning: Constraint
    injection: bool = False


@dataclass(frozen=True)
class _World:
    """What notices are written from: rows, and the neutral site's import, kWh float64 (steps,)."""

    rows: ExogenousRows
    neutral_kwh: np.ndarray

    def steps(self, start: pd.Timestamp, until: pd.Timestamp) -> slice | None:
        """Rows of a window; None where it does not lie within the run."""
        first, last = ((moment - self.rows.start_utc) // STEP for moment in (start, until))
        return slice(first, last) if 0 <= first < last <= self.rows.steps else None


def generate_notices(
    rows: ExogenousRows, neutral_kwh: np.ndarray, source_key: str, split: Split
) -> tuple[Authored, ...]:
    """Notices of the weeks that a run touches, by time, with what they mean.

    Only those whose window lies within the run: what they ask has to follow from its rows.

    Args:
        neutral_kwh: import of the neutral site, float64 (rows.steps,). source_key: names the world.
        split: which wordings they are written in.
    """
    world = _World(rows, neutral_kwh)
    end = rows.start_utc + rows.steps * STEP
    found: list[Authored] = []
    for monday in mondays_between(rows.start_utc, end):
        rng = hashed_generator("notices", source_key, monday)
        plans = sorted(_week(rng, world, monday), key=lambda plan: plan.published_at)
        for number, plan in enumerate(plans):
            # Worded from a generator of its own: another split is the same week in other words.
            words = hashed_generator("wording", source_key, split, monday, number)
            if rows.start_utc <= plan.published_at < end:
                found.append(_worded(words, f"{monday:%Y%m%d}-{number:02d}", plan, split))
    return tuple(found)


def _worded(rng: np.random.Generator, name: str, plan: _Plan, split: Split) -> Authored:
    if plan.injection:
        made = compose_injection(rng, plan.published_at, split)
    else:
        made = compose(rng, plan.meaning, plan.published_at, split)
    notice = Notice(name, plan.published_at, plan.source, made.text)
    return Authored(notice, plan.meaning, made.wording.name, plan.injection)


def _week(rng: np.random.Generator, world: _World, monday: date) -> Iterator[_Plan]:
    days = [monday + timedelta(days=int(k)) for k in rng.permutation(7)]
    kinds = [*BINDING_KINDS, *rng.choice(BINDING_KINDS, size=2, replace=False)]
    for day, kind in zip(days, kinds, strict=True):
        draws = rng.random(8)  # always eight, so that no notice moves another
        plan = _binding(str(kind), draws, world, day)
        if plan is not None:
            yield plan
            if draws[7] < CANCELLED:
                yield _cancelled(plan)
    for day in days[:2]:
        plan = _price_warning(rng.random(3), world, day)
        if plan is not None:
            yield plan
    yield from _margin_notices(rng, world, monday)
    for number in range(NOISE_A_WEEK + 1):
        day, draws = days[int(rng.integers(7))], rng.random(2)
        source: Source = "grid" if draws[1] < 0.4 else "operator"
        yield _Plan(_at(day, 7.0 + int(48 * draws[0]) / 4), source, NOISE, injection=number == NOISE_A_WEEK)


def _binding(kind: str, draws: np.ndarray, world: _World, day: date) -> _Plan | None:
    """One notice that binds, published on a London day; None where its window is not in the run."""
    published_at, start, until = _window(kind, draws, day)
    steps = world.steps(published_at if start is None else start, until)
    if steps is None or is_clock_change(until.tz_convert(LONDON).date()):
        return None
    value = _value(kind, float(draws[5]), world, steps)
    source: Source = "grid" if kind == "maintenance_window" and draws[6] < 0.6 else "operator"
    return _Plan(published_at, source, constraint_of(kind, value=value, start=start, until=until))


def _window(kind: str, draws: np.ndarray, day: date) -> tuple[pd.Timestamp, pd.Timestamp | None, pd.Timestamp]:
    """(published_at, start, until), start None for one that begins at once. draws float64 (5,) in [0, 1)."""
    if kind == "maintenance_window":
        night = draws[0] < 0.5
        start = _at(day, (22.0 if night else 9.0) + _halves(draws[1], 0.0, 3.0 if night else 5.0))
        return start - _halves(draws[3], 1.0, 8.0) * HOUR, start, start + _halves(draws[2], 1.5, 4.0) * HOUR
    if kind == "battery_reserve":
        start = _at(day, 14.0 + _halves(draws[1], 0.0, 5.0))
        until = start + _halves(draws[2], 2.0, 5.0) * HOUR
        return (start, None, until) if draws[0] < 0.3 else (start - _halves(draws[3], 2.0, 6.0) * HOUR, start, until)
    if kind == "carbon_cap":
        published_at = _at(day, 6.0 + _halves(draws[1], 0.0, 6.0))
        lead = 0.0 if draws[0] < 0.25 else _halves(draws[3], 2.0, 5.0)
        length = _halves(draws[2], 4.0, 8.0)
    elif kind == "plant_outage":
        published_at = _at(day, 7.0 + _halves(draws[1], 0.0, 10.0))
        lead = 0.0 if draws[0] < 0.7 else _halves(draws[3], 1.0, 5.0)
        length = _halves(draws[2], 2.0, 7.0)
    else:
        published_at = _at(day, 7.0 + _halves(draws[1], 0.0, 8.0))
        lead = 0.0 if draws[0] < 0.6 else _halves(draws[3], 1.0, 4.0)
        length = _halves(draws[2], 3.0, 8.0)
    start = published_at + lead * HOUR
    return published_at, None if lead == 0.0 else start, start + length * HOUR


def _value(kind: str, draw: float, world: _World, steps: slice) -> float | None:
    """Amount asked for over a window, in the kind's unit, from what the neutral site does in it."""
    neutral_kwh = world.neutral_kwh[steps]
    if kind == "battery_reserve":
        return round(0.05 * round(_between(draw, RESERVE) / 0.05), 2)
    if kind == "carbon_cap":
        neutral_kg = float((neutral_kwh * world.rows.values[steps, CARBON]).sum()) / 1000.0
        # Putting work off saves so much of the carbon all along, a battery that is half full so many hours' worth.
        most = min(1.0 - CARBON_SHARE[0], DEFERRED_SHARE + STORED_HOURS / (len(neutral_kwh) * STEP_HOURS))
        return _rounded(_between(draw, (1.0 - most, CARBON_SHARE[1])) * neutral_kg)
    if kind == "maintenance_window":
        return _rounded(_between(draw, IMPORT_SHARE) * float(neutral_kwh.max()) / STEP_HOURS)
    return None


def _cancelled(plan: _Plan) -> _Plan:
    """The cancellation of a notice, half-way between its start and its end."""
    start, until = plan.meaning.starts_at(plan.published_at), plan.meaning.until
    assert until is not None
    return _Plan((start + (until - start) / 2).floor(STEP), plan.source, cancel_of(plan.meaning.kind))


def _price_warning(draws: np.ndarray, world: _World, day: date) -> _Plan | None:
    """The dearest stretch of a day: at least so much, rounded down to GBP 10, all through it."""
    length = 1.0 + _halves(draws[0], 0.0, 1.5)
    best: tuple[float, pd.Timestamp] | None = None
    for half in range(30):
        start = _at(day, 7.0 + half / 2)
        steps = world.steps(start, start + length * HOUR)
        if steps is not None:
            lowest = float(world.rows.values[steps, SYSTEM].min())
            best = (lowest, start) if best is None or lowest > best[0] else best
    if best is None or best[0] < 10.0:
        return None
    lowest, start = best
    value = 10.0 * np.floor(lowest / 10.0)
    meaning = constraint_of("price_warning", value=float(value), start=start, until=start + length * HOUR)
    return _Plan(start - _halves(draws[1], 2.0, 5.0) * HOUR, "grid", meaning)


def _margin_notices(rng: np.random.Generator, world: _World, monday: date) -> Iterator[_Plan]:
    """Before some of the week's requests: a period around each in which the grid expects to ask."""
    first, last = _at(monday, 0.0), _at(monday + timedelta(days=7), 0.0)
    for event in world.rows.events:
        if not first <= event.start < last:
            continue
        draws = rng.random(4)
        start, until = event.start - int(3 * draws[1]) * 2 * STEP, event.end + int(3 * draws[2]) * 2 * STEP
        if draws[0] < ANNOUNCED and world.steps(start, until) is not None:
            meaning = constraint_of("margin_notice", start=start, until=until)
            yield _Plan(start - _halves(draws[3], 2.0, 7.0) * HOUR, "grid", meaning)


def _at(day: date, hour: float) -> pd.Timestamp:
    """UTC of a London wall-clock hour, also past the day's end."""
    wall = pd.Timestamp(day) + pd.Timedelta(hours=hour)
    return wall.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")


def _halves(draw: float, low: float, high: float) -> float:
    """Hours from ``low`` to ``high`` in half-hours."""
    return low + int(draw * (2 * (high - low) + 1)) / 2


def _between(draw: float, span: tuple[float, float]) -> float:
    return span[0] + (span[1] - span[0]) * draw


def _rounded(value: float) -> float:
    """Two or three figures, as people write."""
    step = 10.0 if value >= 100.0 else 1.0
    return float(max(1.0, step * np.floor(value / step)))
