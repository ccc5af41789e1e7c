"""Recorded SustainDC episodes on disk: ``NAME.json``, ``NAME.csv.gz``, ``NAME.exo.csv.gz``, ``NAME.racks.csv.gz``."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envs.sustaindc.constants import APPROACH_LIMITS_K, PLANT_DEFAULTS, RACK_DTYPE, STEP_HOURS
from envs.sustaindc.series import PAST_ROWS, Series, year_index
from envs.sustaindc.site import Site, make_site, plant_fields

WORDS = {"True": 1.0, "False": 0.0}
EXO_COLUMNS = ("workload", "temp_C", "wet_bulb_C", "ci_g_per_kWh", "ci_norm", "temp_norm")  # order of series.COLUMNS
RACK_KEYS = {
    "servers": "n_cpu",
    "full_w": "full_W",
    "idle_w": "idle_W",
    "supply_approach_k": "supply_approach",
    "return_approach_k": "return_approach",
    "m_cpu": "m_cpu",
    "c_cpu": "c_cpu",
    "shift_cpu": "shift_cpu",
    "m_fan": "m_fan",
    "c_fan": "c_fan",
    "shift_fan": "shift_fan",
}
SITE_KEYS = {
    "shiftable": ("ls", "shiftable"),
    "non_shiftable": ("ls", "non_shiftable"),
    "queue_max": ("ls", "queue_max_len"),
    "capacity_cap": ("ls", "capacity_cap"),
    "setpoint_min_degc": ("dc", "min_setpoint"),
    "setpoint_max_degc": ("dc", "max_setpoint"),
    "first_setpoint_degc": ("init", "crac_setpoint_C"),
    "plant_rating_w": ("dc", "sized_CT_FAN_REF_P"),
    "tower_flow_m3s": ("dc", "sized_CT_REFRENCE_AIR_FLOW_RATE"),
    "battery_mwh": ("battery", "capacity_MWh"),
    "charge_efficiency": ("battery", "eff_c"),
    "discharge_efficiency": ("battery", "eff_d"),
    "charge_limit": ("battery", "c_lim"),
    "discharge_limit": ("battery", "d_lim"),
    "upper_u": ("battery", "upper_u"),
    "upper_v": ("battery", "upper_v"),
    "lower_u": ("battery", "lower_u"),
    "lower_v": ("battery", "lower_v"),
}


@dataclass(frozen=True)
class Trace:
    """One episode. about: the JSON file. steps, exo, racks: column name -> float64 array, one entry per row."""

    name: str
    about: dict[str, Any]
    steps: dict[str, np.ndarray]
    exo: dict[str, np.ndarray]
    racks: dict[str, np.ndarray]


def read_traces(folder: Path) -> list[Trace]:
    """All traces of a folder, by name. Raises ValueError naming the file that is missing or not readable."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; give one that holds NAME.json, NAME.csv.gz, NAME.exo.csv.gz")
    names = sorted(path.stem for path in folder.glob("*.json"))
    if not names:
        raise ValueError(f"{folder}: holds no NAME.json, so no trace to replay")
    return [_read_trace(folder, name) for name in names]


def trace_series(trace: Trace) -> Series:
    """Exogenous rows of a trace. Raises ValueError for a missing column, a gap or too few rows."""
    columns = [column(trace, trace.exo, "exo.csv.gz", name) for name in EXO_COLUMNS]
    relative = column(trace, trace.exo, "exo.csv.gz", "rel")
    if relative[0] > 0 or not np.array_equal(relative, relative[0] + np.arange(len(relative))):
        raise ValueError(f"{trace.name}.exo.csv.gz: column rel must count up by 1 from 0 or less; a row is missing")
    if number(trace, "step_minutes") != STEP_HOURS * 60:
        raise ValueError(f"{trace.name}.json: step_minutes {entry(trace, 'step_minutes')}, only 15 can be replayed")
    for key in ("battery_MWh", "queue_len", "energy_history_len"):
        if number(trace, "init", key) != 0:
            raise ValueError(f"{trace.name}.json: init.{key} {entry(trace, 'init', key)}, only 0 can be replayed")
    day, hour = int(number(trace, "init", "day")), number(trace, "init", "hour")
    # What a recorder finds before the first row of the year is no past: SustainDC does not read it either.
    first = max(relative[0], -min(PAST_ROWS, year_index(day, hour)))
    values = np.column_stack(columns)[relative >= first]
    try:
        return Series(values, start=int(-first), steps=int(number(trace, "steps")), day=day, hour=hour)
    except ValueError as error:
        raise ValueError(f"{trace.name}.exo.csv.gz: {error}") from None


def trace_racks(trace: Trace) -> np.ndarray:
    """Records of ``RACK_DTYPE``, rack by rack."""
    config = trace_config(trace)
    described = entry(trace, "dc", "racks")
    racks = np.zeros(len(described), dtype=RACK_DTYPE)
    for i, rack in enumerate(described):
        for field, key in RACK_KEYS.items():
            if not isinstance(rack, dict) or not isinstance(rack.get(key), int | float):
                raise ValueError(f"{trace.name}.json: dc.racks[{i}].{key}: a number expected")
            racks[i][field] = rack[key]
    racks["supply_approach_k"] = np.clip(racks["supply_approach_k"], *APPROACH_LIMITS_K)
    racks["fan_ref_w"] = config["ITFAN_REF_P"]
    racks["fan_ref_ratio"] = config["ITFAN_REF_V_RATIO"]
    racks["fan_flow_m3s"] = config["IT_FAN_FULL_LOAD_V"]
    return racks


def trace_config(trace: Trace) -> dict[str, float]:
    """SustainDC's data centre configuration, under its own keys: those of ``PLANT_DEFAULTS``."""
    return {key: number(trace, "dc", "config", key) for key in PLANT_DEFAULTS}


def trace_site(trace: Trace) -> Site:
    """The site of a trace, from its JSON alone. Raises ValueError for a missing or impossible entry."""
    fields = {field: number(trace, *keys) for field, keys in SITE_KEYS.items()}
    fields["overdue_steps"] = number(trace, "ls", "overdue_h") / STEP_HOURS
    try:
        return make_site(trace_racks(trace), **plant_fields(trace_config(trace)), **fields)
    except ValueError as error:
        raise ValueError(f"{trace.name}.json: {error}") from None


def trace_actions(trace: Trace) -> np.ndarray:
    """int64 (steps, 3): action codes in the order of ``AGENTS``. Raises ValueError for anything else."""
    codes = [column(trace, trace.steps, "csv.gz", name) for name in ("a_ls", "a_dc", "a_bat")]
    actions = np.column_stack(codes)
    if not np.isin(actions, (0, 1, 2)).all():
        raise ValueError(f"{trace.name}.csv.gz: columns a_ls, a_dc, a_bat hold action codes 0, 1, 2 only")
    return actions.astype(np.int64)


def column(trace: Trace, table: dict[str, np.ndarray], file: str, name: str) -> np.ndarray:
    """One column. Raises ValueError naming file and column."""
    if name not in table:
        raise ValueError(f"{trace.name}.{file}: no column {name}")
    return table[name]


def entry(trace: Trace, *keys: str) -> Any:
    """One entry of the JSON file. Raises ValueError naming the key."""
    value: Any = trace.about
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise ValueError(f"{trace.name}.json: no key {'.'.join(keys)}")
        value = value[key]
    return value


def number(trace: Trace, *keys: str) -> float:
    """One number of the JSON file. Raises ValueError naming the key."""
    value = entry(trace, *keys)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{trace.name}.json: {'.'.join(keys)} is {value!r}, a number expected")
    return float(value)


def _read_trace(folder: Path, name: str) -> Trace:
    path = folder / f"{name}.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(about, dict):
        raise ValueError(f"{path}: expected a JSON object")
    tables = [_read_table(folder / f"{name}.{kind}") for kind in ("csv.gz", "exo.csv.gz", "racks.csv.gz")]
    trace = Trace(name, about, *tables)
    expected = int(number(trace, "steps"))
    for kind, table in (("csv.gz", trace.steps), ("racks.csv.gz", trace.racks)):
        rows = len(column(trace, table, kind, "step"))
        if rows != expected:
            raise ValueError(f"{folder / name}.{kind}: {rows} rows, steps in the JSON file is {expected}")
    return trace


def _read_table(path: Path) -> dict[str, np.ndarray]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: not readable as gzipped CSV ({error})") from None
    values = np.empty((len(rows), len(header)))
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"{path}: row {i + 1} has {len(row)} cells, the header {len(header)}")
        try:
            values[i] = [WORDS[cell] if cell in WORDS else float(cell) for cell in row]
        except ValueError as error:
            raise ValueError(f"{path}: row {i + 1}: {error}") from None
    return dict(zip(header, values.T, strict=True))
