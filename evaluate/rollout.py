"""Run a policy, alone or supervised, over a batch of sites and keep every step's record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.policy import Policy
from envs.actions import AGENTS
from envs.batch import SiteBatch
from envs.layouts import Observer
from envs.reward import terminal_of
from envs.state import OUT_DTYPE
from envs.view import SiteView
from grid.rows import STEPS_PER_PERIOD
from llm_layer.supervisor import Supervisor

KEPT_STATE = ("soc_kwh", "queued_kwh", "setpoint_degc", "air_degc", "mass_degc")


@dataclass
class Rollout:
    """Records of a batch run: T steps done, B sites.

    out        OUT_DTYPE (T, B): what the kernel reported
    state      name -> float64 (T, B): state at the end of the step
    raw, executed   float32 (T, B, 3): what the agents asked and what was sent to the actuators
    bounds     float32 (T, B, 3, 2). decided, overridden  bool (T, B)
    llm_kwh    float64 (T, B): the supervisor's own electricity
    terminal_gbp, terminal_kg  float64 (B,): stock left at the end (section 4)
    commitments_kw  float64 (B, P). counters: name -> int64 (B,)
    """

    batch: SiteBatch
    out: np.ndarray
    state: dict[str, np.ndarray]
    raw: np.ndarray
    executed: np.ndarray
    bounds: np.ndarray
    decided: np.ndarray
    overridden: np.ndarray
    llm_kwh: np.ndarray
    terminal_gbp: np.ndarray
    terminal_kg: np.ndarray
    commitments_kw: np.ndarray
    counters: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        return len(self.out)


def rollout(
    batch: SiteBatch,
    policy: Policy,
    supervisor: Supervisor,
    *,
    seeds: Sequence[int] | None = None,
    before_step: Callable[[SiteBatch], bool] | None = None,
) -> Rollout:
    """Run ``batch`` from its start to its end.

    Args:
        policy: any controller of contract 4. supervisor: ``Supervisor(None, ...)`` for the agents alone.
        seeds: one a site, for the policy's own randomness.
        before_step: called before each step; returning False ends the run there (at a settlement period's edge).
    """
    size, steps = batch.batch_size, batch.steps
    view = batch.reset()
    policy.reset(size, list(seeds) if seeds is not None else [0] * size)
    supervisor.reset(size)
    observer = _observer(batch, policy)
    out = np.zeros((steps, size), dtype=OUT_DTYPE)
    state = {name: np.zeros((steps, size)) for name in KEPT_STATE}
    raw = np.zeros((steps, size, len(AGENTS)), dtype=np.float32)
    executed = np.zeros_like(raw)
    bounds = np.zeros((steps, size, len(AGENTS), 2), dtype=np.float32)
    decided = np.zeros((steps, size), dtype=bool)
    overridden = np.zeros_like(decided)
    llm_kwh = np.zeros((steps, size))
    done = 0
    for t in range(steps):
        if before_step is not None and not before_step(batch) and t % STEPS_PER_PERIOD == 0:
            break
        feasible = batch.feasible()
        obs = observer.observe(view) if observer is not None else {}
        raw[t] = policy.act(obs, feasible, view)
        control = supervisor.control(view, raw[t], feasible, batch.commit)
        executed[t], bounds[t] = control.executed, control.bounds
        decided[t], overridden[t], llm_kwh[t] = control.decided, control.overridden, control.llm_kwh
        out[t] = batch.step(executed[t], copy=False)
        for name in KEPT_STATE:
            state[name][t] = batch.state[name]
        view = batch.view()
        done = t + 1
    terminal_gbp, terminal_kg = _terminal(batch, view)
    return Rollout(
        batch=batch,
        out=out[:done],
        state={name: values[:done] for name, values in state.items()},
        raw=raw[:done],
        executed=executed[:done],
        bounds=bounds[:done],
        decided=decided[:done],
        overridden=overridden[:done],
        llm_kwh=llm_kwh[:done],
        terminal_gbp=terminal_gbp,
        terminal_kg=terminal_kg,
        commitments_kw=batch.commitments.kw.copy(),
        counters={name: np.asarray(values).copy() for name, values in supervisor.counters.items()},
    )


def _observer(batch: SiteBatch, policy: Policy) -> Observer | None:
    """Scripted controllers read the view; only a policy that names a layout is given observations."""
    layout = getattr(policy, "layout", None)
    if layout is None:
        return None
    return Observer(layout, [case.rows for case in batch.cases], batch.case_index)


def _terminal(batch: SiteBatch, view: SiteView) -> tuple[np.ndarray, np.ndarray]:
    by_case = [terminal_of(case, view) for case in batch.cases]
    sites = np.arange(batch.batch_size)
    gbp = np.stack([terms[0] for terms in by_case])[batch.case_index, sites]
    kg = np.stack([terms[1] for terms in by_case])[batch.case_index, sites]
    return gbp, kg
