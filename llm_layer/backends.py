"""Which supervisor a configuration asks for. Engines are imported when one is asked for, never before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from configs.schema import Supervisor
from llm_layer.engine import Engine, EngineError
from llm_layer.policy import HighLevelPolicy
from llm_layer.rules import RulesPolicy


@contextmanager
def open_supervisor(asked: Supervisor) -> Iterator[HighLevelPolicy | None]:
    """Who decides above the agents, ready to be asked; None: nobody. Its engine ends with the context.

    Raises:
        EngineError: an engine that cannot work as configured: one line with place, value and fix.
    """
    if asked.backend == "none":
        yield None
    elif asked.backend == "rules":
        yield RulesPolicy()
    else:
        from llm_layer.model_policy import ModelPolicy

        policy = ModelPolicy(_engine(asked), power_w=asked.power_w, show_proposals=asked.show_proposals)
        with closing(policy):
            yield policy


def _engine(asked: Supervisor) -> Engine:
    if asked.backend == "vllm":
        from llm_layer.engine_vllm import VllmEngine
        from llm_layer.model_folder import find_model

        return VllmEngine(find_model(asked.model), timeout_s=asked.timeout_s)
    from llm_layer.engine_anthropic import Anthropic
    from llm_layer.engine_http import HttpEngine
    from llm_layer.engine_openai import OpenAI

    if not asked.model:
        raise EngineError(
            f"supervisor.model is null; the {asked.backend} backend needs the name its server gives a model"
        )
    dialect = OpenAI if asked.backend == "openai" else Anthropic
    return HttpEngine(
        dialect(asked.model, asked.base_url), timeout_s=asked.timeout_s, max_concurrency=asked.max_concurrency
    )
