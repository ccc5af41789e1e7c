"""One block of a matrix: a variant and a seed over a batch of cases, as result rows, sales and orders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from agents.policy import Policy
from configs.schema import Config, Supervisor
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import Books, keep_books
from evaluate.alone import Alone
from evaluate.cases import market_rules
from evaluate.desk import Desk
from evaluate.identity import code_commit, code_hash, policy_hash
from evaluate.names import ADDITIVE, COUNTERS
from evaluate.orders import OrderBook, no_orders
from evaluate.rollout import Overseer, Rollout, neutral_rollout, rollout
from evaluate.sales import no_sales, sales_of
from evaluate.supervisors import RANDOM, supervising, supervisor_identity
from evaluate.trading import Trading, TradingAlone
from evaluate.variants import BOUND, BOUNDS, OPTIMAL, Variant, make_policy, policy_seeds
from llm_layer.engine import Engine
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import HighLevelPolicy
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.open import NOBODY, TRUTH, open_reader

KEYS = ("variant", "policy_hash", "seed", "week_start", "site", "workload", "data_hash", "code_commit")
COLUMNS = (*KEYS, *ADDITIVE, *COUNTERS)


@dataclass(frozen=True)
class Job:
    """What a block is run from."""

    config: Config
    variant: Variant
    cases: tuple[Case, ...]
    seed: int

    @property
    def twin(self) -> Job | None:
        """The job whose orders this one deals out again, if it is one that does."""
        if self.variant.supervisor != RANDOM:
            return None
        return replace(self, variant=replace(self.variant, supervisor="rules"))


@dataclass(frozen=True)
class Block:
    """rows: columns ``COLUMNS``, one a case. sales: see ``evaluate.sales``. orders: see ``evaluate.orders``."""

    rows: pd.DataFrame
    sales: pd.DataFrame
    orders: pd.DataFrame


def block_hash(job: Job) -> str:
    """Of everything a block depends on: code, site, market, data, controller, seed, and a supervisor it has."""
    watched = job.variant.supervisor or job.variant.reads
    sections = ("site", "market", *(("supervisor",) if watched else ()))
    world = job.config.model_dump_json(include={"workload": {"name"}, **dict.fromkeys(sections, True)})
    parts = [code_hash(), world, job.variant.name, _policy_identity(job), supervisor_identity(job), str(job.seed)]
    parts += [f"{case.keys['week_start']}/{case.keys['data_hash']}" for case in job.cases]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _policy_identity(job: Job) -> str:
    """What tells a policy from another of its name. A planner is its code, and making one is most of its work."""
    return "" if job.variant.base in OPTIMAL else policy_hash(policy_of(job))


def policy_of(job: Job) -> Policy:
    """The controller of a job. Raises ValueError: one that is not shipped, or a checkpoint that cannot be read."""
    return make_policy(job.variant, job.cases, job.seed, job.config.agents.checkpoint)


def run_block(job: Job, dealt: Block | None = None, engine: Engine | None = None, answers: Path | None = None) -> Block:
    """Run a job.

    dealt: the block of its twin, where it has one. engine, answers: see ``supervisors.supervising``.
    """
    if job.variant.base in BOUNDS:
        return Block(_bound_rows(job), no_sales(), no_orders())
    policy = policy_of(job)
    book = OrderBook(job.cases)
    if job.variant.name == "neutral":
        run = neutral_rollout(SiteBatch(job.cases))
    else:
        with supervising(job, dealt, engine, answers) as supervisor:
            run = _rollout(job, policy, supervisor, book, answers)
    books = keep_books(run)
    keys = [_keys(job, policy_hash(policy), case) for case in job.cases]
    return Block(_rows(run, books, keys), sales_of(run, books, keys), book.frame())


def _rows(run: Rollout, books: Books, keys: Sequence[dict[str, object]]) -> pd.DataFrame:
    records = [
        {**key, **books.totals(site), **{name: int(run.counters[name][site]) for name in COUNTERS}}
        for site, key in enumerate(keys)
    ]
    return pd.DataFrame(records, columns=list(COLUMNS))


def _bound_rows(job: Job) -> pd.DataFrame:
    """The bound on ``objective_gbp + flex_phantom_gbp``: a row with these two and nothing else."""
    from evaluate.optimal import bound_gbp

    records = [
        {
            **_keys(job, code_hash(("evaluate",)), case),
            "objective_gbp": bound_gbp(case, own_trades=job.variant.base != BOUND),
            "flex_phantom_gbp": 0.0,
        }
        for case in job.cases
    ]
    return pd.DataFrame(records, columns=list(COLUMNS)).astype(dict.fromkeys((*ADDITIVE, *COUNTERS), "float64"))


def _keys(job: Job, policy: str, case: Case) -> dict[str, object]:
    own = {name: case.keys[name] for name in ("week_start", "site", "workload", "data_hash")}
    found = {"variant": job.variant.name, "policy_hash": policy, "seed": job.seed, "code_commit": code_commit(), **own}
    return {name: found[name] for name in KEYS}


def _rollout(
    job: Job, policy: Policy, supervisor: HighLevelPolicy | None, book: OrderBook, answers: Path | None
) -> Rollout:
    notices = [one for case in job.cases for one in case.notices]
    overheard = None if supervisor is None else book.listen(supervisor)
    with open_reader(reader_asked(job), notices, answers=answers, supervisor=supervisor) as reader:
        board = NoticeBoard(reader)
        return rollout(
            SiteBatch(job.cases),
            policy,
            market_rules(job.config),
            lambda agents, desk: _oversee(job.config, overheard, agents, desk, board),
            seeds=policy_seeds(job.seed, len(job.cases)),
            notices=board,
        )


def reader_asked(job: Job) -> Supervisor:
    """The reader of a variant: the configured one where its name has one, nobody otherwise. Contract 8: whoever plans
    for the whole objective is given what notices truly ask, unless it has a reader of its own.

    Raises:
        ValueError: a variant with a reader, and none is configured.
    """
    asked, variant = job.config.supervisor, job.variant
    if not variant.reads:
        return asked.model_copy(update={"reader": TRUTH if variant.base in OPTIMAL else NOBODY})
    if asked.reader == NOBODY:
        raise ValueError(f"evaluate.variants: {variant.name}: supervisor.reader is none; name who reads")
    return asked


def _oversee(
    config: Config, supervisor: HighLevelPolicy | None, agents: Policy, desk: Desk, notices: NoticeBoard
) -> Overseer:
    if supervisor is None:
        return (TradingAlone if isinstance(agents, Trading) else Alone)(agents, desk, notices=notices)
    every = config.supervisor.every_steps
    return Orchestrator(supervisor, every_steps=every, accept=desk.accept, notices=notices)
