"""An override taken back: the replay is the recorded week, only what was taken back changes, from there on."""

from __future__ import annotations

import numpy as np
import pytest

from configs.load import load_config
from envs.batch import SiteBatch
from envs.state import AGENTS
from evaluate.block import Block, Job, run_block
from evaluate.cases import market_rules
from evaluate.counterfactual import Retold, effects, given_in
from evaluate.matrix import cases_of
from evaluate.rollout import Rollout, rollout
from evaluate.variants import Variant, make_policy
from evaluate.weeks import spread_weeks


@pytest.fixture(scope="module")
def job() -> Job:
    config = load_config(None, ["evaluate.weeks=2"])
    cases = cases_of(config, spread_weeks(2, config.evaluate.period), 0)
    return Job(config, Variant("threshold", "rules"), cases, 0)


@pytest.fixture(scope="module")
def block(job: Job) -> Block:
    return run_block(job)


def retold(job: Job, block: Block, position: int, without: list[int | None]) -> Rollout:
    given = given_in(block.orders, position)
    return rollout(
        SiteBatch([job.cases[position]], np.zeros(len(without), dtype=np.int64)),
        make_policy(job.variant, job.cases, 0),
        market_rules(job.config),
        lambda agents, desk: Retold(given, without, desk.accept),
        seeds=np.zeros(len(without), dtype=np.int64),
    )


def test_with_every_order_in_place_the_week_is_the_one_recorded(job: Job, block: Block) -> None:
    found, replayed = effects(job, block.orders, 1)
    recorded = block.rows.iloc[1]
    assert replayed == pytest.approx(recorded["objective_gbp"] + recorded["flex_phantom_gbp"], rel=1e-12)
    assert len(found) == recorded["overrides"]
    assert np.isfinite(found[["effect_gbp", "effect_kg", "effect_cost_gbp"]]).all(axis=None)


def test_nothing_changes_before_the_override_and_something_after(job: Job, block: Block) -> None:
    given = given_in(block.orders, 0)
    number = next(
        k for k, one in enumerate(given) if one.step > 96 and one.overrides and one.directive.battery != "follow"
    )
    run = retold(job, block, 0, [None, number])
    step, ours = given[number].step, run.executed
    assert (ours[:step, 0] == ours[:step, 1]).all()
    assert (ours[step:, 0] != ours[step:, 1]).any()


def test_what_was_sold_stays_sold(job: Job, block: Block) -> None:
    given = given_in(block.orders, 0)
    seller = next(k for k, one in enumerate(given) if one.directive.accept)
    run = retold(job, block, 0, [None, seller])
    assert run.commitments_kw[1].any()
    assert (run.commitments_kw[0] == run.commitments_kw[1]).all()


def test_effects_name_the_order_and_its_reason(job: Job, block: Block) -> None:
    found, _ = effects(job, block.orders, 0)
    assert (found[list(AGENTS)] != "follow").any(axis=1).all()
    assert found["reason_code"].ne("").all()
    assert (found["held_steps"] > 0).all()
