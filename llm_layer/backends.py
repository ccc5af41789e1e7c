"""Which supervisor a configuration asks for. Engines are imported when one is asked for, never before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from configs.fields import CONTROLS
from configs.schema import Supervisor
from llm_layer.engine import Answer, Engine, EngineError, EngineFailure
from llm_layer.judge.controls import open_control
from llm_layer.model_folder import needed_tokens
from llm_layer.policy import HighLevelPolicy
from llm_layer.prompt import Prompt
from llm_layer.rules import RulesPolicy

if TYPE_CHECKING:
    from llm_layer.ledger import Record
    from llm_layer.model_policy import ModelPolicy
    from llm_layer.replay import ReplayPolicy

    ModelSupervisor = ModelPolicy | ReplayPolicy


@contextmanager
def open_supervisor(
    asked: Supervisor, *, answers: Path | None = None, folder: Path | None = None, engine: Engine | None = None
) -> Iterator[HighLevelPolicy | None]:
    """Who decides above the agents, ready to be asked; None: nobody. Its engine ends with the context.

    Args:
        answers: file of answers given before (``llm_layer.answers``); None: every prompt is put to the model.
        folder: of the run, where the ledger is kept that it can be replayed from; None: none is kept.
        engine: what a language model is asked through; None: one is opened as configured.

    Raises:
        EngineError: an engine that cannot work as configured: one line with place, value and fix.
        ValueError: ``supervisor.replay`` names no run that can be replayed.
    """
    if asked.backend == "none":
        yield None
    elif asked.backend == "rules":
        yield RulesPolicy()
    elif asked.backend in CONTROLS:
        yield open_control(asked.backend, asked.controls)
    elif asked.replay is not None:
        from llm_layer.ledger import read_ledger

        yield _replay(asked, read_ledger(Path(asked.replay)), Path(asked.replay), None)
    else:
        with closing(_model_policy(asked, answers, folder, engine)) as policy:
            yield policy


def identity_of(asked: Supervisor) -> str:
    """The policy id that decisions will carry, without starting anything.

    Raises:
        ValueError: no model is named, or what is named is not there.
    """
    if asked.backend in CONTROLS:
        return open_control(asked.backend, asked.controls).policy_id
    from llm_layer.model_policy import policy_id_of

    return policy_id_of(model_id(asked), asked.show_proposals, asked.prompt_form)


def _model_policy(
    asked: Supervisor, answers: Path | None, folder: Path | None, engine: Engine | None
) -> ModelSupervisor:
    """A model with what it keeps. A run that was stopped and goes on is first given what its ledger says it had."""
    from llm_layer.answers import AnswerCache
    from llm_layer.ledger import FILE_NAME, Ledger, read_ledger
    from llm_layer.model_policy import ModelPolicy, policy_id_of

    before = read_ledger(folder) if folder is not None and (folder / FILE_NAME).is_file() else None
    with ExitStack() as opened:
        cache = None if answers is None else opened.enter_context(closing(AnswerCache(answers)))
        engine = open_engine(asked) if engine is None else engine
        opened.enter_context(closing(engine))
        policy_id = policy_id_of(engine.model_id, asked.show_proposals, asked.prompt_form)
        ledger = None if folder is None else opened.enter_context(closing(Ledger(folder, policy_id)))
        policy = ModelPolicy(
            engine,
            power_w=asked.power_w,
            show_proposals=asked.show_proposals,
            form=asked.prompt_form,
            cache=cache,
            ledger=ledger,
        )
        opened.pop_all()  # the policy closes them
    return policy if before is None or folder is None else _replay(asked, before, folder, policy)


def _replay(asked: Supervisor, record: Record, folder: Path, otherwise: ModelPolicy | None) -> ReplayPolicy:
    from llm_layer.prompt import build_prompt
    from llm_layer.replay import ReplayPolicy

    prompt_of = partial(build_prompt, show_proposals=asked.show_proposals, form=asked.prompt_form)
    return ReplayPolicy(record, folder, prompt_of=prompt_of, power_w=asked.power_w, otherwise=otherwise)


def model_id(asked: Supervisor) -> str:
    """Model and revision of a configuration, without starting anything.

    Raises:
        ValueError: no model is named, or its folder cannot be used.
    """
    if asked.backend == "vllm":
        from llm_layer.engine_vllm import id_of
        from llm_layer.model_folder import find_model

        return id_of(find_model(asked.model, needed_tokens(asked.prompt_form)))
    return f"{asked.backend}:{_served_model(asked)}"


def open_engine(asked: Supervisor) -> Engine:
    """The engine of a configuration, started and tried.

    Raises:
        EngineError, ModelFolderError: it cannot work as configured.
    """
    if asked.backend == "vllm":
        from llm_layer.engine_vllm import VllmEngine
        from llm_layer.model_folder import find_model

        folder = find_model(asked.model, needed_tokens(asked.prompt_form))
        return VllmEngine(folder, timeout_s=asked.timeout_s, memory_share=asked.gpu_memory_share)
    from llm_layer.engine_anthropic import Anthropic
    from llm_layer.engine_http import HttpEngine
    from llm_layer.engine_openai import OpenAI

    dialect = OpenAI if asked.backend == "openai" else Anthropic
    return HttpEngine(
        dialect(_served_model(asked), asked.base_url), timeout_s=asked.timeout_s, max_concurrency=asked.max_concurrency
    )


def _served_model(asked: Supervisor) -> str:
    if not asked.model:
        raise EngineError(
            f"supervisor.model is null; the {asked.backend} backend needs the name its server gives a model"
        )
    return asked.model


class LazyEngine:
    """An engine that is started when it is first needed: where all answers are at hand, it never is.

    ``start`` may raise EngineError, then and there.
    """

    def __init__(self, model_id: str, start: Callable[[], Engine]) -> None:
        self.model_id, self._start = model_id, start
        self._engine: Engine | None = None

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        if self._engine is None:
            self._engine = self._start()
        return self._engine.generate(prompts)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
