"""Who stands above the agents of a job, and what tells it from another of its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from configs.fields import CONTROLS, MODELS, READER
from configs.schema import Supervisor
from evaluate.orders import directives_of
from evaluate.variants import OPTIMAL
from llm_layer.backends import identity_of, model_id, open_supervisor
from llm_layer.engine import Engine
from llm_layer.ledger import JUDGE
from llm_layer.policy import HighLevelPolicy
from llm_layer.random_policy import RandomPolicy
from llm_layer.reader.model_reader import reader_id
from llm_layer.reader.open import NOBODY, TRUTH, engine_asked
from llm_layer.rules import RulesPolicy

if TYPE_CHECKING:
    from evaluate.block import Block, Job

RANDOM = "random"  # deals out what another one ordered


def asked_of(job: Job) -> Supervisor:
    """The supervisor of a variant as a configuration: all but who decides is the job's own."""
    return job.config.supervisor.model_copy(update={"backend": job.variant.supervisor, "replay": None})


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


def models_asked(job: Job) -> dict[str, Supervisor]:
    """Role (judge, reader) -> the configuration of the language model that has it in this job."""
    found = {}
    if job.variant.supervisor in MODELS:
        found[JUDGE] = asked_of(job)
    if job.variant.reads and job.config.supervisor.reader in MODELS and any(case.notices for case in job.cases):
        found[READER] = engine_asked(job.config.supervisor.model_copy(update={"replay": None}))
    return found


def reader_identity(job: Job) -> str:
    """Of a model that reads its revision, prompt, schema and sampling; "" where code says it all.

    Raises:
        ValueError: no model is named, or what is named is not there.
    """
    asked = models_asked(job).get(READER)
    return "" if asked is None else reader_id(model_id(asked))


def supervisor_identity(job: Job) -> str:
    """Of a model its revision, prompt, schema and sampling, of a fitted control its files; "" where code says it all.

    Raises:
        ValueError: no model is named, or what is named is not there.
    """
    return identity_of(asked_of(job)) if job.variant.supervisor in (*MODELS, *CONTROLS) else ""


@contextmanager
def supervising(
    job: Job, dealt: Block | None, engine: Engine | None, answers: Path | None
) -> Iterator[HighLevelPolicy | None]:
    """Who decides in this job; None: nobody.

    Args:
        dealt: the block of its twin, for the supervisor that deals it out again.
        engine: for a language model. answers: what has been answered before.
    """
    if not job.variant.supervisor:
        yield None
    elif job.variant.supervisor == RANDOM:
        assert dealt is not None, "a random supervisor is given the block of its twin"
        yield RandomPolicy(directives_of(dealt.orders), job.seed)
    elif job.variant.supervisor == "rules":
        yield RulesPolicy()
    else:
        with open_supervisor(asked_of(job), answers=answers, engine=engine) as supervisor:
            yield supervisor
