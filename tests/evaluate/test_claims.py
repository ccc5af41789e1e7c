"""Claims: shifted load against closed forms and brute force, verdicts against intervals, the data pack's own table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluate.claims_carbon import saved_g, shifted
from evaluate.claims_price import prices
from evaluate.claims_words import reading
from evaluate.statistics import Interval


def interval(low: float, middle: float, high: float) -> Interval:
    return Interval(middle, low, high, 0.0, 0.95, 1, 12)


def test_without_a_limit_work_goes_to_the_cleanest_hour_in_reach() -> None:
    g = np.array([100.0, 50.0, 200.0, 10.0, 300.0])
    assert saved_g(g, 2, 0.3).tolist() == pytest.approx([0.3 * 50, 0.3 * 40, 0.3 * 190, 0.0, 0.0])


def test_the_programme_finds_the_closed_form_where_power_does_not_bind() -> None:
    g = np.random.default_rng(1).uniform(50.0, 250.0, 200)
    free, loose = saved_g(g, 12, 0.3), saved_g(g, 12, 0.3, most_power=100.0)
    assert loose.sum() == pytest.approx(free.sum(), rel=1e-7)
    tight = saved_g(g, 12, 0.3, most_power=1.1)
    assert 0.0 < tight.sum() < free.sum()


def test_a_limit_that_leaves_no_room_saves_nothing() -> None:
    g = np.random.default_rng(2).uniform(50.0, 250.0, 50)
    assert saved_g(g, 24, 0.3, most_power=1.0).sum() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        ((0.16, 0.2, 0.3), "holds"),
        ((0.4, 0.5, 0.6), "above"),
        ((0.1, 0.14, 0.2), "within reach"),
        ((0.0, 0.05, 0.1), "below"),
    ],
)
def test_verdicts_follow_from_intervals(ends: tuple[float, float, float], word: str) -> None:
    assert reading(interval(*ends), 0.15, 0.35) == word


def test_tonnes_agree_with_the_data_pack(shared: Path) -> None:
    found = {
        (one.year, one.factor, one.delay_h, one.most_power): one.tonnes_a_year.estimate
        for one in shifted(shared / "data" / "train", 0.3, 300e6)
    }
    # DATA.md, "The claim"; its windows end with the year too, but are counted a little otherwise there.
    assert found[2023, "direct", 24, None] == pytest.approx(4250, rel=0.005)
    assert found[2023, "direct", 24, 1.3] == pytest.approx(2819, rel=0.005)
    assert found[2022, "lifecycle", 12, None] == pytest.approx(3863, rel=0.005)


def test_the_dearest_recorded_hour_is_the_published_one(shared: Path) -> None:
    by_year = {one.year: one for one in prices(shared / "data" / "train", 3000.0)}
    assert by_year[2022].highest == 2585.80
    assert by_year[2022].highest_at.startswith("2022-12-12T17")
    assert 2021 not in by_year  # filled prices are not recorded ones
