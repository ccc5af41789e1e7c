"""One site, one stretch of time: run it under its supervisor, settle it, write every file of its folder."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agents import factory
from agents.policy import Policy
from configs.load import config_hash, dump
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.baseline_days import days_behind
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from evaluate.frames import settled_periods, settlement_frame
from evaluate.happening import Happening, happening
from evaluate.identity import code_commit
from evaluate.names import COUNTERS
from evaluate.network import on_network
from evaluate.own_baseline import LONGEST_FROZEN_DAYS
from evaluate.rollout import Overseer, Rollout, neutral_rollout, rollout
from evaluate.run_data import Comparison
from evaluate.run_files import SITE, FinishedRun, write_run
from evaluate.variants import Variant, check_known
from llm_layer.audit import FILE_NAME, AuditWriter
from llm_layer.backends import open_supervisor
from llm_layer.orchestrator import Orchestrator, Trail
from llm_layer.policy import HighLevelPolicy
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.open import NOBODY, open_reader
from llm_layer.reader.reading import Reader
from llm_layer.records import run_body, settlement_bodies, summary_body
from llm_layer.resumed import ResumedTrail


def run_site(
    config: Config,
    folder: Path,
    on_progress: Callable[[int, int], None] | None = None,
    comparison: Comparison | None = None,
    answers: Path | None = None,
) -> dict[str, Any]:
    """Run ``config`` and write its folder; -> the summary.

    ``on_progress(done, total)`` is called at each settlement period. Where it raises KeyboardInterrupt, what ran until
    then is settled and written like a whole run, and the interrupt is raised again. ``comparison``: for the report.
    ``answers``: file of what a language model has answered before.

    Raises:
        ValueError: bad data or parameters, or a supervisor that cannot start, before anything is written.
    """
    present = happening(config, folder)
    case = make_case(config if present is None else present.config)
    policy = controller_of(config, case)
    with (
        open_supervisor(config.supervisor, answers=answers, folder=folder) as supervisor,
        open_reader(config.supervisor, case.notices, answers=answers, supervisor=supervisor, folder=folder) as reader,
    ):
        return _run(config, folder, case, policy, supervisor, reader, present, on_progress, comparison)


def _run(
    config: Config,
    folder: Path,
    case: Case,
    policy: Policy,
    supervisor: HighLevelPolicy | None,
    reader: Reader | None,
    present: Happening | None,
    on_progress: Callable[[int, int], None] | None,
    comparison: Comparison | None,
) -> dict[str, Any]:
    rules, batch = market_rules(config), SiteBatch([case])
    neutral = keep_books(neutral_rollout(batch)).totals(SITE)
    stopped: list[KeyboardInterrupt] = []

    def before_step(step: int) -> bool:
        try:
            if on_progress is not None:
                on_progress(step, case.rows.steps)
        except KeyboardInterrupt as stop:
            stopped.append(stop)
        return not stopped

    (folder / "config.yaml").write_text(dump(config), encoding="utf-8")
    with AuditWriter(folder / FILE_NAME) as writer:
        audit: Trail = ResumedTrail(writer) if config.beckn.enabled else writer
        audit.write(_head(config, case, policy, supervisor), _runtime(config))
        board = NoticeBoard(reader, audit.write)

        def before_period(step: int) -> bool:
            going_on = before_step(step)
            if going_on and present is not None:
                present.renew(batch, audit)
            return going_on

        def overseer(agents: Policy, desk: Desk) -> Overseer:
            if isinstance(audit, ResumedTrail):
                return on_network(config, case, supervisor, desk, audit, lambda: not before_step(batch.now), board)
            return oversee(config, supervisor, agents, desk, audit, board)

        run = rollout(
            batch,
            policy,
            rules,
            overseer,
            seeds=np.array([config.run.seed]),
            own_baseline=config.run.days > LONGEST_FROZEN_DAYS,
            before_step=before_period,
            notices=board,
        )
        if stopped and config.beckn.enabled:
            raise stopped[0]  # nothing is settled yet: started again, the run goes on from here
        case = batch.cases[0]  # with the requests that came up during the run
        if present is not None:
            case = present.close(batch)
            run = dataclasses.replace(run, cases=(case,), neutral_kwh=case.neutral_kwh[: run.steps, None])
            neutral = keep_books(neutral_rollout(SiteBatch([case]))).totals(SITE)
        books = keep_books(run)
        table, periods = settlement_frame(run, books, SITE, rules), settled_periods(run, books, SITE)
        for body in settlement_bodies(SITE, table, periods, days_behind(config, case)):
            audit.write(body, {})
        totals = {**books.totals(SITE), **_counters(run)}
        audit.write(summary_body(totals), {})
        summary = {
            **totals,
            "neutral": neutral,
            **({} if present is None else {"signals": present.summary()}),
            **_identity(config, case, policy, supervisor),
            "steps": run.steps,
            "complete": not stopped,
            "audit_lines": writer.lines,
            "audit_head": writer.head,
        }
    write_run(folder, FinishedRun(config, case, run, books, table, summary, comparison))
    if stopped:
        raise stopped[0]
    return summary


def controller_of(config: Config, case: Case) -> Policy:
    """The controller whose proposals are read: ``agents.checkpoint`` where one is named, else ``agents.policy``.

    Raises:
        ValueError: a checkpoint that cannot be used, or a trained policy that is not shipped.
    """
    if config.agents.checkpoint is not None:
        from agents.exported import load_policy  # torch: only for those who ask for a network

        return load_policy(config.agents.checkpoint)
    check_known([Variant(config.agents.policy, "")])
    return factory.make(config.agents.policy, case)


def oversee(
    config: Config,
    supervisor: HighLevelPolicy | None,
    agents: Policy,
    desk: Desk,
    audit: Trail | None = None,
    notices: NoticeBoard | None = None,
) -> Overseer:
    """The orchestrator with a supervisor in it, or the agents alone."""
    if supervisor is None:
        return Alone(agents, desk, audit, notices)
    every = config.supervisor.every_steps
    return Orchestrator(supervisor, every_steps=every, accept=desk.accept, audit=audit, notices=notices)


def _counters(run: Rollout) -> dict[str, int]:
    return {name: int(run.counters[name][SITE]) for name in COUNTERS}


def _identity(config: Config, case: Case, policy: Policy, supervisor: HighLevelPolicy | None) -> dict[str, Any]:
    reads = case.notices and config.supervisor.reader != NOBODY
    variant = "+".join(
        [policy.name, *(["reader"] if reads else []), *([config.supervisor.backend] if supervisor else [])]
    )
    return {
        "variant": variant,
        "seed": config.run.seed,
        **case.keys,
        "days": config.run.days,
        "compensation": config.market.compensation,
        "config_hash": config_hash(config),
        "code_commit": code_commit(),
        "provenance": case.rows.provenance,
    }


def _head(config: Config, case: Case, policy: Policy, supervisor: HighLevelPolicy | None) -> dict[str, Any]:
    return run_body(
        config_hash=config_hash(config),
        agents=policy.name,
        supervisor="none" if supervisor is None else supervisor.policy_id,
        site={name: float(case.params[name][0]) for name in case.params.dtype.names or ()},
        data={**case.keys, **case.rows.provenance},
        market=config.market.model_dump(mode="json"),
    )


def _runtime(config: Config) -> dict[str, Any]:
    return {
        "run_name": config.run.name,
        "host": platform.node(),
        "python": platform.python_version(),
        "code_commit": code_commit(),
    }
