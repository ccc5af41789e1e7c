"""How a supervisor's directive moves when one signal is swept and all else stays as it is.

Models that act directly tend to go flat whatever the grid does. Each signal is changed where it comes from, in the view
of a site in the middle of a week, and the situation is worked out anew, so that facts, findings and requests agree; the
agents' proposals stay those of the unchanged site. What moves is measured on the actions that directives leave of them
over the whole axis: what guard and physics would make of it is not the supervisor's doing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from envs.batch import SiteBatch
from envs.state import AGENTS
from envs.view import SiteView
from grid.events import FlexEvent
from grid.rows import CARBON, DAY_AHEAD, TARIFF
from llm_layer.briefing import Ask, Briefing
from llm_layer.compile import compile_directive
from llm_layer.directive import Directive
from llm_layer.guard import guard
from llm_layer.policy import HighLevelPolicy
from llm_layer.situation import Situation
from llm_layer.wakes import HOLD_OVER

FLAT = 0.05  # of the action axis, which is 2 long: an agent that moves less is not moved
HOLD_STEPS = 4
_WHOLE = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (1, len(AGENTS), 1))


@dataclass(frozen=True)
class Base:
    """A site at one moment, to be changed: ``batch`` stands there, ``raw`` float32 (3,) is what its agents propose."""

    batch: SiteBatch
    raw: np.ndarray


@dataclass(frozen=True)
class Signal:
    """unit: of ``values``. change: puts a value into the batch's state or the view; -> the view to brief from."""

    name: str
    unit: str
    values: tuple[float, ...]
    change: Callable[[SiteBatch, SiteView, float], SiteView]


def _priced(column: int, also: tuple[int, ...] = ()) -> Callable[[SiteBatch, SiteView, float], SiteView]:
    """The present row's value becomes a multiple of the coming day's mean; forecasts stay."""

    def change(batch: SiteBatch, view: SiteView, value: float) -> SiteView:
        name = {CARBON: "carbon_gco2_per_kwh", DAY_AHEAD: "day_ahead_gbp_per_mwh"}[column]
        row = view.row.copy()
        moved = value * view.outlook(name)[:, 1:49].mean(axis=1) - row[:, column]
        for place in (column, *also):
            row[:, place] += moved
        return replace(view, row=row)

    return change


def _event(batch: SiteBatch, view: SiteView, value: float) -> SiteView:
    """No request, or one of so many pounds a MWh, three hours from now, two hours long."""
    if value <= 0.0:
        return replace(view, events=((),) * view.batch_size)
    start = (view.timestamp(0) + pd.Timedelta(hours=3)).ceil("30min")
    event = FlexEvent("swept", view.timestamp(0), start, start + pd.Timedelta(hours=2), 300.0, value)
    return replace(view, events=((event,),) * view.batch_size)


def _state(change: Callable[[Any, Any, float], dict[str, float]]) -> Callable[[SiteBatch, SiteView, float], SiteView]:
    def apply(batch: SiteBatch, view: SiteView, value: float) -> SiteView:
        for name, changed in change(batch.params[0], batch.state[0], value).items():
            batch.state[name][:] = changed
        return batch.view()

    return apply


def _queue(batch: SiteBatch, view: SiteView, value: float) -> SiteView:
    """Waiting work of so many hours of full load, due evenly over the coming day."""
    p = batch.params[0]
    kwh = value * float(p["it_capacity_kw"] * (1.0 - p["idle_share"]))
    batch.queue[:] = 0.0
    due = int(p["deadline_steps"])
    batch.queue[:, (np.arange(1, due) + batch.now) % batch.queue.shape[1]] = kwh / (due - 1)
    batch.state["queued_kwh"][:] = kwh
    batch.state["overdue_kwh"][:] = 0.0
    return batch.view()


SIGNALS = (
    Signal("carbon", "x the coming day's mean", (0.4, 0.7, 1.0, 1.3, 1.6), _priced(CARBON)),
    Signal("price", "x the coming day's mean", (0.4, 0.7, 1.0, 1.3, 1.6), _priced(DAY_AHEAD, (TARIFF,))),
    Signal("request", "GBP/MWh, 0: none", (0.0, 150.0, 300.0, 600.0), _event),
    Signal(
        "soc", "share", (0.05, 0.25, 0.5, 0.75, 0.95), _state(lambda p, s, v: {"soc_kwh": v * float(p["battery_kwh"])})
    ),
    Signal("queue", "hours of full load", (0.0, 0.25, 0.5, 1.0, 2.0), _queue),
    Signal(
        "inlet",
        "K below the limit",
        (8.0, 4.0, 2.0, 0.4, 0.0),
        _state(lambda p, s, v: {"inlet_degc": float(p["overheat_limit_degc"]) - v}),
    ),
)


def responsiveness(policy: HighLevelPolicy, bases: Sequence[Base]) -> dict[str, Any]:
    """Every signal's sweep over every base, decided as one batch a signal.

    Returns:
        By signal: ``moves``, the mean over bases of max - min of the action asked, by agent; ``most``, the largest
        of them; ``changed``, share of bases in which anything changed, an acceptance included; ``flat``; and ``curve``,
        the mean action at each value, by agent.
    """
    found: dict[str, Any] = {}
    for signal in SIGNALS:
        asked = [_changed(base, signal, value) for base in bases for value in signal.values]
        decisions = policy.decide([situation for situation, _ in asked], None)  # type: ignore[arg-type]
        shape = (len(bases), len(signal.values), len(AGENTS))
        actions = np.array(
            [
                _asked(decision.directive, view, situation)
                for (situation, view), decision in zip(asked, decisions, strict=True)
            ]
        ).reshape(shape)
        accepted = np.array([bool(decision.directive.accept) for decision in decisions]).reshape(shape[:2])
        found[signal.name] = _summary(signal, actions, accepted, decisions)
    return found


def _changed(base: Base, signal: Signal, value: float) -> tuple[Situation, SiteView]:
    """-> situation and view with the signal at this value; the base is as it was afterwards."""
    batch = base.batch
    state, queue = batch.state.copy(), batch.queue.copy()
    view = signal.change(batch, replace(batch.view(), events=((),) * batch.batch_size), value)
    if signal.name != "request":
        view = replace(view, events=((),) * batch.batch_size)
    bounds = guard(view, batch.feasible())
    situation, *_ = Briefing(view).situations(view, batch, [Ask(0, HOLD_OVER, HOLD_STEPS, base.raw, bounds[0], ())])
    frozen = replace(view, state=view.state.copy())
    batch.state[:], batch.queue[:] = state, queue
    return situation, frozen


def _asked(directive: Directive, view: SiteView, situation: Situation) -> np.ndarray:
    low, high = np.moveaxis(compile_directive(directive, view, _WHOLE).bounds[0], 1, 0)
    return np.clip(np.array(situation.proposals), low, high)


def _summary(signal: Signal, actions: np.ndarray, accepted: np.ndarray, decisions: Sequence[Any]) -> dict[str, Any]:
    spans = np.ptp(actions, axis=1)
    moved = (spans > FLAT).any(axis=1) | (accepted != accepted[:, :1]).any(axis=1)
    by_agent = dict(zip(AGENTS, spans.mean(axis=0).tolist(), strict=True))
    return {
        "unit": signal.unit,
        "values": list(signal.values),
        "moves": by_agent,
        "most": max(by_agent.values()),
        "accepted": accepted.mean(axis=0).tolist(),
        "changed": float(moved.mean()),
        "flat": bool(not moved.any()),
        "fallbacks": sum(decision.source == "fallback" for decision in decisions),
        "curve": dict(zip(AGENTS, actions.mean(axis=0).T.tolist(), strict=True)),
    }


def bases_of(batch_of: Callable[[], SiteBatch], agents: Any, steps: Sequence[int], seeds: np.ndarray) -> list[Base]:
    """A site at each of ``steps`` of a week, run there by its agents alone. batch_of: a fresh batch of one site."""
    found = []
    for last in steps:
        batch = batch_of()
        agents.reset(batch.batch_size, seeds)
        while True:
            view, feasible = batch.view(), guard(batch.view(), batch.feasible())
            obs = batch.observe(agents.layout) if agents.layout else {}
            raw = np.clip(agents.act(obs, feasible, view), feasible[..., 0], feasible[..., 1])
            if batch.now >= last:
                break
            batch.step(raw, feasible)
        found.append(Base(batch, raw[0]))
    return found
