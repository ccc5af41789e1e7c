"""A small multi-layer perceptron on the numeric situation, one head an agent: fitted with torch, run with NumPy."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from llm_layer.judge.classes import COUNT

WIDTH = 64
EPOCHS, BATCH, RATE = 60, 256, 2e-3


class Mlp:
    """arrays: mean, scale (features,); w0, b0, w1, b1 hidden layers; w2, b2 the heads, (WIDTH, 3 x COUNT)."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    def predict(self, x: np.ndarray) -> np.ndarray:
        """int64 (n, 3), the likeliest class of each agent, from float64 (n, features)."""
        a = self._arrays
        h = _normalised(x, a["mean"], a["scale"])
        for k in range(2):
            h = np.tanh(h @ a[f"w{k}"] + a[f"b{k}"])
        return (h @ a["w2"] + a["b2"]).reshape(len(x), -1, COUNT).argmax(axis=2)

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **self._arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Mlp:
        with np.load(path, allow_pickle=False) as kept:
            return cls(dict(kept))


def _normalised(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """float64 (n, 2 x features): standardised, 0 where there is nothing, and a flag for that."""
    missing = np.isnan(x)
    return np.concatenate([np.where(missing, 0.0, (x - mean) / scale), missing], axis=1)


def fit_mlp(x: np.ndarray, y: np.ndarray, seed: int) -> Mlp:
    """x: float64 (n, features), NaN where there is none. y: int64 (n, 3), classes."""
    import torch

    mean = np.nan_to_num(np.nanmean(x, axis=0))
    scale = np.nan_to_num(np.nanstd(x, axis=0))
    scale[scale < 1e-9] = 1.0
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.from_numpy(_normalised(x, mean, scale).astype(np.float32))
    labels = torch.from_numpy(y.astype(np.int64))
    sizes = (inputs.shape[1], WIDTH, WIDTH, y.shape[1] * COUNT)
    weights = [(torch.randn(a, b, generator=generator) * a**-0.5).requires_grad_() for a, b in pairwise(sizes)]
    biases = [torch.zeros(b, requires_grad=True) for b in sizes[1:]]
    optimiser = torch.optim.AdamW([*weights, *biases], lr=RATE, weight_decay=1e-2)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs), generator=generator).split(BATCH):
            h = inputs[rows]
            for k in range(2):
                h = torch.tanh(h @ weights[k] + biases[k])
            scores = (h @ weights[2] + biases[2]).reshape(-1, COUNT)
            loss = torch.nn.functional.cross_entropy(scores, labels[rows].reshape(-1))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    arrays = {"mean": mean, "scale": scale}
    for k in range(3):
        arrays[f"w{k}"], arrays[f"b{k}"] = weights[k].detach().double().numpy(), biases[k].detach().double().numpy()
    return Mlp(arrays)
