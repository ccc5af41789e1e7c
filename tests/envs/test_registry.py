"""Every registered id through the checks of Gymnasium and PettingZoo, and what one seed means across faces."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import envs
from envs.registry import REGISTERED
from envs.state import AGENTS, OUT
from envs.vector import SiteVectorEnv

IDS = [entry.id for entry in REGISTERED]
UK = [env_id for env_id in IDS if "UK" in env_id]
SHORT = 192


@pytest.fixture
def cases(toy_case):
    return [toy_case(SHORT * 3), toy_case(SHORT * 2, seed=1)]


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_accepts_every_id(cases, env_id):
    env = gymnasium.make(env_id, cases=cases, episode_steps=SHORT, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*infinity|.*symmetric")  # SustainDC's boxes have no bounds
        check_env(env.unwrapped)


@pytest.mark.parametrize("env_id", IDS)
def test_pettingzoo_accepts_every_id(cases, env_id):
    parallel_api_test(envs.parallel_env(env_id, cases=cases, episode_steps=SHORT), num_cycles=2 * SHORT + 10)
    parallel_seed_test(lambda: envs.parallel_env(env_id, cases=cases, episode_steps=SHORT))


def test_importing_envs_registers_the_ids():
    code = "import envs, gymnasium; print(sorted(i for i in gymnasium.registry if i.startswith('deg/')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(sorted(IDS))


def test_an_unknown_id_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean deg/UKSite-v0"):
        envs.parallel_env("deg/UKSit-v0")


@pytest.mark.parametrize("env_id", UK)
def test_one_seed_is_one_trajectory_in_every_face(cases, env_id):
    options = {"cases": cases, "episode_steps": SHORT, "ranges": {"battery_kw": (200.0, 800.0)}}
    single = gymnasium.make(env_id, **options).unwrapped
    many = gymnasium.make_vec(env_id, num_envs=3, **options)
    parallel = envs.parallel_env(env_id, **options)
    threaded = SiteVectorEnv(3, **options, threads=3, information=single.information)
    raw = np.random.default_rng(0).uniform(-1, 1, (SHORT, 3, 3)).astype(np.float32)
    first, _ = many.reset(seed=7)
    np.testing.assert_array_equal(threaded.reset(seed=7)[0], first)
    np.testing.assert_array_equal(single.reset(seed=9)[0], first[2])
    np.testing.assert_array_equal(parallel.reset(seed=9)[0]["battery"], first[2])
    starts = {(case, row) for case, row in zip(many.batch.site_case, many.batch.first_row, strict=True)}
    assert len(starts) > 1
    for action in raw:
        observed, reward, _, truncated, info = many.step(action)
        other, other_reward, *_ = threaded.step(action)
        one, one_reward, _, over, one_info = single.step(action[2])
        agents, rewards, *_ = parallel.step({agent: action[2, k : k + 1] for k, agent in enumerate(AGENTS)})
        np.testing.assert_array_equal(other, observed)
        np.testing.assert_array_equal(other_reward, reward)
        np.testing.assert_array_equal(one, observed[2])
        np.testing.assert_array_equal(agents["cooling"], observed[2])
        assert one_reward == reward[2] == rewards["load_shift"]
        assert one_info["outputs"] == {name: info[name][2] for name in OUT}
        np.testing.assert_array_equal(one_info["bounds"], info["bounds"][2])
    assert over
    assert truncated.all()


@pytest.mark.parametrize("env_id", IDS)
def test_the_vector_face_is_gymnasiums_own_row_of_single_ones(cases, env_id):
    options = {"cases": cases, "episode_steps": 6}
    ours = gymnasium.make_vec(env_id, num_envs=3, **options)
    theirs = gymnasium.make_vec(env_id, num_envs=3, vectorization_mode="sync", **options)
    assert ours.single_action_space == theirs.single_action_space
    assert ours.observation_space == theirs.observation_space
    ours.action_space.seed(4)
    for seed in (5, [None, 8, None], None):  # a site without a seed goes on from what it was
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        for _ in range(10):  # over the end and the reset that follows
            actions = ours.action_space.sample()
            for mine, other in zip(ours.step(actions)[:4], theirs.step(actions)[:4], strict=True):
                assert mine.dtype == other.dtype
                np.testing.assert_array_equal(mine, other)


def test_the_vector_face_resets_in_the_step_after_the_end(cases):
    env = gymnasium.make_vec("deg/UKSite-v0", num_envs=2, cases=cases, episode_steps=4)
    env.reset(seed=0)
    idle = np.zeros((2, 3), dtype=np.float32)
    ends = [env.step(idle)[3].any() for _ in range(10)]
    assert np.flatnonzero(ends).tolist() == [3, 8]


def test_sustaindc_faces_agree_and_a_seed_begins_anew(cases):
    single = gymnasium.make("deg/SustainDC-v0", cases=cases, episode_steps=96).unwrapped
    parallel = envs.parallel_env("deg/SustainDC-v0", cases=cases, episode_steps=96)
    codes = np.random.default_rng(1).integers(0, 3, (96, 3))

    def play():
        rows = [single.reset(seed=3)[0]]
        agents, _ = parallel.reset(seed=3)
        for action in codes:
            observed, reward, *_, info = single.step(action)
            agents, rewards, *_ = parallel.step(dict(zip(parallel.possible_agents, action, strict=True)))
            assert reward == sum(rewards.values())
            np.testing.assert_array_equal(np.concatenate(list(agents.values())), observed)
            rows.append(np.append(observed, [reward, info["outputs"]["net_kwh"]]))
        return np.concatenate(rows)

    np.testing.assert_array_equal(play(), play())


def test_rgb_frames_show_the_last_day(toy_case):
    env = gymnasium.make("deg/UKSite-v0", cases=toy_case(SHORT), episode_steps=SHORT, render_mode="rgb_array")
    env.reset(seed=0)
    blank = env.unwrapped.render()
    env.step(np.ones(3, dtype=np.float32))
    frame = env.render()
    assert frame.dtype == np.uint8
    assert frame.shape == blank.shape
    assert (frame != blank).any(axis=2).sum() == 5 * 4  # five strips, four pixels a step
    with pytest.raises(ValueError, match="rgb_array"):
        envs.parallel_env("deg/UKSite-v0", cases=toy_case(SHORT), render_mode="human")


def test_randomised_sites_stay_inside_their_ranges_and_start_at_their_own_charge(toy_case):
    ranges = {"battery_kwh": (500.0, 2000.0), "carnot_share": (0.4, 0.6)}
    env = SiteVectorEnv(200, toy_case(SHORT), ranges=ranges)
    env.reset(seed=1)
    drawn = env.batch.params
    for name, (low, high) in ranges.items():
        assert low <= drawn[name].min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < drawn[name].max() <= high
    np.testing.assert_array_equal(env.batch.state["soc_kwh"], 0.5 * drawn["battery_kwh"])
    with pytest.raises(ValueError, match="did you mean 'battery_kwh'"):
        SiteVectorEnv(1, toy_case(8), ranges={"battery_kwhh": (0.0, 1.0)})
    with pytest.raises(ValueError, match=r"deadline_steps: .* \[1, 96\]"):
        SiteVectorEnv(1, toy_case(8), ranges={"deadline_steps": (50.0, 200.0)})


@pytest.mark.parametrize("face", [lambda e: e, lambda e: e.unwrapped])
def test_a_bad_joint_action_is_named(toy_case, face):
    env = face(gymnasium.make("deg/UKSite-v0", cases=toy_case(8), episode_steps=8))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="battery: nan"):
        env.unwrapped.step(np.array([0.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match="give 3 numbers"):
        env.unwrapped.step(np.zeros(4))
