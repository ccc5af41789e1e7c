import numpy as np
import pandas as pd
import pytest

from grid.http import SourceError
from grid.sources import carbon_intensity_api as carbon
from grid.sources import elexon, live, open_meteo
from grid.sources.feeds import read


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def _carbon(time: pd.Timestamp) -> float:
    return 100 + 4 * time.hour + time.day


def test_a_long_range_is_split_into_fortnights_and_joined_without_a_seam(services, client):
    reading = read(client, carbon.intensity(None, services.base_urls["carbon_intensity"]), _utc("2023-03-01"),
                   _utc("2023-05-20 06:30"))  # fmt: skip
    assert len(services.asked) == 7
    assert len(reading.frame) == 80 * 48 + 13
    assert reading.frame[carbon.ACTUAL].tolist() == [_carbon(t) for t in reading.frame.index]
    assert not reading.problems
    assert "CC BY" in reading.feed.attribution


def test_what_is_settled_is_asked_for_once_and_the_present_again_after_five_minutes(services, client, clock):
    feed = carbon.intensity(None, services.base_urls["carbon_intensity"])
    for minutes in (0, 4, 2):
        clock.forward(minutes=minutes)
        read(client, feed, _utc("2023-05-01"), _utc("2023-05-22 12:00"))
    old, new = (sum(f"/intensity/2023-{day}" in path for path in services.asked) for day in ("04-27", "05-11"))
    assert (old, new) == (1, 2)


def test_periods_not_closed_have_no_actual_but_a_forecast(services, client):
    frame = read(client, carbon.intensity(None, services.base_urls["carbon_intensity"]), _utc("2023-05-22 11:00"),
                 _utc("2023-05-22 14:00")).frame  # fmt: skip
    assert frame[carbon.ACTUAL].isna().tolist() == [False, False, True, True, True, True]
    assert frame[carbon.FORECAST].notna().all()


def test_a_region_has_forecasts_alone_and_the_mix_adds_up(services, client):
    url, start, end = services.base_urls["carbon_intensity"], _utc("2023-05-20"), _utc("2023-05-21")
    region = read(client, carbon.intensity(carbon.LONDON_REGION, url), start, end).frame
    assert region[carbon.ACTUAL].isna().all()
    assert region[carbon.FORECAST].notna().all()
    assert any(path.endswith("/regionid/13") for path in services.asked)
    assert (read(client, carbon.mix(url), start, end).frame.sum(axis=1) == 100).all()


def test_system_prices_come_by_london_date_whatever_the_clock_does(services, client):
    services.now = _utc("2023-11-20")
    url = services.base_urls["elexon"]
    for day, periods in (("2023-03-26", 46), ("2023-10-29", 50)):
        start = pd.Timestamp(day).tz_localize("Europe/London").tz_convert("UTC")
        frame = read(client, elexon.system_price(url), start, start + periods * pd.Timedelta("30min")).frame
        assert frame[elexon.SYSTEM].tolist() == [70 + 3 * t.hour + t.minute / 30 for t in frame.index]
    assert [path[-10:] for path in services.asked] == ["2023-03-26", "2023-10-29"]


def test_no_trade_is_no_value_and_another_provider_is_not_ours(services, client):
    services.untraded = {_utc("2023-05-10 03:00")}
    index = read(client, elexon.market_index(services.base_urls["elexon"]), _utc("2023-05-10"), _utc("2023-05-11"))
    values = index.frame[elexon.INDEX]
    assert values.index[values.isna()].tolist() == [_utc("2023-05-10 03:00")]
    assert values.min() == 60.0


def test_wet_bulb_agrees_with_the_data_packs_own(train_folder):
    from pathlib import Path

    from grid.sources.file import read_hourly

    columns = {"temp_c": "dry_bulb_degc", "wet_bulb_c": "wet_bulb_degc", "rh_pct": "relative_humidity"}
    frame = read_hourly(Path(train_folder) / "london_weather.csv.gz", columns).iloc[:8760]
    wet = open_meteo.wet_bulb_degc(
        frame["dry_bulb_degc"].to_numpy(), frame["relative_humidity"].to_numpy() / 100, np.full(len(frame), 100980.0)
    )
    off = np.abs(wet - frame["wet_bulb_degc"].to_numpy())
    assert off.mean() < 0.03
    assert off.max() < 0.35  # frost: ice on the bulb here, water there


def test_wet_bulb_of_saturated_air_is_its_temperature_and_of_nothing_is_nothing():
    wet = open_meteo.wet_bulb_degc(np.array([20.0, 20.0, np.nan]), np.array([1.0, 0.5, 0.5]), np.full(3, 101325.0))
    assert wet[0] == 20.0
    assert wet[1] == pytest.approx(13.8, abs=0.1)  # psychrometric chart
    assert np.isnan(wet[2])


def _fetch(client, services, start: str, end: str, **options):
    return live.fetch(client, live.Place(base_urls=services.base_urls, **options), _utc(start), _utc(end))


def test_a_stretch_is_one_series_with_provenance_attribution_and_age(services, client, clock):
    services.untraded, services.unclosed = {_utc("2023-05-03 04:00")}, {_utc("2023-05-04 05:00")}
    found = _fetch(client, services, "2023-05-01", "2023-05-21")
    frame = found.series.frame
    assert len(frame) == 20 * 96
    at = frame.loc[_utc("2023-05-07 10:15")]
    assert at["carbon_gco2_per_kwh"] == 147
    assert (at["day_ahead_gbp_per_mwh"], at["system_gbp_per_mwh"]) == (90.0, 100.0)
    assert at["dry_bulb_degc"] == pytest.approx(10.125)
    assert frame.loc[_utc("2023-05-03 04:00"), "day_ahead_gbp_per_mwh"] == pytest.approx(72.0, abs=0.6)
    assert frame.loc[_utc("2023-05-04 05:15"), "carbon_gco2_per_kwh"] == 124 + 7  # the forecast stands in
    assert found.series.provenance == {
        "dry_bulb_degc": "real", "wet_bulb_degc": "real", "carbon_gco2_per_kwh": "filled",
        "day_ahead_gbp_per_mwh": "modelled", "system_gbp_per_mwh": "real",
    }  # fmt: skip
    day = found.series.between(_utc("2023-05-10"), _utc("2023-05-11"))
    assert day.provenance["carbon_gco2_per_kwh"] == "real"
    assert "Elexon" in found.attribution["system_gbp_per_mwh"]
    assert "Open-Meteo" in found.attribution["dry_bulb_degc"]
    assert set(found.heard_at) == set(frame.columns)
    assert (services.now - min(found.heard_at.values())) < pd.Timedelta("1s")


def test_weather_of_the_last_days_comes_from_the_forecast_service(services, client):
    frame = _fetch(client, services, "2023-05-10", "2023-05-22 12:00").series.frame
    assert frame["dry_bulb_degc"].loc[_utc("2023-05-21 08:00")] == 9.0
    assert any(path.startswith("/meteo") for path in services.asked)


def test_a_long_gap_is_an_error_with_its_first_time_and_the_sources_words(services, client):
    services.untraded = set(pd.date_range("2023-05-03 04:00", periods=5, freq="30min", tz="UTC"))
    with pytest.raises(ValueError, match=r"no day-ahead price .* from 2023-05-03 04:00 UTC on for more than 2 h"):
        _fetch(client, services, "2023-05-01", "2023-05-08")
    services.untraded.clear()
    services.fail("500", times=99, path="/carbon")
    with pytest.raises(SourceError, match=r"no carbon from 2023-03-01 00:00 .*the database is away"):
        _fetch(client, services, "2023-03-01", "2023-03-03")


def test_system_prices_with_a_hole_are_left_to_the_model_and_said(services, client):
    services.no_system_price = {_utc("2023-05-02 01:00")}
    found = _fetch(client, services, "2023-05-01", "2023-05-03")
    assert "system_gbp_per_mwh" not in found.series.frame
    assert any("none for 2023-05-02 01:00 UTC" in note for note in found.notes)


def test_a_region_is_called_modelled(services, client):
    found = _fetch(client, services, "2023-05-01", "2023-05-03", region=13)
    assert found.series.provenance["carbon_gco2_per_kwh"] == "modelled"


def test_tomorrow_cannot_be_fetched(services, client):
    with pytest.raises(ValueError, match="asked until 2023-05-23 00:00 UTC, it is 2023-05-22 12:10"):
        _fetch(client, services, "2023-05-01", "2023-05-23")


def test_a_stopped_fetch_goes_on_where_it_was(services, client):
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    place = live.Place(base_urls=services.base_urls)
    with pytest.raises(KeyboardInterrupt):
        live.fetch(client, place, _utc("2023-02-01"), _utc("2023-03-15"), stop)
    seen: list[tuple[int, int]] = []
    live.fetch(client, place, _utc("2023-02-01"), _utc("2023-03-15"), lambda *at: seen.append(at))
    assert seen[-1] == (len(seen), len(seen))
    assert len(services.asked) == len(set(services.asked)) == len(seen)


def test_down_in_mid_run_values_go_stale_with_their_age_then_leave_a_gap_then_recover(services, client, clock):
    place = live.Place(base_urls=services.base_urls)

    def look():
        table, readings = live.outlook(client, place, services.now)
        intensity = readings[0]
        return table["carbon_gco2_per_kwh"], intensity.stale.any(), intensity.age(services.now).max()

    values, stale, age = look()
    assert values.notna().all()
    assert (len(values), stale, age < pd.Timedelta("1s")) == (96, False, True)
    assert values.iloc[0] == _carbon(_utc("2023-05-22 12:30")) + 7

    services.stop()
    clock.forward(hours=2)
    values, stale, age = look()
    assert (stale, age) == (True, pd.Timedelta(hours=2))
    assert values.iloc[0] == _carbon(_utc("2023-05-22 14:30")) + 7
    assert values.isna().sum() == 4  # the old forecast ends two hours earlier

    clock.forward(hours=5)
    values, stale, age = look()
    assert values.isna().all()
    assert not stale
    assert age is pd.NaT

    services.start()
    values, stale, age = look()
    assert values.notna().all()
    assert (stale, age < pd.Timedelta("1s")) == (False, True)
