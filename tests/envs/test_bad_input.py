"""Bad input at every face of every id: a ``ValueError`` that names the field, the value and what is expected."""

import gymnasium
import numpy as np
import pytest

import envs
from envs.registry import REGISTERED

IDS = [entry.id for entry in REGISTERED]
STEPS = 2
GOOD = {True: [0.0, 0.0, 0.0], False: [1, 1, 2]}  # British, SustainDC
NAN = float("nan")


def single(env_id, **options):
    return gymnasium.make(env_id, **options).unwrapped


def vector(env_id, **options):
    return gymnasium.make_vec(env_id, num_envs=2, **options)


FACES = {"single": single, "vector": vector, "parallel": envs.parallel_env}


def step(face, env, joint):
    """One joint action, as the face takes it."""
    if face == "parallel":
        return env.step(dict(zip(env.possible_agents, joint, strict=True)) if isinstance(joint, list) else joint)
    return env.step(np.array([joint, joint]) if face == "vector" and isinstance(joint, list) else joint)


@pytest.fixture
def begun(toy_case):
    def make(face, env_id):
        env = FACES[face](env_id, cases=toy_case(96), episode_steps=STEPS)
        env.reset(seed=0)
        return env

    return make


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("env_id", IDS)
def test_bad_actions_are_refused_and_change_nothing(begun, face, env_id):
    env, twin = begun(face, env_id), begun(face, env_id)
    uk = "UK" in env_id
    for bad, said in (
        ([0.0, NAN, 0.0], "battery: nan" if uk else "expected integers"),
        ([0.0, 1.5, 0.0] if uk else [1, 3, 1], r"battery: 1.5 .*\[-1, 1\]" if uk else "agent_dc: 3, .* 0, 1 or 2"),
        (["0.5", "0", "0"], "not numbers|not one number|expected integers"),
        ([0.5j, 0.0, 0.0], "not numbers|not one number|expected integers"),
    ):
        with pytest.raises(ValueError, match=said):
            step(face, env, bad)
    for bad in (0.5, None, np.zeros(4), np.zeros((1, 3)), [[1, 1], [1]]):
        with pytest.raises(ValueError, match=r"step: action|actions"):
            env.step(bad)
    mine, other = step(face, env, GOOD[uk]), step(face, twin, GOOD[uk])
    np.testing.assert_equal(mine[0], other[0])
    np.testing.assert_equal(mine[1], other[1])


@pytest.mark.parametrize("face", ["single", "parallel"])
@pytest.mark.parametrize("env_id", IDS)
def test_stepping_past_the_end_is_refused(begun, face, env_id):
    env = begun(face, env_id)
    for _ in range(STEPS):
        step(face, env, GOOD["UK" in env_id])
    with pytest.raises(ValueError, match=r"ended.*reset\(\)"):
        step(face, env, GOOD["UK" in env_id])


@pytest.mark.parametrize("face", ["vector", "parallel"])
@pytest.mark.parametrize("env_id", IDS)
def test_a_face_that_never_began_is_refused(toy_case, face, env_id):
    env = FACES[face](env_id, cases=toy_case(8), episode_steps=8)
    with pytest.raises(ValueError, match=r"reset\(\)"):
        step(face, env, GOOD["UK" in env_id])


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("env_id", IDS)
def test_an_episode_longer_than_its_series_is_refused(toy_case, face, env_id):
    for bad in (9, 0, 2.5):
        with pytest.raises(ValueError, match=rf"episode_steps: {bad}; .* 1 to 8"):
            FACES[face](env_id, cases=toy_case(8), episode_steps=bad)
    with pytest.raises(ValueError, match="cases: none"):
        FACES[face](env_id, cases=[], episode_steps=8)


@pytest.mark.parametrize("env_id", IDS)
def test_a_batch_of_no_sites_and_a_wrong_count_of_seeds_are_refused(toy_case, env_id):
    for bad in (0, -1, 2.5):
        with pytest.raises(ValueError, match=rf"num_envs: {bad}"):
            gymnasium.make_vec(env_id, num_envs=bad, cases=toy_case(8), episode_steps=8)
    with pytest.raises(ValueError, match="seed: 3 of them for 2"):
        vector(env_id, cases=toy_case(8), episode_steps=8).reset(seed=[1, 2, 3])


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({"idle_share": (0.2, NAN)}, "idle_share: low 0.2 is above high nan"),
        ({"idle_share": (0.5, 0.2)}, "idle_share: low 0.5 is above high 0.2"),
        ({"charge_efficiency": (0.9, 1.1)}, r"charge_efficiency: \(0.9, 1.1\) leaves \[0.5, 1\]"),
        ({"idle_share": 0.5}, "idle_share: 0.5"),
    ],
)
def test_a_range_that_cannot_be_is_refused(toy_case, face, ranges, said):
    with pytest.raises(ValueError, match=said):
        FACES[face]("deg/UKSite-v0", cases=toy_case(8), episode_steps=8, ranges=ranges)


@pytest.mark.parametrize("face", FACES)
def test_sustaindc_faces_refuse_series_that_cannot_be(toy_case, face):
    from envs.sustaindc.from_rows import series_of_rows

    rows = toy_case(8).rows
    unequal = [series_of_rows(rows, 0, 8), series_of_rows(rows, 0, 6)]
    make = FACES[face]
    with pytest.raises(ValueError, match=r"series: \[6, 8\] steps"):
        make("deg/SustainDC-v0", series=unequal)
    with pytest.raises(ValueError, match="series and cases"):
        make("deg/SustainDC-v0", series=unequal[:1], cases=toy_case(8))
    with pytest.raises(ValueError, match="episode_steps: None"):
        make("deg/SustainDC-v0", cases=toy_case(8), episode_steps=None)
