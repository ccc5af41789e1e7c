"""Constraints become bounds inside what is feasible, by rank, and a site that keeps to them breaks nothing."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from envs.batch import SiteBatch
from envs.state import BATTERY, COOLING, LOAD_SHIFT
from llm_layer.guard import guard
from llm_layer.notices.force import Constraints, by_rank
from llm_layer.notices.notice import Authored, Notice, cancel_of, constraint_of
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.reading import TruthReader

HOUR = pd.Timedelta(hours=1)


def _run(week, meanings, raw, steps=16, touch=None, source="operator"):
    """Bounds float32 (steps, 3, 2), soc, executed supply, import kW and breaches of one site driven by ``raw``.

    meanings: (hours after the start, constraint).
    """
    start = week.rows.start_utc
    notices = tuple(
        Authored(Notice(str(k), start + hours * HOUR, source, "x"), meaning, "test/0")
        for k, (hours, meaning) in enumerate(meanings)
    )
    batch = SiteBatch([dataclasses.replace(week, notices=notices)])
    board = NoticeBoard(TruthReader(notices))
    board.reset(batch)
    seen = []
    for _ in range(steps):
        if touch is not None:
            touch(batch)
        board.before(batch)
        view = batch.view()
        board.watch(view)
        safe = guard(view, batch.feasible())
        bounds = board.bounds(view, batch, safe)
        assert (bounds[..., 0] >= safe[..., 0]).all()
        assert (bounds[..., 1] <= safe[..., 1]).all()
        assert (bounds[..., 0] <= bounds[..., 1]).all()
        result = batch.step(np.array([raw], dtype=np.float32), bounds)
        broken = board.after(view, result.outputs, result.executed)
        seen.append((bounds[0], result["soc_kwh"][0], result["supply_degc"][0], 4 * result["import_kwh"][0], broken[0]))
    return tuple(np.array(column) for column in zip(*seen, strict=True))


def _window(week, first, last):
    return {"start": week.rows.start_utc + first * HOUR, "until": week.rows.start_utc + last * HOUR}


def test_a_reserve_is_charged_for_in_time_and_no_sooner(week):
    asked = constraint_of("battery_reserve", value=0.8, **_window(week, 3, 4))
    bounds, soc, _, _, broken = _run(week, [(0, asked)], (0.0, -1.0, 0.0))
    assert not broken.any()
    assert soc[12:16].min() >= 800.0 - 0.01
    assert soc[3] < 100.0  # the agent may still empty it first
    assert bounds[0, BATTERY, 0] < -0.5


def test_a_set_point_may_fall_but_not_rise_above_the_one_that_was(week):
    asked = constraint_of("plant_outage", **_window(week, 1, 3))
    _, _, supply, _, broken = _run(week, [(0, asked)], (0.0, 0.0, 1.0))
    assert supply[3] > 22.0  # before it starts
    assert supply[4:12].max() <= supply[3] + 1e-3
    assert not broken.any()


def test_nothing_is_put_off_while_service_comes_first(week):
    asked = constraint_of("service_priority", **_window(week, 1, 2))
    bounds, *_, broken = _run(week, [(0, asked)], (-1.0, 0.0, 0.0))
    assert bounds[:, LOAD_SHIFT, 0].tolist() == [-1.0] * 4 + [0.0] * 4 + [-1.0] * 8
    assert not broken.any()


def test_an_import_limit_takes_charging_first_and_the_battery_last(week):
    free = _run(week, [], (1.0, 0.0, 0.0), steps=4)[3]
    loose = constraint_of("maintenance_window", value=float(free.max() + 100.0), **_window(week, 0, 1))
    bounds, _, _, kw, broken = _run(week, [(0, loose)], (0.0, 1.0, 0.0), steps=4)
    assert kw.max() <= loose.value
    assert (bounds[:, BATTERY, 1] > 0.0).all()  # part of the charging goes through
    assert (bounds[:, LOAD_SHIFT, 0] == -1.0).all()
    tight = constraint_of("maintenance_window", value=float(free.min() * 0.6), **_window(week, 0, 1))
    bounds, _, _, kw, broken = _run(week, [(0, tight)], (0.0, 1.0, -1.0), steps=4)
    assert not broken.any()
    assert (bounds[:, LOAD_SHIFT, 1] == -1.0).all()
    assert (bounds[:, BATTERY, 1] < 0.0).all()


def test_a_carbon_budget_is_paced(week):
    free = _run(week, [(0, constraint_of("carbon_cap", value=1e6, **_window(week, 0, 4)))], (0.0, 0.0, 0.0))
    carbon = week.rows["carbon_gco2_per_kwh"][:16] / 1000.0
    spent = float((free[3] / 4 * carbon).sum())
    asked = constraint_of("carbon_cap", value=0.9 * spent, **_window(week, 0, 4))
    _, _, _, kw, broken = _run(week, [(0, asked)], (0.0, 1.0, 0.0))
    assert float((kw / 4 * carbon).sum()) <= 0.9 * spent * 1.001
    assert not broken.any()
    assert kw.min() > 0.5 * free[3].min()  # all the way through, not all at once


def test_the_higher_rank_has_its_way(week):
    limit = constraint_of("maintenance_window", value=200.0, **_window(week, 0, 1))
    reserve = constraint_of("battery_reserve", value=0.9, **_window(week, 0, 1))
    service = constraint_of("service_priority", **_window(week, 0, 1))
    bounds, *_ = _run(week, [(0, reserve), (0, service), (0, limit)], (0.0, 0.0, 0.0), steps=1)
    assert bounds[0, BATTERY, 1] < 0.0
    assert bounds[0, LOAD_SHIFT].tolist() == [-1.0, -1.0]


def test_cancel_ends_its_kind_and_the_grid_does_not_overrule_the_operator(week):
    start = week.rows.start_utc
    force = Constraints()
    force.add("a", "operator", start, constraint_of("service_priority"))
    force.add("b", "operator", start, constraint_of("battery_reserve", value=0.5))
    force.add("c", "grid", start + HOUR, cancel_of("service_priority"))
    assert len(force.alive((start + 2 * HOUR).value)) == 2
    force.add("d", "operator", start + HOUR, cancel_of("service_priority"))
    assert [entry.notice_id for entry in force.alive((start + 2 * HOUR).value)] == ["b"]


def test_ranks_sources_and_the_tightest_decide_the_order(week):
    force, now = Constraints(), week.rows.start_utc
    for name, source, value in (("grid", "grid", 0.9), ("low", "operator", 0.3), ("high", "operator", 0.6)):
        force.add(name, source, now, constraint_of("battery_reserve", value=value))
    force.add("limit", "grid", now, constraint_of("maintenance_window", value=500.0))
    force.add("news", "grid", now, constraint_of("price_warning", value=500.0))
    assert [entry.notice_id for entry in by_rank(force.alive(now.value))] == ["limit", "high", "low", "grid"]


def test_the_guard_is_above_a_notice(week):
    def heat(batch):
        batch.state["inlet_degc"] = 26.8

    asked = constraint_of("plant_outage", **_window(week, 0, 4))
    bounds, *_ = _run(week, [(0, asked)], (0.0, 0.0, 1.0), steps=2, touch=heat)
    assert (bounds[:, COOLING, 0] == bounds[:, COOLING, 1]).all()


@pytest.mark.parametrize("published", [0.0, 2.0])
def test_nothing_binds_before_it_is_published(week, published):
    asked = constraint_of("service_priority", **_window(week, 1, 4))
    bounds, *_ = _run(week, [(published, asked)], (-1.0, 0.0, 0.0))
    first = int(4 * max(published, 1.0))
    assert (bounds[:first, LOAD_SHIFT, 0] == -1.0).all()
    assert (bounds[first:16, LOAD_SHIFT, 0] == 0.0).all()
