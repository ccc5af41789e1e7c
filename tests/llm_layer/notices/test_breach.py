"""Steps outside a true constraint, counted on a site that is driven by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from envs.batch import SiteBatch
from llm_layer.notices.breach import BreachMeter
from llm_layer.notices.notice import Authored, Notice, cancel_of, constraint_of

HOUR = pd.Timedelta(hours=1)
DEFER, CHARGE, EMPTY, WARM = (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)
IDLE = (0.0, 0.0, 0.0)


def _breaches(week, meanings, action, steps=16):
    """Steps with a breach of a site that takes one action throughout; meanings: (hours after start, constraint)."""
    start = week.rows.start_utc
    notices = tuple(
        Authored(Notice(str(k), start + hours * HOUR, "operator", "x"), meaning, "test/0")
        for k, (hours, meaning) in enumerate(meanings)
    )
    batch = SiteBatch([dataclasses.replace(week, notices=notices)])
    meter = BreachMeter(batch)
    found = []
    for _ in range(steps):
        view = batch.view()
        meter.before(view)
        result = batch.step(np.array([action], dtype=np.float32))
        found.append(bool(meter.breaches(view, result.outputs, result.executed)[0]))
    return [k for k, broken in enumerate(found) if broken]


def _window(week, first, last):
    return {"start": week.rows.start_utc + first * HOUR, "until": week.rows.start_utc + last * HOUR}


@pytest.mark.parametrize(
    ("kind", "value", "action", "broken"),
    [
        ("service_priority", None, DEFER, [4, 5, 6, 7]),
        ("service_priority", None, CHARGE, []),
        ("plant_outage", None, WARM, []),  # as warm as it gets before the window: it is frozen there
        ("maintenance_window", 100.0, IDLE, [4, 5, 6, 7]),
        ("maintenance_window", 1500.0, IDLE, []),
        ("carbon_cap", 1.0, IDLE, [4, 5, 6, 7]),
        ("carbon_cap", 1e5, IDLE, []),
        ("battery_reserve", 0.4, IDLE, []),
        ("battery_reserve", 0.4, EMPTY, [4, 5, 6, 7]),
        ("price_warning", 100.0, EMPTY, []),
    ],
)
def test_only_steps_in_the_window_and_outside_the_bound_count(week, kind, value, action, broken):
    meaning = constraint_of(kind, value=value, **_window(week, 1, 2))
    assert _breaches(week, [(0, meaning)], action) == broken


def test_a_set_point_is_frozen_when_the_notice_is_published(week):
    assert _breaches(week, [(0, constraint_of("plant_outage", until=week.rows.start_utc + HOUR))], WARM) == [0, 1, 2, 3]


def test_nobody_breaks_a_reserve_that_cannot_be_reached_yet(week):
    asked = constraint_of("battery_reserve", value=0.9, until=week.rows.start_utc + 4 * HOUR)
    assert _breaches(week, [(0, asked)], CHARGE) == []
    assert _breaches(week, [(0, asked)], IDLE) == list(range(16))


def test_a_cancelled_notice_is_no_longer_broken(week):
    asked = constraint_of("service_priority", until=week.rows.start_utc + 4 * HOUR)
    assert _breaches(week, [(0, asked), (1, cancel_of("service_priority"))], DEFER) == [0, 1, 2, 3]
