"""Requests that come up during a run: seen, sold, settled like any other, and free again when cancelled in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from envs.batch import SiteBatch
from evaluate.baseline_days import days_behind
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from grid.events import FlexEvent
from grid.market.commitments import CommitmentError
from grid.rows import EVENT_KW, EVENT_PRICE


@pytest.fixture
def desk() -> Desk:
    config = load_config(None, ["run.days=1", "market.requests=false"])
    return Desk(SiteBatch([make_case(config)]), market_rules(config))


def event(desk: Desk, hour: int, name: str = "ev-1") -> FlexEvent:
    start = desk.batch.cases[0].rows.start_utc + pd.Timedelta(hours=hour)
    return FlexEvent(name, start - pd.Timedelta(hours=5), start, start + pd.Timedelta(hours=1), 100.0, 250.0)


def test_an_announced_request_is_seen_and_carried_by_its_rows(desk: Desk) -> None:
    asked = event(desk, 6)
    assert desk.batch.view().events == ((),)
    desk.announce(0, replace(asked, published_at=desk.batch.cases[0].rows.start_utc))
    assert [one.id for one in desk.batch.view().events[0]] == ["ev-1"]
    rows = desk.batch.cases[0].rows
    assert np.flatnonzero(rows.values[:, EVENT_KW]).tolist() == [24, 25, 26, 27]
    assert set(rows.values[24:28, EVENT_PRICE]) == {250.0}
    assert [one.id for one in rows.events] == ["ev-1"]


def test_a_second_request_over_the_first_or_of_its_name_is_refused(desk: Desk) -> None:
    desk.announce(0, event(desk, 6))
    for other in (event(desk, 6, "ev-2"), event(desk, 9, "ev-1")):
        with pytest.raises(CommitmentError):
            desk.announce(0, other)


def test_a_sale_is_free_again_until_gate_closure(desk: Desk) -> None:
    asked, start = event(desk, 6), desk.batch.cases[0].rows.start_utc
    desk.announce(0, asked)
    now = start + pd.Timedelta(hours=2)
    with pytest.raises(CommitmentError, match="nothing is sold"):
        desk.release(0, asked, now)
    desk.accept(0, asked, 80.0, now)
    assert desk.batch.commitments_kw[0, 12:14].tolist() == [80.0, 80.0]
    with pytest.raises(CommitmentError, match="stays sold"):
        desk.release(0, asked, asked.start - pd.Timedelta(minutes=59))
    desk.release(0, asked, asked.start - pd.Timedelta(minutes=60))
    assert not desk.batch.commitments_kw.any()
    desk.accept(0, asked, 90.0, now)
    assert desk.ledger(0)[12] == "ev-1"


def test_the_days_behind_a_baseline_are_eight_working_days_of_ten(desk: Desk) -> None:
    config = load_config(None, ["run.days=1"])
    case = make_case(config)
    days = days_behind(config, case)(config.run.start)
    assert len(days) == 8
    assert all(pd.Timestamp(day).weekday() < 5 and day < "2023-11-13" for day in days)
    history = case.history_kwh[[(pd.Timestamp(day) - pd.Timestamp("2023-09-14")).days for day in days]]
    np.testing.assert_allclose(2.0 * history.mean(axis=0)[0], case.rows["baseline_kw"][0])
