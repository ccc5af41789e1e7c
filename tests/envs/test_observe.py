import dataclasses

import numpy as np
import pytest

from envs.batch import SiteBatch
from envs.features import row_table
from envs.layouts import INFORMATION_SETS, RANK_HOURS, ROW_FEATURES, layout, limits
from grid.rows import CARBON, DAY_AHEAD, EVENT_KW, EVENT_PRICE, SYSTEM, TARIFF, UTILISATION, WET_BULB


def names(information):
    return [feature.name for feature in layout(information)]


def test_information_sets_grow_and_hold_their_signals():
    site, carbon, grid = (set(names(i)) for i in INFORMATION_SETS)
    assert site < carbon < grid
    assert {"soc", "set_point", "utilisation", "wet_bulb"} <= site
    assert not [n for n in carbon if n.startswith(("price", "system", "request", "sold"))]
    assert not [n for n in site if n.startswith("carbon")]
    assert len(names("grid_aware")) == len(grid)


def test_unknown_information_set_is_refused(toy_case):
    with pytest.raises(ValueError, match="carbon_aware"):
        SiteBatch([toy_case(96)]).observe("carbon")


@pytest.mark.parametrize("information", INFORMATION_SETS)
def test_observations_stay_in_their_declared_ranges(toy_case, information):
    batch = SiteBatch([toy_case(192), toy_case(192, seed=3)])
    batch.set_commitment(0, [3, 4], 200.0)
    low, high = limits(layout(information)).T
    rng = np.random.default_rng(0)
    while True:
        observed = batch.observe(information)
        assert set(observed) == {"load_shift", "battery", "cooling"}
        vector = observed["battery"]
        assert vector.dtype == np.float32
        assert vector.shape == (2, len(low))
        assert np.isfinite(vector).all()
        assert ((vector >= low) & (vector <= high)).all()
        if batch.done:
            break
        batch.step(rng.uniform(-1, 1, (2, 3)))


def test_numbers_mean_what_the_layout_says(toy_case):
    batch = SiteBatch([toy_case(96)])
    for action in (-1.0, -1.0, -1.0):
        batch.step(np.array([[action, 0.5, 0.4]]))
    batch.set_commitment(0, [1, 6], 250.0)
    seen = dict(zip(names("grid_aware"), batch.observe("grid_aware")["cooling"][0], strict=True))
    view = batch.view()
    assert seen["soc"] == pytest.approx(view.state["soc_kwh"][0] / 1000.0)
    assert seen["set_point"] == pytest.approx(0.4)
    assert seen["utilisation"] == pytest.approx(view.row[0, UTILISATION])
    assert seen["wet_bulb"] == pytest.approx((view.row[0, WET_BULB] - 10) / 10)
    of_4h = 4 * 650.0 * 0.2
    assert seen["due_in_80_96_steps"] == pytest.approx(view.queue_kwh[0, 80:].sum() / of_4h, rel=1e-5)
    assert seen["queued"] == pytest.approx(view.state["queued_kwh"][0] / (6 * of_4h), rel=1e-5)
    assert seen["time_to_end"] == pytest.approx(93 / 96)
    assert seen["sold_now"] == pytest.approx(0.25)
    assert seen["sold_next_4h"] == pytest.approx(0.25)
    assert seen["request_in"] == 2.0  # not published yet
    hourly = np.append(view.row[0, TARIFF], view.forecast[0, 1, 1:70:2] + 5)
    assert seen["price_rank_0h"] == pytest.approx((hourly < hourly[0]).sum() / 35 * 2 - 1, abs=1e-5)
    assert seen["price_above_min_24h"] > 0.0


def test_request_is_seen_once_published(toy_case):
    batch = SiteBatch([toy_case(96)])
    at = names("grid_aware").index("request_in")
    hours = []
    for _ in range(96):
        hours.append(batch.observe("grid_aware")["battery"][0, at])
        batch.step(np.zeros((1, 3)))
    assert hours[23] == 2.0
    assert hours[24] == pytest.approx(11 / 24)
    assert hours[70] == 0.0
    assert hours[72] == 2.0


def test_what_is_not_published_at_t_changes_no_observation_up_to_t(toy_case):
    """The leak test: everything after row 20 is changed, requests published later are dropped."""
    case = toy_case(96)
    rows, now = case.rows, 20
    values, forecast, trailing = rows.values.copy(), rows.forecast.copy(), rows.trailing.copy()
    values[now + 1 :, [UTILISATION, WET_BULB]] *= 0.5
    values[now + 1 :, [CARBON, DAY_AHEAD, SYSTEM, TARIFF]] += 100.0
    values[:, [EVENT_KW, EVENT_PRICE]] = 0.0
    forecast[now + 1 :] += 50.0
    trailing[now + 1 :] += 50.0
    other = dataclasses.replace(rows, values=values, forecast=forecast, trailing=trailing, events=())
    np.testing.assert_array_equal(row_table(other)[: now + 1], row_table(rows)[: now + 1])
    assert (row_table(other)[now + 1] != row_table(rows)[now + 1]).any()


def test_ranks_ignore_the_price_level(toy_case):
    case = toy_case(96)
    doubled = dataclasses.replace(case.rows, values=case.rows.values.copy(), forecast=case.rows.forecast * 2)
    doubled.values[:, [CARBON, DAY_AHEAD, TARIFF]] *= 2
    doubled.values[:, TARIFF] = doubled.values[:, DAY_AHEAD] + 5
    at = [k for k, f in enumerate(ROW_FEATURES) if "_rank_" in f.name]
    assert len(at) == 2 * len(RANK_HOURS)
    np.testing.assert_array_equal(row_table(doubled)[:, at], row_table(case.rows)[:, at])
