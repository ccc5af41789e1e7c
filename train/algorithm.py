"""``BatchPPO``: RLlib's PPO with its training step over packed matrices, and the RLlib configuration of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    ENV_RUNNER_SAMPLING_TIMER,
    LEARNER_RESULTS,
    LEARNER_UPDATE_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    SYNCH_WORKER_WEIGHTS_TIMER,
    TIMERS,
)

from configs.studies import Train
from train.kernel import TERMS
from train.learner import LeanPPOLearner
from train.modules import module_ids, spec_of
from train.runner import BatchEnvRunner, clock_of
from train.setup import Setup
from train.stock import StockSite, stock_batch

GRAD_CLIP, VALUE_WEIGHT, VALUE_CLIP = 0.5, 0.5, 100.0


class BatchPPO(PPO):
    # Set by RLlib before the first step; it declares them as possibly None.
    config: Any
    metrics: Any
    env_runner_group: Any
    learner_group: Any

    def setup(self, config: Any) -> None:
        super().setup(config)
        self.finished = np.zeros((0, len(TERMS)))  # episodes that ended in the last iteration
        self.breakdown: dict[str, float] = {}
        self.lost_runners = self.sampled = 0  # since the start; runners that sampled in the last iteration
        self._send_weights()

    def _send_weights(self) -> None:
        # Algorithm.setup leaves critics out (inference_only), and runners estimate advantages with them.
        self.env_runner_group.sync_weights(from_worker_or_learner_group=self.learner_group, inference_only=False)

    def training_step(self) -> None:
        clock = clock_of(self.config)
        started = clock()
        with self.metrics.log_time((TIMERS, ENV_RUNNER_SAMPLING_TIMER)):
            data = self._sample()
        sampled = clock()
        lifetime = self.metrics.peek((ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME), default=0)
        with self.metrics.log_time((TIMERS, LEARNER_UPDATE_TIMER)):
            results = self.learner_group.update(
                **self._as_input(data),
                timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: lifetime},
                num_epochs=self.config.num_epochs,
                minibatch_size=self.config.minibatch_size,
                shuffle_batch_per_epoch=True,
            )
            self.metrics.aggregate(results, key=LEARNER_RESULTS)
        learned = clock()
        with self.metrics.log_time((TIMERS, SYNCH_WORKER_WEIGHTS_TIMER)):
            self._send_weights()
        runner: Any = self.env_runner
        own = runner.breakdown if runner is not None else {}
        self.breakdown = {
            **own,
            "sample_s": sampled - started,
            "learn_s": learned - sampled,
            "weights_s": clock() - learned,
        }

    def _sample(self) -> list[Any]:
        """One rollout from every runner; a dead one is left out, RLlib starts another in its place."""
        group = self.env_runner_group
        method = "sample_with_terms" if self.config.num_learners == 0 else "sample_for_remote"
        if self.config.num_env_runners == 0:
            results = [getattr(self.env_runner, method)()]
        else:
            results = group.foreach_env_runner(method, local_env_runner=False)
            self.lost_runners += self.config.num_env_runners - len(results)
        self.sampled = len(results)
        if not results:
            raise RuntimeError("no environment runner returned data; see their logs")
        self.metrics.aggregate([metrics for _, metrics, _ in results], key=ENV_RUNNER_RESULTS)
        self.finished = np.concatenate([terms for _, _, terms in results])
        return [matrix for matrix, _, _ in results]

    def _as_input(self, data: list[Any]) -> dict[str, Any]:
        if not issubclass(self.config.learner_class, LeanPPOLearner):
            return {"batch": stock_batch(np.concatenate(data), self.learner_group, self.config.env_config["setup"])}
        if self.config.num_learners == 0:
            return {"batch": data}
        # Shards are cut from this list in order: to each learner its part of every runner's matrix.
        return {"batch_refs": [reference for shard in zip(*data, strict=True) for reference in shard]}


def rllib_config(setup: Setup, train: Train, *, lean: bool = True) -> PPOConfig:
    """The batched path; ``lean=False`` keeps RLlib's own learner behind it."""
    runners = max(1, train.num_env_runners)
    config = PPOConfig(algo_class=BatchPPO)
    config.environment(StockSite, env_config={"setup": setup})
    config.env_runners(
        env_runner_cls=BatchEnvRunner,
        num_env_runners=train.num_env_runners,
        num_envs_per_env_runner=train.sites,
        rollout_fragment_length=train.fragment_steps,
    )
    config.learners(num_learners=train.num_learners, num_gpus_per_learner=train.num_gpus_per_learner)
    config.fault_tolerance(restart_failed_env_runners=True)
    _common(config, setup, train, train.sites * train.fragment_steps * runners // max(1, train.num_learners))
    config.training(learner_class=LeanPPOLearner if lean else PPOTorchLearner)
    config.torch_skip_nan_gradients = True  # saves a check per tensor; the lean learner checks its losses
    return config


def stock_config(setup: Setup, train: Train, *, sites: int, batch: int, minibatch: int) -> PPOConfig:
    """RLlib as it comes: its own runner, connectors and learner, one Python environment a site."""
    config = PPOConfig()
    config.environment(StockSite, env_config={"setup": setup})
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=sites)
    _common(config, setup, train, batch)
    config.training(minibatch_size=minibatch)
    return config


def _common(config: PPOConfig, setup: Setup, train: Train, batch: int) -> None:
    ids = module_ids(setup.algorithm)
    # A tuple, not a set: modules are made in its order, and a seed is to give the same weights in every process.
    config.multi_agent(policies=ids, policy_mapping_fn=lambda agent, *_, **__: agent if agent in ids else ids[0])
    config.rl_module(rl_module_spec=spec_of(setup))
    config.training(
        train_batch_size_per_learner=batch,
        minibatch_size=train.minibatch,
        num_epochs=train.epochs,
        lr=[[0, train.lr], [train.env_steps, train.lr * train.final_lr_share]],
        gamma=train.gamma,
        lambda_=train.gae_lambda,
        clip_param=train.clip,
        entropy_coeff=train.entropy,
        vf_loss_coeff=VALUE_WEIGHT,
        vf_clip_param=VALUE_CLIP,
        grad_clip=GRAD_CLIP,
        use_kl_loss=False,
    )
    config.debugging(seed=setup.seed, log_level="ERROR")
