"""Work as jobs: a pure function of seed and time, no week like another, classes that add up."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from grid.jobs import CEILING, CLASSES, FLOOR, jobs, site_shares, utilisation_by_class
from grid.workload import load_workload

START, END = pd.Timestamp("2023-01-02", tz="UTC"), pd.Timestamp("2023-07-03", tz="UTC")
WEEK = 672


@pytest.fixture(scope="module")
def half_a_year():
    return utilisation_by_class(START, END, 3)


def test_a_stretch_is_the_same_within_any_longer_one(half_a_year):
    first, last = START + pd.Timedelta("51D4h15min"), START + pd.Timedelta("63D")
    pd.testing.assert_frame_equal(
        utilisation_by_class(first, last, 3), half_a_year.loc[first : last - pd.Timedelta("15min")], atol=1e-9
    )
    assert not np.allclose(utilisation_by_class(first, last, 4), utilisation_by_class(first, last, 3))


def test_no_week_repeats_another(half_a_year):
    weeks = half_a_year.sum(axis=1).to_numpy()[: 24 * WEEK].reshape(24, WEEK)
    apart = [np.abs(a - b).mean() for k, a in enumerate(weeks) for b in weeks[:k]]
    assert min(apart) > 0.03


def test_each_class_asks_for_its_share_and_its_own_hours(half_a_year):
    hour = half_a_year.index.tz_convert("Europe/London").hour
    for c in CLASSES:
        asked = half_a_year[c.name]
        assert asked.mean() == pytest.approx(c.share, rel=0.05)
        peak, low = int(c.peak_hour) % 24, int(c.peak_hour + 12) % 24
        assert asked[hour == peak].mean() > asked[hour == low].mean()


def test_jobs_add_up_to_what_their_class_asks_for():
    table = jobs(START, START + pd.Timedelta("14D"), 3)
    assert table["arrival_utc"].is_monotonic_increasing
    np.testing.assert_allclose(table["work"], table["width"] * table["run_steps"])
    waits = (table["deadline_utc"] - table["arrival_utc"]) / pd.Timedelta("15min")
    assert {name: set(waits[table["class"] == name]) for name in waits.groupby(table["class"]).groups} == {
        c.name: {float(c.deadline_steps)} for c in CLASSES
    }
    asked = utilisation_by_class(START, START + pd.Timedelta("21D"), 3)
    second = table[table["arrival_utc"] >= START + pd.Timedelta("7D")]
    mid = asked.loc[START + pd.Timedelta("7D") : START + pd.Timedelta("14D")]
    for c in CLASSES:  # to within what runs on at either end of the week
        assert mid[c.name].sum() == pytest.approx(second.loc[second["class"] == c.name, "work"].sum(), rel=0.1)


def test_the_workload_is_the_sum_and_never_beyond_the_ceiling(half_a_year):
    series = load_workload("jobs", None, START, END, 3).frame["utilisation"]
    assert series.between(FLOOR, CEILING).all()
    np.testing.assert_allclose(series.loc[half_a_year.index], FLOOR + half_a_year.sum(axis=1))
    crowded = tuple(dataclasses.replace(c, share=4 * c.share) for c in CLASSES)
    cut = utilisation_by_class(START, START + pd.Timedelta("7D"), 3, crowded).sum(axis=1)
    assert cut.max() == pytest.approx(CEILING - FLOOR)


def test_the_example_configuration_has_the_shares_of_the_classes():
    site, shares = load_config("configs/jobs.yaml", []).site, site_shares()
    assert site.deferrable_share == pytest.approx(shares["deferrable_share"])
    assert site.short_share == pytest.approx(shares["short_share"])
    assert site.deadline_steps == shares["deadline_steps"]
    assert site.short_deadline_steps == shares["short_deadline_steps"]
    with pytest.raises(ValueError, match="4 that may wait"):
        site_shares((*CLASSES[1:], *CLASSES[1:]))
