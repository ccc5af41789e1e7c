"""Run a controller, alone or supervised, over a batch of sites and keep every step's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from agents.policy import Policy
from envs.batch import SiteBatch
from envs.case import Case
from envs.params import neutral_actions
from envs.state import AGENTS, OUTPUTS
from envs.view import SiteView
from evaluate.desk import Desk
from evaluate.names import COUNTERS
from evaluate.own_baseline import OwnBaseline
from grid.market.commitments import CommitmentError
from grid.market.rules import MarketRules
from grid.rows import BASELINE, STEPS_PER_PERIOD
from llm_layer.orchestrator import Control
from llm_layer.reader.board import NoticeBoard

CAUSES = ("", "clipped", "tracker", "supervisor", "notice")  # who moved an executed action away from the proposal
CLIPPED, TRACKER, SUPERVISOR, NOTICE = range(1, 5)
MOVED = 1e-6


class Overseer(Protocol):
    """What stands between the agents and the actuators: the orchestrator, or nobody (``evaluate.alone``)."""

    def reset(self, batch: SiteBatch) -> None: ...

    def bounds(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray) -> np.ndarray:
        """float32 (B, 3, 2): what agents know of their bounds when they act."""

    def control(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control: ...

    def counters(self) -> dict[str, np.ndarray]: ...

    def finish(self, batch: SiteBatch) -> None: ...


@dataclass
class Rollout:
    """Records of T steps of B sites. A site past its own end reports zeros.

    outputs      float64 (T, B, OUTPUTS): what the kernel reported
    raw, executed   float32 (T, B, 3): what the agents asked and what the actuators did
    causes       uint8 (T, B, 3): index into ``CAUSES``
    commitments_kw  float64 (B, P); own_trade bool (B, P); ledger object (B, P)
    baseline_kw, neutral_kwh, llm_kwh   float64 (T, B); breach_steps bool (T, B)
    counters     name -> int64 (B,)
    """

    cases: tuple[Case, ...]
    site_case: np.ndarray
    params: np.ndarray
    lengths: np.ndarray
    outputs: np.ndarray
    raw: np.ndarray
    executed: np.ndarray
    causes: np.ndarray
    baseline_kw: np.ndarray
    neutral_kwh: np.ndarray
    llm_kwh: np.ndarray
    breach_steps: np.ndarray
    commitments_kw: np.ndarray
    own_trade: np.ndarray
    ledger: np.ndarray
    counters: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        return len(self.outputs)

    def rows_by_step(self) -> np.ndarray:
        """float64 (T, B, columns): each site's row at each step; zeros past its end."""
        columns = self.cases[0].rows.values.shape[1]
        rows = np.zeros((self.steps, len(self.site_case), columns))
        for site, case in enumerate(self.site_case):
            length = min(self.steps, self.lengths[site])
            rows[:length, site] = self.cases[case].rows.values[:length]
        return rows


def rollout(
    batch: SiteBatch,
    policy: Policy,
    rules: MarketRules,
    overseer_of: Callable[[Policy, Desk], Overseer],
    *,
    seeds: np.ndarray,
    own_baseline: bool = False,
    before_step: Callable[[int], bool] | None = None,
    notices: NoticeBoard | None = None,
) -> Rollout:
    """Run ``batch`` from its start to its end.

    Args:
        overseer_of: makes who stands above the agents, given the desk it may sell through.
        seeds: int64 (B,), for the policy's own randomness.
        own_baseline: learn each day's BL01 from the run's own meter (runs over 14 days) in place of the frozen one.
        before_step: called with the step number; False ends the run there, at a settlement period's edge.
        notices: the board that reads the cases' notices, the one the overseer was given; None: nobody reads. Steps
            that break what a notice truly asks are counted either way.
    """
    batch.reset()
    desk = Desk(batch, rules)
    board = NoticeBoard(None) if notices is None else notices
    board.reset(batch)
    overseer = overseer_of(policy, desk)
    overseer.reset(batch)
    policy.reset(batch.batch_size, seeds)
    learner = OwnBaseline(batch, desk) if own_baseline else None
    run = _empty(batch)
    done = 0
    for t in range(batch.steps):
        if before_step is not None and t % STEPS_PER_PERIOD == 0 and not before_step(t):
            break
        if learner is not None:
            learner.before(t, run.outputs)
        board.before(batch)
        view = batch.view()
        board.watch(view)
        feasible = batch.feasible()
        bounds = overseer.bounds(view, batch, feasible)
        obs = batch.observe(policy.layout) if policy.layout else {}
        raw = policy.act(obs, bounds, view)
        _sell(policy, desk, view)
        control = overseer.control(view, batch, feasible, raw)
        result = batch.step(raw, control.bounds, copy=False)
        _record(run, t, raw, result.executed, result.outputs, view, control)
        run.llm_kwh[t] += board.spent_kwh
        run.breach_steps[t] = board.after(view, result.outputs, result.executed)
        done = t + 1
    overseer.finish(batch)
    return _finished(run, done, desk, overseer, board)


def neutral_rollout(batch: SiteBatch) -> Rollout:
    """The sites left alone: nothing decided, nothing sold. Same records as ``rollout`` of ``neutral``, much faster."""
    batch.reset()
    run = _empty(batch)
    actions, nobody = neutral_actions(batch.params), np.zeros(batch.batch_size, dtype=np.int64)
    run.raw[:] = run.executed[:] = actions
    board = NoticeBoard(None)
    board.reset(batch)
    for t in range(batch.steps):
        view = None if board.idle else batch.view()
        if view is not None:
            board.watch(view)
        result = batch.step(actions, copy=False)
        run.outputs[t] = result.outputs
        if view is not None:
            run.breach_steps[t] = board.after(view, result.outputs, result.executed)
    run.baseline_kw = run.rows_by_step()[..., BASELINE]
    run.counters = dict.fromkeys(COUNTERS, nobody) | {"notice_breach_steps": run.breach_steps.sum(axis=0)}
    return run


def _sell(policy: Policy, desk: Desk, view: SiteView) -> None:
    """Own trades. One that the market refuses is not made: the policy offers again or does without."""
    for offer in policy.offers(view):
        try:
            desk.trade(offer, view.timestamp(offer.site))
        except CommitmentError:
            continue


def _empty(batch: SiteBatch) -> Rollout:
    steps, size = batch.steps, batch.batch_size
    neutral = np.zeros((steps, size))
    for site, case in enumerate(batch.site_case):
        length = int(batch.length[site])
        neutral[:length, site] = batch.cases[case].neutral_kwh[:length]
    return Rollout(
        cases=batch.cases,
        site_case=batch.site_case,
        params=batch.params,
        lengths=batch.length,
        outputs=np.zeros((steps, size, len(OUTPUTS))),
        raw=np.zeros((steps, size, len(AGENTS)), dtype=np.float32),
        executed=np.zeros((steps, size, len(AGENTS)), dtype=np.float32),
        causes=np.zeros((steps, size, len(AGENTS)), dtype=np.uint8),
        baseline_kw=np.zeros((steps, size)),
        neutral_kwh=neutral,
        llm_kwh=np.zeros((steps, size)),
        breach_steps=np.zeros((steps, size), dtype=bool),
        commitments_kw=batch.commitments_kw,
        own_trade=np.zeros(batch.commitments_kw.shape, dtype=bool),
        ledger=np.full(batch.commitments_kw.shape, "", dtype=object),
    )


def _record(
    run: Rollout,
    t: int,
    raw: np.ndarray,
    executed: np.ndarray,
    outputs: np.ndarray,
    view: SiteView,
    control: Control,
) -> None:
    run.outputs[t] = outputs
    run.raw[t] = raw
    run.executed[t] = executed
    run.baseline_kw[t] = view.baseline_kw[:, 0]
    run.llm_kwh[t] = control.llm_kwh
    run.causes[t] = _causes(raw, executed, control)


def _causes(raw: np.ndarray, executed: np.ndarray, control: Control) -> np.ndarray:
    """uint8 (B, 3): the last of the layers, each inside the one before, that moved the action."""
    causes = np.zeros(raw.shape, dtype=np.uint8)
    if not (np.abs(executed - raw) > MOVED).any():
        return causes
    action = raw
    for cause, bounds in (
        (CLIPPED, control.physical),
        (NOTICE, control.noticed),
        (TRACKER, control.tracked),
        (SUPERVISOR, control.bounds),
    ):
        moved = np.clip(action, bounds[..., 0], bounds[..., 1])
        causes[np.abs(moved - action) > MOVED] = cause
        action = moved
    causes[(causes == 0) & (np.abs(executed - action) > MOVED)] = CLIPPED
    return causes


def _finished(run: Rollout, done: int, desk: Desk, overseer: Overseer, board: NoticeBoard) -> Rollout:
    """Cut a run that was stopped, close the ledger, count."""
    for name in (
        "outputs", "raw", "executed", "causes", "baseline_kw", "neutral_kwh", "llm_kwh", "breach_steps",
    ):  # fmt: skip
        setattr(run, name, getattr(run, name)[:done])
    run.lengths = np.minimum(run.lengths, done)
    for site in range(len(run.site_case)):
        ledger, own = desk.ledger(site), desk.own(site)
        run.ledger[site, : len(ledger)], run.own_trade[site, : len(own)] = ledger, own
    by_cause = {name: (run.causes == k).any(axis=2).sum(axis=0) for k, name in enumerate(CAUSES) if name}
    run.counters = {
        **overseer.counters(),
        "reads": board.reads,
        "events_accepted": desk.accepted,
        "clipped": by_cause["clipped"],
        "tracker_steps": by_cause["tracker"],
        "bound_steps": by_cause["supervisor"] + by_cause["notice"],
        "notice_breach_steps": run.breach_steps.sum(axis=0),
    }
    return run
