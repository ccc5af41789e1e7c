"""Scenarios: what a site meets, what it sees, and that the neutral twin meets the same."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from envs.batch import SiteBatch
from envs.neutral import run_neutral
from envs.scenario import KINDS, Disturbance, disturb_rows
from grid.rows import CARBON, DAY_AHEAD, SYSTEM, TARIFF, UTILISATION, WET_BULB

IDLE = np.zeros((1, 3), dtype=np.float32)


def under(case, *scenario):
    rows = disturb_rows(case.rows, scenario)
    twin = run_neutral(case.params, rows.values[: rows.steps], case.state, case.queue_kwh, scenario)
    return dataclasses.replace(case, rows=rows, scenario=scenario, neutral_kwh=twin.import_kwh)


@pytest.mark.parametrize("kind", KINDS)
def test_the_neutral_twin_meets_the_same_scenario(toy_case, kind):
    severity = 0.5 if kind in ("chiller_loss", "battery_outage", "demand_surge") else 1.0
    case = under(toy_case(192), Disturbance(kind, 40, 30, severity), Disturbance("chiller_loss", 100, 20))
    batch = SiteBatch([case])
    imports = [batch.step(IDLE)["import_kwh"][0] for _ in range(192)]
    np.testing.assert_array_equal(imports, case.neutral_kwh)


def test_a_battery_outage_takes_the_battery_away_for_its_window_alone(toy_case):
    case = under(toy_case(96), Disturbance("battery_outage", 10, 5))
    batch = SiteBatch([case, toy_case(96)], [0, 1, 0], start_steps=[0, 0, 4], episode_steps=60)
    charge = np.tile(np.array([0.0, 0.1, 0.0], dtype=np.float32), (3, 1))
    kw, high = [], []
    for _ in range(60):
        high.append(batch.feasible()[:, 1, 1])
        kw.append(batch.step(charge)["battery_kwh"] * 4)
    dead = np.array(kw) == 0.0
    assert np.flatnonzero(dead[:30, 0]).tolist() == [10, 11, 12, 13, 14]
    assert not dead[:20, 1].any()
    assert np.flatnonzero(dead[:20, 2]).tolist() == [6, 7, 8, 9, 10]
    np.testing.assert_array_equal(np.array(high)[:, 0][10:15], 0.0)
    batch.reset()
    assert batch.params["battery_kw"].tolist() == [500.0] * 3


def test_half_the_chillers_lost_in_the_heat_is_felt(toy_case):
    case = toy_case(96)
    case.rows.values[:, WET_BULB], case.rows.values[:, UTILISATION] = 24.0, 0.9
    batch = SiteBatch([under(case, Disturbance("chiller_loss", 20, 12, 0.7)), case])
    idle = np.zeros((2, 3), dtype=np.float32)
    minutes = np.array([batch.step(idle)["overheat_minutes"] for _ in range(96)])
    assert minutes[20:36, 0].sum() > 60.0
    assert minutes[:, 1].sum() == 0.0


def test_a_surge_is_added_to_the_load_and_stays_below_one(toy_case):
    case = toy_case(96)
    surged = disturb_rows(case.rows, [Disturbance("demand_surge", 8, 4, 0.5)])
    expected = np.minimum(1.0, case.rows.values[8:12, UTILISATION] + 0.5)
    np.testing.assert_allclose(surged.values[8:12, UTILISATION], expected)
    np.testing.assert_array_equal(surged.values[12:], case.rows.values[12:])


def test_dropped_sensors_hold_while_the_plant_goes_on(toy_case):
    case = toy_case(96)
    blind = under(case, Disturbance("sensor_dropout", 10, 20))
    batch = SiteBatch([blind, case], [0, 1])
    raw = np.tile(np.array([0.2, 0.3, -0.4], dtype=np.float32), (2, 1))
    seen, true, rows, observed = [], [], [], []
    for _ in range(40):
        view = batch.view()
        seen.append(view.state["inlet_degc"][0])
        true.append(batch.state["inlet_degc"][0])
        rows.append(view.row[:, [UTILISATION, WET_BULB]])
        observed.append(batch.advance(raw, "site").observed)
    np.testing.assert_array_equal(batch.state[0], batch.state[1])  # the same plant, meter and money
    assert len(set(seen[10:30])) == 1
    assert seen[10] == true[10]
    assert len(set(true[10:30])) > 1
    np.testing.assert_array_equal(seen[30:], true[30:])
    rows, observed = np.array(rows), np.array(observed)
    np.testing.assert_array_equal(rows[10:30, 0], np.tile(rows[9, 1], (20, 1)))
    np.testing.assert_array_equal(rows[30:, 0], rows[30:, 1])
    assert (observed[12:28, 0] != observed[12:28, 1]).any(axis=1).all()


def test_stale_signals_age_and_late_requests_are_seen_late(toy_case):
    case = toy_case(192)
    rows = case.rows
    first, steps = 20, 40
    stale = disturb_rows(rows, [Disturbance("stale_signals", first, steps)])
    received = rows.forecast[first]
    for age in (1, 2, 17, 39):
        t = first + age
        np.testing.assert_array_equal(stale.forecast[t, 0, :40], received[0, age // 2 : age // 2 + 40])
        assert stale.published_steps[t] == max(1, rows.published_steps[first] - age)
        outlook = np.append(np.float32(rows.values[first, CARBON]), received[0])
        assert stale.visible[t, CARBON] == outlook[age // 2]
        assert stale.visible[t, DAY_AHEAD] == rows.values[t, DAY_AHEAD]  # 60 rows were published
        assert stale.visible[t, TARIFF] == pytest.approx(rows.values[t, TARIFF])
    assert (stale.visible[first : first + steps, SYSTEM] != rows.values[first : first + steps, SYSTEM]).any()
    np.testing.assert_array_equal(stale.values, rows.values)
    np.testing.assert_array_equal(stale.forecast[first + steps :], rows.forecast[first + steps :])
    late = rows.start_utc + pd.Timedelta(minutes=15 * (first + steps))
    assert [event.published_at for event in stale.events] == [late]  # it was published at step 24


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("flood", 0, 4), "known: chiller_loss"),
        (("chiller_loss", -1, 4), "from 0 on"),
        (("chiller_loss", 0, 0), "at least one"),
        (("battery_outage", 0, 4, 1.5), r"outside \(0, 1\]"),
        (("stale_signals", 0, 4, 0.5), "no meaning"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Disturbance(*fields)


def test_a_scenario_beyond_the_run_is_refused(toy_case):
    with pytest.raises(ValueError, match="let it end with the run"):
        disturb_rows(toy_case(96).rows, [Disturbance("chiller_loss", 90, 7)])
