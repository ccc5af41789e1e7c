"""What agents and critics are given: frames, bounds, unpublished prices, shaping, pay; each switch moves its own thing.

Exported policies build the same inputs from plain observations.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.exported import load_policy
from configs.schema import Config
from envs.batch import SiteBatch
from envs.params import site_params
from envs.state import AGENTS
from evaluate.accounting import keep_books
from evaluate.cases import make_case, market_rules
from evaluate.rollout import rollout
from llm_layer.orchestrator import Orchestrator
from llm_layer.rules import RulesPolicy
from train.algorithm import rllib_config
from train.columns import ADVANTAGE, INPUT, INPUT_SEEN
from train.directives import CARD_NUMBERS, Directives
from train.kernel import TERMS, renew_bounds
from train.loop import train
from train.modules import exported_actors, values
from train.setup import Setup, fitted
from train.sight import Looker, Sight
from train.sites import OBSERVED

DEFER = (-1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 4.0)


def random_actions(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (size, 3)).astype(np.float32)


@pytest.mark.usefixtures("cluster")
def test_exported_policy_builds_frames_and_bounds_itself(
    tmp_path: Path, setup_as: Callable[..., Setup], small_config: Callable[..., Config]
) -> None:
    config = small_config("train.frames=3", "train.directive_share=0.6", "train.env_steps=2048", "train.discrete=null")
    summary = train(config, tmp_path / "run", site_params(), directives=[DEFER])
    policy = load_policy(summary["policy"])
    assert policy.card["frames"] == 3
    assert policy.card["sees_bounds"]

    setup = fitted(setup_as(sight=Sight("grid_aware", frames=3, bounds=True), directive_share=0.6, levels=None))
    sites = setup.sites(4, seed=9)
    looker = Looker(setup.sight, sites)
    rows = np.zeros((4, setup.sight.width), dtype=np.float32)
    policy.reset(4, np.zeros(4, dtype=np.int64))
    for t in range(6):
        looker.look(rows)
        seen = torch.from_numpy(np.ascontiguousarray(rows[:, : setup.sight.actor]))
        with torch.no_grad():
            wanted = np.stack([actor(seen)[:, 0].numpy() for actor in policy._actors], axis=1)
        wanted = np.clip(wanted, sites.bounds[..., 0], sites.bounds[..., 1])
        plain = rows[:, setup.sight.before : setup.sight.actor]
        done = policy.greedy(dict.fromkeys(AGENTS, plain), sites.bounds)
        np.testing.assert_allclose(done, wanted, atol=1e-6)
        sites.hold(random_actions(4, t))
        assert not sites.done.any(), "an episode that ends here would begin with its first frame again"

    case = make_case(small_config("signals.source=synthetic", "workload.name=generator"), date(2022, 5, 2), 1)
    run = rollout(
        SiteBatch([case]),
        policy,
        market_rules(config),
        lambda _policy, desk: Orchestrator(RulesPolicy(), accept=desk.accept),
        seeds=np.zeros(1, dtype=np.int64),
    )
    assert np.isfinite(keep_books(run).by_step["objective_gbp"]).all()
    assert run.counters["overrides"].sum() > 0, "it was put under a supervisor, bounds and all"


def test_frames_start_anew_with_an_episode(setup_as: Callable[..., Setup]) -> None:
    setup = setup_as(sight=Sight("site", frames=3))
    sites = setup.sites(3, seed=4)
    looker = Looker(setup.sight, sites)
    own, before = setup.sight.own, setup.sight.before
    rows = np.zeros((3, setup.sight.width), dtype=np.float32)
    seen = []
    for t in range(4):
        looker.look(rows)
        seen.append(rows[:, before : before + own].copy())
        sites.hold(random_actions(3, t))
    looker.look(rows)
    np.testing.assert_array_equal(rows[:, :before], np.concatenate(seen[2:4], axis=1))
    sites.done[1] = True
    looker.look(rows)
    now = rows[1, before : before + own]
    np.testing.assert_array_equal(rows[1, :before], np.tile(now, 2))
    assert not np.array_equal(rows[0, :own], rows[0, before : before + own])


def test_directives_narrow_what_is_feasible_and_are_seen(setup_as: Callable[..., Setup]) -> None:
    asked = setup_as(sight=Sight("grid_aware", bounds=True), directive_share=1.0, directives=(DEFER,))
    sites = asked.sites(64, seed=3)
    feasible = np.zeros_like(sites.bounds)
    rows = np.zeros((64, asked.sight.width), dtype=np.float32)
    looker = Looker(asked.sight, sites)
    narrowed = 0
    for t in range(12):
        looker.look(rows)
        np.testing.assert_array_equal(rows[:, :6], sites.bounds.reshape(-1, 6))
        renew_bounds(sites.params, sites.data.values, sites.first, sites.state, sites.queue, feasible)
        assert (sites.bounds[..., 0] >= feasible[..., 0]).all()
        assert (sites.bounds[..., 1] <= feasible[..., 1]).all()
        narrowed += int((sites.bounds != feasible).any(axis=(1, 2)).sum())
        sites.hold(random_actions(64, t))
    assert narrowed > 0.5 * 12 * 64
    with pytest.raises(ValueError, match=f"6 numbers a card, {CARD_NUMBERS}"):
        Directives(2, 0.5, [DEFER[:-1]], seed=0)


def test_directives_are_held_dealt_and_resumed() -> None:
    one, other = (Directives(50, 0.8, [DEFER], seed=1) for _ in range(2))
    one.renew(0)
    first = one.orders.copy()
    one.renew(1)
    kept = (one.orders == first).all(axis=(1, 2))
    assert kept.mean() > 0.5, "held for more than a step"
    dealt = (first == np.array(DEFER[:-1], dtype=np.float32).reshape(3, 2)).all(axis=(1, 2))
    free = (first == np.array([-1.0, 1.0], dtype=np.float32)).all(axis=(1, 2))
    assert 0.2 < dealt.mean() < 0.6
    assert 0.05 < free.mean() < 0.5
    other.set_state(one.get_state())
    for _ in range(10):
        one.renew(2)
        other.renew(2)
    np.testing.assert_array_equal(one.orders, other.orders)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("future", [True, False])
def test_only_a_critic_that_may_sees_unpublished_prices(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config], future: bool
) -> None:
    setup = setup_as(sight=Sight("grid_aware", future=future))
    algorithm = rllib_config(setup, small_config().train).build_algo()
    try:
        modules = dict(algorithm.env_runner.module.items())
        seen = torch.from_numpy(np.array(algorithm.env_runner.packed[-1, :, INPUT]))
        later = seen.clone()
        later[:, INPUT_SEEN][:, OBSERVED:] += 1.0
        with torch.no_grad():
            assert torch.equal(values(modules, seen), values(modules, later)) is not future
            for actor in exported_actors(modules, setup).values():
                assert actor.layers[0].in_features == OBSERVED, "actors never"
    finally:
        algorithm.stop()


def test_stock_booked_as_it_changes_is_logged_apart_and_changes_no_account(setup_as: Callable[..., Setup]) -> None:
    closed = []
    for booked in (False, True):
        sites = setup_as(stock_each_step=booked, sale_share=0.0).sites(2, seed=5)
        for t in range(sites.episode_steps):
            ended = sites.step(random_actions(2, t))
            if len(ended):
                closed.append(dict(zip(TERMS, ended[0].tolist(), strict=True)))
                break
    plain, shaped = closed
    assert plain.pop("stock_gbp") == 0.0
    assert shaped.pop("stock_gbp") > 0.0
    assert plain == shaped


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("individual", [True, False])
def test_agents_are_paid_their_own_margin_or_the_teams(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config], individual: bool
) -> None:
    algorithm = rllib_config(setup_as(individual_reward=individual), small_config().train).build_algo()
    try:
        algorithm.env_runner.sample()
        paid = algorithm.env_runner.reward
        assert (np.ptp(paid, axis=2) == 0.0).all() != individual
        assert np.isfinite(algorithm.env_runner.packed[..., ADVANTAGE]).all()
    finally:
        algorithm.stop()
