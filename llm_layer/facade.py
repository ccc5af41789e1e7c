"""The founding README's usage example: fetch signals, coordinate proposals, log decisions, an hour at a time.

env = DataCentreEnv(location="london")
orchestrator = LLMOrchestrator(llm_provider="rules")
for step in range(8760):
    agent_actions = env.get_agent_proposals()
    grid_signals = orchestrator.fetch_grid_signals()
    actions = orchestrator.coordinate(agent_actions, grid_signals)
    obs, reward, done, info = env.step(actions)
    orchestrator.log_decision(actions=actions, reasoning=info["reasoning"], carbon_intensity=grid_signals["carbon"])
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from configs.load import load_config
from configs.schema import Supervisor
from envs.batch import SiteBatch
from envs.case import Case
from envs.facade import registered_case_maker
from envs.grid_aware import grid_signals
from envs.state import AGENTS
from grid.rows import STEP_MINUTES
from llm_layer.audit import AuditWriter
from llm_layer.backends import open_supervisor
from llm_layer.orchestrator import Control, Orchestrator
from llm_layer.records import when

PROVIDERS = ("rules", "vllm", "openai", "anthropic")


class Coordinated(dict[str, float]):
    """Agent -> action to execute, in [-1, 1], with ``reasoning``: why, in words."""

    def __init__(self, actions: Mapping[str, float], reasoning: str) -> None:
        super().__init__(actions)
        self.reasoning = reasoning


class LLMOrchestrator:
    """Coordinates one site's proposals under whatever provider is named.

    The class keeps its name from the founding README; with the provider ``rules`` no language model is involved.

    It keeps its own clock and its own copy of the site, advanced by ``log_decision``; proposals that say which site
    they were made for bring the true state. Without an endpoint no market is connected and nothing is sold.

    Args:
        llm_provider: ``rules``, ``vllm``, ``openai`` or ``anthropic``, as ``supervisor.backend``; an engine runs until
            ``close``.
        beckn_endpoint: None.
        case: the world it lives in; by default that of the registered case maker, as for ``DataCentreEnv``.
        decision_minutes: length of a decision, a multiple of 15.
        audit_path: file for the hash-chained trail; None: only ``entries`` counts.
        model, base_url: as ``supervisor.model`` and ``supervisor.base_url``.

    Raises:
        ValueError: a provider or an endpoint that is not there, an engine that cannot start, a length that is not a
            number of control steps.
    """

    def __init__(
        self,
        llm_provider: str = "rules",
        beckn_endpoint: str | None = None,
        *,
        case: Case | None = None,
        decision_minutes: int = 60,
        audit_path: Path | str | None = None,
        model: str | None = None,
        base_url: str | None = None,
    ) -> None:
        if llm_provider not in PROVIDERS:
            raise ValueError(f"llm_provider {llm_provider!r} is unknown; known: {', '.join(PROVIDERS)}")
        if beckn_endpoint is not None:
            raise ValueError(f"beckn_endpoint {beckn_endpoint!r}: this version trades on no network; leave it out")
        if decision_minutes < STEP_MINUTES or decision_minutes % STEP_MINUTES:
            raise ValueError(f"decision_minutes: {decision_minutes}; give a multiple of {STEP_MINUTES}")
        self.steps_per_decision = decision_minutes // STEP_MINUTES
        self._open = ExitStack()
        asked = {**load_config().supervisor.model_dump(), "backend": llm_provider, "model": model, "base_url": base_url}
        supervisor = self._open.enter_context(open_supervisor(Supervisor.model_validate(asked)))
        self._audit = None if audit_path is None else self._open.enter_context(AuditWriter(audit_path))
        self._site = SiteBatch([case if case is not None else registered_case_maker()("london", None)])
        self._inner = Orchestrator(supervisor, every_steps=self.steps_per_decision, audit=self._audit)
        self._inner.reset(self._site)
        self.entries = 0  # decisions logged

    def close(self) -> None:
        """End the provider's engine, close the trail."""
        self._open.close()

    def fetch_grid_signals(self) -> dict[str, Any]:
        """What the grid has published by this orchestrator's clock (``envs.grid_aware.grid_signals``)."""
        return grid_signals(self._site.view(), 0)

    def coordinate(self, agent_actions: Mapping[str, float], grid_signals: Mapping[str, Any]) -> Coordinated:
        """Follow, bound or override the proposals. -> actions that carry their reason.

        Raises:
            ValueError: a missing agent, or signals of another time than the clock's.
        """
        missing = [agent for agent in AGENTS if agent not in agent_actions]
        if missing:
            raise ValueError(f"coordinate: no proposal for {missing[0]}; give one for each of {', '.join(AGENTS)}")
        self._measure(getattr(agent_actions, "site", None))
        view, feasible = self._site.view(), self._site.feasible()
        if grid_signals["time_utc"] != view.timestamp(0):
            raise ValueError(
                f"grid_signals are of {grid_signals['time_utc']}, the clock says {view.timestamp(0)}; "
                "call log_decision after each step"
            )
        raw = np.array([[agent_actions[agent] for agent in AGENTS]], dtype=np.float32)
        control = self._inner.control(view, self._site, feasible, raw)
        executed = np.clip(raw, control.bounds[..., 0], control.bounds[..., 1])[0].tolist()
        return Coordinated(dict(zip(AGENTS, executed, strict=True)), _reasoning(control))

    def log_decision(self, actions: Mapping[str, float], reasoning: str, carbon_intensity: float) -> None:
        """Record what was done and why, and move the clock on by one decision."""
        if self._audit is not None:
            body = {
                "kind": "logged",
                **when(int(self._site.now_utc[0].astype(np.int64))),
                "actions": {agent: round(float(actions[agent]), 6) for agent in AGENTS},
                "reasoning": reasoning,
                "carbon_gco2_per_kwh": round(float(carbon_intensity), 3),
            }
            self._audit.write(body, {})
        raw = np.array([[actions[agent] for agent in AGENTS]], dtype=np.float32)
        for _ in range(self.steps_per_decision):
            if not self._site.done:
                self._site.step(raw, copy=False)
        self.entries += 1

    def _measure(self, site: SiteBatch | None) -> None:
        """Take over the state of the real site, where the proposals say which it is."""
        if site is not None and site.now == self._site.now:
            self._site.state[:] = site.state
            self._site.queue[:] = site.queue


def _reasoning(control: Control) -> str:
    if not control.decisions:
        return "the last directive is still held"
    directive = control.decisions[0].directive
    return f"{directive.reason_code}: {directive.text}"
