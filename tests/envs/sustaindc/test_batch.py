"""``SustainDCBatch``: observations, rewards, episodes, and that a batch is its members."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from envs.sustaindc import AGENTS, Series, SustainDCBatch, size_site
from envs.sustaindc.constants import OUT
from envs.sustaindc.observations import carbon_features, outlook_features, slope


def test_a_batch_is_its_members_bit_for_bit(make_series: Callable[..., Series]) -> None:
    sites = [size_site("ny"), size_site("wa", 0.5, 0.6)]
    series = [make_series(steps=120, seed=0), make_series(steps=120, seed=1)]
    pairs = [(0, 0), (1, 1), (0, 1), (1, 0)]
    actions = np.random.default_rng(3).integers(0, 3, (120, 4, 3))
    together = SustainDCBatch(sites, series, *np.array(pairs).T)
    alone = [SustainDCBatch([sites[i]], [series[j]], np.zeros(1, int), np.zeros(1, int)) for i, j in pairs]
    for step_actions in actions:
        result = together.step(step_actions)
        for k, member in enumerate(alone):
            own = member.step(step_actions[k : k + 1])
            np.testing.assert_array_equal(own.outputs[0], result.outputs[k])
            np.testing.assert_array_equal(own.rewards[0], result.rewards[k])
            for agent in AGENTS:
                np.testing.assert_array_equal(own.observations[agent][0], result.observations[agent][k])


def test_observation_shapes_and_what_the_site_decides(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch(workload=0.5)
    first = batch.reset()
    assert {agent: first[agent].shape for agent in AGENTS} == {
        "agent_ls": (1, 26),
        "agent_dc": (1, 14),
        "agent_bat": (1, 13),
    }
    assert all(first[agent].dtype == np.float32 for agent in AGENTS)
    assert first["agent_ls"][0, [10, 11, 12]].tolist() == [0, 0, 0]
    result = batch.step(np.array([[0, 1, 0]]))
    assert result.observations["agent_ls"][0, 12] == pytest.approx(10 / 1000)
    assert result.observations["agent_bat"][0, 12] == pytest.approx(result.outputs[0, OUT["soc"]])


def test_results_are_the_callers_own(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    first = batch.step(np.array([[0, 2, 0]]))
    kept = {agent: first.observations[agent].copy() for agent in AGENTS}
    outputs = first.outputs.copy()
    batch.step(np.array([[2, 0, 1]]))
    np.testing.assert_array_equal(first.outputs, outputs)
    for agent in AGENTS:
        np.testing.assert_array_equal(first.observations[agent], kept[agent])


def test_reward_uses_the_carbon_of_two_rows_later(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    carbon = batch._values[batch._first_row[0] :, 4]
    for t in range(5):
        result = batch.step(np.array([[0, 2, 2]]))
        footprint = -2.0 * result.energy_z[0] * carbon[t + 2]
        assert result.rewards[0, 1] == pytest.approx(footprint, rel=1e-14, abs=1e-15)
        assert result.rewards[0, 1] == result.rewards[0, 2], "cooling and battery get the same reward"
        age = result.outputs[0, OUT["oldest_age_days"]]
        assert result.rewards[0, 0] == pytest.approx(footprint + 0.3 - 0.1 * age, rel=1e-12)


def test_overdue_tasks_cost_the_load_shifting_agent(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch(workload=0.5)
    for t in range(98):
        result = batch.step(np.array([[0 if t == 0 else 1, 1, 2]]))
    assert result.outputs[0, OUT["overdue_found"]] == 10
    assert result.rewards[0, 0] - result.rewards[0, 1] == pytest.approx(0.3 - 0.3 * np.sqrt(10), rel=1e-9)


def test_the_normaliser_remembers_across_episodes(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch(steps=40)
    first = [batch.step(np.array([[1, 1, 2]])).energy_z[0] for _ in range(40)]
    batch.reset()
    second = [batch.step(np.array([[1, 1, 2]])).energy_z[0] for _ in range(40)]
    assert first[0] == 0.0, "one reading says nothing"
    assert second[0] != 0.0


def test_sites_begun_anew_forget_and_the_others_remember(make_series: Callable[..., Series]) -> None:
    both, one = np.zeros(2, int), np.zeros(1, int)
    series = make_series(steps=150)  # longer than the first table of readings holds
    batch = SustainDCBatch([size_site("ny")], [series], both, both)
    alone = SustainDCBatch([size_site("ny")], [series], one, one)
    for _ in range(2):
        for _ in range(150):
            batch.step(np.array([[1, 2, 2]] * 2))
        batch.reset(anew=np.array([True, False]))
    for _ in range(150):
        result, fresh = batch.step(np.array([[1, 2, 2]] * 2)), alone.step(np.array([[1, 2, 2]]))
        assert result.energy_z[0] == fresh.energy_z[0]
        np.testing.assert_array_equal(result.outputs[0], fresh.outputs[0])
    assert result.energy_z[1] != result.energy_z[0]


def test_an_episode_truncates_once_and_then_refuses(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch(steps=3)
    idle = np.array([[1, 1, 2]])
    assert [batch.step(idle).truncated for _ in range(3)] == [False, False, True]
    with pytest.raises(ValueError, match="ended after 3 steps"):
        batch.step(idle)
    batch.reset()
    assert not batch.step(idle).truncated


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        (np.array([[1, 3, 2]]), "agent_dc"),
        (np.array([[-1, 1, 2]]), "agent_ls"),
        (np.array([[1, 1]]), "expected integers"),
        (np.array([[1.0, 1.0, 2.0]]), "expected integers"),
        (np.array([[1.0, np.nan, 2.0]]), "expected integers"),
        ([[1, [1], 2]], "no array of codes"),
    ],
)
def test_bad_actions_are_named(make_batch: Callable[..., SustainDCBatch], actions: np.ndarray, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make_batch().step(actions)


def test_bad_series_are_named(make_series: Callable[..., Series]) -> None:
    good = make_series(steps=10)
    values = good.values.copy()
    values[5, 1] = np.nan
    for change, named in (
        ({"values": values}, "dry_bulb_degc, row 5"),
        ({"values": good.values[:, :5]}, "shape"),
        ({"values": good.values * 10}, "workload"),
        ({"steps": 12}, "need"),
        ({"start": 3, "steps": 1}, "look back 16"),
        ({"day": 365}, "day: 365"),
        ({"hour": 24.0}, "hour: 24.0"),
        ({"hour": 0.1}, "hour: 0.1"),
    ):
        fields = {"values": good.values, "start": 17, "steps": 10, "day": 180, "hour": 0.0}
        with pytest.raises(ValueError, match=named):
            Series(**{**fields, **change})
    with pytest.raises(ValueError, match="end together"):
        SustainDCBatch([size_site("ny")], [good, make_series(steps=11)], np.zeros(2, int), np.arange(2))
    with pytest.raises(ValueError, match="site_index"):
        SustainDCBatch([size_site("ny")], [good], np.ones(2, int), np.zeros(2, int))


def test_outlook_features_of_a_hand_made_curve() -> None:
    outlook = np.array([[0.0, 1.0, 2.0, 1.0, 0.0, -1.0, 0.0, 1.0, 2.0]])
    mean, deviation, relative, peak, valley = outlook_features(outlook)[0]
    future = outlook[0, 1:]
    assert (mean, deviation) == pytest.approx((future.mean(), future.std()))
    assert relative == pytest.approx(-future.mean() / future.std())
    assert peak == 1 / 8, "gradient 1 at position 1, 0 at 2"
    assert valley == 4 / 8
    assert outlook_features(np.arange(9.0)[None, :])[0, 3:].tolist() == [1.0, 1.0]
    assert slope(np.array([[1.0, 3.0, 5.0]]))[0] == 2.0


def test_past_is_empty_in_the_first_hours_of_the_year(make_series: Callable[..., Series]) -> None:
    """SustainDC slices with a negative start there; the slope of the past is then zero."""
    features = carbon_features(make_series(steps=40, day=0, hour=1.0))
    np.testing.assert_array_equal(features[:12, 1], 0.0)
    assert (features[12:, 1] != 0.0).all()
