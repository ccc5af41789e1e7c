"""Blocks under a language model: run at the same time, so that sites, weeks and seeds are decided in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from evaluate.block import Block, Job, run_block
from evaluate.supervisors import asked_of
from llm_layer.backends import LazyEngine, model_id, open_engine
from llm_layer.engine import Engine
from llm_layer.together import run_together

MOST_AT_ONCE = 32  # blocks, a thread each


def under_one_engine(jobs: Mapping[str, Job]) -> list[list[str]]:
    """Keys of jobs that can share an engine, and be in memory together."""
    groups: dict[str, list[str]] = {}
    for key, job in jobs.items():
        groups.setdefault(asked_of(job).model_dump_json(exclude={"every_steps"}), []).append(key)
    return [
        keys[first : first + MOST_AT_ONCE] for keys in groups.values() for first in range(0, len(keys), MOST_AT_ONCE)
    ]


def run_under_model(jobs: Sequence[Job], answers: Path) -> list[Block]:
    """Run jobs that ask the same model. With every answer in ``answers``, no engine is started.

    Raises:
        EngineError: the model does not start.
    """
    asked = asked_of(jobs[0])

    def run(job: Job, engine: Engine) -> Block:
        return run_block(job, engine=engine, answers=answers)

    with closing(LazyEngine(model_id(asked), partial(open_engine, asked))) as engine:
        return run_together([partial(run, job) for job in jobs], engine)
