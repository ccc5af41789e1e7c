"""What critics are shown of the future: no policy beats it, following it earns it, and waiting work is priced right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.networks import Critic, Normaliser
from envs.actions import code_levels
from grid.rows import CARBON, NETWORK, TARIFF
from train.hindsight import CHARGES, HINDSIGHT
from train.setup import Setup
from train.sites import EPISODE_STEPS, EXTRAS, OBSERVED, TrainingSites

DISCOUNT = 0.995
COLUMNS = {name: OBSERVED + EXTRAS - len(HINDSIGHT) + k for k, name in enumerate(HINDSIGHT)}


def begun(setup: Setup, size: int) -> TrainingSites:
    """Sites of a setup whose critic foresees, all at the start of an episode, nothing sold."""
    sites = setup.sites(size, seed=4)
    sites._sale_share = 0.0
    for site in range(size):
        sites.restart(site)
    return sites


def look(sites: TrainingSites) -> np.ndarray:
    seen = np.zeros((sites.size, OBSERVED + EXTRAS), dtype=np.float32)
    sites.observe(seen)
    return seen


def foreseen(sites: TrainingSites) -> np.ndarray:
    """(B,): discounted earnings of the battery still to come."""
    seen = look(sites)
    return seen[:, COLUMNS["charge"]] + seen[:, COLUMNS["half_full"]]


def play(sites: TrainingSites, choose: object, choices: int = EPISODE_STEPS // 2) -> np.ndarray:
    """(B,): what the battery earns of an episode, or its first choices, discounted by choice."""
    earned = np.zeros(sites.size)
    for choice in range(choices):
        sites.hold(choose(sites, choice))  # type: ignore[operator]
        earned += DISCOUNT**choice * sites.reward[:, 1]
    return earned


def test_no_battery_earns_more_than_hindsight(small_setup: Setup) -> None:
    draws = np.random.default_rng(0)
    levels = code_levels(5)

    def at_random(sites: TrainingSites, choice: int) -> np.ndarray:
        actions = np.zeros((sites.size, 3), dtype=np.float32)
        actions[:, 1] = levels[draws.integers(0, 5, sites.size)]
        return actions

    sites = begun(small_setup, 32)
    most = foreseen(sites)
    assert (play(sites, at_random) < most).all()


def test_following_hindsight_earns_what_it_says(small_setup: Setup) -> None:
    """A day long: of five powers always the one after which most is to come. Close to the promise, and not above."""
    sites = begun(small_setup, 8)
    promised = foreseen(sites)

    def best(sites: TrainingSites, choice: int) -> np.ndarray:
        worth = np.full((sites.size, 5), -np.inf)
        for k, level in enumerate(code_levels(5)):
            worth[:, k] = tried(sites, float(level))
        actions = np.zeros((sites.size, 3), dtype=np.float32)
        actions[:, 1] = code_levels(5)[worth.argmax(axis=1)]
        return actions

    earned = play(sites, best, choices=48)
    promised -= DISCOUNT**48 * foreseen(sites)
    assert (earned <= promised + 0.002 * np.abs(promised)).all()
    assert earned.sum() > 0.98 * promised.sum()


def tried(sites: TrainingSites, level: float) -> np.ndarray:
    """Earnings of one choice of the battery and what is foreseen after it, on a copy."""
    kept = sites.get_state()
    actions = np.zeros((sites.size, 3), dtype=np.float32)
    actions[:, 1] = level
    sites.hold(actions)
    ended = sites.done.copy()
    worth = sites.reward[:, 1] + DISCOUNT * np.where(ended, 0.0, foreseen(sites))
    sites.set_state(kept)
    return worth


def test_waiting_work_is_worth_its_cheapest_hour(small_setup: Setup) -> None:
    """One kWh that may wait for 10 more steps, priced by hand."""
    sites = begun(small_setup, 4)
    sites.queue[:, 10] = 1.0
    got = look(sites)[:, COLUMNS["waiting"]]
    d, carbon = sites.data, sites.params["carbon_price_gbp_per_t"][0] / 1000.0
    price = d.values[:, TARIFF] + d.values[:, NETWORK] + carbon * d.values[:, CARBON]
    for i, at in enumerate(sites.first):
        end = at + EPISODE_STEPS
        gain = price[end : end + 96].mean() - price[at : at + 11].min()
        expected = gain * d.import_per_it[sites.world[i]] / 1000.0 / d.level[at]
        assert got[i] == pytest.approx(expected, rel=1e-4)


def test_work_to_arrive_runs_out_with_the_episode(small_setup: Setup) -> None:
    sites = begun(small_setup, 4)
    table = sites._foreseen[:, :, CHARGES]
    assert (np.diff(table, axis=1) <= 1e-6).mean() > 0.5
    assert (table[:, 0] > 0.0).all()
    assert (table[:, -1] == 0.0).all()


def test_a_restored_site_foresees_the_same(small_setup: Setup) -> None:
    sites, other = small_setup.sites(8, seed=1), small_setup.sites(8, seed=2)
    other.set_state(sites.get_state())
    np.testing.assert_array_equal(look(sites), look(other))


def test_a_critic_without_foresight_is_shown_none(small_setup: Setup) -> None:
    from dataclasses import replace

    seen = look(replace(small_setup, algorithm="ippo").sites(4, seed=1))
    assert not seen[:, COLUMNS["charge"] :].any()


def test_a_straight_line_reaches_the_value_unsquashed() -> None:
    critic = Critic(Normaliser.identity(3), heads=2, straight=True)
    assert critic.straight is not None
    before = critic(torch.ones(1, 3))
    with torch.no_grad():
        critic.straight.weight[1, 2] = 0.5
    torch.testing.assert_close(critic(torch.ones(1, 3)) - before, torch.tensor([[0.0, 0.5]]))
