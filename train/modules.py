"""The RLModules, and how the fast path reads scores and values for all three agents from them.

ippo    a module an agent: its actor and a critic on the same observation
mappo   an actor an agent, and one module ``critic`` with three values that also sees unpublished prices
shared  one module: one actor for all agents, told which by a learned offset (a one-hot input's first-layer weights),
        and a critic with three values
joint   one module: three heads on one trunk chosen together, one value of the team
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn

from agents.networks import HIDDEN, Actor, Critic, Normaliser
from envs.state import AGENTS
from train.columns import INPUT_BITS, INPUT_SEEN
from train.setup import Setup

FORBIDDEN = -1e9  # score of a code outside the bounds
CRITIC = "critic"
_AGENTS = len(AGENTS)


class SharedActor(Actor):
    """One network for all agents -> (N, 3 * levels)."""

    def __init__(self, normaliser: Normaliser, levels: int | None) -> None:
        super().__init__(normaliser, levels)
        self.offsets = nn.Parameter(0.1 * torch.randn(_AGENTS, HIDDEN[0]))

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        first = self.layers[0](self.normaliser(obs))
        return self.layers[1:](first.unsqueeze(1) + self.offsets).flatten(1)


class SiteModule(TorchRLModule, ValueFunctionAPI):
    """An actor, a critic, or both. No InferenceOnlyAPI: runners need the critic too.

    ``model_config``: inputs (of the actor), critic_inputs, levels, agent (or None), kind, mean, scale, actor, critic.
    """

    def setup(self) -> None:
        c: Any = self.model_config
        mean, scale = torch.tensor(c["mean"]), torch.tensor(c["scale"])

        def normaliser(n: int) -> Normaliser:
            return Normaliser(mean[:n], scale[:n])

        self.agent: int | None = c["agent"]
        self.levels: int | None = c["levels"]
        self.inputs, self.critic_inputs = c["inputs"], c["critic_inputs"]
        self.actor: Actor | None = None
        if c["kind"] == "shared":
            self.actor = SharedActor(normaliser(self.inputs), self.levels)
        elif c["kind"] in ("agent", "joint"):
            self.actor = Actor(normaliser(self.inputs), self.levels, heads=_AGENTS if c["kind"] == "joint" else 1)
        self.critic = (
            Critic(normaliser(self.critic_inputs), heads=c["values"], straight=c["straight"]) if c["values"] else None
        )

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        assert self.actor is not None
        return self.actor(x[:, INPUT_SEEN][:, : self.inputs])

    def values(self, x: torch.Tensor) -> torch.Tensor:
        assert self.critic is not None
        return self.critic(x[:, INPUT_SEEN][:, : self.critic_inputs])

    def _forward(self, batch: dict[str, Any], **_: Any) -> dict[str, Any]:
        """For stock RLlib: the distribution's inputs of one agent, codes outside its bounds masked."""
        if self.actor is None:
            return {}
        x = batch[Columns.OBS]
        scores = self.scores(x)
        if self.levels is None:
            return {Columns.ACTION_DIST_INPUTS: torch.cat([scores, self.actor.log_std.expand_as(scores)], dim=-1)}
        assert self.agent is not None
        bits = x[:, INPUT_BITS.start + self.agent]
        return {Columns.ACTION_DIST_INPUTS: scores.masked_fill(~allowed_codes(bits, self.levels), FORBIDDEN)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        return self.values(batch[Columns.OBS]).squeeze(-1)


def allowed_codes(bits: torch.Tensor, levels: int) -> torch.Tensor:
    """bool (..., levels) from bits held in float32 (...)."""
    return (bits.to(torch.int64).unsqueeze(-1) >> torch.arange(levels, device=bits.device)) & 1 == 1


def module_ids(algorithm: str) -> tuple[str, ...]:
    return {"ippo": AGENTS, "mappo": (*AGENTS, CRITIC)}.get(algorithm, (algorithm,))


def spec_of(setup: Setup) -> MultiRLModuleSpec:
    """The modules of an algorithm, with spaces and normaliser."""
    space = gym.spaces.Box(-np.inf, np.inf, (INPUT_SEEN.start + setup.sight.width,), np.float32)
    action = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32) if setup.levels is None else _discrete(setup)
    central = setup.sight.critic

    def spec(kind: str, agent: int | None, values: int, critic_inputs: int) -> RLModuleSpec:
        return RLModuleSpec(
            module_class=SiteModule,
            observation_space=space,
            action_space=action,
            model_config={
                "kind": kind,
                "agent": agent,
                "levels": None if setup.levels is None else max(setup.levels),
                "inputs": setup.inputs,
                "critic_inputs": critic_inputs,
                "values": values,
                "straight": setup.critic_foresees,
                "mean": list(setup.input_mean),
                "scale": list(setup.actor_scale(agent)),
            },
        )

    if setup.algorithm == "ippo":
        specs = {name: spec("agent", k, 1, setup.inputs) for k, name in enumerate(AGENTS)}
    elif setup.algorithm == "mappo":
        specs = {name: spec("agent", k, 0, setup.inputs) for k, name in enumerate(AGENTS)}
        specs[CRITIC] = spec("critic", None, _AGENTS, central)
    else:
        specs = {setup.algorithm: spec(setup.algorithm, None, 1 if setup.algorithm == "joint" else 3, central)}
    return MultiRLModuleSpec(rl_module_specs=specs)


def _discrete(setup: Setup) -> gym.spaces.Discrete:
    assert setup.levels is not None
    return gym.spaces.Discrete(max(setup.levels))


def scores(modules: Mapping[str, SiteModule], x: torch.Tensor) -> torch.Tensor:
    """(N, 3, levels) scores of all codes, or (N, 3, 1) mean actions; unmasked. x: ``columns.INPUT`` (N, d)."""
    alone = next(iter(modules.values()))
    if len(modules) == 1:
        return alone.scores(x).view(len(x), _AGENTS, -1)
    return torch.stack([modules[agent].scores(x) for agent in AGENTS], dim=1)


def log_std(modules: Mapping[str, SiteModule]) -> torch.Tensor:
    """(3,): log spread of continuous actions."""
    actors = [module.actor for module in modules.values() if module.actor is not None]
    return torch.cat([actor.log_std for actor in actors]).expand(_AGENTS)


def values(modules: Mapping[str, SiteModule], x: torch.Tensor) -> torch.Tensor:
    """(N, 3) value of each agent, or (N, 1) of the team."""
    if CRITIC in modules or len(modules) == 1:
        return modules[CRITIC if CRITIC in modules else next(iter(modules))].values(x)
    return torch.cat([modules[agent].values(x) for agent in AGENTS], dim=1)


def exported_actors(modules: Mapping[str, SiteModule], setup: Setup) -> dict[str, Actor]:
    """Each agent's actor as a plain network of its own, whatever the algorithm shared in training."""
    mean, scale = (torch.tensor(v)[: setup.inputs] for v in (setup.input_mean, setup.input_scale))
    exported = {}
    for k, agent in enumerate(AGENTS):
        own = None if setup.levels is None else setup.levels[k]
        actor = Actor(Normaliser(mean, scale), own)
        source = modules[agent if agent in modules else setup.algorithm].actor
        assert source is not None
        state = {name: value.detach().cpu().clone() for name, value in source.state_dict().items()}
        if setup.algorithm == "shared":
            state["layers.0.bias"] += state.pop("offsets")[k]
        at = 0
        if setup.algorithm == "joint":
            at = k * (1 if setup.levels is None else max(setup.levels))
            if "log_std" in state:
                state["log_std"] = state["log_std"][k : k + 1]
        for part in ("layers.4.weight", "layers.4.bias"):  # of an agent with fewer levels, the first ones
            state[part] = state[part][at : at + (own or 1)]
        actor.load_state_dict(state)
        exported[agent] = actor
    return exported
