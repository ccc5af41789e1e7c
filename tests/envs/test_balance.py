"""Conservation over random parameters, actions and bounds; a year of random actions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.batch import SiteBatch
from envs.case import Case
from envs.neutral import run_neutral
from envs.params import site_params
from envs.state import OUT

parameters = st.fixed_dictionaries(
    {},
    optional={
        "idle_share": st.floats(0.1, 0.6),
        "deferrable_share": st.floats(0.0, 0.6),
        "deadline_steps": st.integers(1, 96),
        "battery_kwh": st.floats(0.0, 3000.0),
        "battery_kw": st.floats(0.0, 2000.0),
        "charge_efficiency": st.floats(0.8, 1.0),
        "discharge_efficiency": st.floats(0.8, 1.0),
        "import_limit_kw": st.floats(500.0, 2000.0),
        "chiller_capacity": st.floats(0.1, 1.5),
        "coil_capacity": st.floats(0.5, 1.5),
        "mass_kj_per_k": st.floats(20.0, 500.0),
        "slew_k_per_step": st.floats(0.5, 10.0),
    },
)


def case_of(rows, params):
    before = run_neutral(params, rows.values[:96])
    return Case(rows, params, before.state, before.queue_kwh, np.zeros((60, 48)), np.zeros(0), 1.0)


def check_step(out, state_before, queue_before, state, queue, p):
    """Balances of one step, relative 1e-9 of what flows."""
    scale = out["arrived_kwh"] + queue_before + 1.0
    assert np.all(np.abs(out["arrived_kwh"] - out["executed_kwh"] - (out["queued_kwh"] - queue_before)) < 1e-9 * scale)
    ring = queue.sum(axis=1) + state["overdue_kwh"]
    assert np.all(np.abs(ring - state["queued_kwh"]) < 1e-9 * scale)
    parts = out["it_kwh"] + out["cooling_kwh"] + out["loss_kwh"] + out["battery_kwh"]
    assert np.all(np.abs(out["import_kwh"] - parts) < 1e-9 * np.abs(parts).clip(1.0))
    assert np.all(out["import_kwh"] > -1e-9)
    charged = np.maximum(out["battery_kwh"], 0.0) * p["charge_efficiency"]
    drawn = np.maximum(-out["battery_kwh"], 0.0) / p["discharge_efficiency"]
    assert np.all(np.abs(out["soc_kwh"] - state_before - charged + drawn) < 1e-9 * p["battery_kwh"].clip(1.0))
    assert np.all(out["soc_kwh"] >= p["soc_min"] * p["battery_kwh"] - 1e-9)
    assert np.all(out["soc_kwh"] <= p["soc_max"] * p["battery_kwh"] + 1e-9)
    assert np.all((out["inlet_degc"] > 5.0) & (out["inlet_degc"] < 55.0))
    charging = out["battery_kwh"] > 1e-9
    assert np.all(out["import_kwh"][charging] <= p["import_limit_kw"][charging] * 0.25 + 1e-9)


@given(overrides=parameters, seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_energy_work_and_charge_balance_for_any_site_and_any_actions(toy_rows_week, overrides, seed):
    params = site_params(**overrides)
    batch = SiteBatch([case_of(toy_rows_week, params)])
    rng = np.random.default_rng(seed)
    for t in range(batch.steps):
        queue, soc = batch.state["queued_kwh"].copy(), batch.state["soc_kwh"].copy()
        result = batch.step(rng.uniform(-1, 1, (1, 3)), batch.feasible() if t % 2 else None)
        out = {name: result[name] for name in OUT}
        check_step(out, soc, queue, batch.state, batch.queue, batch.params)
        if overrides.get("chiller_capacity", 1.2) > 1.1 and overrides.get("coil_capacity", 1.3) > 1.2:
            assert out["late_kwh"][0] == 0.0  # the plant keeps up, so capacity is always there in time


def test_a_year_of_random_actions(toy_case):
    case = toy_case(steps=35_040)
    batch = SiteBatch([case])
    rng = np.random.default_rng(3)
    totals = np.zeros(len(OUT))
    start_kwh, start_queue = batch.state["soc_kwh"][0], batch.state["queued_kwh"][0]
    extreme = rng.choice([-1.0, 1.0], (batch.steps, 1, 3)).astype(np.float32)
    for t in range(batch.steps):
        totals += batch.step(extreme[t], copy=False).outputs[0]
    total = dict(zip(OUT, totals, strict=True))
    assert total["executed_kwh"] + batch.state["queued_kwh"][0] == pytest.approx(
        total["arrived_kwh"] + start_queue, rel=1e-9
    )
    assert total["import_kwh"] == pytest.approx(
        total["it_kwh"] + total["cooling_kwh"] + total["loss_kwh"] + total["battery_kwh"], rel=1e-9
    )
    assert total["late_kwh"] == 0.0
    lost = total["battery_kwh"] - (batch.state["soc_kwh"][0] - start_kwh)
    assert 0.0 < lost < 0.2 * total["import_kwh"]


@pytest.mark.parametrize(
    ("agent", "meter"),
    [(0, "executed_kwh"), (1, "battery_kwh"), (2, "cooling_kwh")],
    ids=["load_shift", "battery", "cooling"],
)
def test_each_actuator_moves_its_own_meter(toy_case, agent, meter):
    def total(level):
        batch = SiteBatch([toy_case(seed=2)])
        actions = np.zeros((1, 3), dtype=np.float32)
        actions[0, agent] = level
        return sum(batch.step(actions)[meter][0] for _ in range(4))

    low, high = total(-1.0), total(0.8)
    assert abs(high - low) > 0.02 * max(abs(high), abs(low))
    if agent != 2:  # cooling turns with the weather, the other two have a direction
        assert high > low
