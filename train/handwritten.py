"""PPO as one plain loop, without RLlib: the yardstick of ``deg bench train``.

Same sites, networks, sampling, advantages, epochs and minibatches as the fast path with independent agents; written
as such loops usually are (a module and a gather for each agent, one fused Adam).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from agents.networks import Actor, Critic, Normaliser
from configs.studies import Train
from envs.actions import level_table
from envs.state import AGENTS
from train.algorithm import GRAD_CLIP, VALUE_WEIGHT
from train.columns import INPUT_BITS, INPUT_SEEN
from train.kernel import advantages, code_bits, sample_codes
from train.modules import FORBIDDEN, allowed_codes
from train.scaling import ReturnScale
from train.setup import Setup
from train.sight import Looker


class HandwrittenPPO:
    def __init__(self, setup: Setup, train: Train, minibatch: int) -> None:
        assert setup.levels is not None
        torch.manual_seed(setup.seed)
        self.train_config, self.minibatch = train, minibatch
        self.levels, self.level_of = np.array(setup.levels), level_table(setup.levels)
        self.own = slice(INPUT_SEEN.start, INPUT_SEEN.start + setup.inputs)
        mean, scale = (torch.tensor(v)[: setup.inputs] for v in (setup.input_mean, setup.input_scale))
        self.actors = [Actor(Normaliser(mean, scale), n) for n in setup.levels]
        self.critics = [Critic(Normaliser(mean, scale)) for _ in AGENTS]
        self.parameters = [p for net in self.actors + self.critics for p in net.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=train.lr, eps=1e-5, fused=True)
        self.sites = setup.sites(train.sites, setup.seed)
        self.looker = Looker(setup.sight, self.sites)
        steps, size = train.fragment_steps, train.sites
        self.seen = np.zeros((steps + 1, size, INPUT_SEEN.start + setup.sight.width), dtype=np.float32)
        self.codes = np.zeros((steps, len(AGENTS), size), dtype=np.int64)
        self.logp = np.zeros((steps, len(AGENTS), size), dtype=np.float32)
        self.reward = np.zeros((steps, size, len(AGENTS)))
        self.done = np.zeros((steps, size), dtype=bool)
        self.scale, self.discounts = ReturnScale(size, train.gamma), np.array(setup.discounts)
        self.draws = np.random.default_rng(setup.seed)
        self._look(steps)

    def _look(self, t: int) -> None:
        self.looker.look(self.seen[t, :, INPUT_SEEN])
        code_bits(self.sites.bounds, self.levels, self.seen[t, :, INPUT_BITS])

    def iterate(self) -> int:
        """One rollout and its epochs. -> environment steps."""
        steps, size, _ = self.reward.shape
        self.seen[0] = self.seen[steps]
        seen = torch.from_numpy(self.seen)
        with torch.no_grad():
            for t in range(steps):
                uniform = self.draws.random((len(AGENTS), size))
                for k, actor in enumerate(self.actors):
                    scores = actor(seen[t, :, self.own]).numpy()
                    bits = self.seen[t, :, k]
                    sample_codes(scores, bits, uniform[k], self.codes[t, k], self.logp[t, k])
                self.sites.hold(self.level_of[np.arange(len(AGENTS)), self.codes[t].T])
                self.reward[t], self.done[t] = self.sites.reward, self.sites.done
                self._look(t + 1)
            flat = seen.flatten(0, 1)[:, self.own]
            value = torch.cat([critic(flat) for critic in self.critics], dim=1).numpy()
        value = value.reshape(steps + 1, size, len(AGENTS))
        advantage, target = (np.zeros(self.reward.shape, dtype=np.float32) for _ in range(2))
        c = self.train_config
        reward = self.scale.apply(self.reward, self.done)
        advantages(reward, value, self.done, self.discounts, c.gae_lambda, advantage, target)
        self._learn(torch.from_numpy(advantage), torch.from_numpy(target))
        return steps * size * self.sites.hold_steps

    def _learn(self, advantage: torch.Tensor, target: torch.Tensor) -> None:
        c = self.train_config
        rows = advantage.shape[0] * advantage.shape[1]
        seen = torch.from_numpy(self.seen[:-1]).reshape(rows, -1)
        codes = torch.from_numpy(self.codes).transpose(0, 1).reshape(len(AGENTS), rows)
        logp = torch.from_numpy(self.logp).transpose(0, 1).reshape(len(AGENTS), rows)
        advantage, target = advantage.reshape(rows, -1), target.reshape(rows, -1)
        advantage = (advantage - advantage.mean(0)) / (advantage.std(0) + 1e-8)
        for _ in range(c.epochs):
            order = torch.randperm(rows)
            for start in range(0, rows, self.minibatch):
                pick = order[start : start + self.minibatch]
                loss = torch.zeros(())
                for k in range(len(AGENTS)):
                    x = seen[pick]
                    allowed = allowed_codes(x[:, k], int(self.levels[k]))
                    scores = self.actors[k](x[:, self.own]).masked_fill(~allowed, FORBIDDEN)
                    every = torch.log_softmax(scores, dim=-1)
                    chosen = every.gather(-1, codes[k, pick].unsqueeze(-1)).squeeze(-1)
                    ratio = (chosen - logp[k, pick]).exp()
                    gain = advantage[pick, k]
                    policy = -torch.min(gain * ratio, gain * ratio.clamp(1.0 - c.clip, 1.0 + c.clip)).mean()
                    value = self.critics[k](x[:, self.own]).squeeze(-1)
                    entropy = -(every.exp() * every).sum(-1).mean()
                    loss = (
                        loss + policy + VALUE_WEIGHT * (value - target[pick, k]).square().mean() - c.entropy * entropy
                    )
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.parameters, GRAD_CLIP, foreach=True)
                self.optimizer.step()
