"""A planner plans for what it has been told: charge before a reserve, less import under a limit."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.cases import make_case
from evaluate.optimal.mpc import Mpc
from llm_layer.notices.notice import constraint_of

HOUR = pd.Timedelta(hours=1)


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(load_config(None, ["run.days=2", "market.requests=false"]))


def _run(case, asked, steps=40):
    """SoC in kWh and import in kW of a planner that is shown one constraint and bound by physics alone."""
    batch = SiteBatch([dataclasses.replace(case, notices=())])
    policy = Mpc()
    policy.reset(1, np.zeros(1, dtype=np.int64))
    soc, kw = [], []
    for _ in range(steps):
        batch.notices = ((asked,),) if asked is not None else ()
        result = batch.step(policy.act({}, batch.feasible(), batch.view()))
        soc.append(float(result["soc_kwh"][0]))
        kw.append(4.0 * float(result["import_kwh"][0]))
    return np.array(soc), np.array(kw)


def test_it_is_charged_when_a_reserve_begins_without_being_made_to(case):
    start, free = case.rows.start_utc, _run(case, None, 84)[0]
    emptiest = int(free[24:80].argmin()) + 24
    window = {"start": start + emptiest / 4 * HOUR, "until": start + (emptiest / 4 + 1) * HOUR}
    told = _run(case, constraint_of("battery_reserve", value=0.9, **window), 84)[0]
    assert free[emptiest] < 500.0
    assert told[emptiest : emptiest + 4].min() >= 880.0


def test_it_stays_under_a_limit_as_far_as_its_forecast_goes(case):
    start = case.rows.start_utc
    free = _run(case, None)[1]
    busiest = int(free[8:32].argmax()) // 4 * 4 + 8
    window = {"start": start + busiest / 4 * HOUR, "until": start + (busiest / 4 + 1) * HOUR}
    told = _run(case, constraint_of("maintenance_window", value=float(free[busiest]) - 200.0, **window))[1]
    assert told[busiest : busiest + 4].mean() <= free[busiest] - 150.0
