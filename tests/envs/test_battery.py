import numpy as np
import pytest

from envs.batch import SiteBatch
from grid.rows import UTILISATION

# start kWh, action, expected AC kW, expected kWh at the end of the step (1 MWh, 0.5 MW, 0.95 each way, 5-95 %)
TABLE = [
    (500.0, 0.0, 0.0, 500.0),
    (500.0, 1.0, 500.0, 618.75),
    (500.0, 0.5, 250.0, 559.375),
    (500.0, -1.0, -500.0, 500.0 - 125.0 / 0.95),
    (940.0, 1.0, 10.0 / 0.95 / 0.25, 950.0),  # room in the cells
    (60.0, -1.0, -10.0 * 0.95 / 0.25, 50.0),  # energy in the cells
]


@pytest.mark.parametrize(("soc_kwh", "action", "power_kw", "after_kwh"), TABLE)
def test_table(toy_case, soc_kwh, action, power_kw, after_kwh):
    case = toy_case()
    case.rows.values[:, UTILISATION] = 0.7  # load above 500 kW: no-export does not bind
    batch = SiteBatch([case])
    batch.state["soc_kwh"] = soc_kwh
    result = batch.step(np.array([[0, action, 0]], dtype=np.float32))
    assert result["battery_kwh"][0] == pytest.approx(power_kw * 0.25)
    assert result["soc_kwh"][0] == pytest.approx(after_kwh)
    assert result.executed[0, 1] == pytest.approx(power_kw / 500.0, rel=1e-6)
    assert bool(result.clipped[0, 1]) == (abs(power_kw / 500.0 - action) > 1e-6)


def test_discharge_never_exports(toy_case):
    batch = SiteBatch([toy_case(battery_kw=5000.0, battery_kwh=50000.0)])
    result = batch.step(np.array([[0, -1, 0]], dtype=np.float32))
    assert result["import_kwh"][0] == pytest.approx(0.0, abs=1e-9)


def test_charging_stops_at_the_import_limit(toy_case):
    batch = SiteBatch([toy_case(import_limit_kw=900.0)])
    result = batch.step(np.array([[0, 1, 0]], dtype=np.float32))
    assert result["import_kwh"][0] == pytest.approx(900.0 * 0.25)


def test_wear_is_paid_on_discharge_alone(toy_case):
    batch = SiteBatch([toy_case()])
    assert batch.step(np.array([[0, 1, 0]], dtype=np.float32))["wear_gbp"][0] == 0.0
    out = batch.step(np.array([[0, -0.4, 0]], dtype=np.float32))
    assert out["wear_gbp"][0] == pytest.approx(0.05 * 10.0)  # 50 kWh
