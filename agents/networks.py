"""Networks of the trained agents: plain torch, the normaliser inside, the same in training and in an exported policy.

One actor an agent: two hidden layers of 64 tanh units. With ``levels`` it scores that many codes, mapped evenly onto
[-1, 1]; without, it gives the mean of a Gaussian whose spread is a parameter of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

HIDDEN = (64, 64)
INPUT_LIMIT = 5.0  # of a normalised input: what lies further out than training ever saw is held there
FIRST_LOG_STD = -0.7  # a spread of 0.5 in action units
POLICY_GAIN, HIDDEN_GAIN, VALUE_GAIN = 0.01, 2.0**0.5, 1.0


class Normaliser(nn.Module):
    """(x - mean) * scale, held within +-``INPUT_LIMIT``. An input that training never saw move has scale 0."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, mean: Sequence[float] | torch.Tensor, scale: Sequence[float] | torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32).clone())
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32).clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x - self.mean) * self.scale).clamp(-INPUT_LIMIT, INPUT_LIMIT)

    @classmethod
    def identity(cls, size: int) -> Normaliser:
        return cls(torch.zeros(size), torch.ones(size))


def layers(inputs: int, outputs: int, last_gain: float, hidden: Sequence[int] = HIDDEN) -> nn.Sequential:
    """A tanh network with orthogonal weights and zero biases."""
    sizes = (inputs, *hidden, outputs)
    parts: list[nn.Module] = []
    for k in range(len(sizes) - 1):
        last = k == len(sizes) - 2
        linear = nn.Linear(sizes[k], sizes[k + 1])
        nn.init.orthogonal_(linear.weight, last_gain if last else HIDDEN_GAIN)
        nn.init.zeros_(linear.bias)
        parts += [linear] if last else [linear, nn.Tanh()]
    return nn.Sequential(*parts)


class Actor(nn.Module):
    """Observation float32 (N, d) -> scores (N, levels) of the codes, or the mean action (N, 1).

    ``heads`` actors may share one network (joint policy): then (N, heads * levels).
    """

    def __init__(self, normaliser: Normaliser, levels: int | None, *, heads: int = 1) -> None:
        super().__init__()
        self.normaliser = normaliser
        self.levels = levels
        width = levels if levels is not None else 1
        self.layers = layers(len(normaliser.mean), heads * width, POLICY_GAIN)
        if levels is None:
            self.log_std = nn.Parameter(torch.full((heads,), FIRST_LOG_STD))

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.layers(self.normaliser(obs))


class Critic(nn.Module):
    """Observation float32 (N, d) -> values (N, heads), in normalised reward.

    straight: add a linear map of the inputs, for those that are values themselves: squashed, they lose what one action
    changes.
    """

    def __init__(self, normaliser: Normaliser, *, heads: int = 1, straight: bool = False) -> None:
        super().__init__()
        self.normaliser = normaliser
        self.layers = layers(len(normaliser.mean), heads, VALUE_GAIN)
        self.straight: nn.Linear | None = None
        if straight:
            self.straight = nn.Linear(len(normaliser.mean), heads, bias=False)
            nn.init.zeros_(self.straight.weight)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        x = self.normaliser(obs)
        value = self.layers(x)
        return value if self.straight is None else value + self.straight(x)
