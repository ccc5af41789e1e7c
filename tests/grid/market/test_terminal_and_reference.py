import numpy as np
import pandas as pd

from grid.market.reference_price import reference_price_gbp_per_mwh
from grid.market.terminal import battery_import_kwh, terminal_gbp, terminal_kg, terminal_prices
from grid.rows import COLUMNS, ExogenousRows


def test_a_deficit_costs_more_than_the_same_surplus_saves():
    kwh = battery_import_kwh(500.0, np.array([310.0, 500.0, 690.0]), 0.95, 0.95)
    np.testing.assert_allclose(kwh, [200.0, 0.0, -180.5])


def test_money_and_carbon_value_the_same_energy():
    battery_kwh, queued_kwh = np.array([200.0, -100.0]), np.array([50.0, 0.0])
    np.testing.assert_allclose(terminal_gbp(battery_kwh, 90.0, queued_kwh, 120.0), [24.0, -9.0])
    np.testing.assert_allclose(terminal_kg(battery_kwh, 150.0, queued_kwh, 200.0), [40.0, -15.0])


def test_the_queue_pays_network_charges_and_the_battery_only_the_tariff():
    steps = 4
    values = np.zeros((steps + 96, len(COLUMNS)))
    for name, week, after in (
        ("tariff_gbp_per_mwh", 80.0, 100.0),
        ("network_gbp_per_mwh", 7.0, 10.0),
        ("carbon_gco2_per_kwh", 120.0, 200.0),
    ):
        values[:steps, COLUMNS.index(name)], values[steps:, COLUMNS.index(name)] = week, after
    start = pd.Timestamp("2023-11-13T00:00Z")
    rows = ExogenousRows(start, steps, values, np.zeros((steps, 5, 96)), np.zeros(steps), np.zeros((steps, 5)))
    assert terminal_prices(rows) == (80.0, 110.0, 120.0, 200.0)


def day_ahead(first: str, last: str, value: float = 100.0) -> pd.Series:
    index = pd.date_range(first, last, freq="1h", tz="Europe/London", inclusive="left").tz_convert("UTC")
    return pd.Series(value, index=index)


def test_sourced_quarters_are_quoted_and_called_real():
    price, provenance = reference_price_gbp_per_mwh(pd.DatetimeIndex(["2026-02-01T00:00Z", "2026-03-31T22:45Z"]))
    assert (price.tolist(), provenance) == ([87.21, 87.21], "real")
    price, provenance = reference_price_gbp_per_mwh(pd.DatetimeIndex(["2026-08-01T00:00Z", "2026-10-01T00:00Z"]))
    assert (price.tolist(), provenance) == ([98.53, 90.0], "modelled")


def test_a_quarter_takes_the_mean_of_the_previous_full_one_from_london_midnight_on():
    prices = day_ahead("2023-01-01", "2023-07-10", 100.0)
    prices[prices.index >= "2023-03-31T23:00Z"] = 80.0
    times = pd.DatetimeIndex(["2023-03-31T22:45Z", "2023-03-31T23:00Z", "2023-07-01T00:00Z", "2023-10-01T00:00Z"])
    price, provenance = reference_price_gbp_per_mwh(times, prices)
    assert price.tolist() == [90.0, 100.0, 80.0, 80.0]  # Q3 is not covered in full, so Q4 still reads Q2
    assert provenance == "modelled"


def test_a_quarter_with_filled_prices_is_not_used_but_one_lone_hour_is_no_harm():
    prices = day_ahead("2022-07-01", "2023-01-01", 200.0)
    filled = np.zeros(len(prices), dtype=bool)
    january = pd.DatetimeIndex(["2023-01-15T00:00Z"])
    filled[-100] = True
    assert reference_price_gbp_per_mwh(january, prices, filled)[0].tolist() == [200.0]
    filled[-1000:] = True
    assert reference_price_gbp_per_mwh(january, prices, filled)[0].tolist() == [200.0]  # from Q3 instead
    filled[:1000] = True
    assert reference_price_gbp_per_mwh(january, prices, filled)[0].tolist() == [90.0]


def test_a_hole_or_a_series_too_short_falls_back():
    january = pd.DatetimeIndex(["2023-01-15T00:00Z"])
    holed = day_ahead("2022-10-01", "2023-01-01", 200.0).drop(pd.Timestamp("2022-11-05T12:00Z"))
    assert reference_price_gbp_per_mwh(january, holed)[0].tolist() == [90.0]
    assert reference_price_gbp_per_mwh(january, holed.iloc[:1])[0].tolist() == [90.0]
