"""The ablation matrix: variants x seeds x weeks, batched over weeks, one result row each (contract 8).

A block is one variant and one seed over all weeks, or over one where the controller plans for its own week. Its rows
are kept under a hash of everything they depend on, so a matrix that is run again, resumed or widened computes only the
blocks it has not got.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from agents.policy import Policy
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.atomic import write_parquet
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from evaluate.identity import code_commit, code_hash, policy_hash
from evaluate.names import ADDITIVE, COUNTERS
from evaluate.rollout import Overseer, Rollout, neutral_rollout, rollout
from evaluate.variants import (
    BOUND,
    OPTIMAL,
    Variant,
    check_known,
    groups_of,
    make_policy,
    policy_seeds,
    require_policies,
)
from evaluate.weeks import spread_weeks
from llm_layer.directive import Directive
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import HighLevelPolicy
from llm_layer.random_policy import RandomPolicy, Recorder
from llm_layer.rules import RulesPolicy

WEEK_DAYS = 7
KEYS = ("variant", "policy_hash", "seed", "week_start", "site", "workload", "data_hash", "code_commit")
COLUMNS = (*KEYS, *ADDITIVE, *COUNTERS)
Directives = dict[int, list[Directive]]  # site of a batch -> what was ordered, in order


def run_matrix(config: Config, cache: Path, on_progress: Callable[[int, int], None] | None = None) -> pd.DataFrame:
    """All result rows of ``config.evaluate``, columns ``COLUMNS``, in the order of variants, seeds, weeks.

    Args:
        cache: folder of finished blocks; may be shared between matrices. on_progress(done, total): at each block.

    Raises:
        ValueError: weeks outside the data, an unknown controller, bad data.
    """
    weeks = spread_weeks(config.evaluate.weeks, config.evaluate.period)
    variants = [Variant.parse(name) for name in config.evaluate.variants]
    check_known(variants)
    cache.mkdir(parents=True, exist_ok=True)
    total, done = blocks_of(config), 0
    rows: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for seed in range(config.evaluate.seeds):
        cases = cases_of(config, weeks, seed)
        require_policies(variants, cases, seed)
        for variant in variants:
            for group in groups_of(variant, len(weeks)):
                if on_progress is not None:
                    on_progress(done, total)
                block = _cached(config, cache, variant, [cases[k] for k in group], seed)
                rows.setdefault((variant.name, seed), []).append(block)
                done += 1
    ordered = [rows[variant.name, seed] for variant in variants for seed in range(config.evaluate.seeds)]
    return pd.concat([block for blocks in ordered for block in blocks], ignore_index=True)


def blocks_of(config: Config) -> int:
    """How many blocks a matrix has."""
    variants = [Variant.parse(name) for name in config.evaluate.variants]
    return config.evaluate.seeds * sum(len(groups_of(variant, config.evaluate.weeks)) for variant in variants)


def cases_of(config: Config, weeks: Sequence[date], seed: int) -> tuple[Case, ...]:
    """One case a week. The seed draws forecast errors, never the world."""
    seeded = config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})})
    return tuple(make_case(seeded, week, WEEK_DAYS) for week in weeks)


def _cached(config: Config, cache: Path, variant: Variant, cases: Sequence[Case], seed: int) -> pd.DataFrame:
    """A block's rows, from the cache or run now."""
    path = cache / f"{_block_hash(config, variant, cases, seed)}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    rows = _run_block(config, variant, cases, seed)
    write_parquet(path, rows)
    return rows


def _block_hash(config: Config, variant: Variant, cases: Sequence[Case], seed: int) -> str:
    """Of everything a block's rows depend on: code, site, market, data, controller, supervisor, seed."""
    world = config.model_dump_json(
        include={"workload": {"name"}, **dict.fromkeys(("site", "market", "supervisor"), True)}
    )
    parts = [code_hash(), world, variant.name, _policy_identity(variant, cases, seed), str(seed)]
    parts += [f"{case.keys['week_start']}/{case.keys['data_hash']}" for case in cases]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _policy_identity(variant: Variant, cases: Sequence[Case], seed: int) -> str:
    """What tells a policy from another of its name. A planner is its code, and making one is most of its work."""
    return "" if variant.base in OPTIMAL else policy_hash(make_policy(variant, cases, seed))


def _run_block(config: Config, variant: Variant, cases: Sequence[Case], seed: int) -> pd.DataFrame:
    """Rows of one batch: a site a case."""
    if variant.base == BOUND:
        return _bound_rows(cases, seed)
    policy = make_policy(variant, cases, seed)
    if variant.name == "neutral":
        run = neutral_rollout(SiteBatch(cases))
    else:
        run = _rollout(config, variant, cases, seed, _supervisor(config, variant, cases, seed))
    books = keep_books(run)
    records = [
        {
            **_keys(variant.name, policy_hash(policy), seed, case),
            **books.totals(site),
            **{name: int(run.counters[name][site]) for name in COUNTERS},
        }
        for site, case in enumerate(cases)
    ]
    return pd.DataFrame(records, columns=list(COLUMNS))


def _bound_rows(cases: Sequence[Case], seed: int) -> pd.DataFrame:
    """The bound on ``objective_gbp + flex_phantom_gbp``: a row with these two and nothing else."""
    from evaluate.optimal import oracle_bound

    records = [
        {
            **_keys(BOUND, code_hash(("evaluate",)), seed, case),
            "objective_gbp": oracle_bound(case).bound_gbp,
            "flex_phantom_gbp": 0.0,
        }
        for case in cases
    ]
    return pd.DataFrame(records, columns=list(COLUMNS)).astype(dict.fromkeys((*ADDITIVE, *COUNTERS), "float64"))


def _keys(variant: str, policy: str, seed: int, case: Case) -> dict[str, object]:
    own = {name: case.keys[name] for name in ("week_start", "site", "workload", "data_hash")}
    return {"variant": variant, "policy_hash": policy, "seed": seed, "code_commit": code_commit(), **own}


def _supervisor(config: Config, variant: Variant, cases: Sequence[Case], seed: int) -> HighLevelPolicy | None:
    if not variant.supervisor:
        return None
    if variant.supervisor == "random":
        return RandomPolicy(_recorded(config, variant, cases, seed), seed)
    return RulesPolicy()


def _recorded(config: Config, variant: Variant, cases: Sequence[Case], seed: int) -> Directives:
    """What the rules order over the same agents and cases: the matched random supervisor deals it out again."""
    recorder = Recorder(RulesPolicy())
    _rollout(config, variant, cases, seed, recorder)
    return recorder.directives


def _rollout(
    config: Config, variant: Variant, cases: Sequence[Case], seed: int, supervisor: HighLevelPolicy | None
) -> Rollout:
    return rollout(
        SiteBatch(cases),
        make_policy(variant, cases, seed),
        market_rules(config),
        lambda agents, desk: _oversee(config, supervisor, agents, desk),
        seeds=policy_seeds(seed, len(cases)),
    )


def _oversee(config: Config, supervisor: HighLevelPolicy | None, agents: Policy, desk: Desk) -> Overseer:
    if supervisor is None:
        return Alone(agents, desk)
    return Orchestrator(supervisor, every_steps=config.supervisor.every_steps, accept=desk.accept)
