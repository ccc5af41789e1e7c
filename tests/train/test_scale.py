"""Samplers and learners in processes of their own really run; a sampler that dies is replaced, and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch
from ray.rllib.core import ALL_MODULES, COMPONENT_RL_MODULE

from configs.errors import ConfigError
from configs.schema import Config
from train.algorithm import rllib_config
from train.learner import ppo_loss
from train.setup import Setup

pytestmark = pytest.mark.usefixtures("cluster")


def digest(modules: dict[str, dict[str, Any]]) -> float:
    """A number that equal weights share."""
    weights = [
        np.asarray(v, dtype=np.float64) for _, state in sorted(modules.items()) for _, v in sorted(state.items())
    ]
    return float(sum(np.sum(w * np.arange(1, w.size + 1).reshape(w.shape)) for w in weights))


@pytest.fixture(scope="module")
def scaled(setup_as: Callable[..., Setup], small_config: Callable[..., Config]) -> Any:
    config = small_config("train.num_env_runners=2", "train.num_learners=2", "train.minibatch=128")
    algorithm = rllib_config(setup_as(), config.train).build_algo()
    yield algorithm
    algorithm.stop()


def test_two_samplers_and_two_learners_stay_in_step(scaled: Any) -> None:
    before = digest(scaled.learner_group.get_weights())
    results = scaled.train()
    assert scaled.sampled == 2
    assert np.isfinite(results["learners"][ALL_MODULES]["total_loss"])
    learners = scaled.learner_group.foreach_learner(lambda learner: digest(learner.module.get_state()))
    learned = [result.get() for result in learners]
    assert len(learned) == 2
    assert learned[0] == learned[1] != before
    runners = scaled.env_runner_group.foreach_env_runner(
        lambda runner: digest(runner.get_state(components=COMPONENT_RL_MODULE)[COMPONENT_RL_MODULE])
    )
    assert runners == pytest.approx([learned[0]] * 3, rel=1e-12), "driver's copy, for export, and both samplers"
    rollouts = scaled.env_runner_group.foreach_env_runner(
        lambda runner: float(runner.packed[0].sum()), local_env_runner=False
    )
    assert rollouts[0] != rollouts[1], "each draws its own episodes"


def test_a_dead_sampler_is_replaced_and_counted(scaled: Any, tmp_path: Path) -> None:
    scaled.save_to_path(str(tmp_path / "checkpoint"))
    victim = scaled.env_runner_group._worker_manager.actors()[1]
    lost = scaled.lost_runners
    ray.kill(victim, no_restart=False)
    scaled.train()
    assert scaled.lost_runners == lost + 1
    assert scaled.sampled == 1, "the iteration goes on with the other one"
    deadline = time.monotonic() + 600.0  # a process of low priority starts anew, on a machine that may be busy
    while scaled.sampled < 2 and time.monotonic() < deadline:
        scaled.train()
    assert scaled.sampled == 2


def test_learner_in_a_process_of_its_own_fed_by_the_driver(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config]
) -> None:
    config = small_config("train.num_learners=2", "train.minibatch=128")
    algorithm = rllib_config(setup_as(), config.train).build_algo()
    try:
        before = digest(algorithm.learner_group.get_weights())
        algorithm.train()
        assert digest(algorithm.learner_group.get_weights()) != before
    finally:
        algorithm.stop()


def test_compiled_loss_is_the_loss(setup_as: Callable[..., Setup], small_config: Callable[..., Config]) -> None:
    algorithm = rllib_config(setup_as(), small_config().train).build_algo()
    try:
        rows = torch.from_numpy(np.array(algorithm.env_runner.sample()[:256]))
        modules = dict(algorithm.env_runner.module.items())
        asked: dict[str, Any] = {"discrete": True, "clip": 0.2, "value_weight": 0.5, "value_clip": 100.0}
        plain = ppo_loss(modules, rows, **asked, entropy_weight=torch.tensor(0.01))
        compiled = torch.compile(ppo_loss, dynamic=False)(modules, rows, **asked, entropy_weight=torch.tensor(0.01))
        for one, other in zip(plain, compiled, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    finally:
        algorithm.stop()


def test_indivisible_batches_are_refused(small_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match=r"train.num_learners 3 does not divide train.sites x .* = 1024"):
        small_config("train.num_learners=3")
    with pytest.raises(ConfigError, match=r"train.minibatch 1024 does not divide .* learners = 512"):
        small_config("train.num_learners=2", "train.minibatch=1024")
