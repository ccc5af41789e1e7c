"""Set-point, racks, chiller, tower and sizing of the SustainDC profile, quirks included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from envs.sustaindc import SustainDCBatch, size_site
from envs.sustaindc.constants import OUT
from envs.sustaindc.kernel import rack_table
from envs.sustaindc.numpy_sums import sum_of_equals
from envs.sustaindc.plant import chiller_w, tower_fan_w, water_litres
from envs.sustaindc.site import servers_that_fit

COLDER, KEEP, WARMER = range(3)
RATING_W = 2307054.713329114


def setpoints(batch: SustainDCBatch, codes: list[int]) -> list[float]:
    return [float(batch.step(np.array([[1, code, 2]])).outputs[0, OUT["setpoint_degc"]]) for code in codes]


def test_repeated_raises_accelerate_and_lowering_does_not(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    assert setpoints(batch, [COLDER] * 5) == [17.0, 16.0, 15.0, 15.0, 15.0]
    assert setpoints(batch, [WARMER] * 5) == [16.0, 17.0, 18.0, 20.0, 21.6], "steps of 1, 1, 1, 2, then 3 cut at 21.6"
    assert setpoints(batch, [COLDER] * 3) == pytest.approx([20.6, 19.6, 18.6])


def test_holding_counts_as_repeating_but_moves_nothing(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    assert setpoints(batch, [KEEP] * 6 + [WARMER]) == [18.0] * 6 + [19.0]


def test_setpoint_survives_a_reset_and_its_acceleration_does_not(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    assert setpoints(batch, [COLDER] * 2 + [WARMER] * 3)[-1] == 19.0
    batch.reset()
    assert setpoints(batch, [WARMER]) == [20.0], "from where the episode ended, by one degree"


def test_chiller_power_at_hand_worked_points() -> None:
    """0.9 MW of heat: 422 kW at 0 degC, 300 kW at 35: falling with outdoor temperature, as recorded."""
    assert chiller_w(RATING_W, 0.9e6, 0.0) == pytest.approx(422e3, rel=1e-3)
    assert chiller_w(RATING_W, 0.9e6, 35.0) == pytest.approx(300.4e3, rel=1e-3)
    lift = 28.33  # at 35 degC: 0 - (6.67 - 35)
    ratio = 0.944836 - 0.0570088 * lift + 0.00185486 * lift**2
    assert ratio == pytest.approx(0.82, abs=0.005)
    full_load = chiller_w(RATING_W, 10 * RATING_W, 35.0)
    assert full_load == pytest.approx(1.00003 * (2.333 - 1.975 * ratio + 0.6121 * ratio**2) * ratio * RATING_W / 3)


def test_chiller_cycles_below_a_twentieth_of_its_capacity() -> None:
    available = RATING_W * chiller_capacity_ratio(20.0)
    twentieth = chiller_w(RATING_W, 0.05 * available, 20.0)
    assert chiller_w(RATING_W, 0.025 * available, 20.0) == pytest.approx(twentieth / 2)
    assert chiller_w(RATING_W, 0.0, 20.0) == 0.0


def chiller_capacity_ratio(dry_bulb_degc: float) -> float:
    lift = (dry_bulb_degc - 35.0) / 2.778 + 28.33
    return 0.944836 - 0.0570088 * lift + 0.00185486 * lift**2


def test_tower_fan_jumps_at_5_degc_and_saturates() -> None:
    p = size_site("wa").params.view(np.recarray)[0]
    assert tower_fan_w(p, 1e6, 4.999, 18.0) == 0.0
    assert tower_fan_w(p, 1e6, 5.0, 18.0) > 1000.0
    assert tower_fan_w(p, 1e8, 30.0, 18.0) == p.plant_rating_w


def test_water_follows_temperatures_not_heat() -> None:
    assert water_litres(33.0, 18.0, 10.0) == pytest.approx(250 * 1.01 * (0.44 + 0.3528 * 15 + 0.101), abs=1e-4)
    assert water_litres(18.0, 40.0, 0.0) == 0.0


@pytest.mark.parametrize("location", ["ny", "az"])
def test_the_coldest_setpoint_takes_least_it_power(location: str) -> None:
    site = size_site(location)
    it_w = [
        rack_table(site.params, site.kinds, site.kind_of_rack, t, 0.7)[:, 2:4].sum() for t in np.arange(15, 21.6, 0.6)
    ]
    assert (np.diff(it_w) > 0).all()


def test_racks_are_filled_to_their_share_of_capacity() -> None:
    assert [servers_that_fit(full_w, 25_000) for full_w in (110, 120, 130, 170)] == [200, 200, 192, 147]
    assert servers_that_fit(125, 25_000) == 199, "full power has to stay below the share"
    one, two = size_site("ny", 1.0), size_site("ny", 2.0)
    np.testing.assert_array_equal(one.kinds, two.kinds)
    assert size_site("ny", 0.5).params["plant_rating_w"] < one.params["plant_rating_w"]


def test_sizes_by_location() -> None:
    battery = {key: float(size_site(key).params["battery_mwh"][0]) for key in ("ny", "az", "wa")}
    assert battery == pytest.approx({"ny": 4.8312, "az": 4.6247, "wa": 4.8877}, rel=1e-4)
    flows = {key: float(size_site(key).params["tower_flow_m3s"][0]) for key in ("ny", "az", "wa")}
    assert flows == pytest.approx({"ny": 53.49, "az": 124.8, "wa": 41.6}, rel=1e-3)
    with pytest.raises(ValueError, match="london"):
        size_site("london")
    with pytest.raises(ValueError, match="capacity"):
        size_site("ny", 0.0001)


def test_sums_of_equal_servers_round_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    for n in range(1, 249):
        value = rng.uniform(10.0, 400.0)
        assert sum_of_equals(value, n) == np.full(n, value).sum()
