"""Short cases made up from a seed, real ones where the data pack is there, and one way to run a controller on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from agents.policy import Policy
from configs.load import load_config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.rollout import Rollout, rollout


@pytest.fixture(scope="session")
def make_short() -> Callable[..., Case]:
    """make_short(*overrides, days=3): a case of the synthetic world, from a Tuesday whose week has requests."""

    def make(*overrides: str, days: int = 3) -> Case:
        return make_case(load_config(None, ["signals.source=synthetic", *overrides]), date(2023, 6, 13), days)

    return make


@pytest.fixture(scope="session")
def short(make_short: Callable[..., Case]) -> Case:
    return make_short()


@pytest.fixture(scope="session")
def make_real() -> Callable[..., Case]:
    """make_real(start, days, *overrides): a case of the data pack; skips where there is none."""
    folder = Path(os.environ.get("DEG_SHARED", "../shared")) / "data" / "train"
    if not folder.is_dir():
        pytest.skip(f"no data pack at {folder}; set DEG_SHARED")

    def make(start: date, days: int, *overrides: str) -> Case:
        return make_case(load_config(None, ["signals.source=file", *overrides]), start, days)

    return make


@pytest.fixture(scope="session")
def run() -> Callable[[Case, Policy], tuple[Rollout, dict[str, float]]]:
    """run(case, policy) -> what happened, and the books' totals; unsupervised, under the case's own market terms."""

    def go(case: Case, policy: Policy) -> tuple[Rollout, dict[str, float]]:
        vtp_pays = bool(case.params["vtp_pays"][0] > 0.5)
        terms = market_rules(load_config(None, [f"market.compensation={'vtp_pays' if vtp_pays else 'mutualised'}"]))
        done = rollout(SiteBatch([case]), policy, terms, Alone, seeds=np.array([7]))
        return done, keep_books(done).totals(0)

    return go
