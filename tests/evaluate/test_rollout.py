"""Who moved what, what stays idle, and the neutral twin: on a small synthetic week, no files needed."""

from datetime import date

import numpy as np
import pytest

from agents import factory
from configs.load import load_config
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from envs.state import OUT
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.rollout import CAUSES, Rollout, neutral_rollout, rollout
from llm_layer.orchestrator import Orchestrator
from llm_layer.random_policy import RandomPolicy, Recorder
from llm_layer.rules import RulesPolicy

SEEDS = np.zeros(1, dtype=np.int64)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(None, ["run.days=4"])


@pytest.fixture(scope="module")
def case(config: Config) -> Case:
    return make_case(config)


def _alone(config: Config, case: Case, name: str) -> Rollout:
    return rollout(SiteBatch([case]), factory.make(name, case), market_rules(config), Alone, seeds=SEEDS)


def _supervised(config: Config, case: Case, name: str, supervisor: object) -> Rollout:
    return rollout(
        SiteBatch([case]),
        factory.make(name, case),
        market_rules(config),
        lambda agents, desk: Orchestrator(supervisor, accept=desk.accept),
        seeds=SEEDS,
    )


def test_neutral_by_the_kernel_alone_is_neutral_through_the_loop(config: Config, case: Case) -> None:
    slow, fast = _alone(config, case, "neutral"), neutral_rollout(SiteBatch([case]))
    np.testing.assert_array_equal(slow.outputs, fast.outputs)
    assert keep_books(slow).totals(0) == keep_books(fast).totals(0)


def test_idle_traders_earn_only_their_baselines_error(config: Config, case: Case) -> None:
    idle, traded = neutral_rollout(SiteBatch([case])), _alone(config, case, "neutral+trades")
    np.testing.assert_array_equal(idle.outputs[:, :, 0], traded.outputs[:, :, 0])
    books = keep_books(traded).totals(0)
    # Real money can only be lost by an idle site: it delivers nothing.
    assert books["flex_real_gbp"] <= 1e-9
    assert books["net_gbp"] == pytest.approx(keep_books(idle).totals(0)["net_gbp"] - books["flex_gbp"])


def test_kernel_flex_is_the_books_flex(config: Config, case: Case) -> None:
    run = _alone(config, case, "threshold")
    assert run.outputs[:, 0, OUT["flex_gbp"]].sum() == pytest.approx(keep_books(run).totals(0)["flex_gbp"], rel=1e-9)


def test_every_moved_action_has_a_cause_and_no_other_has_one(config: Config, case: Case) -> None:
    run = _supervised(config, case, "carbon_threshold", RulesPolicy())
    moved = np.abs(run.executed - run.raw) > 1e-6
    np.testing.assert_array_equal(run.causes > 0, moved)
    assert (run.causes == CAUSES.index("supervisor")).any()
    assert run.counters["bound_steps"][0] == (run.causes == CAUSES.index("supervisor")).any(axis=2).sum()


def test_random_is_matched_to_the_rules(config: Config, case: Case) -> None:
    recorder = Recorder(RulesPolicy())
    rules = _supervised(config, case, "carbon_threshold", recorder)
    dealt = _supervised(config, case, "carbon_threshold", RandomPolicy(recorder.directives, seed=1))
    rate = rules.counters["overrides"][0] / rules.counters["decisions"][0]
    assert dealt.counters["overrides"][0] / dealt.counters["decisions"][0] == pytest.approx(rate, abs=0.05)
    again = _supervised(config, case, "carbon_threshold", RandomPolicy(recorder.directives, seed=1))
    np.testing.assert_array_equal(dealt.executed, again.executed)
    other = _supervised(config, case, "carbon_threshold", RandomPolicy(recorder.directives, seed=2))
    assert (dealt.executed != other.executed).any()


def test_a_stopped_run_is_booked_up_to_its_last_whole_period(config: Config, case: Case) -> None:
    run = rollout(
        SiteBatch([case]),
        factory.make("threshold", case),
        market_rules(config),
        Alone,
        seeds=SEEDS,
        before_step=lambda step: step < 101,
    )
    assert run.steps == 102
    assert keep_books(run).by_step["terminal_gbp"][-1, 0] != 0.0


def test_two_weeks_in_one_batch_are_the_two_weeks_alone(config: Config) -> None:
    weeks = [make_case(config, start, 2) for start in (date(2023, 11, 13), date(2023, 6, 5))]
    together = rollout(
        SiteBatch(weeks), factory.make("threshold", weeks[0]), market_rules(config), Alone, seeds=np.arange(2)
    )
    for site, week in enumerate(weeks):
        single = rollout(SiteBatch([week]), factory.make("threshold", week), market_rules(config), Alone, seeds=SEEDS)
        np.testing.assert_array_equal(together.outputs[:, site], single.outputs[:, 0])
