"""Finished runs become shipped policies: a name for each algorithm, best on validation first, nothing older left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.exported import shipped_folders, shipped_policy
from agents.networks import Actor, Normaliser
from envs.layouts import layout
from envs.state import AGENTS
from train.ship import ship


def finished(runs: Path, name: str, seed: int, saving: float) -> None:
    from agents.exported import save_policy

    information = name.removesuffix("_ippo")
    actors = {agent: Actor(Normaliser.identity(len(layout(information))), 5) for agent in AGENTS}
    metrics = {"training": {"saving_share": 0.0}, "validation": {"saving_share": saving}}
    card = {"name": name, "information": information, "levels": 5, "seed": seed, "metrics": metrics}
    save_policy(runs / f"{name}-{seed}" / "policy", actors, card)


def test_algorithms_are_shipped_under_names_of_their_own(tmp_path: Path) -> None:
    runs, shipped = tmp_path / "runs", tmp_path / "shipped"
    finished(runs, "site", 1, 0.02)
    finished(runs, "site", 2, 0.03)
    finished(runs, "site_ippo", 1, 0.01)
    lines = ship(runs, shipped)
    assert lines[0] == "site-2: rank 0, 3.00 % saved on validation weeks"
    assert shipped_policy("site", 0, shipped).card["seed"] == 2
    assert [path.name for path in shipped_folders("site_ippo", shipped)] == ["site_ippo-1"]
    assert shipped_policy("site_ippo", 3, shipped).name == "site_ippo"
    assert not shipped_policy("site_ippo", 3, shipped).accepts_events

    for seed in (1, 2):
        (runs / f"site-{seed}" / "policy" / "card.json").unlink()
    finished(runs, "site", 3, 0.01)
    assert "site-1: removed, no run in" in " ".join(ship(runs, shipped))
    assert [path.name for path in shipped_folders("site", shipped)] == ["site-3"]
    (runs / "older").mkdir()
    shutil.copytree(runs / "site-3" / "policy", runs / "older" / "policy")
    with pytest.raises(ValueError, match=r"site of seed 3, as .* is; remove one of them"):
        ship(runs, shipped)
    with pytest.raises(ValueError, match="no finished run"):
        ship(tmp_path / "shipped", shipped)
