import json
from datetime import date

import pandas as pd
import pytest

from grid.calendar import london_midnight_utc
from grid.compile import Tariff
from grid.scripted_events import read_events
from grid.series import GridDataError
from grid.sources import load_signals
from grid.week import week_rows
from grid.workload import load_workload

GOOD = {
    "id": "e1",
    "published_at": "2023-11-14T10:00:00Z",
    "start": "2023-11-14T16:30:00Z",
    "end": "2023-11-14T18:00:00Z",
    "kw": 300,
    "price_gbp_per_mwh": 250.0,
}
PERIODS = ["2023-11-14T16:30:00Z", "2023-11-14T17:00:00Z", "2023-11-14T17:30:00Z"]


def _file(folder, entries, name="events.json") -> str:
    path = folder / name
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return str(path)


def _with(**changes) -> list[dict]:
    return [{k: v for k, v in {**GOOD, **changes}.items() if v is not None}]


def test_a_request_by_bounds_or_by_periods_in_json_or_yaml(tmp_path):
    by_bounds = read_events(_file(tmp_path, [GOOD]))
    by_periods = read_events(_file(tmp_path, _with(start=None, end=None, periods=PERIODS[::-1])))
    yaml = "\n".join(f"{'-' if k == 'id' else ' '} {k}: {v}" for k, v in GOOD.items())
    assert by_bounds == by_periods == read_events(_file(tmp_path, yaml, "events.yaml"))
    assert by_bounds[0].start == pd.Timestamp("2023-11-14 16:30", tz="UTC")
    assert by_bounds[0].hours == 1.5


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (_with(start=None, end=None, periods=[PERIODS[0], PERIODS[2]]), ["hole", "17:00", "split"]),
        (_with(published_at="2023-11-14T15:31:00Z"), ["published at", "15:30", "past"]),
        (_with(kw=0), ["kw=0", "above 0"]),
        (_with(kw="NaN"), ["kw is 'NaN'", "finite number"]),
        (_with(start="2023-11-14T16:30:00"), ["start", "naive", "Z"]),
        (_with(start="teatime"), ["start is 'teatime'", "2023-11-14T16:30:00Z"]),
        (_with(start="2023-11-14T16:40:00Z"), ["half-hours"]),
        (_with(end="2023-11-14T16:00:00Z"), ["not before end"]),
        (_with(end=None), ["end is missing"]),
        (_with(price_gbp_per_mwh=None), ["price_gbp_per_mwh is missing"]),
        (_with(periods=PERIODS), ["one or the other"]),
        (_with(start=None, end=None, periods=[]), ["periods is empty"]),
        (_with(power=3), ["unknown key 'power'"]),
        ([GOOD, {**GOOD, "id": "e2", "start": "2023-11-14T17:30:00Z"}], ["e1 and e2 overlap"]),
        ([GOOD, {**GOOD, "start": "2023-11-15T16:30:00Z", "end": "2023-11-15T17:00:00Z"}], ["called 'e1'"]),
        (["e1"], ["'e1'", "give keys"]),
        ({"events": []}, ["no list"]),
        ("[{", ["no YAML or JSON"]),
    ],
)
def test_what_is_no_request_is_refused_with_place_and_fix(tmp_path, entries, words):
    with pytest.raises(GridDataError) as error:
        read_events(_file(tmp_path, entries))
    for word in ["events.json", *words]:
        assert word in str(error.value)


def test_a_missing_file_names_the_key():
    with pytest.raises(GridDataError, match=r"nowhere.yaml.*market.events"):
        read_events("nowhere.yaml")


def test_scripted_requests_take_the_place_of_modelled_ones_and_raise_the_system_price(tmp_path):
    start = date(2023, 11, 13)
    span = london_midnight_utc(start), london_midnight_utc(date(2023, 11, 20))
    world = load_signals("synthetic", None, *span, 0).with_columns(load_workload("generator", None, *span, 0))
    terms = {"start": start, "days": 7, "meter": lambda rows: [100.0] * rows.steps, "tariff": Tariff(), "seed": 0}
    quiet = week_rows(world, source_key="k", requests=False, **terms)
    other = {**GOOD, "id": "later", "start": "2023-12-01T16:30:00Z", "end": "2023-12-01T17:00:00Z"}
    rows = week_rows(world, source_key="k", requests=read_events(_file(tmp_path, [GOOD, other])), **terms)
    assert [event.id for event in rows.events] == ["e1"]
    asked = rows["event_requested_kw"] > 0
    assert asked.sum() == 6
    premium = 250.0 - rows["day_ahead_gbp_per_mwh"][asked]
    change = (rows["system_gbp_per_mwh"] - quiet["system_gbp_per_mwh"])[: rows.steps]
    assert change[asked[: rows.steps]] == pytest.approx(premium.clip(0) / 2)
    assert not change[~asked[: rows.steps]].any()
    across = _with(start="2023-11-19T23:30:00Z", end="2023-11-20T00:30:00Z")
    with pytest.raises(GridDataError, match="crosses an end of the run"):
        week_rows(world, source_key="k", requests=read_events(_file(tmp_path, across)), **terms)
