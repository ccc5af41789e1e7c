"""The recorded episodes replay within the limits, and a record that is off is found."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from envs.conformance import main, verdict
from envs.sustaindc.kernel import rack_table
from envs.sustaindc.plant import chiller_w, cooling_load_w, tower_fan_w
from envs.sustaindc.replay import replay_errors
from envs.sustaindc.site import make_site, size_site
from envs.sustaindc.trace import read_traces

TRACE = "t07_tx_m07_random_cap0p5"
PARTS = ("json", "csv.gz", "exo.csv.gz", "racks.csv.gz")


@pytest.fixture
def one_trace(traces: Path, tmp_path: Path) -> Path:
    for part in PARTS:
        shutil.copy(traces / f"{TRACE}.{part}", tmp_path)
        (tmp_path / f"{TRACE}.{part}").chmod(0o644)
    return tmp_path


def edit_cell(path: Path, row: int, column: str, factor: float) -> None:
    with gzip.open(path, "rt") as file:
        table = list(csv.reader(file))
    k = table[0].index(column)
    table[row][k] = repr(float(table[row][k]) * factor)
    with gzip.open(path, "wt", newline="") as file:
        csv.writer(file).writerows(table)


def test_every_recorded_episode_is_reproduced(traces: Path) -> None:
    errors = {trace.name: replay_errors(trace) for trace in read_traces(traces)}
    conforms, line = verdict(errors)
    assert conforms, line
    judged = {q: e for per_trace in errors.values() for q, e in per_trace.items() if not q.startswith("obs_")}
    assert max(judged.values()) < 1e-9, "the limit is 1e-6, but an independent re-implementation reached 1e-11"


@pytest.mark.parametrize(
    ("part", "row", "column", "factor"),
    [
        ("csv.gz", 300, "dc_compressor_W", 1 + 3e-6),
        ("csv.gz", 672, "rew_bat", 1 + 3e-6),
        ("csv.gz", 17, "obs_ls_4", 2.0),
        ("racks.csv.gz", 5, "outlet_C_11", 1 + 3e-6),
        ("exo.csv.gz", 60, "workload", 0.9),
    ],
)
def test_a_record_that_is_off_exits_1(
    one_trace: Path, capsys: pytest.CaptureFixture[str], part: str, row: int, column: str, factor: float
) -> None:
    edit_cell(one_trace / f"{TRACE}.{part}", row, column, factor)
    assert main([str(one_trace)]) == 1
    assert "MISS" in capsys.readouterr().out


def test_an_ill_conditioned_observation_is_shown_but_not_judged(one_trace: Path) -> None:
    edit_cell(one_trace / f"{TRACE}.csv.gz", 40, "obs_ls_18", 1.5)
    assert main([str(one_trace)]) == 0


def test_table_names_each_trace_and_quantity(one_trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(one_trace)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["quantity", "t07", "all"]
    assert {"dc_water_L", "bat_soc", "co2_g", "rew_ls", "obs_dc"} <= {line.split()[0] for line in out.splitlines()}


def break_json(folder: Path, **changes: object) -> None:
    path = folder / f"{TRACE}.json"
    about = json.loads(path.read_text())
    for dotted, value in changes.items():
        *parents, key = dotted.split("__")
        place = about
        for parent in parents:
            place = place[parent]
        place[key] = value
        if value is None:
            del place[key]
    path.write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / f"{TRACE}.exo.csv.gz").unlink(), "exo.csv.gz"),
        (lambda folder: (folder / f"{TRACE}.csv.gz").write_bytes(b"step,ts\n0,1\n"), "csv.gz"),
        (lambda folder: (folder / f"{TRACE}.json").write_text("{"), "json"),
        (lambda folder: (folder / f"{TRACE}.json").write_text("[]"), "json"),
        (lambda folder: break_json(folder, battery__capacity_MWh=None), "battery.capacity_MWh"),
        (lambda folder: break_json(folder, battery__capacity_MWh="big"), "battery.capacity_MWh"),
        (lambda folder: break_json(folder, init__queue_len=4), "init.queue_len"),
        (lambda folder: break_json(folder, steps=700), "700"),
        (lambda folder: break_json(folder, config__location="london"), "london"),
        (lambda folder: edit_cell(folder / f"{TRACE}.csv.gz", 1, "a_dc", 0.5), "a_dc"),
        (lambda folder: edit_cell(folder / f"{TRACE}.exo.csv.gz", 90, "temp_C", float("nan")), "dry_bulb_degc"),
        (lambda folder: [path.unlink() for path in folder.glob("*.json")], "no NAME.json"),
        (shutil.rmtree, "no such folder"),
    ],
)
def test_a_bad_folder_exits_2_with_one_line(
    one_trace: Path, capsys: pytest.CaptureFixture[str], damage: object, named: str
) -> None:
    damage(one_trace)  # type: ignore[operator]
    assert main([str(one_trace)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert named in captured.err


def test_rows_before_the_year_are_not_read(one_trace: Path) -> None:
    """A recording that starts at 01:00 on 1 January may hold anything in the rows before midnight."""
    break_json(one_trace, init__day=0, init__hour=1)
    for row in range(1, 13):
        edit_cell(one_trace / f"{TRACE}.exo.csv.gz", row, "ci_norm", float("nan"))
    errors = replay_errors(read_traces(one_trace)[0])
    assert errors["energy_net_kWh"] < 1e-12
    assert errors["ts"] > 0, "the recorded clock says August"


def test_recorded_grid_of_the_plant(traces: Path) -> None:
    """1,260 recorded points over site, load, weather and set-point, beyond where the episodes went."""
    with gzip.open(traces / "dc_grid.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    sites = {loc: size_site(loc) for loc in {row["loc"] for row in rows}}
    for row in rows:
        u, t, ts, it, tr, q, ct, ch, qd, g = (
            float(row[k]) for k in ("u", "T", "Ts", "IT_W", "Tr", "Q_W", "ct_fan_W", "compressor_W", "Qd", "G")
        )
        site = sites[row["loc"]]
        p = site.params.copy()
        p["plant_rating_w"], p["tower_flow_m3s"] = qd, g
        p = p.view(np.recarray)[0]
        assert cooling_load_w(p, it, tr, ts) == pytest.approx(q, rel=1e-12)
        assert chiller_w(qd, q, t) == pytest.approx(ch, rel=1e-12)
        assert tower_fan_w(p, q, t, ts) == pytest.approx(ct, rel=1e-12)
        # SustainDC shuffles its racks at each start, which moves totals by about 1e-4.
        racks = rack_table(site.params, site.kinds, site.kind_of_rack, ts, u)
        assert racks[:, 2:4].sum() == pytest.approx(it, rel=1e-3)


def test_make_site_names_what_is_wrong() -> None:
    fields = {name: float(size_site("ny").params[name][0]) for name in size_site("ny").params.dtype.names}
    racks = size_site("ny").kinds
    for change, named in (({"battery_mwh": 0.0}, "battery_mwh"), ({"shiftable": 1.2}, "shiftable")):
        with pytest.raises(ValueError, match=named):
            make_site(racks, **{**fields, **change})
    fields.pop("upper_u")
    with pytest.raises(ValueError, match="upper_u"):
        make_site(racks, **fields)
