"""Blocks that are run in one batch are, bit for bit, those that are run alone."""

from __future__ import annotations

import pandas as pd
import pytest

from configs.load import load_config
from evaluate.block import Block, Job, run_block, run_jobs
from evaluate.cases import make_case
from evaluate.matrix import cases_of, cases_of_seeds
from evaluate.variants import Variant, groups_of
from evaluate.weeks import spread_weeks

SEEDS = (0, 1)
# The second week is an hour short: clocks change on its Sunday.
CONFIG = load_config(None, ["wandb.mode=disabled", "evaluate.period=[2023-03-13, 2023-03-20]", "evaluate.weeks=2"])
WEEKS = spread_weeks(2, CONFIG.evaluate.period)


def same(a: Block, b: Block) -> bool:
    """True; raises AssertionError with the first difference."""
    for one, other in ((a.rows, b.rows), (a.sales, b.sales), (a.orders, b.orders)):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    return True


@pytest.mark.parametrize("name", ["neutral", "neutral+trades", "threshold", "grid_aware", "carbon_aware+rules"])
def test_together_is_as_alone(name: str) -> None:
    variant = Variant.parse(name)
    cases = cases_of_seeds(CONFIG, WEEKS, SEEDS)
    jobs = [
        Job(CONFIG, variant, tuple(cases[seed][k] for k in group), seed)
        for seed in SEEDS
        for group in groups_of(variant, len(WEEKS))
    ]
    together = run_jobs(jobs, [None] * len(jobs))
    for job, block in zip(jobs, together, strict=True):
        assert same(block, run_block(job))


def test_rules_dealt_out_again_are_each_seeds_own() -> None:
    cases = cases_of_seeds(CONFIG, WEEKS[:1], SEEDS)
    jobs = [Job(CONFIG, Variant.parse("threshold+random"), cases[seed], seed) for seed in SEEDS]
    twins = [run_block(job.twin) for job in jobs if job.twin is not None]
    for job, twin, block in zip(jobs, twins, run_jobs(jobs, twins), strict=True):
        assert same(block, run_block(job, twin))


def test_a_week_made_for_several_seeds_is_each_seeds_own() -> None:
    (made,) = cases_of(CONFIG, WEEKS[:1], 1)
    together = cases_of_seeds(CONFIG, WEEKS[:1], SEEDS)
    alone = make_case(CONFIG.model_copy(update={"run": CONFIG.run.model_copy(update={"seed": 1})}), WEEKS[0], 7)
    assert made.keys == alone.keys == together[1][0].keys
    assert together[0][0].keys["data_hash"] != alone.keys["data_hash"]
    assert (together[1][0].rows.forecast == alone.rows.forecast).all()
