"""Trained agents as files: ``policy.safetensors`` (networks with their normaliser) and ``card.json`` beside it.

A policy acts greedily inside its bounds: of the codes that the bounds leave, the best scored; or the mean action. It
needs torch, not RLlib. A checkpoint made for another observation layout is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from agents.networks import Actor, Normaliser
from agents.policy import Offer
from agents.preparation import prepare
from envs.actions import level_table
from envs.feasible import clip_to, reachable_codes
from envs.layouts import layout
from envs.state import AGENTS, BATTERY
from envs.view import SiteView

WEIGHTS, CARD = "policy.safetensors", "card.json"
SHIPPED = Path(__file__).parent / "shipped"
EVENT_SELLERS = ("grid_aware",)  # information sets: only who sees requests sells them on its own
REQUIRED = ("name", "information", "levels", "layout_hash")
BOUND_NUMBERS = 2 * len(AGENTS)


class CheckpointError(ValueError):
    """A policy folder that cannot be used: missing, damaged, or made for something else."""


def layout_hash(information: str) -> str:
    """Twelve hex digits over what an observation of this information set means, feature by feature."""
    described = [(f.name, f.unit, f.low, f.high, f.normaliser) for f in layout(information)]
    return hashlib.sha256(json.dumps([AGENTS, described]).encode()).hexdigest()[:12]


class ExportedPolicy:
    """A trained controller: one actor an agent.

    Args:
        name: variant name of contract 8.
        information: information set of its observations.
        levels: codes an action is chosen from (odd), a number or one an agent; or None for continuous actions.
        actors: agent -> network.
        card: what is known about it: command, data, seed, metrics; ``hold_steps``: control steps that a choice is held;
            ``frames``: observations of so many choices that the networks see, oldest first, the present one last;
            ``sees_bounds``: whether the present bounds stand between earlier frames and the present one.
    """

    def __init__(
        self,
        name: str,
        information: str,
        levels: int | Sequence[int] | None,
        actors: Mapping[str, Actor],
        card: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.layout: str | None = information
        self.accepts_events = information in EVENT_SELLERS
        self.card = dict(card or {})
        counts = levels_of(levels)
        self._levels = None if counts is None else level_table(counts)
        self._counts = counts or ()
        self._hold_steps = int(self.card.get("hold_steps", 1))
        self._held: np.ndarray | None = None
        self._frames, self._sees_bounds = int(self.card.get("frames", 1)), bool(self.card.get("sees_bounds", False))
        self._past: dict[str, np.ndarray] = {}
        self.policy_hash = ""  # of its files, where it came from files
        self._actors = [actors[agent].eval() for agent in AGENTS]

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        """Drop the choice held and what was seen. Nothing is drawn: it acts greedily on what it sees."""
        self._held = None
        self._past = {}

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        if self._held is None or view.step % self._hold_steps == 0:
            self._held = self.greedy(obs, bounds)
        raw = self._held.copy()
        if self.accepts_events and view.commitments_kw[:, view.period :].any():
            raw[:, BATTERY] = prepare(view, raw)[:, BATTERY]
        return raw

    def greedy(self, obs: Mapping[str, np.ndarray], bounds: np.ndarray) -> np.ndarray:
        """float32 (B, 3): what the networks want, within ``bounds`` float32 (B, 3, 2). To be called once a choice."""
        with torch.no_grad():
            scores = [
                actor(torch.from_numpy(self._seen(agent, obs[agent], bounds))).numpy()
                for agent, actor in zip(AGENTS, self._actors, strict=True)
            ]
        if self._levels is None:
            return clip_to(np.concatenate(scores, axis=1), bounds)
        best = np.empty(bounds.shape[:2], dtype=np.float32)
        for k, count in enumerate(self._counts):
            codes = self._levels[k, :count]
            best[:, k] = codes[np.where(reachable_codes(bounds[:, k], codes), scores[k], -np.inf).argmax(axis=1)]
        return best

    def _seen(self, agent: str, obs: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """float32 (B, n): what this agent's network is given, earlier frames and bounds ahead of ``obs`` (B, d)."""
        parts = [obs]
        if self._sees_bounds:
            parts.insert(0, bounds.reshape(len(obs), BOUND_NUMBERS))
        if self._frames > 1:
            past = self._past.get(agent)
            if past is None:
                past = np.tile(obs, (1, self._frames - 1))
            parts.insert(0, past)
            self._past[agent] = np.concatenate([past[:, obs.shape[1] :], obs], axis=1)
        return np.ascontiguousarray(np.concatenate(parts, axis=1) if len(parts) > 1 else obs, dtype=np.float32)

    def offers(self, view: SiteView) -> list[Offer]:
        return []


def levels_of(levels: int | Sequence[int] | None) -> tuple[int, ...] | None:
    """A card's ``levels`` agent by agent: cards of one number for all are older."""
    if levels is None:
        return None
    return (levels,) * len(AGENTS) if isinstance(levels, int) else tuple(levels)


def inputs_of(card: Mapping[str, Any]) -> int:
    """Numbers that the networks of a policy with this card are given."""
    bounds = BOUND_NUMBERS if card.get("sees_bounds", False) else 0
    return int(card.get("frames", 1)) * len(layout(card["information"])) + bounds


def save_policy(folder: Path, actors: Mapping[str, Actor], card: Mapping[str, Any]) -> None:
    """Write one member whole, or not at all.

    card: at least ``name``, ``information`` and ``levels``; by convention also command, config_hash, data, seed, and
    metrics. The layout's hash is added here.
    """
    tensors = {
        f"{agent}.{key}": value.detach().cpu().contiguous().clone()
        for agent in AGENTS
        for key, value in actors[agent].state_dict().items()
    }
    written = {**card, "layout_hash": layout_hash(card["information"]), "inputs": inputs_of(card)}
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(tensors, part / WEIGHTS)
    (part / WEIGHTS).chmod(0o644)  # safetensors writes for its owner alone
    (part / CARD).write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(part, folder)
    shutil.rmtree(old, ignore_errors=True)


def load_policy(folder: Path | str) -> ExportedPolicy:
    """The policy in a folder.

    Raises:
        CheckpointError: no such folder, a damaged file, another observation layout.
    """
    path = Path(folder)
    card = _read_card(path)
    _check_layout(path, card)
    policy = ExportedPolicy(card["name"], card["information"], card["levels"], _read_actors(path, card), card)
    policy.policy_hash = _files_hash(path)
    return policy


def _files_hash(folder: Path) -> str:
    """Twelve hex digits over weights and card: results kept under it are those of this policy and no other."""
    digest = hashlib.sha256()
    for name in (WEIGHTS, CARD):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]


def shipped_folders(name: str, root: Path = SHIPPED) -> list[Path]:
    """Folders ``<name>-<seed>`` of a shipped policy, best on the validation year first (``rank`` of the card)."""
    found = [path for path in root.glob(f"{name}-*") if path.name[len(name) + 1 :].isdigit()]
    return sorted(found, key=lambda path: (_read_card(path).get("rank", 0), int(path.name.rpartition("-")[2])))


def shipped_policy(name: str, seed: int = 0, root: Path = SHIPPED) -> ExportedPolicy:
    """A trained controller as it comes with the package; seed 0 is the best on the validation year, then in turn.

    Raises:
        CheckpointError: none is shipped under that name.
    """
    folders = shipped_folders(name, root)
    if not folders:
        raise CheckpointError(f"policy {name!r}: none in {root}; train it (`make policies`) or set agents.checkpoint")
    return load_policy(folders[seed % len(folders)])


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    if not (folder / WEIGHTS).is_file() or not path.is_file():
        raise CheckpointError(f"{folder}: holds no {WEIGHTS} with {CARD}; give the folder of a trained policy")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in REQUIRED if key not in card]
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); train the policy again") from None
    if missing:
        raise CheckpointError(f"{path}: no {missing[0]!r}; train the policy again")
    return dict(card)


def _check_layout(folder: Path, card: Mapping[str, Any]) -> None:
    now = layout_hash(card["information"])
    if card["layout_hash"] != now:
        raise CheckpointError(
            f"{folder}: made for observation layout {card['layout_hash']} of {card['information']}, this version has "
            f"{now}; train it again (`make policies`)"
        )


def _read_actors(folder: Path, card: Mapping[str, Any]) -> dict[str, Actor]:
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: cannot be read ({error}); train the policy again") from None
    actors = {}
    inputs = inputs_of(card)
    for agent, levels in zip(AGENTS, levels_of(card["levels"]) or (None,) * len(AGENTS), strict=True):
        actor = Actor(Normaliser.identity(inputs), levels)
        part = {key[len(agent) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{agent}.")}
        try:
            actor.load_state_dict(part)
        except RuntimeError:
            raise CheckpointError(f"{folder / WEIGHTS}: not the networks of {agent}; train the policy again") from None
        if not all(bool(torch.isfinite(value).all()) for value in part.values()):
            raise CheckpointError(f"{folder / WEIGHTS}: weights of {agent} are not finite; train the policy again")
        actors[agent] = actor
    return actors
