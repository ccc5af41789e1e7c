import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grid.calendar import london_midnight_utc
from grid.series import DataRangeError, GridDataError
from grid.sources import file, load_signals
from grid.workload import load_workload


def _load(folder: str, start: date, end: date):
    return load_signals("file", folder, london_midnight_utc(start), london_midnight_utc(end), 0)


def test_a_week_has_its_history_its_tail_and_the_values_of_the_files(train_folder):
    series = _load(train_folder, date(2023, 11, 13), date(2023, 11, 20))
    assert series.start_utc <= london_midnight_utc(date(2023, 9, 14))
    assert series.end_utc >= pd.Timestamp("2023-11-21", tz="UTC")
    assert set(series.provenance.values()) == {"real", "filled"}  # the lone hour of the clock change is interpolated
    weeks = series.between(pd.Timestamp("2023-11-13", tz="UTC"), pd.Timestamp("2023-11-20", tz="UTC"))
    assert set(weeks.provenance.values()) == {"real"}
    raw = pd.read_csv(Path(train_folder) / "gb_carbon_intensity.csv.gz", index_col=0, parse_dates=True)
    expected = np.repeat(raw.loc[weeks.frame.index[::4], "ci_direct_g_per_kwh"].to_numpy(), 4)
    assert np.array_equal(weeks.frame["carbon_gco2_per_kwh"].to_numpy(), expected)
    assert (weeks.frame["wet_bulb_degc"] <= weeks.frame["dry_bulb_degc"] + 1e-9).all()


def test_2021_prices_are_filled(train_folder):
    series = _load(train_folder, date(2021, 6, 7), date(2021, 6, 14))
    assert series.provenance["day_ahead_gbp_per_mwh"] == "filled"
    assert series.provenance["carbon_gco2_per_kwh"] == "real"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2023, 12, 25), date(2024, 1, 1), "until 2024-01-02 00:00 .* to 2023-12-31"),
        (date(2021, 2, 1), date(2021, 2, 8), "from 2020-12-03 00:00 .* from 2021-01-01"),
    ],
)
def test_past_the_data_is_an_error_with_the_dates(train_folder, start, end, words):
    with pytest.raises(DataRangeError, match=words):
        _load(train_folder, start, end)
    with pytest.raises(DataRangeError, match=words):
        load_workload("google", train_folder, london_midnight_utc(start), london_midnight_utc(end), 0)


def test_the_last_week_with_a_tail_is_served(train_folder):
    series = _load(train_folder, date(2023, 12, 24), date(2023, 12, 31))
    assert series.end_utc == pd.Timestamp("2024-01-01", tz="UTC")


def _folder(tmp_path: Path, spoil: dict[str, str]) -> str:
    """Ninety days of made-up files; ``spoil`` replaces text in the price file."""
    hours = pd.date_range("2023-01-01", periods=2160, freq="h", tz="UTC")
    stamp = [t.isoformat() for t in hours]
    prices = "timestamp_utc,price_gbp_per_mwh,source\n" + "".join(
        f"{t},{90 + i % 24}.5,real\n" for i, t in enumerate(stamp)
    )
    for old, new in spoil.items():
        assert old in prices
        prices = prices.replace(old, new)
    texts = {
        "gb_price.csv.gz": prices,
        "gb_carbon_intensity.csv.gz": "timestamp_utc,ci_direct_g_per_kwh\n" + "".join(f"{t},150\n" for t in stamp),
        "london_weather.csv.gz": "timestamp_utc,temp_c,wet_bulb_c\n" + "".join(f"{t},9,7\n" for t in stamp),
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    return str(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"2023-02-03T04:00:00+00:00,94.5,real\n": ""}, "first missing time 2023-02-03 04:00"),
        (
            {"2023-02-03T04:00:00+00:00,94.5": "2023-02-03T04:00:00+00:00,"},
            "day_ahead_gbp_per_mwh is nan at 2023-02-03 04:00",
        ),
        (
            {"2023-02-03T04:00:00+00:00,94.5": "2023-02-03T04:00:00+00:00,dear"},
            "'dear' at 2023-02-03 04:00.* give a number",
        ),
        ({"+00:00": ""}, "naive"),
        ({"2023-02-03T04:00:00+00:00": "yesterday"}, "ISO 8601"),
        ({"price_gbp_per_mwh": "price"}, "no column price_gbp_per_mwh; it has timestamp_utc, price, source"),
    ],
)
def test_a_spoilt_file_is_named_with_what_is_wrong(tmp_path, spoil, words):
    with pytest.raises(GridDataError, match=f"gb_price.csv.gz.*{words}"):
        file.signals(_folder(tmp_path, spoil))


def test_a_missing_or_corrupt_file_is_named(tmp_path):
    folder = _folder(tmp_path, {})
    (tmp_path / "london_weather.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(GridDataError, match=r"london_weather.csv.gz: cannot be read"):
        file.signals(folder)
    (tmp_path / "london_weather.csv.gz").unlink()
    with pytest.raises(GridDataError, match=r"london_weather.csv.gz: no such file; set signals.path"):
        file.signals(folder)


def test_unknown_sources_and_empty_paths_are_refused():
    start, end = pd.Timestamp("2023-05-01", tz="UTC"), pd.Timestamp("2023-05-02", tz="UTC")
    with pytest.raises(GridDataError, match="'tape' is unknown; use one of synthetic, file"):
        load_signals("tape", None, start, end, 0)
    with pytest.raises(GridDataError, match=r"signals\.path is empty"):
        load_signals("file", None, start, end, 0)
