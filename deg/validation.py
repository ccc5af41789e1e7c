"""What a trained policy is judged on: weeks of 2022 where the real signals are at hand, else synthetic weeks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agents.policy import Policy
from configs.load import load_config, shared_data_folder
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.rollout import neutral_rollout, rollout
from evaluate.statistics import ratio_of_sums
from grid.sources.file import FILES

FIRST, LAST = date(2022, 4, 4), date(2022, 12, 19)  # Mondays; real prices begin on 21 January, and history before them
WORKLOADS = ("alibaba_1", "google")


def validation(config: Config, weeks: int) -> Callable[[Policy], dict[str, Any]]:
    """``evaluate_weeks`` for ``train``: a function of a policy -> saving against neutral, GBP a week, and the weeks.

    Every share is a ratio of sums, with a 95 % interval over weeks; phantom flexibility money is taken out.
    """
    cases = _cases(config, weeks)
    neutral = keep_books(neutral_rollout(SiteBatch(cases))).by_step["objective_gbp"].sum(axis=0)
    rules = market_rules(config)

    def evaluate(policy: Policy) -> dict[str, Any]:
        seeds = np.zeros(len(cases), dtype=np.int64)
        books = keep_books(rollout(SiteBatch(cases), policy, rules, Alone, seeds=seeds)).by_step
        objective = (books["objective_gbp"] + books["flex_phantom_gbp"]).sum(axis=0)
        share = ratio_of_sums(neutral - objective, neutral, rng=np.random.default_rng(0))
        return {
            "saving_share": share.estimate,
            "saving_share_low": share.low,
            "saving_share_high": share.high,
            "saving_gbp_per_week": float((neutral - objective).mean()),
            "flex_real_gbp_per_week": float(books["flex_real_gbp"].sum(axis=0).mean()),
            "signals": cases[0].rows.provenance["day_ahead_gbp_per_mwh"],
            "weeks": [
                {
                    "week_start": case.keys["week_start"],
                    "workload": case.keys["workload"],
                    "neutral_gbp": round(float(before), 2),
                    "objective_less_phantom_gbp": round(float(after), 2),
                }
                for case, before, after in zip(cases, neutral, objective, strict=True)
            ],
        }

    return evaluate


def _cases(config: Config, weeks: int) -> list[Case]:
    folder = Path(config.signals.path or shared_data_folder())
    real = all((folder / name).is_file() for name in FILES)
    names = [name for name in WORKLOADS if (folder / f"workload_{name}.csv.gz").is_file()] if real else []
    source = [f"signals.source={'file' if real else 'synthetic'}"] + ([f"signals.path={folder}"] if real else [])
    worlds = []
    for name in names or ["generator"]:
        world = load_config(None, [*source, f"workload.name={name}"])
        site = {key: getattr(config, key) for key in ("site", "tariff", "market")}
        worlds.append(world.model_copy(update=site))
    mondays = (LAST - FIRST).days // 7
    starts = [FIRST + timedelta(days=7 * round(k * mondays / max(1, weeks - 1))) for k in range(weeks)]
    return [make_case(worlds[k % len(worlds)], start, 7) for k, start in enumerate(starts)]
