import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from envs.batch import SiteBatch
from envs.cooling import free_share, plant_power_kw
from envs.params import site_params
from envs.shutdown import hottest_degc
from grid.rows import UTILISATION, WET_BULB


@njit
def _plant(params, heat_kw, supply_degc, wet_bulb_degc):
    p = params[0]
    return plant_power_kw(p, heat_kw, supply_degc, wet_bulb_degc, free_share(p, supply_degc, wet_bulb_degc))


@given(
    heat=st.floats(0, 1300),
    supply=st.floats(10, 30),
    warmer=st.floats(0, 10),
    wet_bulb=st.floats(-15, 28),
    hotter=st.floats(0, 10),
)
@settings(max_examples=200, deadline=None)
def test_warmer_supply_never_costs_the_plant_more_and_hotter_weather_never_less(heat, supply, warmer, wet_bulb, hotter):
    params = site_params()
    now = _plant(params, heat, supply, wet_bulb)
    assert _plant(params, heat, supply + warmer, wet_bulb) <= now + 1e-9
    assert _plant(params, heat, supply, wet_bulb + hotter) >= now - 1e-9


def steady(case, action, utilisation, wet_bulb, steps=60):
    """Import kWh of the last step at a constant set-point."""
    case.rows.values[:, UTILISATION], case.rows.values[:, WET_BULB] = utilisation, wet_bulb
    batch = SiteBatch([case])
    for _ in range(steps):
        result = batch.step(np.array([[0, 0, action]], dtype=np.float32))
    return result


def test_set_point_moves_at_most_5_k_a_step(toy_case):
    batch = SiteBatch([toy_case()])
    warm = np.array([[0, 0, 1]], dtype=np.float32)
    cold = -warm
    supplies = [batch.step(a)["supply_degc"][0] for a in (warm, cold, cold, warm)]
    assert supplies == pytest.approx([26, 21, 16, 21])


@pytest.mark.parametrize(("wet_bulb", "low", "high"), [(5.0, 1.05, 1.12), (20.0, 1.12, 1.25)])
def test_pue_is_that_of_a_free_cooled_site(toy_case, wet_bulb, low, high):
    out = steady(toy_case(), 0.0, 0.5, wet_bulb)
    assert low < out["import_kwh"][0] / out["it_kwh"][0] < high


def test_no_set_point_is_best_in_all_weathers(toy_case):
    levels = np.linspace(-1, 1, 21)
    best = {w: levels[np.argmin([steady(toy_case(), a, 0.5, w)["import_kwh"][0] for a in levels])] for w in (2.0, 14.0)}
    assert best[14.0] - best[2.0] >= 0.4  # 2 K


def test_precooling_cuts_the_cooling_meter_of_a_summer_hour(toy_case):
    """An hour at -2 K, then back to neutral: the mass takes heat that the plant need not remove. It costs energy."""
    case = toy_case()
    case.rows.values[:, UTILISATION], case.rows.values[:, WET_BULB] = 0.5, 19.0

    def hours(before):
        """Cooling kWh of the hour before the event and of the event."""
        batch = SiteBatch([case])
        supplies = [0.0] * 40 + [before] * 4 + [0.0] * 4
        used = [batch.step(np.array([[0, 0, a]], dtype=np.float32))["cooling_kwh"][0] for a in supplies]
        return sum(used[40:44]), sum(used[44:])

    before, during = hours(-0.4)
    neutral_before, neutral_during = hours(0.0)
    assert during < 0.97 * neutral_during
    assert before - neutral_before > neutral_during - during


@pytest.mark.parametrize("chiller", [0.0, 0.1, 0.3])
def test_a_failed_plant_stops_servers_before_the_room_runs_away(toy_case, chiller):
    case = toy_case(chiller_capacity=chiller)
    case.rows.values[:, UTILISATION], case.rows.values[:, WET_BULB] = 0.9, 24.0
    batch = SiteBatch([case])
    inlets = [batch.step(np.zeros((1, 3), "f4"))["inlet_degc"][0] for _ in range(300)]
    assert 27.0 < max(inlets) <= 45.0 + 1e-6
    assert batch.state["overdue_kwh"][0] > 0.0


def test_a_plant_lost_under_a_hot_room_lets_air_mix_and_no_more(toy_case):
    case = toy_case(chiller_capacity=0.6, air_kj_per_k=8.0)
    case.rows.values[:, UTILISATION], case.rows.values[:, WET_BULB] = 1.0, 24.0
    batch = SiteBatch([case])
    hottest = hottest_degc(batch.params)[0]
    for t in range(300):
        if t == 100:  # not a chiller turns any more
            batch.params["chiller_capacity"] = 0.0
        out = batch.step(np.zeros((1, 3), "f4"))
        assert out["inlet_degc"][0] <= hottest
        assert out["inlet_degc"][0] <= 45.0 + 1e-6 or out["it_kwh"][0] == 0.0
    assert batch.state["inlet_degc"][0] < 46.0  # at rest: nothing heats a room without servers and fans
    assert 50.0 < hottest < 65.0


def test_overheating_is_counted_in_minutes(toy_case):
    case = toy_case(chiller_capacity=0.3)
    case.rows.values[:, UTILISATION], case.rows.values[:, WET_BULB] = 0.9, 24.0
    batch = SiteBatch([case])
    for _ in range(4):
        out = batch.step(np.zeros((1, 3), "f4"))
    assert out["overheat_minutes"][0] == 15.0
    assert out["penalty_gbp"][0] == pytest.approx(75.0 + out["late_kwh"][0])
