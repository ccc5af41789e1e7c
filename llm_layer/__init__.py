"""Above the agents: situation, directive, bounds, audit trail. Names are loaded when they are first asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from envs.numba_cache import drop_stale

drop_stale(Path(__file__).parent)

_HOMES = {
    "AuditWriter": "llm_layer.audit",
    "Decision": "llm_layer.policy",
    "Directive": "llm_layer.directive",
    "HighLevelPolicy": "llm_layer.policy",
    "LLMOrchestrator": "llm_layer.facade",
    "Orchestrator": "llm_layer.orchestrator",
    "RulesPolicy": "llm_layer.rules",
    "Situation": "llm_layer.situation",
    "compile_directive": "llm_layer.compile",
    "verify_file": "llm_layer.audit",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'llm_layer' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
