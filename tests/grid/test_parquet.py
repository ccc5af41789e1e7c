from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grid.series import GridDataError
from grid.sources import load_signals, parquet


def test_what_is_written_is_read_back_with_its_origin(small_series, tmp_path):
    mask = np.zeros(960, dtype=bool)
    mask[[3, 4, 700]] = True
    series = replace(
        small_series,
        provenance={**small_series.provenance, "carbon_gco2_per_kwh": "filled"},
        filled={"carbon_gco2_per_kwh": mask},
    )
    origin = parquet.Origin({"carbon_gco2_per_kwh": "NESO"}, {"carbon_gco2_per_kwh": "2023-05-22T12:00"}, ("a note",))
    path = tmp_path / "x.parquet"
    parquet.write(path, series, origin)
    again = parquet.signals(str(path))
    pd.testing.assert_frame_equal(again.frame, series.frame, check_freq=False)
    assert again.provenance == series.provenance
    assert np.array_equal(again.filled["carbon_gco2_per_kwh"], mask)
    assert parquet.read(path)[1]["attribution"] == origin.attribution
    assert [item.name for item in tmp_path.iterdir()] == ["x.parquet"]


def test_a_file_that_changed_is_read_anew(small_series, tmp_path):
    path = tmp_path / "x.parquet"
    parquet.write(path, small_series)
    first = parquet.signals(str(path)).frame
    parquet.write(path, replace(small_series, frame=small_series.frame + 0.25))
    assert np.allclose(parquet.signals(str(path)).frame, first + 0.25)


def test_a_run_reads_such_a_file_and_says_how_far_it_reaches(small_series, tmp_path):
    path = tmp_path / "x.parquet"
    parquet.write(path, small_series)
    start = pd.Timestamp("2023-05-05", tz="UTC")
    with pytest.raises(GridDataError, match=r"x.parquet: data needed from 2023-03-0.*they run from 2023-05-01"):
        load_signals("file", str(path), start, start + pd.Timedelta("1D"), 0)


def _frame(freq: str, tz: str | None) -> pd.DataFrame:
    return pd.DataFrame({"time_utc": pd.date_range("2023", periods=3, freq=freq, tz=tz), "carbon_gco2_per_kwh": 1.0})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"a": [1.0]}), "no column time_utc"),
        (_frame("15min", None), "naive"),
        (_frame("h", "UTC"), "first missing time 2023-01-01 00:15"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, frame, words):
    frame.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(GridDataError, match=words):
        parquet.signals(str(tmp_path / "x.parquet"))


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_text("hello")
    with pytest.raises(GridDataError, match="cannot be read as Parquet"):
        parquet.signals(str(tmp_path / "x.parquet"))
    with pytest.raises(GridDataError, match="no such file"):
        parquet.signals(str(tmp_path / "y.parquet"))
