"""Amounts in words, in the unit of their kind."""

import pytest

from llm_layer.reader.amounts import UnclearAmount, amount


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("battery_reserve", "hold 80% until 8", 0.8),
        ("battery_reserve", "at least half the battery", 0.5),
        ("battery_reserve", "three quarters of it", 0.75),
        ("battery_reserve", "eighty per cent", 0.8),
        ("battery_reserve", "SoC 0.65 please", 0.65),
        ("carbon_cap", "0.35 tonnes from 06:00", 350.0),
        ("carbon_cap", "at most 1,250 kg of CO2", 1250.0),
        ("carbon_cap", "560kg CO2e", 560.0),
        ("price_warning", "above 400 pounds per MWh", 400.0),
        ("price_warning", "GBP 250/MWh or more", 250.0),
        ("price_warning", "£0.25/kWh", 250.0),
        ("price_warning", "12.5p/kWh", 125.0),
        ("maintenance_window", "stay under 0.45 MW", 450.0),
        ("maintenance_window", "limited to 500 kW from 22:00", 500.0),
        ("maintenance_window", "1.2 megawatts", 1200.0),
        ("maintenance_window", "no more than half a megawatt", 500.0),
        ("carbon_cap", "0.5 tCO2e", 500.0),
    ],
)
def test_amounts_are_converted(kind, text, value):
    assert amount(kind, text)[0] == pytest.approx(value)
    assert amount(kind, text)[1] in text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("battery_reserve", "keep some charge"), ("battery_reserve", "hold 180%"), ("maintenance_window", "until 20:00")],
)
def test_no_amount_is_guessed(kind, text):
    with pytest.raises(UnclearAmount):
        amount(kind, text)
