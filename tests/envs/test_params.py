import numpy as np
import pytest

from envs.params import PARAMETERS, neutral_actions, site_params, validate


def test_every_parameter_has_unit_source_and_a_default_inside_its_bounds():
    for parameter in PARAMETERS:
        assert parameter.unit
        assert parameter.source
        assert parameter.low <= parameter.default <= parameter.high, parameter.name


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"battery_kwhh": 1.0}, "battery_kwh"),
        ({"idle_share": float("nan")}, "idle_share"),
        ({"charge_efficiency": 1.2}, r"\[0.5, 1\]"),
        ({"soc_min": 0.6}, "soc_start"),
        ({"throttle_degc": 45.0}, "shutdown_degc"),
        ({"supply_max_degc": 35.0, "recirculation_k": 10.0}, "no server could run"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(overrides, said):
    with pytest.raises(ValueError, match=said):
        site_params(**overrides)


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="uk_default"):
        site_params("us_default")


def test_one_bad_site_in_a_batch_is_found():
    records = np.concatenate([site_params()] * 3)
    records["deadline_steps"][2] = 97
    with pytest.raises(ValueError, match="deadline_steps: 97"):
        validate(records)


def test_neutral_action_is_the_neutral_supply_temperature():
    np.testing.assert_allclose(neutral_actions(site_params()), [[0, 0, 0]])
    np.testing.assert_allclose(neutral_actions(site_params(supply_neutral_degc=23.5))[0, 2], 0.5)
