"""Battery of the SustainDC profile: limits, rounding and energy, at points worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from envs.sustaindc import SustainDCBatch
from envs.sustaindc.battery import charge_hours, discharge_hours
from envs.sustaindc.constants import OUT

CHARGE, DISCHARGE, IDLE = range(3)


def run(batch: SustainDCBatch, codes: list[int]) -> dict[str, np.ndarray]:
    outputs = np.concatenate([batch.step(np.array([[1, 1, code]])).outputs for code in codes])
    return {name: outputs[:, k] for name, k in OUT.items()}


def test_rates_at_hand_worked_states() -> None:
    assert charge_hours(0.0) == 0.4967 * 0.25, "0.5 x (1 - sigmoid(-5)) = 0.49665, rounded to 4 decimals"
    assert charge_hours(0.5) == 0.25 * 0.25
    assert discharge_hours(0.25) == pytest.approx(4 * 0.5 * 0.25)
    assert discharge_hours(0.0) == 0.5 * 0.25, "the floor of one half"


def test_first_charge_of_an_empty_battery(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    capacity = float(batch._params["battery_mwh"][0])
    out = run(batch, [CHARGE])
    added = 0.1 * capacity * 0.4967 * 0.25
    assert out["added_kwh"][0] == pytest.approx(1000 * added, rel=1e-14)
    assert out["energy_after_mwh"][0] == round(added, 8)
    assert out["net_kwh"][0] == pytest.approx(out["load_kwh"][0] + 1000 * added, rel=1e-14)


def test_energy_is_kept_to_8_decimals_and_within_its_limits(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    capacity = float(batch._params["battery_mwh"][0])
    rng = np.random.default_rng(2)
    out = run(batch, [int(code) for code in np.repeat(rng.integers(0, 3, 60), 5)])
    stored = out["energy_after_mwh"]
    np.testing.assert_array_equal(stored, np.round(stored, 8))
    assert stored.min() >= 0.0
    assert stored.max() <= capacity
    assert out["added_kwh"].max() <= 12.42 * capacity, "about 0.0124 of capacity a step"
    assert (out["discharged_mwh"] <= out["load_kwh"] / 1e3 * out["discharge_hours"] + 1e-12).all()
    change = stored - out["energy_before_mwh"]
    np.testing.assert_allclose(change, out["added_kwh"] / 1e3, rtol=0, atol=5e-9)
    np.testing.assert_allclose(out["net_kwh"], out["load_kwh"] + out["added_kwh"], rtol=1e-12)


def test_idle_changes_nothing_and_carbon_is_that_of_the_step(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch()
    carbon = batch._values[batch._first_row[0] :, 3]
    out = run(batch, [CHARGE, IDLE])
    assert out["energy_after_mwh"][1] == out["energy_after_mwh"][0]
    assert out["net_kwh"][1] == out["load_kwh"][1]
    np.testing.assert_allclose(out["co2_g"], out["net_kwh"] * carbon[:2], rtol=1e-15)


def test_an_empty_battery_has_nothing_to_give(make_batch: Callable[..., SustainDCBatch]) -> None:
    out = run(make_batch(), [DISCHARGE])
    assert out["discharged_mwh"][0] == 0.0
    assert math.isclose(out["net_kwh"][0], out["load_kwh"][0])
