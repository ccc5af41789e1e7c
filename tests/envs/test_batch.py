import numpy as np
import pytest

from envs.batch import SiteBatch
from grid.rows import BASELINE, UTILISATION


def actions_of(steps, sites, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, sites, 3)).astype(np.float32)


def outputs_of(batch, actions, bounded=False):
    return np.stack([batch.step(a, batch.feasible() if bounded else None).outputs for a in actions])


@pytest.mark.parametrize("bounded", [False, True])
def test_a_site_is_bit_equal_alone_and_in_a_batch(toy_case, bounded):
    cases = [toy_case(192, seed=s, battery_kw=100.0 * (s + 1)) for s in range(3)]
    site_case = np.array([2, 0, 1, 1, 0])
    actions = actions_of(192, 5)
    together = outputs_of(SiteBatch(cases, site_case), actions, bounded)
    for site, case in enumerate(site_case):
        alone = outputs_of(SiteBatch([cases[case]]), actions[:, site : site + 1], bounded)
        np.testing.assert_array_equal(alone[:, 0], together[:, site])


def test_reset_gives_the_same_run_again(toy_case):
    batch, actions = SiteBatch([toy_case(96)]), actions_of(96, 1)
    batch.set_commitment(0, [3], 100.0)
    first = outputs_of(batch, actions)
    batch.reset()
    assert batch.commitments_kw.sum() == 0.0
    batch.set_commitment(0, [3], 100.0)
    np.testing.assert_array_equal(outputs_of(batch, actions), first)


def test_start_steps_meet_the_rows_from_there_on(toy_case):
    case = toy_case(384)
    batch = SiteBatch([case], [0, 0], start_steps=[0, 96], episode_steps=96)
    assert batch.steps == 96
    np.testing.assert_array_equal(batch.view().row, case.rows.values[[0, 96]])
    assert batch.now_utc[1] - batch.now_utc[0] == np.timedelta64(24, "h")
    np.testing.assert_array_equal(batch.view().baseline_kw[1, :4], case.rows.values[96:104:2, BASELINE])
    assert [len(e) for e in batch.view().events] == [0, 0]
    for _ in range(24):
        batch.step(np.zeros((2, 3)))
    assert [e.id for e in batch.view().events[0]] == ["req-1"]
    assert batch.view().events[1] == ()  # a day later it is over


def test_a_shorter_case_rests_at_its_end(toy_case):
    batch = SiteBatch([toy_case(96), toy_case(100)])
    for _ in range(96):
        result = batch.step(np.zeros((2, 3)))
    assert (result["import_kwh"] > 0).all()
    rested = batch.state[0].copy()
    result = batch.step(np.ones((2, 3)))
    assert result["import_kwh"][0] == 0.0 < result["import_kwh"][1]
    assert batch.state[0] == rested


def test_view_is_a_picture_that_later_steps_do_not_change(toy_case):
    batch = SiteBatch([toy_case(96)])
    view = batch.view()
    state, queue = view.state.copy(), view.queue_kwh.copy()
    batch.step(np.full((1, 3), -1.0))
    np.testing.assert_array_equal(view.state, state)
    np.testing.assert_array_equal(view.queue_kwh, queue)
    after = batch.view()
    assert after.step == 1
    assert after.queue_kwh[0, 95] > 0.0  # what was deferred has 95 steps left
    assert after.queue_kwh.sum() == pytest.approx(after.state["queued_kwh"][0])


def test_events_are_seen_from_publication_to_their_end(toy_case):
    batch = SiteBatch([toy_case(96)])
    seen = []
    for _ in range(96):
        seen.append(len(batch.view().events[0]))
        batch.step(np.zeros((1, 3)))
    assert np.flatnonzero(seen).tolist() == list(range(24, 72))


def test_results_are_the_callers_unless_copy_is_false(toy_case):
    batch = SiteBatch([toy_case(96)])
    kept = batch.step(np.zeros((1, 3)))
    before = kept.outputs.copy()
    shared = batch.step(np.ones((1, 3)), copy=False)
    np.testing.assert_array_equal(kept.outputs, before)
    assert batch.step(np.zeros((1, 3)), copy=False).outputs is shared.outputs


def test_executed_is_the_raw_action_clipped_to_the_bounds(toy_case):
    batch = SiteBatch([toy_case(96)])
    bounds = batch.feasible()
    bounds[0, 1] = (-0.2, 0.1)
    bounds[0, 2] = (0.3, 0.3)
    result = batch.step(np.array([[0.0, 0.9, -0.5]]), bounds)
    np.testing.assert_allclose(result.executed, [[0.0, 0.1, 0.3]], rtol=1e-6)
    assert result.clipped.tolist() == [[False, True, True]]


def test_actions_inside_the_feasible_range_are_executed_as_they_are(toy_case):
    batch = SiteBatch([toy_case(672)])
    rng = np.random.default_rng(5)
    for _ in range(batch.steps):
        bounds = batch.feasible()
        raw = (bounds[..., 0] + rng.uniform(0, 1, (1, 3)) * (bounds[..., 1] - bounds[..., 0])).astype(np.float32)
        discharge_kw = max(0.0, -float(raw[0, 1])) * 500.0
        result = batch.step(raw, bounds)
        if discharge_kw < 300.0:  # below any load: the estimate of the load cannot matter
            np.testing.assert_allclose(result.executed, raw, atol=1e-6)


def test_simulate_looks_ahead_without_moving_the_site(toy_case):
    case = toy_case(96)
    batch = SiteBatch([case, case])
    for a in actions_of(10, 2):
        batch.step(a)
    before = batch.state.copy(), batch.queue.copy()
    ahead = actions_of(20, 1, seed=9)[:, 0]
    expected = batch.simulate(1, case.rows.values[10:30], ahead)
    np.testing.assert_array_equal(batch.state, before[0])
    np.testing.assert_array_equal(batch.queue, before[1])
    real = [batch.step(np.stack([ahead[k], ahead[k]]))["import_kwh"][1] for k in range(20)]
    np.testing.assert_array_equal(expected, real)


def test_neutral_twin_is_what_the_batch_does_when_left_alone(toy_case):
    case = toy_case(192)
    batch = SiteBatch([case])
    imports = [batch.step(np.zeros((1, 3)))["import_kwh"][0] for _ in range(192)]
    np.testing.assert_array_equal(imports, case.neutral_kwh)


def test_a_long_runs_own_baseline_is_its_own(toy_case):
    case = toy_case(192)
    batch = SiteBatch([case], [0, 0])
    batch.set_baseline(1, 2, np.full(10, 700.0))
    baseline = batch.view().baseline_kw
    assert (baseline[1, 2:12] == 700.0).all()
    assert (baseline[1, :2] == baseline[0, :2]).all()
    np.testing.assert_array_equal(baseline[0, 2:12], case.rows.values[4:24:2, BASELINE])
    for site in (0, 1):
        batch.set_commitment(site, [2], 100.0)
    flex = [batch.step(np.zeros((2, 3)))["flex_gbp"] for _ in range(6)][-1]
    assert flex[0] != flex[1]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (np.array([[0.0, np.nan, 0.0]]), r"battery: nan is not a number in \[-1, 1\]"),
        (np.array([[0.0, 0.0, 1.5]]), r"cooling: 1.5 is not"),
        (np.zeros((2, 3)), r"shape \(2, 3\), expected \(1, 3\)"),
        (np.array([["a", "b", "c"]]), "not numbers"),
    ],
)
def test_bad_actions_are_refused_and_change_nothing(toy_case, actions, said):
    batch = SiteBatch([toy_case(96)])
    before = batch.state.copy()
    with pytest.raises(ValueError, match=said):
        batch.step(actions)
    np.testing.assert_array_equal(batch.state, before)
    assert batch.now == 0


def test_bad_bounds_are_refused(toy_case):
    batch = SiteBatch([toy_case(96)])
    bounds = batch.feasible()
    with pytest.raises(ValueError, match="float32"):
        batch.step(np.zeros((1, 3)), bounds.astype(np.float64))
    bounds[0, 1] = (0.5, -0.5)
    with pytest.raises(ValueError, match=r"low 0\.5 is above high -0\.5"):
        batch.step(np.zeros((1, 3)), bounds)


def test_stepping_past_the_end_is_refused(toy_case):
    batch = SiteBatch([toy_case(2)])
    for _ in range(2):
        batch.step(np.zeros((1, 3)))
    assert batch.done
    with pytest.raises(ValueError, match="ended after 2 steps"):
        batch.step(np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"site_case": [1]}, "site_case"),
        ({"start_steps": [3]}, "even"),
        ({"start_steps": [0], "episode_steps": 500}, "fewer than"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(toy_case, arguments, said):
    with pytest.raises(ValueError, match=said):
        SiteBatch([toy_case(96)], **arguments)


def test_feasible_range_says_what_makes_no_difference(toy_case):
    case = toy_case(96)
    case.rows.values[:, UTILISATION] = 0.5
    batch = SiteBatch([case])
    bounds = batch.feasible()
    np.testing.assert_array_equal(bounds[0, 0], [-1.0, 0.0])  # nothing waits
    batch.step(np.array([[-1.0, 1.0, 1.0]]))
    bounds = batch.feasible()
    assert bounds[0, 0, 1] == 1.0
    assert bounds[0, 2, 0] == pytest.approx(0.0)  # 5 K back from 26
    batch.state["soc_kwh"] = 950.0
    assert batch.feasible()[0, 1, 1] == 0.0
