import numpy as np
import pandas as pd
import pytest

from grid.series import GridDataError
from grid.workload import load_workload

START, END = pd.Timestamp("2023-11-13", tz="UTC"), pd.Timestamp("2023-11-20", tz="UTC")


def test_the_generator_is_a_function_of_seed_and_time():
    week = load_workload("generator", None, START, END, 3).frame["utilisation"]
    longer = load_workload("generator", None, START - pd.Timedelta("200D"), END + pd.Timedelta("9h15min"), 3)
    assert longer.frame["utilisation"].loc[week.index].equals(week)
    assert not load_workload("generator", None, START, END, 4).frame["utilisation"].equals(week)


def test_the_generator_has_a_day_a_week_and_room_to_move():
    series = load_workload("generator", None, START, START + pd.Timedelta("300D"), 0).frame["utilisation"]
    local = series.index.tz_convert("Europe/London")
    assert series.between(0, 1).all()
    assert 0.03 < series.std() < 0.2
    assert series[local.hour == 15].mean() > series[local.hour == 3].mean() + 0.1
    assert series[local.day_of_week < 5].mean() > series[local.day_of_week >= 5].mean() + 0.03
    assert len(np.unique(series)) > len(series) / 2


def test_traces_hold_each_hour_and_unknown_names_are_refused(train_folder):
    trace = load_workload("alibaba_2", train_folder, START, END, 0)
    assert trace.provenance == {"utilisation": "real"}
    quarters = trace.frame["utilisation"].to_numpy().reshape(-1, 4)
    assert (quarters == quarters[:, :1]).all()
    with pytest.raises(GridDataError, match=r"'alibaba' is unknown; use one of alibaba_1, .*, generator, jobs"):
        load_workload("alibaba", train_folder, START, END, 0)
