import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from envs.actions import code_levels
from envs.batch import SiteBatch
from envs.facade import NO_REASON, DataCentreEnv
from envs.grid_aware import GridAwareEnv
from envs.parallel import parallel_env
from envs.reward import step_reward_gbp
from envs.state import AGENTS

KINDS = [{}, {"discrete": 5}, {"information": "grid_aware"}, {"information": "site", "discrete": 3}]


@pytest.mark.parametrize("kind", KINDS)
def test_pettingzoo_accepts_the_site(toy_case, kind):
    cases = [toy_case(96), toy_case(96, seed=1)]
    parallel_api_test(parallel_env(cases, **kind), num_cycles=250)
    parallel_seed_test(lambda: parallel_env(cases, **kind))


def test_pettingzoo_accepts_the_grid_aware_wrapper(toy_case):
    case = toy_case(96)
    parallel_api_test(GridAwareEnv(parallel_env(case)), num_cycles=250)
    parallel_seed_test(lambda: GridAwareEnv(parallel_env(case)))


def test_agents_are_truncated_together_with_a_last_observation_and_reward(toy_case):
    env = parallel_env(toy_case(3))
    env.reset(seed=0)
    for _ in range(3):
        observations, rewards, terminations, truncations, _ = env.step(dict.fromkeys(AGENTS, 0.0))
    assert set(observations) == set(rewards) == set(AGENTS)
    assert all(truncations.values())
    assert not any(terminations.values())
    assert env.agents == []
    with pytest.raises(ValueError, match="reset"):
        env.step(dict.fromkeys(AGENTS, 0.0))


def test_the_face_is_the_batch_bit_for_bit(toy_case):
    case = toy_case(96)
    env, batch = parallel_env(case, information="grid_aware"), SiteBatch([case])
    env.reset(seed=0)
    for raw in np.random.default_rng(0).uniform(-1, 1, (96, 1, 3)).astype(np.float32):
        observations, rewards, *_, infos = env.step({agent: raw[0, k : k + 1] for k, agent in enumerate(AGENTS)})
        result = batch.step(raw)
        assert list(infos["battery"]["outputs"].values()) == result.outputs[0].tolist()
        assert rewards["cooling"] == step_reward_gbp(result.outputs)[0]
        np.testing.assert_array_equal(observations["load_shift"], batch.observe("grid_aware")["load_shift"][0])


def test_reward_is_minus_the_objective(toy_case):
    env = parallel_env(toy_case(4))
    env.reset(seed=0)
    _, rewards, *_, infos = env.step(dict.fromkeys(AGENTS, -0.5))
    out = infos["battery"]["outputs"]
    bill = out["energy_gbp"] + out["network_gbp"] + out["wear_gbp"]
    assert rewards["battery"] == pytest.approx(out["flex_gbp"] - bill - out["carbon_cost_gbp"] - out["penalty_gbp"])


def test_discrete_codes_are_even_levels_and_masked_by_the_feasible_range(toy_case):
    np.testing.assert_allclose(code_levels(5), [-1, -0.5, 0, 0.5, 1])
    with pytest.raises(ValueError, match="odd"):
        code_levels(4)
    env = parallel_env(toy_case(8), discrete=5)
    _, infos = env.reset(seed=0)
    np.testing.assert_array_equal(infos["load_shift"]["action_mask"], [1, 1, 1, 0, 0])  # nothing waits
    *_, infos = env.step({"load_shift": 0, "battery": 4, "cooling": 4})
    assert infos["battery"]["executed"] == 1.0
    np.testing.assert_array_equal(infos["load_shift"]["action_mask"], [1, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="not a code from 0 to 4"):
        env.step({"load_shift": 5, "battery": 2, "cooling": 2})


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ({"battery": 0.0, "cooling": 0.0}, "no action for load_shift"),
        ({"load_shift": 0.0, "battery": float("nan"), "cooling": 0.0}, "battery: nan"),
        ({"load_shift": 0.0, "battery": np.zeros(2), "cooling": 0.0}, "not one number"),
    ],
)
def test_bad_actions_are_named(toy_case, actions, said):
    env = parallel_env(toy_case(8))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=said):
        env.step(actions)


def test_grid_signals_hold_what_is_published_and_no_more(toy_case):
    env = GridAwareEnv(parallel_env(toy_case(96)))
    env.reset(seed=0)
    before = env.fetch_grid_signals()
    assert before["events"] == ()
    for _ in range(24):
        *_, infos = env.step(dict.fromkeys(AGENTS, 0.0))
    signals = env.fetch_grid_signals()
    assert [event.id for event in signals["events"]] == ["req-1"]
    assert infos["battery"]["grid"]["carbon"] == signals["carbon"]
    assert signals["time_utc"] == before["time_utc"] + np.timedelta64(6, "h")
    assert signals["tariff"] == pytest.approx(signals["price"] + 5.0)


class WithReason(dict):
    reasoning = "price is low, so charge"


def test_the_facade_runs_a_decision_of_four_steps(toy_case):
    case = toy_case(96)
    env, batch = DataCentreEnv(location="london", case=case), SiteBatch([case])
    actions = WithReason(load_shift=-0.5, battery=0.4, cooling=0.2)
    observations, reward, done, info = env.step(actions)
    results = [batch.step(np.array([[-0.5, 0.4, 0.2]])) for _ in range(4)]
    assert info["reasoning"] == "price is low, so charge"
    assert info["import_kwh"] == pytest.approx(sum(r["import_kwh"][0] for r in results))
    assert info["soc_kwh"] == results[-1]["soc_kwh"][0]
    assert reward == pytest.approx(sum(step_reward_gbp(r.outputs)[0] for r in results))
    assert not done
    assert set(observations) == set(AGENTS)


def test_the_founding_loop_runs_to_its_end(toy_case):
    env = DataCentreEnv(decision_minutes=60, case=toy_case(96))
    spent, moved = 0.0, set()
    for _ in range(24):
        proposals = env.get_agent_proposals()
        assert env.fetch_grid_signals()["carbon"] > 0.0
        _, reward, done, info = env.step(proposals)
        moved.add(np.sign(proposals["battery"]))
        spent -= reward
    assert done
    assert moved == {-1.0, 0.0, 1.0}
    assert info["reasoning"] == NO_REASON
    env.reset()
    assert not env.done


def test_the_built_in_proposer_beats_doing_nothing(toy_case):
    case = toy_case(672)

    def energy_gbp(propose):
        env = DataCentreEnv(case=case)
        return sum(env.step(propose(env))[3]["energy_gbp"] for _ in range(168))

    assert energy_gbp(lambda env: env.get_agent_proposals()) < 0.97 * energy_gbp(lambda env: dict.fromkeys(AGENTS, 0.0))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"location": "paris"}, "paris"), ({"decision_minutes": 50}, "multiple of 15"), ({"decision_minutes": 0}, "15")],
)
def test_a_facade_that_cannot_be_is_refused(toy_case, arguments, said):
    with pytest.raises(ValueError, match=said):
        DataCentreEnv(case=toy_case(8), **arguments)
