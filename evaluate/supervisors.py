"""Who stands above the agents of a job, and what tells it from another of its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from configs.fields import CONTROLS, MODELS
from configs.schema import Supervisor
from evaluate.orders import directives_of
from llm_layer.backends import identity_of, open_supervisor
from llm_layer.engine import Engine
from llm_layer.policy import HighLevelPolicy
from llm_layer.random_policy import RandomPolicy
from llm_layer.rules import RulesPolicy

if TYPE_CHECKING:
    from evaluate.block import Block, Job

RANDOM = "random"  # deals out what another one ordered


def asked_of(job: Job) -> Supervisor:
    """The supervisor of a variant as a configuration: all but who decides is the job's own."""
    return job.config.supervisor.model_copy(update={"backend": job.variant.supervisor, "replay": None})


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
