"""A gradient-boosted tree a class and agent: fitted by scikit-learn, kept as plain numbers, walked here.

The file holds no code (no pickle), and running it needs no scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import njit

from llm_layer.judge.classes import COUNT

ROUNDS = 60
LEAVES = 15
RATE = 0.1
L2 = 1.0  # without it scikit-learn's rare classes blow up: 0.67 right on what it was fitted to, 1.00 with it
NODE = np.dtype(
    [
        ("feature", "<i4"),
        ("left", "<i4"),
        ("right", "<i4"),
        ("missing_left", "<u1"),
        ("threshold", "<f8"),
        ("value", "<f8"),
    ]
)
LEAF = -1


class Trees:
    """nodes: every tree's nodes in one array of ``NODE``, children by position in it.

    roots int32 (T,), the trees' first nodes; owner int32 (T, 2), agent and class that each adds to; start float64
    (3, COUNT), each class's score before any tree, -inf where training never held it.
    """

    def __init__(self, nodes: np.ndarray, roots: np.ndarray, owner: np.ndarray, start: np.ndarray) -> None:
        self._nodes, self._roots, self._owner, self._start = nodes, roots, owner, start

    def predict(self, x: np.ndarray) -> np.ndarray:
        """int64 (n, 3), the likeliest class of each agent, from float64 (n, features)."""
        scores = np.tile(self._start, (len(x), 1, 1))
        n = self._nodes
        _add(
            x, n["feature"], n["left"], n["right"], n["missing_left"], n["threshold"], n["value"],
            self._roots, self._owner, scores,
        )  # fmt: skip
        return scores.argmax(axis=2)

    def save(self, path: Path) -> None:
        np.savez_compressed(path, nodes=self._nodes, roots=self._roots, owner=self._owner, start=self._start)

    @classmethod
    def load(cls, path: Path) -> Trees:
        with np.load(path, allow_pickle=False) as kept:
            return cls(kept["nodes"], kept["roots"], kept["owner"], kept["start"])


def fit_trees(x: np.ndarray, y: np.ndarray, seed: int) -> Trees:
    """x: float64 (n, features), NaN where there is none. y: int64 (n, 3), classes.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    nodes: list[np.ndarray] = []
    roots: list[int] = []
    owner: list[tuple[int, int]] = []
    start = np.full((y.shape[1], COUNT), -np.inf)
    size = 0
    for agent in range(y.shape[1]):
        classes = np.unique(y[:, agent])
        if len(classes) == 1:
            start[agent, classes[0]] = 0.0
            continue
        model = HistGradientBoostingClassifier(
            max_iter=ROUNDS,
            max_leaf_nodes=LEAVES,
            learning_rate=RATE,
            l2_regularization=L2,
            early_stopping=False,
            random_state=seed,
        ).fit(x, y[:, agent])
        base = np.ravel(model._baseline_prediction)
        if len(classes) == 2:  # one score, for the second class
            start[agent, classes] = 0.0, base[0]
            columns = classes[1:]
        else:
            start[agent, classes] = base
            columns = classes
        for of_round in model._predictors:
            for column, predictor in zip(columns, of_round, strict=True):
                tree = _plain(predictor.nodes, size)
                nodes.append(tree)
                roots.append(size)
                owner.append((agent, int(column)))
                size += len(tree)
    joined = np.concatenate(nodes) if nodes else np.zeros(0, NODE)
    return Trees(joined, np.array(roots, np.int32), np.array(owner, np.int32).reshape(-1, 2), start)


def _plain(nodes: np.ndarray, first: int) -> np.ndarray:
    """A fitted tree's nodes as ``NODE``, children counted from ``first``."""
    plain = np.zeros(len(nodes), NODE)
    leaf = nodes["is_leaf"].astype(bool)
    plain["feature"] = np.where(leaf, LEAF, nodes["feature_idx"])
    plain["left"], plain["right"] = nodes["left"] + first, nodes["right"] + first
    plain["missing_left"] = nodes["missing_go_to_left"]
    plain["threshold"], plain["value"] = nodes["num_threshold"], nodes["value"]
    return plain


@njit(cache=True)
def _add(
    x: np.ndarray, feature: np.ndarray, left: np.ndarray, right: np.ndarray, missing_left: np.ndarray,
    threshold: np.ndarray, value: np.ndarray, roots: np.ndarray, owner: np.ndarray, scores: np.ndarray,
) -> None:  # fmt: skip
    for i in range(len(x)):
        for t in range(len(roots)):
            at = roots[t]
            while feature[at] >= 0:
                seen = x[i, feature[at]]
                goes_left = missing_left[at] != 0 if np.isnan(seen) else seen <= threshold[at]
                at = left[at] if goes_left else right[at]
            scores[i, owner[t, 0], owner[t, 1]] += value[at]
