"""Blocks under language models: run at the same time, so that sites, weeks and seeds are decided in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from configs.fields import READER
from configs.schema import Supervisor
from evaluate.block import Block, Job, run_block
from evaluate.supervisors import models_asked
from llm_layer.backends import LazyEngine, model_id, open_engine
from llm_layer.engine import Engine
from llm_layer.ledger import JUDGE
from llm_layer.together import run_together

MOST_AT_ONCE = 32  # blocks, a thread each


def under_one_engine(jobs: Mapping[str, Job]) -> list[list[str]]:
    """Keys of jobs that ask the same models, and can be in memory together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, job in jobs.items():
        groups.setdefault(tuple(sorted(_engines(job).values())), []).append(key)
    return [
        keys[first : first + MOST_AT_ONCE] for keys in groups.values() for first in range(0, len(keys), MOST_AT_ONCE)
    ]


def run_under_model(jobs: Sequence[Job], answers: Path) -> list[Block]:
    """Run jobs that ask the same models. With every answer in ``answers``, no engine is started.

    Raises:
        EngineError: a model does not start.
    """
    asked = {_engine(one): one for job in jobs for one in models_asked(job).values()}
    names = list(asked)

    def run(job: Job, *seats: Engine) -> Block:
        mine = {role: seats[names.index(name)] for role, name in _engines(job).items()}
        return run_block(job, engine=mine.get(JUDGE), reader_engine=mine.get(READER), answers=answers)

    with ExitStack() as stack:
        engines = [
            stack.enter_context(closing(LazyEngine(model_id(one), partial(open_engine, one)))) for one in asked.values()
        ]
        return run_together([partial(run, job) for job in jobs], *engines)


def _engines(job: Job) -> dict[str, str]:
    """Role -> what tells its engine from others."""
    return {role: _engine(asked) for role, asked in models_asked(job).items()}


def _engine(asked: Supervisor) -> str:
    """Of the keys that an engine is made from; prompts may differ from job to job."""
    return asked.model_dump_json(include={"backend", "model", "base_url", "prompt_form", "timeout_s", "power_w"})
