"""``LeanPPOLearner``: RLlib's PPO learner with its inner loop written for one packed matrix.

What stays RLlib's: modules, optimizer and weights state, schedules, weight versions, metrics, checkpoints. What is
own: one gather an epoch and slices for minibatches; one loss over all agents at once; one fused Adam and one gradient
norm for all modules; no KL term.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import ALL_MODULES
from ray.rllib.utils.metrics import NUM_ENV_STEPS_TRAINED, NUM_ENV_STEPS_TRAINED_LIFETIME

from train.columns import ACTION, ADVANTAGE, BITS, INPUT, LOGP, TARGET
from train.modules import FORBIDDEN, allowed_codes, log_std, scores, values
from train.setup import Setup

OPTIMIZER = "all"
LOSSES = ("total_loss", "policy_loss", "vf_loss", "entropy", "kl", "clipped_share")
FAILED_BATCH = "failed_batch.npz"
LOG_2PI = float(np.log(2.0 * np.pi))
SMALLEST_SD = 1e-4


class NonFiniteLoss(RuntimeError):
    """The loss is not a number; the batch it came from has been saved."""


def surrogate(
    new_logp: torch.Tensor, logp: torch.Tensor, advantage: torch.Tensor, clip: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """PPO's clipped objective (Schulman et al. 2017), as a loss (N, k), and the probability ratio (N, k)."""
    ratio = (new_logp - logp).exp()
    return -torch.min(advantage * ratio, advantage * ratio.clamp(1.0 - clip, 1.0 + clip)), ratio


def log_probability(
    wanted: torch.Tensor, batch: torch.Tensor, spread: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability (N, 3) of what was done and entropy (N, 3), from (N, 3, n) scores or (N, 3, 1) means."""
    action = batch[:, ACTION]
    if spread is None:
        masked = wanted.masked_fill(~allowed_codes(batch[:, BITS], wanted.shape[2]), FORBIDDEN)
        every = torch.log_softmax(masked, dim=-1)
        chosen = every.gather(-1, action.to(torch.int64).unsqueeze(-1)).squeeze(-1)
        return chosen, -(every.exp() * every).sum(-1)
    away = (action - wanted.squeeze(-1)) * (-spread).exp()
    return -0.5 * away.square() - spread - 0.5 * LOG_2PI, (spread + 0.5 * (1.0 + LOG_2PI)).expand_as(away)


def ppo_loss(
    modules: dict[str, Any], batch: torch.Tensor, *, discrete: bool, clip: float, value_weight: float,
    value_clip: float, entropy_weight: torch.Tensor,
) -> tuple[torch.Tensor, ...]:  # fmt: skip
    """Sum over agents of their PPO losses on rows of the packed matrix, in the order of ``LOSSES``."""
    x = batch[:, INPUT]
    spread = None if discrete else log_std(modules)
    new_logp, entropy = log_probability(scores(modules, x), batch, spread)
    value = values(modules, x)
    logp, advantage, target = batch[:, LOGP], batch[:, ADVANTAGE], batch[:, TARGET]
    if value.shape[1] == 1:  # one team: the three choices are one action
        new_logp, logp = new_logp.sum(1, keepdim=True), logp.sum(1, keepdim=True)
        entropy = entropy.sum(1, keepdim=True)
        advantage, target = advantage[:, :1], target[:, :1]
    policy, ratio = surrogate(new_logp, logp, advantage, clip)
    policy_loss = policy.mean(0).sum()
    value_loss = (value - target).square().clamp(max=value_clip).mean(0).sum()
    spread_loss = entropy.mean(0).sum()
    total = policy_loss + value_weight * value_loss - entropy_weight * spread_loss
    kl = ((ratio - 1.0) - (new_logp - logp)).mean()
    clipped = ((ratio - 1.0).abs() > clip).to(torch.float32).mean()
    return total, policy_loss, value_loss, spread_loss, kl, clipped


def standardise(advantage: torch.Tensor) -> torch.Tensor:
    """Advantages (N, k), each agent's own mean and spread."""
    return (advantage - advantage.mean(0)) / advantage.std(0).clamp_min(SMALLEST_SD)


class LeanPPOLearner(PPOTorchLearner):
    config: Any
    _module: Any

    def build(self) -> None:
        super().build()
        torch.set_num_threads(1)
        self.setup: Setup = self.config.env_config["setup"]
        self._shuffle = torch.Generator().manual_seed(self.setup.seed)
        spread = torch.distributed
        self._world = spread.get_world_size() if spread.is_available() and spread.is_initialized() else 1
        if self._world > 1:
            for parameter in self._parameters():
                spread.broadcast(parameter.data, 0)
        self._loss: Callable[..., Any] = ppo_loss
        if self.setup.compiled:
            self._loss = torch.compile(ppo_loss, dynamic=False)

    def configure_optimizers(self) -> None:
        parameters = self._parameters()
        self.register_optimizer(
            module_id=ALL_MODULES,
            optimizer_name=OPTIMIZER,
            optimizer=torch.optim.Adam(parameters, lr=1e-4, eps=1e-5, fused=True),
            params=parameters,
            lr_or_lr_schedule=self.config.lr,
        )

    def _make_modules_ddp_if_necessary(self) -> None:
        """No wrappers: they synchronise only what goes through their own ``forward``. See ``_average``."""

    def _parameters(self) -> list[torch.nn.Parameter]:
        modules: Any = self.module
        return [parameter for module in modules.values() for parameter in module.parameters()]

    def update(self, batch: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Epochs of minibatches over packed matrices: a list of them, or of references where learners are remote."""
        self._check_is_built()
        timesteps = kwargs.get("timesteps") or {}
        self.before_gradient_based_update(timesteps=timesteps)
        matrix = self._on_device(_matrices(batch, kwargs))
        size = min(kwargs.get("minibatch_size") or len(matrix), len(matrix))  # fewer rows where a runner was lost
        matrix[:, ADVANTAGE] = standardise(matrix[:, ADVANTAGE])
        self._weights_seq_no += 1
        sums = torch.zeros(len(LOSSES), device=matrix.device)
        entropy_weight = torch.tensor(float(self.config.entropy_coeff), device=matrix.device)  # a number is compiled in
        count = 0
        for _ in range(kwargs.get("num_epochs") or 1):
            shuffled = matrix[torch.randperm(len(matrix), generator=self._shuffle).to(matrix.device)]
            for start in range(0, len(matrix) - size + 1, size):
                sums += self._minibatch(shuffled[start : start + size], entropy_weight)
                count += 1
        mean = (sums / count).tolist()
        if not np.isfinite(mean).all():
            self._fail(matrix)
        self._note(dict(zip(LOSSES, mean, strict=True)), len(matrix))
        self.after_gradient_based_update(timesteps=timesteps)
        return self.metrics.reduce()

    def _minibatch(self, rows: torch.Tensor, entropy_weight: torch.Tensor) -> torch.Tensor:
        c = self.config
        optimizer = self.get_optimizer(module_id=ALL_MODULES, optimizer_name=OPTIMIZER)
        optimizer.zero_grad(set_to_none=True)
        losses = self._loss(
            dict(self.module.items()),
            rows,
            discrete=self.setup.levels is not None,
            clip=c.clip_param,
            value_weight=c.vf_loss_coeff,
            value_clip=c.vf_clip_param,
            entropy_weight=entropy_weight,
        )
        losses[0].backward()
        parameters = optimizer.param_groups[0]["params"]
        if self._world > 1:
            self._average(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, c.grad_clip, foreach=True)
        optimizer.step()
        return torch.stack([loss.detach() for loss in losses])

    def _average(self, parameters: list[torch.nn.Parameter]) -> None:
        """Mean gradient over learners, in one flat all-reduce."""
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        torch.distributed.all_reduce(flat)
        flat /= self._world
        at = 0
        for grad in grads:
            grad.copy_(flat[at : at + grad.numel()].view_as(grad))
            at += grad.numel()

    def _on_device(self, matrices: list[np.ndarray]) -> torch.Tensor:
        """A copy: the runner reuses its buffer, and what comes from the object store cannot be written."""
        joined = np.concatenate(matrices) if len(matrices) > 1 else np.array(matrices[0])
        return torch.from_numpy(joined).to(self._device)

    def _fail(self, matrix: torch.Tensor) -> None:
        folder = self.setup.failure_folder
        where = "the batch was not kept"
        if folder is not None:
            path = Path(folder) / FAILED_BATCH
            np.savez_compressed(path, matrix=matrix.cpu().numpy())
            where = f"its batch is in {path}"
        raise NonFiniteLoss(f"training stopped: the loss is not finite; {where}; resume from the last checkpoint")

    def _note(self, losses: dict[str, float], rows: int) -> None:
        m = self.metrics
        for name, value in losses.items():
            m.log_value((ALL_MODULES, name), value, window=1)
        m.log_value((ALL_MODULES, NUM_ENV_STEPS_TRAINED), rows, reduce="sum")
        m.log_value((ALL_MODULES, NUM_ENV_STEPS_TRAINED_LIFETIME), rows, reduce="lifetime_sum")

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_state(*args, **kwargs), "shuffle": self._shuffle.get_state().numpy()}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        if "shuffle" in state:
            self._shuffle.set_state(torch.from_numpy(np.array(state["shuffle"])))


def _matrices(batch: Any, kwargs: dict[str, Any]) -> list[np.ndarray]:
    data = kwargs.get("training_data")
    if data is not None:
        batch = data.batch
        if batch is None:
            batch = data.batches if data.batches is not None else ray.get(data.batch_refs)
    if batch is None:
        batch = ray.get(kwargs["batch_refs"])
    return list(batch) if isinstance(batch, list | tuple) else [batch]
