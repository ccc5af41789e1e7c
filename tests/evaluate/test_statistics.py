"""Intervals that can be trusted: against SciPy, against theory, and the same twice."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate import statistics as stats


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_one_seed_agrees_with_scipy_percentile_bootstrap() -> None:
    weeks = rng(1).normal(1.0, 2.0, 40)
    ours = stats.paired_difference(weeks[None], np.zeros((1, 40)), rng=rng(2), resamples=40_000)
    theirs = scipy.stats.bootstrap((weeks,), np.mean, method="percentile", n_resamples=40_000, rng=rng(3))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.02 * width)


def test_seeds_alone_agree_with_scipy_where_weeks_do_not_differ() -> None:
    seeds = rng(11).normal(1.0, 2.0, 30)
    ours = stats.paired_difference(np.tile(seeds[:, None], (1, 12)), np.zeros((30, 12)), rng=rng(2), resamples=40_000)
    theirs = scipy.stats.bootstrap((seeds,), np.mean, method="percentile", n_resamples=40_000, rng=rng(3))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.02 * width)


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    a, b = rng(4).normal(size=(2, 5, 8))
    first, again, other = (stats.paired_difference(a, b, rng=rng(s)) for s in (7, 7, 8))
    assert first == again
    assert first != other


def test_pairing_removes_what_weeks_have_in_common() -> None:
    week_level = rng(5).normal(0.0, 100.0, 20)
    a = week_level + rng(6).normal(0.0, 1.0, (5, 20)) - 2.0
    b = week_level + rng(7).normal(0.0, 1.0, (5, 20))
    result = stats.paired_difference(a, b, rng=rng(8))
    assert result.excludes_zero
    assert result.high < 0.0
    assert result.high - result.low < 3.0


def test_interval_widens_with_the_variance_of_seeds_although_weeks_agree() -> None:
    seed_effect = rng(9).normal(0.0, 1.0, (5, 1))
    narrow = stats.paired_difference(np.full((5, 30), 0.1), np.zeros((5, 30)), rng=rng(1))
    wide = stats.paired_difference(seed_effect + np.zeros((5, 30)), np.zeros((5, 30)), rng=rng(1))
    assert narrow.high - narrow.low < 1e-12
    assert wide.high - wide.low > 0.5


def test_share_is_a_ratio_of_sums_not_a_mean_of_ratios() -> None:
    neutral = np.array([[100.0, 1000.0]])
    bound = np.array([[90.0, 900.0]])
    variant = np.array([[100.0, 950.0]])  # 0 % of a small week, 50 % of a large one
    share = stats.share_of_saving(variant, neutral, bound, rng=rng())
    assert share.estimate == pytest.approx(50.0 / 110.0)


def test_probability_of_improvement_counts_ties_as_half() -> None:
    a = np.array([[1.0, 2.0, 3.0, 4.0]])
    b = np.array([[2.0, 2.0, 3.0, 1.0]])
    assert stats.probability_of_improvement(a, b, rng=rng()).estimate == pytest.approx((1 + 0.5 + 0.5 + 0) / 4)


@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=60))
@settings(max_examples=60, deadline=None)
def test_iqm_lies_between_the_quartiles_and_ignores_the_tails(values: list[float]) -> None:
    mean = stats.interquartile_mean(np.array(values))
    assert min(values) - 1e-6 <= mean <= max(values) + 1e-6
    quarter = len(values) // 4
    stretched = np.sort(values)
    if quarter:
        stretched[-quarter:] += 1e6
        assert stats.interquartile_mean(stretched) == pytest.approx(mean, rel=1e-9, abs=1e-6)


def test_iqm_of_a_multiple_of_four_is_the_mean_of_the_middle_half() -> None:
    assert stats.interquartile_mean(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 700.0])) == pytest.approx(3.5)


def test_holm_matches_a_worked_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_performance_profile_falls_from_one_to_zero() -> None:
    profile = stats.performance_profile(np.array([[0.1, 0.5], [0.7, 0.9]]), np.array([0.0, 0.5, 0.8, 1.0]))
    assert profile.tolist() == [1.0, 0.75, 0.25, 0.0]


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "3 weeks against 4"),
        (np.zeros((2, 3)), np.zeros((3, 3)), "2 seeds against 3"),
        (np.array([[1.0, np.nan]]), np.zeros((1, 2)), "seed 0, week 1"),
        (np.zeros((3, 1)), np.zeros((3, 1)), "at least 2"),
    ],
)
def test_unpaired_or_broken_tables_are_refused(a: np.ndarray, b: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stats.paired_difference(a, b, rng=rng())
