"""The stock path: the same sites as RLlib's own multi-agent environment, and packed matrices as RLlib's own batches."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from envs.actions import level_table
from envs.state import AGENTS
from train.columns import ACTION, ADVANTAGE, INPUT, INPUT_BITS, INPUT_SEEN, LOGP, TARGET
from train.kernel import code_bits
from train.learner import standardise
from train.setup import Setup
from train.sight import Looker


class StockSite(MultiAgentEnv):
    """One site of ``TrainingSites``. Rewards are not scaled: stock RLlib has no running scale."""

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        super().__init__()
        setup: Setup = (config or {})["setup"]
        self.setup = setup
        self.possible_agents = list(AGENTS)
        self.agents = list(AGENTS)
        width = INPUT_SEEN.start + setup.sight.width
        space = gym.spaces.Box(-np.inf, np.inf, (width,), np.float32)
        action: gym.Space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
        self._levels = None
        self._last_code = () if setup.levels is None else tuple(n - 1 for n in setup.levels)
        if setup.levels is not None:
            action, self._levels = gym.spaces.Discrete(max(setup.levels)), level_table(setup.levels)
        self.observation_spaces = dict.fromkeys(AGENTS, space)
        self.action_spaces = dict.fromkeys(AGENTS, action)
        self._sites: Any = None
        self._seen = np.zeros((1, width), dtype=np.float32)
        self._actions = np.zeros((1, len(AGENTS)), dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        if self._sites is None:
            drawn = np.random.default_rng(seed).integers(2**31) if seed is None else seed
            self._sites = self.setup.sites(1, int(drawn))
            self._looker = Looker(self.setup.sight, self._sites)
        return self._look(), {}

    def step(self, action_dict: dict[Any, Any]) -> tuple[dict, dict, dict, dict, dict]:  # type: ignore[override]
        for k, agent in enumerate(AGENTS):
            chosen = action_dict[agent]
            if self._levels is None:
                level = np.asarray(chosen).item()
            else:  # RLlib's runner may draw a first action at random, masks or not, among the most codes of any agent
                level = self._levels[k, min(int(chosen), self._last_code[k])]
            self._actions[0, k] = np.clip(level, -1.0, 1.0)
        self._sites.hold(self._actions)
        done = bool(self._sites.done[0])
        reward = self._sites.reward[0]
        paid = reward if self.setup.individual_reward else np.full(len(AGENTS), reward.sum())
        return (
            self._look(),
            {agent: float(paid[k]) for k, agent in enumerate(AGENTS)},
            {"__all__": done, **dict.fromkeys(AGENTS, done)},
            {"__all__": False, **dict.fromkeys(AGENTS, False)},
            {},
        )

    def _look(self) -> dict[str, np.ndarray]:
        self._looker.look(self._seen[:, INPUT_SEEN])
        if self.setup.levels is not None:
            code_bits(self._sites.bounds, np.array(self.setup.levels), self._seen[:, INPUT_BITS])
        return {agent: self._seen[0].copy() for agent in AGENTS}


def stock_batch(matrix: np.ndarray, learner_group: Any, setup: Setup) -> MultiAgentBatch:
    """The columns RLlib's own PPO learner reads, for independent agents; advantages standardised as it would."""
    rows = torch.from_numpy(np.array(matrix))
    advantage = standardise(rows[:, ADVANTAGE])
    module = learner_group.get_learner_module() if hasattr(learner_group, "get_learner_module") else None
    modules = module if module is not None else learner_group._learner.module
    batches = {}
    for k, agent in enumerate(AGENTS):
        with torch.no_grad():
            inputs = modules[agent]._forward({"obs": rows[:, INPUT]})["action_dist_inputs"]
        action = rows[:, ACTION.start + k]
        batches[agent] = SampleBatch(
            {
                "obs": rows[:, INPUT],
                "actions": action.long() if setup.levels is not None else action.unsqueeze(-1),
                "action_logp": rows[:, LOGP.start + k],
                "action_dist_inputs": inputs,
                "advantages": advantage[:, k],
                "value_targets": rows[:, TARGET.start + k],
            }
        )
    return MultiAgentBatch(batches, env_steps=len(rows))
