"""Planes under the kernel's power: no trajectory of the kernel lies below them, and its heat stays in its range."""

from __future__ import annotations

import numpy as np
import pytest

from envs.batch import SiteBatch
from envs.case import Case
from envs.load_shift import full_work_kwh
from envs.params import site_params
from envs.state import initial_state
from evaluate.optimal.envelope import heat_store, pieces, roof
from evaluate.optimal.settled import settled_pieces
from grid.rows import UTILISATION, WET_BULB


@pytest.mark.parametrize("hold", [1, 8])
def test_no_random_run_lies_below_the_planes(short: Case, hold: int) -> None:
    p = short.params[0]
    heat = heat_store(short.params, short.state)
    values = short.rows.values[: short.rows.steps]
    planes = pieces(short.params, values[:, WET_BULB][:, None], heat)
    over = roof(short.params, values[:, WET_BULB][:, None], heat, 0.8 * values[:, UTILISATION])
    store_kwh_per_k = np.array([p["air_kj_per_k"], p["mass_kj_per_k"]]) * p["it_capacity_kw"] / 3600.0
    rng = np.random.default_rng(hold)
    batch = SiteBatch([short], site_case=[0] * 20)
    held = _held(batch, store_kwh_per_k)
    closest = np.inf
    for t in range(batch.steps):
        if t % hold == 0:
            actions = rng.uniform(-1.0, 1.0, (20, 3)).astype(np.float32)
            actions[:10, 2] = rng.choice([-1.0, 1.0], 10)  # the coldest and warmest set-points, the hardest swings
        out = batch.step(actions)
        load_kw = (out["it_kwh"] + out["loss_kwh"] + out["cooling_kwh"]) * 4.0
        work = out["executed_kwh"] / full_work_kwh(p)
        now = _held(batch, store_kwh_per_k)
        stored_kw = (now - held) * 4.0
        held = now
        floor = (planes.work_kw[t] * work[:, None] + planes.per_heat[t] * stored_kw[:, None] + planes.base_kw[t]).max(
            axis=1
        )
        most_kw = (over.work_kw[t] * work[:, None] + over.per_heat[t] * stored_kw[:, None] + over.base_kw[t]).min(
            axis=1
        )
        assert (load_kw >= floor).all()
        assert (load_kw <= most_kw).all()
        assert (now >= heat.low_kwh).all()
        assert (now <= heat.high_kwh).all()
        closest = min(closest, float((load_kw - floor).min()))
    assert closest < 5.0  # kW: the planes are near, not just below


def test_settled_planes_touch_the_least_power() -> None:
    params = site_params()
    wet_bulb = np.array([[2.0], [12.0], [20.0]])
    settled, moving = (
        pieces(params, wet_bulb, None),
        pieces(params, wet_bulb, heat_store(params, initial_state(params))),
    )
    at = 0.5
    one = (settled.work_kw * at + settled.base_kw).max(axis=1)
    other = (moving.work_kw * at + moving.base_kw).max(axis=1)
    assert (other <= one + 1e-9).all()  # room for heat can only lower a bound
    assert (one - other < 5.0).all()
    assert one[0] < one[2]  # a warm night needs the chiller


def test_planes_are_kept_by_wet_bulb() -> None:
    params, wet_bulb = site_params(), np.array([8.0, 8.1, -3.5, 8.0])
    kept, anew = settled_pieces(params, wet_bulb), pieces(params, np.array([8.0, 8.0, -3.5, 8.0])[:, None], None)
    np.testing.assert_array_equal(kept.work_kw, anew.work_kw)
    np.testing.assert_array_equal(kept.base_kw, anew.base_kw)
    other = settled_pieces(site_params(crah_fan_share=0.08), wet_bulb)
    assert not np.array_equal(kept.base_kw, other.base_kw)


def test_a_plant_too_small_for_the_heat_is_refused() -> None:
    params = site_params(chiller_capacity=0.3)
    with pytest.raises(ValueError, match="cooling capacity 300 kW"):
        heat_store(params, initial_state(params))


def _held(batch: SiteBatch, per_k: np.ndarray) -> np.ndarray:
    return per_k[0] * batch.state["air_degc"] + per_k[1] * batch.state["mass_degc"]
