"""The queue by hand: utilisation 0.5 of a 1 MW site is 81.25 kWh of work a step, 16.25 of it deferrable."""

import numpy as np
import pytest

from envs.batch import SiteBatch
from grid.rows import UTILISATION, WET_BULB

WORK, MAY_WAIT, FULL = 81.25, 16.25, 162.5


def flat(case, utilisation=0.5):
    case.rows.values[:, UTILISATION] = utilisation
    return SiteBatch([case])


def run(batch, load_shift):
    return batch.step(np.array([[load_shift, 0, 0]], dtype=np.float32))


def test_passing_runs_all_that_arrives(toy_case):
    result = run(flat(toy_case()), 0.0)
    assert result["arrived_kwh"][0] == pytest.approx(WORK)
    assert result["executed_kwh"][0] == pytest.approx(WORK)
    assert result["queued_kwh"][0] == 0.0


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_deferring_is_proportional_to_what_may_wait(toy_case, share):
    result = run(flat(toy_case()), -share)
    assert result["queued_kwh"][0] == pytest.approx(share * MAY_WAIT)
    assert result["executed_kwh"][0] == pytest.approx(WORK - share * MAY_WAIT)


def test_deferred_work_runs_96_steps_later_and_not_before(toy_case):
    batch = flat(toy_case())
    run(batch, -1.0)
    for _ in range(95):
        assert run(batch, 0.0)["executed_kwh"][0] == pytest.approx(WORK)
    due = run(batch, 0.0)
    assert due["executed_kwh"][0] == pytest.approx(WORK + MAY_WAIT)
    assert due["late_kwh"][0] == 0.0
    assert due["queued_kwh"][0] == 0.0


def test_work_due_now_runs_even_while_all_else_is_deferred(toy_case):
    batch = flat(toy_case())
    for _ in range(96):
        run(batch, -1.0)
    result = run(batch, -1.0)
    assert result["executed_kwh"][0] == pytest.approx(WORK)
    assert result["queued_kwh"][0] == pytest.approx(96 * MAY_WAIT)


def test_draining_takes_the_earliest_deadline_first(toy_case):
    batch = flat(toy_case())
    for _ in range(4):
        run(batch, -1.0)
    run(batch, 0.5)  # half of the 65 kWh that wait, all of which fit: the two oldest batches
    by_steps_left = batch.view().queue_kwh[0]
    np.testing.assert_allclose(by_steps_left[91:95], [0, 0, MAY_WAIT, MAY_WAIT], atol=1e-9)


def test_draining_stops_at_capacity(toy_case):
    batch = flat(toy_case(), 0.9)
    for _ in range(20):
        run(batch, -1.0)
    result = run(batch, 1.0)
    assert result["executed_kwh"][0] == pytest.approx(FULL)


def test_a_shorter_deadline_is_kept(toy_case):
    batch = flat(toy_case(deadline_steps=8))
    run(batch, -1.0)
    executed = [run(batch, 0.0)["executed_kwh"][0] for _ in range(9)]
    np.testing.assert_allclose(executed, [WORK] * 7 + [WORK + MAY_WAIT, WORK])


def test_throttled_servers_run_work_late_and_say_so(toy_case):
    case = toy_case(chiller_capacity=0.3)
    case.rows.values[:, WET_BULB] = 20.0
    case.rows.values[96:, WET_BULB] = 0.0  # the weather turns, free cooling takes over
    batch = flat(case, 0.8)
    waiting = batch.state["queued_kwh"][0]
    results = [run(batch, 0.0) for _ in range(400)]
    late = np.array([r["late_kwh"][0] for r in results])
    assert batch.state["overdue_kwh"][0] == pytest.approx(0.0, abs=1e-9)
    assert late.sum() > 100.0
    arrived = sum(r["arrived_kwh"][0] for r in results)
    executed = sum(r["executed_kwh"][0] for r in results)
    assert executed + batch.state["queued_kwh"][0] == pytest.approx(arrived + waiting, rel=1e-9)


def executed_after_deferring(case, steps):
    """Step by step, beyond what may not wait: all arriving work is deferred for one step, then passed."""
    batch = flat(case)
    first = run(batch, -1.0)["executed_kwh"][0]
    later = [run(batch, 0.0)["executed_kwh"][0] - WORK for _ in range(steps)]
    assert batch.state["queued_kwh"][0] == pytest.approx(0.0, abs=1e-9)
    return WORK - first, np.array(later)


def test_the_second_class_waits_by_itself_until_its_own_deadline(toy_case):
    case = toy_case(deferrable_share=0.0, short_share=0.3, short_deadline_steps=5)
    deferred, later = executed_after_deferring(case, 10)
    assert deferred == pytest.approx(0.3 * WORK)
    np.testing.assert_allclose(later, np.eye(10)[4] * 0.3 * WORK, atol=1e-9)


@pytest.mark.parametrize(("long", "short"), [(90, 7), (7, 90), (12, 12)])
def test_each_class_comes_back_whole_at_its_own_deadline(toy_case, long, short):
    case = toy_case(deferrable_share=0.2, deadline_steps=long, short_share=0.1, short_deadline_steps=short)
    deferred, later = executed_after_deferring(case, 95)
    assert deferred == pytest.approx(0.3 * WORK)
    expected = np.zeros(95)
    expected[long - 1] += 0.2 * WORK
    expected[short - 1] += 0.1 * WORK
    np.testing.assert_allclose(later, expected, atol=1e-9)


def test_a_drain_takes_the_class_with_the_nearer_deadline_first(toy_case):
    batch = flat(toy_case(deferrable_share=0.2, deadline_steps=96, short_share=0.1, short_deadline_steps=8))
    run(batch, -1.0)
    run(batch, 1.0 / 6.0)  # a sixth of what waits: half of the short class
    waiting = batch.view().queue_kwh[0]
    np.testing.assert_allclose(waiting[[6, 94]], [0.05 * WORK, 0.2 * WORK], atol=1e-6)
    assert waiting.sum() == pytest.approx(0.25 * WORK)
