"""What the fast path leans on inside RLlib. An upgrade that moves any of it fails here, not in a training run."""

from __future__ import annotations

import inspect

import ray
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.learner.learner_group import LearnerGroup
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.env.env_runner_group import EnvRunnerGroup
from ray.rllib.utils.checkpoints import Checkpointable

from train.algorithm import BatchPPO
from train.learner import LeanPPOLearner
from train.runner import BatchEnvRunner


def parameters(function: object) -> set[str]:
    return set(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_version_is_the_one_measured() -> None:
    assert ray.__version__ == "2.60.0", "read train/ against the new source, run this file, then raise the pin"


def test_hooks_are_where_they_were() -> None:
    assert {"sync_weights", "foreach_env_runner", "num_remote_workers"} <= set(dir(EnvRunnerGroup))
    assert {"from_worker_or_learner_group", "inference_only"} <= parameters(EnvRunnerGroup.sync_weights)
    assert {"batch", "batch_refs", "timesteps", "kwargs"} <= parameters(LearnerGroup.update)
    assert {"batch", "training_data", "timesteps", "num_epochs", "minibatch_size"} <= parameters(Learner.update)
    assert {"optimizer", "params", "lr_or_lr_schedule", "module_id", "optimizer_name"} <= parameters(
        Learner.register_optimizer
    )
    for name in (
        "configure_optimizers",
        "before_gradient_based_update",
        "after_gradient_based_update",
        "_check_is_built",
    ):
        assert hasattr(PPOTorchLearner, name), name
    assert hasattr(PPOTorchLearner, "_make_modules_ddp_if_necessary")
    assert {"env_runner_cls", "rollout_fragment_length", "num_envs_per_env_runner"} <= parameters(PPOConfig.env_runners)


def test_overrides_override_something() -> None:
    for name in ("training_step", "setup"):
        assert getattr(BatchPPO, name) is not getattr(PPO, name)
        assert hasattr(PPO, name)
    for name in ("make_env", "make_module", "sample", "get_spaces", "assert_healthy", "stop", "get_metrics"):
        assert hasattr(EnvRunner, name), name
        assert name in vars(BatchEnvRunner), name
    for name in ("get_state", "set_state", "get_ctor_args_and_kwargs", "get_checkpointable_components"):
        assert hasattr(Checkpointable, name), name
        assert name in vars(BatchEnvRunner), name
    assert "state" in parameters(BatchEnvRunner.set_state), "RLlib passes it by keyword"
    assert "update" in vars(LeanPPOLearner)
    assert hasattr(TorchRLModule, "_forward")
