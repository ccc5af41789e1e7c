"""What a language model has to beat as a judge: a tree and an MLP fitted to the same labels, a constant, a copy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from llm_layer.judge.classes import Classes, decision_of, level_class
from llm_layer.judge.features import NAMES, features
from llm_layer.judge.labelled import Labelled
from llm_layer.judge.mlp import Mlp, fit_mlp
from llm_layer.judge.trees import Trees, fit_trees
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.situation import Situation

SHIPPED = Path(__file__).parent / "shipped"
TREE, MLP, CARD = "tree.npz", "mlp.npz", "card.json"
Predict = Callable[[Sequence[Situation]], np.ndarray]


class ControlPolicy:
    """``HighLevelPolicy`` over a function of situations -> int64 (n, 3), classes. Sells by the shared rule."""

    def __init__(self, policy_id: str, predict: Predict) -> None:
        self.policy_id, self._predict = policy_id, predict

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        return [
            decision_of(_classes(row), situation, "rules", self.policy_id)
            for row, situation in zip(self._predict(situations), situations, strict=True)
        ]


def open_control(name: str, folder: str | None) -> HighLevelPolicy:
    """One of ``configs.fields.CONTROLS``, from ``folder`` or those of the package.

    Raises:
        ValueError: a folder that holds none, or one made for other features.
    """
    if name == "copy":
        return ControlPolicy("copy-1", copied)
    place = SHIPPED if folder is None else Path(folder)
    card = _card(place)
    if name == "constant":
        constant = np.array(card["constant"], dtype=np.int64)
        return ControlPolicy(
            f"constant-1/labels={card['labels']}", lambda situations: np.tile(constant, (len(situations), 1))
        )
    file = place / (TREE if name == "tree" else MLP)
    try:
        model = Trees.load(file) if name == "tree" else Mlp.load(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"supervisor.controls: {file}: {error}; run `deg llm fit-controls`") from None
    return ControlPolicy(
        f"{name}@{digest}/labels={card['labels']}", lambda situations: model.predict(features(situations))
    )


def copied(situations: Sequence[Situation]) -> np.ndarray:
    """int64 (n, 3): each proposal set as it stands, in the levels there are."""
    return np.array([[level_class(action) for action in situation.proposals] for situation in situations])


def fit_controls(labelled: Sequence[Labelled], labels: str, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Fit tree and MLP and find the best constant, into ``folder``; -> the card.

    labels: who gave them, ``rules`` or ``mpc``.

    Raises:
        ValueError: nothing to fit to, or scikit-learn is not there.
    """
    if not labelled:
        raise ValueError("no situation is left to fit controls to; take more weeks")
    x = features([one.situation for one in labelled])
    y = np.array([one.classes for one in labelled], dtype=np.int64)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise ValueError("scikit-learn is not installed; `pip install -e .[distil]` brings it") from None
    with threadpool_limits(1):  # on shared machines more of them spin on each other's barriers
        fit_trees(x, y, seed).save(folder / TREE)
        fit_mlp(x, y, seed).save(folder / MLP)
    card = {
        "labels": labels,
        "situations": len(labelled),
        "seed": seed,
        "features": list(NAMES),
        "constant": [int(np.bincount(y[:, agent]).argmax()) for agent in range(y.shape[1])],
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def _card(folder: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        known = tuple(card["features"])
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"supervisor.controls {folder}: no controls ({error}); run `deg llm fit-controls`") from None
    if known != NAMES:
        raise ValueError(f"supervisor.controls {folder}: made for other features; run `deg llm fit-controls` again")
    return card


def _classes(row: np.ndarray) -> Classes:
    a, b, c = row.tolist()
    return a, b, c
