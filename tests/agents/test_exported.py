"""A trained policy on disk: the same actions in a fresh process, inside its bounds, refused where it does not fit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from agents.exported import CARD, CheckpointError, load_policy, save_policy, shipped_policy
from agents.networks import Actor, Normaliser
from envs.actions import code_levels
from envs.layouts import layout
from envs.state import AGENTS

INFORMATION = "carbon_aware"
INPUTS = len(layout(INFORMATION))


def save_random(folder: Path, levels: int | list[int] | None, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    actors = {}
    for agent in AGENTS:
        own = levels[AGENTS.index(agent)] if isinstance(levels, list) else levels
        actors[agent] = Actor(Normaliser(0.1 * torch.randn(INPUTS), 1.0 + torch.rand(INPUTS)), own)
        for parameter in actors[agent].parameters():
            parameter.data.mul_(5.0)
    save_policy(folder, actors, {"name": INFORMATION, "information": INFORMATION, "levels": levels, "seed": seed})
    return folder


def stored(path: Path, count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    obs = draws.uniform(-1.0, 1.0, (count, INPUTS)).astype(np.float32)
    bounds = np.sort(draws.uniform(-1.0, 1.0, (count, 3, 2)), axis=2).astype(np.float32)
    np.savez(path, obs=obs, bounds=bounds)
    return obs, bounds


def test_fresh_process_acts_the_same(tmp_path: Path) -> None:
    obs, bounds = stored(tmp_path / "stored.npz")
    folders = [save_random(tmp_path / "codes", 5), save_random(tmp_path / "continuous", None)]
    code = (
        "import sys, numpy as np\n"
        "from agents.exported import load_policy\n"
        "from envs.state import AGENTS\n"
        "assert 'ray' not in sys.modules\n"
        "d = np.load(sys.argv[1])\n"
        "obs = dict.fromkeys(AGENTS, d['obs'])\n"
        "np.savez(sys.argv[2], *[load_policy(f).greedy(obs, d['bounds']) for f in sys.argv[3:]])\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "stored.npz", tmp_path / "raw.npz", *folders], check=True)
    with np.load(tmp_path / "raw.npz") as raw:
        for name, folder in zip(raw.files, folders, strict=True):
            here = load_policy(folder).greedy(dict.fromkeys(AGENTS, obs), bounds)
            np.testing.assert_array_equal(raw[name], here)
            assert np.unique(here).size > 2, "the networks do act"


def test_actions_are_allowed_codes_or_within_bounds(tmp_path: Path) -> None:
    obs, bounds = stored(tmp_path / "stored.npz", 200)
    raw = load_policy(save_random(tmp_path / "a", 5)).greedy(dict.fromkeys(AGENTS, obs), bounds)
    levels = code_levels(5)
    assert np.isin(raw, levels).all()
    executed = np.clip(raw, bounds[..., 0], bounds[..., 1])
    assert np.abs(executed - raw).max() < 0.5, "at most the next code beyond a bound"
    bounds[:, :, 1] = bounds[:, :, 0] = 0.0
    raw = load_policy(tmp_path / "a").greedy(dict.fromkeys(AGENTS, obs), bounds)
    assert (raw == 0.0).all(), "held at a code, nothing else is left"

    raw = load_policy(save_random(tmp_path / "b", None)).greedy(dict.fromkeys(AGENTS, obs), bounds + 0.25)
    np.testing.assert_array_equal(raw, 0.25)


def test_each_agent_has_its_own_levels(tmp_path: Path) -> None:
    obs, bounds = stored(tmp_path / "stored.npz", 500)
    bounds[..., 0], bounds[..., 1] = -1.0, 1.0
    raw = load_policy(save_random(tmp_path / "a", [3, 5, 21])).greedy(dict.fromkeys(AGENTS, obs), bounds)
    for k, count in enumerate((3, 5, 21)):
        assert np.isin(raw[:, k], code_levels(count)).all()
    assert not np.isin(raw[:, 2], code_levels(5)).all(), "between the coarse levels too"


def test_another_layout_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = save_random(tmp_path / "policy", 5)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, "layout_hash": "0123456789ab"}))
    with pytest.raises(CheckpointError, match=r"made for observation layout 0123456789ab.*train it again") as error:
        load_policy(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "policy.safetensors").write_bytes(b"no tensors"), "cannot be read"),
        (lambda f: (f / CARD).write_text("{"), "cannot be read"),
        (lambda f: (f / CARD).unlink(), "holds no policy.safetensors"),
    ],
)
def test_damage_is_told(tmp_path: Path, damage, message: str) -> None:
    folder = save_random(tmp_path / "policy", 5)
    damage(folder)
    with pytest.raises(CheckpointError, match=message):
        load_policy(folder)


def test_not_finite_weights_are_refused(tmp_path: Path) -> None:
    actors = {agent: Actor(Normaliser.identity(INPUTS), 5) for agent in AGENTS}
    actors["battery"].layers[0].weight.data[0, 0] = float("nan")
    save_policy(tmp_path / "p", actors, {"name": INFORMATION, "information": INFORMATION, "levels": 5})
    with pytest.raises(CheckpointError, match="battery are not finite"):
        load_policy(tmp_path / "p")


def test_shipped_seeds_come_best_first(tmp_path: Path) -> None:
    for seed, rank in ((1, 1), (2, 0)):
        save_random(tmp_path / f"carbon_aware-{seed}", 5, seed)
        card = json.loads((tmp_path / f"carbon_aware-{seed}" / CARD).read_text())
        (tmp_path / f"carbon_aware-{seed}" / CARD).write_text(json.dumps({**card, "rank": rank}))
    assert [shipped_policy("carbon_aware", k, tmp_path).card["seed"] for k in range(3)] == [2, 1, 2]
    with pytest.raises(CheckpointError, match="make policies"):
        shipped_policy("grid_aware", 0, tmp_path)


def test_other_weights_are_another_policy(tmp_path: Path) -> None:
    one, again, other = (load_policy(save_random(tmp_path / f"p{k}", 5, seed)) for k, seed in enumerate((1, 1, 2)))
    assert one.policy_hash == again.policy_hash
    assert one.policy_hash != other.policy_hash


def test_a_choice_holds_until_its_next_turn(tmp_path: Path) -> None:
    """With ``hold_steps`` 2 the odd steps repeat the choice, whatever is seen then; a reset forgets it."""
    folder = save_random(tmp_path / "policy", 5)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, "hold_steps": 2}))
    policy = load_policy(folder)
    obs, _ = stored(tmp_path / "stored.npz", 40)
    bounds = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (20, 3, 1))

    def act(step: int, seen: np.ndarray) -> np.ndarray:
        return policy.act(dict.fromkeys(AGENTS, seen), bounds, SimpleNamespace(step=step))

    policy.reset(20, np.zeros(20, dtype=np.int64))
    first = act(0, obs[:20])
    np.testing.assert_array_equal(act(1, obs[20:]), first)
    fresh = act(2, obs[20:])
    assert not np.array_equal(fresh, first)
    policy.reset(20, np.zeros(20, dtype=np.int64))
    np.testing.assert_array_equal(act(1, obs[20:]), fresh)
