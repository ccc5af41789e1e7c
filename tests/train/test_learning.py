"""The fast path learns, learns the same as RLlib's own learner on equal data, resumes exactly, and stops on NaN."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import ALL_MODULES

from agents.exported import load_policy
from configs.schema import Config
from envs.params import site_params
from envs.state import AGENTS
from train import checkpoints
from train.algorithm import rllib_config
from train.columns import ADVANTAGE, INPUT, INPUT_SEEN, LOGP, TARGET
from train.learner import FAILED_BATCH, NonFiniteLoss, ppo_loss, standardise
from train.loop import StoppedEarly, locked, train
from train.modules import exported_actors, module_ids, scores
from train.setup import Setup
from train.sight import Sight
from train.stock import stock_batch

pytestmark = pytest.mark.usefixtures("cluster")


def weights(algorithm: Any) -> dict[str, np.ndarray]:
    groups = algorithm.learner_group.get_weights()
    return {f"{module}.{name}": value for module, state in groups.items() for name, value in state.items()}


@pytest.mark.parametrize("levels", [(5, 5, 21), None])
def test_equal_data_gives_equal_losses(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config], levels: tuple[int, ...] | None
) -> None:
    setup = setup_as(algorithm="ippo", levels=levels)
    config = small_config("train.algorithm=ippo").train
    algorithm = rllib_config(setup, config, lean=False).build_algo()
    try:
        matrix = np.array(algorithm.env_runner.sample())
        learner = algorithm.learner_group._learner
        assert type(learner).__mro__[0] is PPOTorchLearner
        batch = stock_batch(matrix, algorithm.learner_group, setup).policy_batches
        stock = 0.0
        for agent in AGENTS:
            columns = dict(batch[agent])
            output = learner.module[agent].forward_train(columns)
            loss = learner.compute_loss_for_module(
                module_id=agent, config=learner.config.get_config_for_module(agent), batch=columns, fwd_out=output
            )
            stock += float(loss.detach())
        rows = torch.from_numpy(matrix.copy())
        rows[:, ADVANTAGE] = standardise(rows[:, ADVANTAGE])
        lean = ppo_loss(
            dict(learner.module.items()),
            rows,
            discrete=levels is not None,
            clip=config.clip,
            value_weight=learner.config.vf_loss_coeff,
            value_clip=learner.config.vf_clip_param,
            entropy_weight=torch.tensor(config.entropy),
        )
        assert float(lean[0].detach()) == pytest.approx(stock, rel=1e-4, abs=1e-5)
    finally:
        algorithm.stop()


@pytest.mark.parametrize("algorithm_name", ["mappo", "shared", "joint"])
def test_every_algorithm_trains_and_exports_its_own_actors(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config], algorithm_name: str
) -> None:
    setup = setup_as(algorithm=algorithm_name, sight=Sight("carbon_aware"))
    algorithm = rllib_config(setup, small_config(f"train.algorithm={algorithm_name}").train).build_algo()
    try:
        assert tuple(algorithm.env_runner.module.keys()) == module_ids(algorithm_name), "one seed, one set of weights"
        before = weights(algorithm)
        algorithm.train()
        after = weights(algorithm)
        assert any(not np.array_equal(before[name], after[name]) for name in before)
        runner = algorithm.env_runner
        seen = torch.from_numpy(np.array(runner.packed[0, :, INPUT]))
        modules = dict(runner.module.items())
        wanted = scores(modules, seen)
        actors = exported_actors(modules, setup)
        for k, agent in enumerate(AGENTS):
            alone = actors[agent](seen[:, INPUT_SEEN][:, : setup.inputs])
            torch.testing.assert_close(alone, wanted[:, k, : alone.shape[1]], rtol=1e-5, atol=1e-6)
    finally:
        algorithm.stop()


def test_log_probabilities_are_those_of_the_sampling_weights(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config]
) -> None:
    """The ratio of an unchanged policy is 1: sampler (compiled) and learner (torch) agree, masks included."""
    algorithm = rllib_config(setup_as(), small_config().train).build_algo()
    try:
        matrix = torch.from_numpy(np.array(algorithm.env_runner.sample()))
        loss = ppo_loss(
            dict(algorithm.env_runner.module.items()), matrix, discrete=True, clip=0.2, value_weight=0.5,
            value_clip=100.0, entropy_weight=torch.tensor(0.0),
        )  # fmt: skip
        assert abs(float(loss[4].detach())) < 1e-6
        assert float(loss[5]) == 0.0
        assert torch.isfinite(matrix[:, LOGP]).all()
        assert torch.isfinite(matrix[:, TARGET]).all()
    finally:
        algorithm.stop()


def test_stopped_and_resumed_ends_at_the_same_weights(tmp_path: Path, small_config: Callable[..., Config]) -> None:
    config = small_config("train.env_steps=12288", "train.checkpoint_every_s=1000")
    whole = train(config, tmp_path / "whole", site_params())

    done: list[int] = []

    def stop_twice(steps: int, _total: int) -> None:
        done.append(steps)
        if len(done) in (2, 4):
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(StoppedEarly):
            train(config, tmp_path / "broken", site_params(), on_progress=stop_twice)
    broken = train(config, tmp_path / "broken", site_params(), on_progress=stop_twice)
    assert broken["resumed_at"] > 0
    assert whole["resumed_at"] == 0
    files = [Path(run["policy"]) / "policy.safetensors" for run in (whole, broken)]
    assert files[0].read_bytes() == files[1].read_bytes()
    curves = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("whole", "broken")]
    assert [line.split(",")[:9] for line in curves[0]] == [line.split(",")[:9] for line in curves[1]]
    assert load_policy(whole["policy"]).card["env_steps"] == 12288
    with locked(tmp_path / "whole"), pytest.raises(ValueError, match="another training is writing it"):
        train(config, tmp_path / "whole", site_params())
    with pytest.raises(ValueError, match="another configuration"):
        train(small_config("train.lr=0.01", "train.env_steps=12288"), tmp_path / "whole", site_params())


def test_full_disk_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    class Algorithm:
        full = False

        def save_to_path(self, path: str) -> None:
            (Path(path) / "weights").write_text("some")
            if self.full:
                raise OSError(28, "No space left on device")

    algorithm = Algorithm()
    first = checkpoints.save(tmp_path, algorithm, 100, {"seed": 1}, {})
    algorithm.full = True
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(tmp_path, algorithm, 200, {"seed": 1}, {})
    assert checkpoints.latest(tmp_path) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]
    with pytest.raises(checkpoints.ResumeError, match="its seed is 1, this run's is 2"):
        checkpoints.read_counters(first, {"seed": 2})


def test_loss_that_is_no_number_stops_with_its_batch(
    tmp_path: Path, setup_as: Callable[..., Setup], small_config: Callable[..., Config]
) -> None:
    algorithm = rllib_config(setup_as(failure_folder=str(tmp_path)), small_config().train).build_algo()
    try:
        algorithm.env_runner.reward = algorithm.env_runner.reward.copy()
        matrix = np.array(algorithm.env_runner.sample())
        matrix[5, TARGET.start] = np.nan
        with pytest.raises(NonFiniteLoss, match=r"loss is not finite; its batch is in"):
            algorithm.learner_group.update(
                batch=[matrix], timesteps={}, num_epochs=1, minibatch_size=256, shuffle_batch_per_epoch=True
            )
        with np.load(tmp_path / FAILED_BATCH) as saved:
            np.testing.assert_array_equal(saved["matrix"][:, TARGET], matrix[:, TARGET])
    finally:
        algorithm.stop()


def test_learns_above_neutral_within_a_few_iterations(
    setup_as: Callable[..., Setup], small_config: Callable[..., Config]
) -> None:
    """Own marginal pounds rise from below neutral's zero under random actions to above it."""
    train_config = small_config(
        "train.sites=64", "train.fragment_steps=64", "train.minibatch=512", "train.env_steps=100000"
    ).train
    algorithm = rllib_config(setup_as(sale_share=0.0), train_config).build_algo()
    try:
        earned = []
        for _ in range(22):
            results = algorithm.train()
            earned.append(float(algorithm.env_runner.reward.sum(axis=2).mean()))
        assert np.isfinite(results["learners"][ALL_MODULES]["total_loss"])
        assert np.mean(earned[-3:]) > 0.0, earned
        assert np.mean(earned[-3:]) > np.mean(earned[:3])
    finally:
        algorithm.stop()
