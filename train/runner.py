"""``BatchEnvRunner``: RLlib's environment runner over ``TrainingSites``, in place of one Python object an episode.

It fills one packed matrix (``train.columns``): an actor pass and a compiled step per control step on all sites, one
critic pass and one compiled advantage pass per rollout. RLlib sees an ordinary runner: weights come by ``set_state``,
metrics go by ``get_metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import perf_counter, process_time
from typing import Any

import gymnasium as gym
import numpy as np
import ray
import torch
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED, NUM_ENV_STEPS_SAMPLED_LIFETIME, WEIGHTS_SEQ_NO

from envs.actions import level_table
from envs.state import AGENTS
from train.columns import ACTION, ADVANTAGE, BITS, INPUT, LOGP, SEEN, TARGET
from train.kernel import TERMS, advantages, code_bits, sample_codes
from train.modules import log_std, scores, spec_of, values
from train.scaling import ReturnScale
from train.setup import Setup
from train.sight import Looker

SITES = "sites"
SEED_STRIDE = 1000  # between the runners of one run
LOG_2PI = float(np.log(2.0 * np.pi))


def clock_of(config: Any) -> Callable[[], float]:
    """CPU seconds where one process does everything, which a busy machine does not stretch; else wall seconds."""
    return perf_counter if config.num_env_runners or config.num_learners else process_time


class BatchEnvRunner(EnvRunner, Checkpointable):
    config: Any
    env: Any  # TrainingSites; None in a driver that does not sample

    def __init__(self, *, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        torch.set_num_threads(1)  # more of them wait on each other's barriers on shared machines
        self.setup: Setup = self.config.env_config["setup"]
        self._weights_seq_no = 0
        self.module: Any = None
        self.breakdown: dict[str, float] = {}
        self.clock = clock_of(self.config)
        if self.worker_index or self.config.num_env_runners == 0:
            self.make_env()
        self.make_module()

    def make_env(self) -> None:
        size = self.config.num_envs_per_env_runner
        self.fragment = int(self.config.get_rollout_fragment_length(self.worker_index or 0))
        seed = self.setup.seed + SEED_STRIDE * (self.worker_index or 0)
        self.env = self.setup.sites(size, seed)
        self._looker = Looker(self.setup.sight, self.env)
        self._draws = np.random.default_rng([seed, 1])
        shape = (self.fragment, size, len(AGENTS))
        self.packed = np.zeros((self.fragment + 1, size, SEEN.start + self.setup.sight.width), dtype=np.float32)
        self._torch = torch.from_numpy(self.packed)
        self.reward = np.zeros(shape)
        self._done = np.zeros(shape[:2], dtype=bool)
        self._actions = np.zeros((size, len(AGENTS)), dtype=np.float32)
        levels = self.setup.levels
        self._levels = None if levels is None else level_table(levels)
        self._counts = None if levels is None else np.array(levels)
        self._scale = ReturnScale(size, float(self.config.gamma))
        self._terms = np.zeros((0, len(TERMS)))
        self._look(self.fragment)

    def make_module(self) -> None:
        spec = self.config.get_multi_rl_module_spec(spaces=self.get_spaces(), inference_only=False)
        self.module = spec.build()

    def get_spaces(self) -> dict[str, Any]:
        specs: Any = spec_of(self.setup).rl_module_specs
        spaces = {name: (spec.observation_space, spec.action_space) for name, spec in specs.items()}
        both = tuple(gym.spaces.Dict(dict.fromkeys(AGENTS, space)) for space in next(iter(spaces.values())))
        return {"__env__": both, "__env_single__": both, **spaces}

    def assert_healthy(self) -> None:
        assert self.module is not None

    def _look(self, t: int) -> None:
        self._looker.look(self.packed[t, :, SEEN])
        if self._counts is not None:
            code_bits(self.env.bounds, self._counts, self.packed[t, :, BITS])

    def sample(self, **_: Any) -> np.ndarray:
        """One rollout of every site -> float32 (choices x sites, WIDTH); a view that the next rollout overwrites."""
        clock, started, acted_s = self.clock, self.clock(), 0.0
        packed, modules = self.packed, dict(self.module.items())
        packed[0] = packed[self.fragment]
        ended = []
        with torch.no_grad():
            spread = log_std(modules).numpy() if self._levels is None else None
            for t in range(self.fragment):
                before = clock()
                wanted = scores(modules, self._torch[t, :, INPUT]).numpy()
                self._choose(t, wanted, spread)
                acted_s += clock() - before
                ended.append(self.env.hold(self._actions))
                self.reward[t], self._done[t] = self.env.reward, self.env.done
                self._look(t + 1)
            rolled = clock()
            value = values(modules, self._torch.flatten(0, 1)[:, INPUT]).numpy()
        valued = clock()
        self._estimate(value.reshape(self.fragment + 1, self.env.size, -1))
        self.breakdown = {
            "rollout_s": rolled - started,
            "policy_s": acted_s,
            "env_s": rolled - started - acted_s,
            "values_s": valued - rolled,
            "advantages_s": clock() - valued,
        }
        self._terms = np.concatenate(ended)
        rows = self.fragment * self.env.size
        self._log(rows * self.env.hold_steps)
        return packed[: self.fragment].reshape(rows, -1)

    def _choose(self, t: int, wanted: np.ndarray, spread: np.ndarray | None) -> None:
        """Draw actions from (B, 3, n) scores or (B, 3, 1) means; note what was drawn and its log-probability."""
        row = self.packed[t]
        if self._levels is not None:
            uniform = self._draws.random((len(AGENTS), self.env.size))
            for k in range(len(AGENTS)):
                sample_codes(
                    wanted[:, k], row[:, BITS.start + k], uniform[k], row[:, ACTION.start + k], row[:, LOGP.start + k]
                )
            self._actions[:] = self._levels[np.arange(len(AGENTS)), row[:, ACTION].astype(np.int64)]
            return
        assert spread is not None
        noise = self._draws.standard_normal((self.env.size, len(AGENTS))).astype(np.float32)
        row[:, ACTION] = wanted[:, :, 0] + np.exp(spread) * noise  # raw: what is executed is clipped below
        row[:, LOGP] = -0.5 * noise**2 - spread - 0.5 * LOG_2PI
        np.clip(row[:, ACTION], -1.0, 1.0, out=self._actions)

    def _estimate(self, value: np.ndarray) -> None:
        if not self.setup.individual_reward or value.shape[2] == 1:
            self.reward[:] = self.reward.sum(axis=2, keepdims=True)
        reward = self._scale.apply(self.reward, self._done)
        if value.shape[2] == 1:
            value = np.repeat(value, len(AGENTS), axis=2)
        used = self.packed[: self.fragment]
        advantages(
            reward, value, self._done, np.array(self.setup.discounts), float(self.config.lambda_), used[..., ADVANTAGE],
            used[..., TARGET],
        )  # fmt: skip

    def _log(self, steps: int) -> None:
        m = self.metrics
        m.log_value(NUM_ENV_STEPS_SAMPLED, steps, reduce="sum")
        m.log_value(NUM_ENV_STEPS_SAMPLED_LIFETIME, steps, reduce="lifetime_sum", with_throughput=True)
        for name, value in self.breakdown.items():
            m.log_value(("time", name), value, reduce="mean", window=1)

    def finished_terms(self) -> np.ndarray:
        """float64 (n, TERMS): the episodes that ended in the last rollout."""
        return self._terms

    def sample_and_metrics(self) -> tuple[np.ndarray, Any]:
        return self.sample(), self.get_metrics()

    def sample_for_remote(self) -> tuple[list[Any], Any, np.ndarray]:
        """The matrix stays in the object store, a part for each learner; the driver passes the references on."""
        matrix, metrics = self.sample_and_metrics()
        return [ray.put(part) for part in np.split(matrix, self.config.num_learners)], metrics, self._terms

    def sample_with_terms(self) -> tuple[np.ndarray, Any, np.ndarray]:
        return (*self.sample_and_metrics(), self._terms)

    def get_metrics(self) -> Any:
        return self.metrics.reduce()

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        state: dict[str, Any] = {NUM_ENV_STEPS_SAMPLED_LIFETIME: self.num_env_steps_sampled_lifetime}
        if self._check_component(COMPONENT_RL_MODULE, components, not_components):
            state[COMPONENT_RL_MODULE] = self.module.get_state(**kwargs)
            state[WEIGHTS_SEQ_NO] = self._weights_seq_no
        if self._check_component(SITES, components, not_components) and self.env is not None:
            state[SITES] = {
                "env": self.env.get_state(),
                "looker": self._looker.get_state(),
                "scale": self._scale.get_state(),
                "draws": self._draws.bit_generator.state,
                "seen": self.packed[self.fragment].copy(),
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """The name of the argument is RLlib's: it is passed by keyword."""
        if COMPONENT_RL_MODULE in state:
            weights = state[COMPONENT_RL_MODULE]
            self.module.set_state(ray.get(weights) if isinstance(weights, ray.ObjectRef) else weights)
            self._weights_seq_no = state.get(WEIGHTS_SEQ_NO, 0) or self._weights_seq_no
        if NUM_ENV_STEPS_SAMPLED_LIFETIME in state:
            self.num_env_steps_sampled_lifetime = state[NUM_ENV_STEPS_SAMPLED_LIFETIME]
        if SITES in state and self.env is not None:
            own = state[SITES]
            self.env.set_state(own["env"])
            self._looker.set_state(own["looker"])
            self._scale.set_state(own["scale"])
            self._draws.bit_generator.state = own["draws"]
            self.packed[self.fragment] = own["seen"]

    def get_ctor_args_and_kwargs(self) -> tuple[tuple, dict[str, Any]]:
        return (), {"config": self.config}

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        return [(COMPONENT_RL_MODULE, self.module)]

    def stop(self) -> None:
        """Nothing to release."""
