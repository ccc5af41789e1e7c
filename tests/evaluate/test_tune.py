"""Tuning: it finds a known optimum, spends exactly its budget, goes on where it was, and measures what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from agents.ranges import Range
from agents.scripted import Neutral
from agents.tunable import TUNABLE
from agents.tuned import FOLDER
from configs.load import load_config
from evaluate.cases import make_case
from evaluate.search import Numbers, best_of, search
from evaluate.tune import TRIALS, Bench, TrialLog, rescaled, tune

RANGES = (
    Range("offset", -1.0, 1.0, 0.0),
    Range("hours", 0.5, 24.0, 12.0, "h", "half_hours"),
    Range("clock", 0.0, 24.0, 12.0, "h", "clock"),
    Range("idle", 0.0, 100.0, 50.0),
)


def worth(numbers: Numbers) -> float:
    """Best at offset 0.6, 3.5 hours, 23:30 on the clock; ``idle`` does nothing."""
    away = (numbers["clock"] - 23.5 + 12.0) % 24.0 - 12.0
    return -((numbers["offset"] - 0.6) ** 2) - ((numbers["hours"] - 3.5) / 24.0) ** 2 - (away / 24.0) ** 2


def found(trials: int = 400, seed: int = 0) -> Numbers:
    return best_of(search(RANGES, worth, trials, np.random.default_rng(seed))).numbers


def test_every_shipped_controller_had_the_same_budget_on_the_same_weeks() -> None:
    found = [json.loads((FOLDER / f"{name}.json").read_text()) for name in TUNABLE]
    assert {one["trials"] for one in found} == {TRIALS}
    assert len({(one["data"]["first_week"], one["data"]["last_week"], one["data"]["weeks"]) for one in found}) == 1
    assert all(one["saving"] >= one["saving_before"] for one in found)


@pytest.mark.parametrize("seed", range(5))
def test_search_finds_a_known_optimum_across_midnight(seed: int) -> None:
    best = found(seed=seed)
    assert best["offset"] == pytest.approx(0.6, abs=0.02)
    assert best["hours"] == pytest.approx(3.5, abs=0.5)
    assert best["clock"] == pytest.approx(23.5, abs=0.25)


def test_search_spends_its_budget_begins_at_the_start_and_repeats_itself() -> None:
    for trials in (1, 2, 50):
        done = search(RANGES, worth, trials, np.random.default_rng(1))
        assert len(done) == trials
        assert done[0].numbers == {allowed.name: allowed.start for allowed in RANGES}
    assert done == search(RANGES, worth, 50, np.random.default_rng(1))
    for trial in done:
        assert all(allowed.low <= trial.numbers[allowed.name] <= allowed.high for allowed in RANGES)
    narrow = (Range("few", 0.0, 0.5, 0.25),)  # 501 numbers: none is tried twice while there are others
    done = search(narrow, lambda numbers: -numbers["few"], 300, np.random.default_rng(1))
    assert len({trial.numbers["few"] for trial in done}) == 300
    with pytest.raises(ValueError, match="0 trials"):
        search(RANGES, worth, 0, np.random.default_rng(1))


@pytest.fixture(scope="module")
def bench() -> Bench:
    config = load_config(None, ["market.requests=false"])
    return Bench([[make_case(config, date(2022, 6, 13), 7)]])


def test_neutral_saves_nothing_and_a_warmer_room_saves_something(bench: Bench) -> None:
    constant = TUNABLE["best_constant"]
    assert bench.saving(Neutral()) == pytest.approx(0.0, abs=1e-12)
    assert bench.saving(constant.make(constant.kind(load_shift=0.0, battery=0.0, cooling=0.6))) > 0.002


def test_tuning_writes_what_it_found_and_how(bench: Bench, tmp_path: Path) -> None:
    made = tune("best_constant", bench, 12, tmp_path, into=tmp_path)
    written = json.loads((tmp_path / "best_constant.json").read_text())
    assert written == made
    assert written["trials"] == 12
    assert written["saving"] > written["saving_before"] == 0.0
    rule = TUNABLE["best_constant"].kind(**written["rule"])
    assert bench.saving(TUNABLE["best_constant"].make(rule)) == pytest.approx(written["saving"], abs=1e-5)
    log = next(tmp_path.glob("best_constant-*.jsonl"))
    before = log.read_text()
    assert tune("best_constant", bench, 12, tmp_path, into=tmp_path) == made
    assert log.read_text() == before  # nothing was done twice


def test_a_log_cut_short_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"numbers": {"a": 1.0}, "value": 2.0}\n{"numbers": {"a": 2.')
    log = TrialLog(path)
    assert log.value({"a": 1.0}, lambda: 9.0) == 2.0
    assert log.value({"a": 2.0}, lambda: 3.0) == 3.0
    assert TrialLog(path).value({"a": 2.0}, lambda: 9.0) == 3.0


def test_a_price_level_scales_prices_and_nothing_else() -> None:
    config = load_config(None, ["tariff.adder_gbp_per_mwh=7"])
    case = make_case(config, date(2022, 6, 13), 7)
    half = rescaled(case, 0.5)
    for column in ("day_ahead_gbp_per_mwh", "system_gbp_per_mwh", "event_gbp_per_mwh"):
        np.testing.assert_allclose(half.rows[column], 0.5 * case.rows[column])
    np.testing.assert_allclose(half.rows["tariff_gbp_per_mwh"], 0.5 * case.rows["day_ahead_gbp_per_mwh"] + 7.0)
    for column in ("carbon_gco2_per_kwh", "utilisation", "baseline_kw", "event_requested_kw"):
        assert np.array_equal(half.rows[column], case.rows[column])
    np.testing.assert_allclose(half.rows.forecast[:, 1:3], 0.5 * case.rows.forecast[:, 1:3])
    assert np.array_equal(half.rows.forecast[:, 0], case.rows.forecast[:, 0])
    assert [replace(a, price_gbp_per_mwh=2 * a.price_gbp_per_mwh) for a in half.rows.events] == list(case.rows.events)
