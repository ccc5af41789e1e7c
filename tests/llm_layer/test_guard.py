"""Nothing gets past the inlet limit or a deadline."""

from __future__ import annotations

import numpy as np
import pytest

from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from llm_layer.guard import NearLimits, guard


@pytest.fixture
def batch(week):
    return SiteBatch([week])


def test_a_cool_idle_site_keeps_its_range_but_for_the_warmest_set_points(batch):
    feasible = batch.feasible()
    safe = guard(batch.view(), feasible)
    np.testing.assert_array_equal(safe[:, :COOLING], feasible[:, :COOLING])
    assert safe[0, COOLING, 0] == feasible[0, COOLING, 0]
    assert safe[0, COOLING, 1] <= 0.9  # 26.5 degC inlet is near the limit of 27


def test_an_inlet_near_its_limit_forces_the_coldest_supply_air(batch):
    batch.state["inlet_degc"] = 26.6
    feasible = batch.feasible()
    safe = guard(batch.view(), feasible)
    assert safe[0, COOLING, 1] == safe[0, COOLING, 0] == feasible[0, COOLING, 0]


def test_an_inlet_near_its_limit_starts_no_queued_work_that_can_wait(batch):
    batch.queue[0, batch.now + 90] = 100.0
    batch.state["queued_kwh"] = 100.0
    assert guard(batch.view(), batch.feasible())[0, LOAD_SHIFT].tolist() == [-1.0, 1.0]
    batch.state["inlet_degc"] = 26.6
    assert guard(batch.view(), batch.feasible())[0, LOAD_SHIFT].tolist() == [-1.0, 0.0]
    batch.queue[0], batch.queue[0, batch.now + 1] = 0.0, 300.0  # due sooner than it can be run beside what arrives
    batch.state["queued_kwh"] = 300.0
    assert guard(batch.view(), batch.feasible())[0, LOAD_SHIFT].tolist() == [0.0, 1.0]


def test_the_warmest_directive_held_for_a_day_never_overheats(batch):
    for _ in range(96):
        bounds = guard(batch.view(), batch.feasible())
        out = batch.step(np.array([[0.0, 0.0, 1.0]], dtype=np.float32), bounds)
        assert out["overheat_minutes"][0] == 0.0
        assert out["inlet_degc"][0] < 26.5


def test_work_that_could_miss_its_deadline_is_not_put_off_further(batch):
    full_kwh = 1000.0 * 0.65 / 4
    batch.queue[0, batch.now + 3] = 4.0 * full_kwh  # due in an hour, more than an hour's free capacity
    batch.state["queued_kwh"] = 4.0 * full_kwh
    safe = guard(batch.view(), batch.feasible())
    assert safe[0, LOAD_SHIFT].tolist() == [0.0, 1.0]
    batch.queue[0] = 0.0
    batch.queue[0, batch.now + 90] = 4.0 * full_kwh  # the same work with a day to go may wait
    assert guard(batch.view(), batch.feasible())[0, LOAD_SHIFT, 0] == -1.0


def test_coming_near_a_limit_is_noticed_once(batch):
    near = NearLimits(batch.view())
    assert not near.edges(batch.view())[0]
    for kwh, expected in ((700.0, False), (840.0, True), (900.0, False), (700.0, False), (850.0, True), (150.0, True)):
        batch.state["soc_kwh"] = kwh
        assert near.edges(batch.view())[0] == expected, kwh
    assert guard(batch.view(), batch.feasible())[0, BATTERY, 1] == 1.0
