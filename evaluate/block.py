"""One block of a matrix: a variant and a seed over a batch of cases, as result rows, sales and orders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from agents.policy import Policy
from configs.schema import Config
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
from evaluate.sales import as_frame, no_sales, sales_of
from evaluate.side_by_side import Supervisors, side_by_side, slices_of
from evaluate.supervisors import RANDOM, reader_asked, reader_identity, supervising, supervisor_identity
from evaluate.trading import Trading, TradingAlone
from evaluate.variants import BOUND, BOUNDS, OF_ONE_CASE, OPTIMAL, Variant, make_policy, policy_seeds
from llm_layer.engine import Engine
from llm_layer.notices.notice import Authored
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import HighLevelPolicy
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.open import open_reader
from llm_layer.reader.reading import Reader

KEYS = ("variant", "policy_hash", "seed", "week_start", "site", "workload", "data_hash", "code_commit")
COLUMNS = (*KEYS, *ADDITIVE, *COUNTERS)


@dataclass(frozen=True)
class Job:
    """What a block is run from. policy: what tells its controller from another of its name, where that is known."""

    config: Config
    variant: Variant
    cases: tuple[Case, ...]
    seed: int
    policy: str | None = None

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
    """Of everything a block depends on: code, site, market, data, controller, seed, and a supervisor it has.

    Raises:
        ValueError: a checkpoint, model or reader that is not there.
    """
    reader_asked(job)
    watched = job.variant.supervisor or job.variant.reads
    sections = ("site", "market", *(("supervisor",) if watched else ()))
    world = job.config.model_dump_json(include={"workload": {"name"}, **dict.fromkeys(sections, True)})
    parts = [code_hash(), world, job.variant.name, _policy_identity(job), str(job.seed)]
    parts += [supervisor_identity(job), reader_identity(job)]
    parts += [f"{case.keys['week_start']}/{case.keys['data_hash']}" for case in job.cases]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _policy_identity(job: Job) -> str:
    """What tells a policy from another of its name. A planner is its code, and making one is most of its work."""
    if job.policy is not None:
        return job.policy
    return "" if job.variant.base in OPTIMAL else policy_hash(policy_of(job))


def policy_of(job: Job) -> Policy:
    """The controller of a job. Raises ValueError: one that is not shipped, or a checkpoint that cannot be read."""
    return make_policy(job.variant, job.cases, job.seed, job.config.agents.checkpoint)


def run_block(
    job: Job,
    dealt: Block | None = None,
    engine: Engine | None = None,
    reader_engine: Engine | None = None,
    answers: Path | None = None,
) -> Block:
    """Run one job. Arguments as of ``run_jobs``."""
    return run_jobs([job], [dealt], engine, reader_engine, answers)[0]


def run_jobs(
    jobs: Sequence[Job],
    dealt: Sequence[Block | None],
    engine: Engine | None = None,
    reader_engine: Engine | None = None,
    answers: Path | None = None,
) -> list[Block]:
    """Run jobs of one variant and configuration in one batch; each block is what it would be alone.

    dealt: the block of each one's twin, where it has one. engine, answers: see ``supervisors.supervising``.
    reader_engine: what a model that reads is asked through.
    """
    first, sizes = jobs[0], [len(job.cases) for job in jobs]
    if first.variant.base in BOUNDS:
        return [Block(_bound_rows(job), no_sales(), no_orders()) for job in jobs]
    policies = [policy_of(job) for job in jobs]
    hashes = [policy_hash(policy) for policy in policies]
    orders = [OrderBook(job.cases) for job in jobs]
    if first.variant.name == "neutral":
        run = neutral_rollout(SiteBatch([case for job in jobs for case in job.cases]))
    else:
        with ExitStack() as stack:
            supervisors = [
                stack.enter_context(supervising(job, twin, engine, answers))
                for job, twin in zip(jobs, dealt, strict=True)
            ]
            of_case = first.variant.base in OF_ONE_CASE
            alike = [f"{name}/{k}" if of_case else name for k, name in enumerate(hashes)]
            run = _rollout(
                jobs,
                side_by_side(policies, sizes, alike),
                _overheard(supervisors, orders, sizes),
                lambda notices: open_reader(
                    reader_asked(first), notices, answers=answers, supervisor=supervisors[0], engine=reader_engine
                ),
            )
    books = keep_books(run)
    keys = [_keys(job, name, case) for job, name in zip(jobs, hashes, strict=True) for case in job.cases]
    rows, sales = _rows(run, books, keys), sales_of(run, books, keys)
    return [
        Block(pd.DataFrame(rows[at], columns=list(COLUMNS)), as_frame(sales[at]), book.frame())
        for at, book in zip(slices_of(sizes), orders, strict=True)
    ]


def _overheard(
    supervisors: Sequence[HighLevelPolicy | None], orders: Sequence[OrderBook], sizes: Sequence[int]
) -> HighLevelPolicy | None:
    """Everyone's supervisor, each with an ear of its own."""
    heard = [book.listen(one) for one, book in zip(supervisors, orders, strict=True) if one is not None]
    return (heard[0] if len(heard) == 1 else Supervisors(heard, sizes)) if heard else None


def _rows(run: Rollout, books: Books, keys: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {**key, **books.totals(site), **{name: int(run.counters[name][site]) for name in COUNTERS}}
        for site, key in enumerate(keys)
    ]


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
    jobs: Sequence[Job],
    policy: Policy,
    supervisor: HighLevelPolicy | None,
    reading: Callable[[Sequence[Authored]], AbstractContextManager[Reader | None]],
) -> Rollout:
    first, cases = jobs[0], [case for job in jobs for case in job.cases]
    with reading([one for case in cases for one in case.notices]) as reader:
        board = NoticeBoard(reader)
        return rollout(
            SiteBatch(cases),
            policy,
            market_rules(first.config),
            lambda agents, desk: _oversee(first.config, supervisor, agents, desk, board),
            seeds=np.concatenate([policy_seeds(job.seed, len(job.cases)) for job in jobs]),
            notices=board,
        )


def _oversee(
    config: Config, supervisor: HighLevelPolicy | None, agents: Policy, desk: Desk, notices: NoticeBoard
) -> Overseer:
    if supervisor is None:
        return (TradingAlone if isinstance(agents, Trading) else Alone)(agents, desk, notices=notices)
    every = config.supervisor.every_steps
    return Orchestrator(supervisor, every_steps=every, accept=desk.accept, notices=notices)
