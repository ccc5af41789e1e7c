"""Training episodes keep the accounts' books: the same pounds, terminal terms included; each agent its own share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from envs.actions import code_levels
from envs.batch import SiteBatch
from envs.case import Case
from envs.feasible import reachable_codes
from evaluate.accounting import keep_books
from evaluate.rollout import rollout
from grid.market.rules import MarketRules
from grid.rows import BASELINE, EVENT_PRICE, SYSTEM, ExogenousRows
from llm_layer.orchestrator import Control
from train.kernel import TERMS, code_bits
from train.setup import Setup
from train.sites import EPISODE_STEPS, EXTRAS, OBSERVED, TrainingSites


class Replay:
    """Plays given actions, float32 (T, 3)."""

    name, layout, accepts_events = "replay", None, False

    def __init__(self, actions: np.ndarray) -> None:
        self._actions, self._at = actions, -1

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._at = -1

    def act(self, obs: object, bounds: np.ndarray, view: object) -> np.ndarray:
        self._at += 1
        return self._actions[self._at : self._at + 1]

    def offers(self, view: object) -> list:
        return []


class Unguarded:
    """Nobody above the agents: what they want, within the feasible range, as in training."""

    def __init__(self, policy: object, desk: object) -> None:
        pass

    def reset(self, batch: SiteBatch) -> None:
        self._size = batch.batch_size

    def bounds(self, view: object, batch: SiteBatch, feasible: np.ndarray) -> np.ndarray:
        return feasible

    def control(self, view: object, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control:
        return Control(feasible, feasible, feasible, feasible, np.zeros(self._size), (), ())

    def counters(self) -> dict[str, np.ndarray]:
        return {}

    def finish(self, batch: SiteBatch) -> None:
        pass


def as_case(sites: TrainingSites) -> Case:
    """The episode that site 0 is in, as the evaluator meets it."""
    at, world, d = int(sites.first[0]), int(sites.world[0]), sites.data
    values = d.values[at : at + EPISODE_STEPS + 96]
    rows = ExogenousRows(
        start_utc=pd.Timestamp("2022-03-01", tz="UTC"),
        steps=EPISODE_STEPS,
        values=values,
        forecast=np.zeros((len(values), 5, 96), dtype=np.float32),
        published_steps=np.ones(len(values), dtype=np.int64),
        trailing=np.ones((len(values), 5)),
    )
    return Case(
        rows=rows,
        params=sites.params[:1],
        state=sites.state[:1].copy(),
        queue_kwh=np.zeros(96),
        history_kwh=np.zeros((60, 48)),
        neutral_kwh=d.neutral[at : at + EPISODE_STEPS, 0],
        import_per_it=float(d.import_per_it[world]),
    )


@pytest.mark.parametrize("sale_share", [0.0, 1.0])
@pytest.mark.parametrize("stock_each_step", [False, True])
def test_episode_pounds_are_the_accounts_objective(
    setup_as: Callable[..., Setup], sale_share: float, stock_each_step: bool
) -> None:
    sites = setup_as(sale_share=sale_share, stock_each_step=stock_each_step).sites(2, seed=5)
    sites.restart(0)
    while sale_share and not sites.commitments[0].any():
        sites.restart(0)
    case, sold, level = as_case(sites), sites.commitments[0].copy(), sites.data.level[sites.first[0]]
    actions = np.random.default_rng(1).uniform(-1.0, 1.0, (EPISODE_STEPS, 2, 3)).astype(np.float32)
    team_gbp, own, closed = 0.0, 0.0, np.zeros(len(TERMS))
    for t in range(EPISODE_STEPS):
        ended = sites.step(actions[t])
        team_gbp += sites.team_gbp[0]
        own += sites.reward[0].sum() * level
        if sites.done[0]:
            closed = ended[0].copy()  # site 0 is first in the list

    batch = SiteBatch([case])
    reset = batch.reset

    def reset_with_sales() -> None:
        reset()
        batch.commitments_kw[0] = sold  # drawn, as in training; no desk made them

    batch.reset = reset_with_sales  # type: ignore[method-assign]
    run = rollout(batch, Replay(actions[:, 0]), MarketRules(), Unguarded, seeds=np.zeros(1, dtype=np.int64))
    books = keep_books(run).by_step
    objective_gbp = books["objective_gbp"].sum()
    assert team_gbp == pytest.approx(-objective_gbp, abs=1e-6)

    terms = dict(zip(TERMS, closed, strict=True))
    for name in ("energy_gbp", "wear_gbp", "flex_gbp", "penalty_gbp"):
        assert terms[name] == pytest.approx(books[name].sum(), abs=1e-6)
    expected = terms["neutral_gbp"] - objective_gbp - neutral_flex_gbp(case, sold)
    assert own == pytest.approx(expected, abs=1e-6), "the agents share the whole margin, and no more"


def neutral_flex_gbp(case: Case, sold_kw: np.ndarray) -> float:
    """What the drawn sales pay a site that does nothing about them: nobody's merit."""
    total = 0.0
    for period in np.flatnonzero(sold_kw):
        row, sold_kwh = case.rows.values[2 * period], 0.5 * sold_kw[period]
        metered_kwh = case.neutral_kwh[2 * period : 2 * period + 2].sum()
        deviation_kwh = 0.5 * row[BASELINE] - metered_kwh
        total += 0.8 * (sold_kwh * row[EVENT_PRICE] + (deviation_kwh - sold_kwh) * row[SYSTEM]) / 1000.0
    return total


def test_deferred_work_is_charged_when_it_runs(small_setup: Setup) -> None:
    """An agent that defers for ever gains nothing by it: its energy comes back at the deadline, or in the end terms."""
    sites = small_setup.sites(64, seed=2)
    for site in range(64):
        sites.restart(site)
    defer = np.zeros((64, 3), dtype=np.float32)
    defer[:, 0] = -1.0
    total = np.zeros((64, 3))
    for _ in range(EPISODE_STEPS):
        sites.step(defer)
        total += sites.reward
    # In MWh at the week's price: one day's work is put off, seven days' would be some 12 MWh.
    assert np.abs(total[:, 0]).mean() < 3.0
    assert np.abs(total[:, 1]).max() < 1e-9, "a battery at rest earns nothing, whatever the others do"


def test_observation_is_the_evaluators(small_setup: Setup) -> None:
    sites = small_setup.sites(8, seed=3)
    seen = np.zeros((8, OBSERVED + EXTRAS), dtype=np.float32)
    for _ in range(5):
        sites.step(np.random.default_rng(0).uniform(-1, 1, (8, 3)).astype(np.float32))
    sites.observe(seen)
    assert np.isfinite(seen).all()
    table = sites.data.table[sites.first + sites.state["step"]]
    np.testing.assert_array_equal(seen[:, 15 : 15 + table.shape[1]], table)


def test_codes_are_those_the_policy_may_choose(small_setup: Setup) -> None:
    draws = np.random.default_rng(0)
    pair = np.sort(draws.uniform(-1, 1, (200, 3, 2)).astype(np.float32), axis=2)
    pair[:50, :, 1] = pair[:50, :, 0]
    pair[50:80] = np.round(pair[50:80] * 2) / 2
    bits = np.zeros((200, 3), dtype=np.float32)
    counts = (5, 3, 21)
    code_bits(pair, np.array(counts), bits)
    for k, count in enumerate(counts):
        unpacked = (bits[:, k, None].astype(int) >> np.arange(count)) & 1 == 1
        np.testing.assert_array_equal(unpacked, reachable_codes(pair[:, k], code_levels(count)))
