"""What each override was worth: the same week once more without it.

The week is replayed with the directives that were recorded, at the steps at which they were given; in each replay one
decision has its orders to the agents replaced by ``follow``, until the next decision as recorded. Agents act in closed
loop on what then happens, and requests are sold as they were. Effects of single overrides do not add up: a later one
may mend what an earlier one left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from envs.batch import SiteBatch
from envs.state import AGENTS
from envs.view import SiteView
from evaluate.accounting import keep_books
from evaluate.block import Job, policy_of, reader_asked
from evaluate.cases import market_rules
from evaluate.rollout import rollout
from evaluate.variants import policy_seeds
from llm_layer.compile import supply_levels
from llm_layer.directive import Directive
from llm_layer.orchestrator import Accept, Control, Orchestrator
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.open import open_reader

COLUMNS = (
    "variant", "seed", "week_start", "step", "time_utc", "wake", *AGENTS, "reason_code", "text", "held_steps",
    "effect_gbp", "effect_kg", "effect_cost_gbp",
)  # fmt: skip
FOLLOWING = dict.fromkeys(AGENTS, "follow")
MOST_SITES = 256  # replays run together


@dataclass(frozen=True)
class Given:
    """A decision as it was recorded."""

    step: int
    directive: Directive
    wake: str
    energy_kwh: float

    @property
    def overrides(self) -> bool:
        return any(getattr(self.directive, agent) != "follow" for agent in AGENTS)


class Retold(Orchestrator):
    """Gives each site what was recorded; site k goes without the orders of decision ``without[k]`` (None: with all)."""

    def __init__(
        self,
        given: Sequence[Given],
        without: Sequence[int | None],
        accept: Accept,
        notices: NoticeBoard | None = None,
    ) -> None:
        super().__init__(None, accept=accept, notices=notices)
        self._without = without
        self._at_step: dict[int, list[tuple[int, Given]]] = {}
        for number, one in enumerate(given):
            self._at_step.setdefault(one.step, []).append((number, one))

    def control(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control:
        if self._at != view.step:
            self.bounds(view, batch, feasible)
        llm_kwh = self._no_kwh
        for number, one in self._at_step.get(view.step, ()):
            llm_kwh = llm_kwh + one.energy_kwh
            self._tell(number, one.directive, view)
        self._final = self._held.compile(self._tracked).bounds
        return self._control(llm_kwh, (), ())

    def _tell(self, number: int, directive: Directive, view: SiteView) -> None:
        taken_back = directive.model_copy(update=FOLLOWING)
        levels, per_k = supply_levels(view.state, view.params)
        for site, left_out in enumerate(self._without):
            told = taken_back if left_out == number else directive
            self._held.give(site, told, float(levels[site]), float(per_k[site]))
            for acceptance in directive.accept:
                event = next((event for event in view.events[site] if event.id == acceptance.event_id), None)
                if event is not None:  # what the market refused then, it refuses now
                    self._try(self._accept, site, event, acceptance.kw, view.timestamp(site))


def given_in(orders: pd.DataFrame, position: int) -> list[Given]:
    """The decisions of one site of a block, in order. orders: see ``evaluate.orders``."""
    mine = orders[orders["position"] == position]
    return [
        Given(int(row["step"]), Directive.model_validate_json(row["directive"]), row["wake"], float(row["energy_kwh"]))
        for row in mine.to_dict("records")
    ]


def effects(job: Job, orders: pd.DataFrame, position: int, answers: Path | None = None) -> tuple[pd.DataFrame, float]:
    """A row for each override of one week of a block, columns ``COLUMNS``; effects positive where it helped.

    Effects are on ``objective_gbp + flex_phantom_gbp``, ``carbon_kg`` and ``cost_gbp`` of the week. answers: what a
    language model that reads notices has answered before.

    Returns:
        The rows, and the week's ``objective_gbp + flex_phantom_gbp`` with every order in place, to be compared with
        what was recorded.
    """
    given = given_in(orders, position)
    numbers = [number for number, one in enumerate(given) if one.overrides]
    totals = [
        totals
        for first in range(0, max(len(numbers), 1), MOST_SITES)
        for totals in _replayed(job, given, position, numbers[first : first + MOST_SITES], answers)
    ]
    with_all, _, _ = totals[0]
    per_chunk = MOST_SITES + 1
    without = [total for place, total in enumerate(totals) if place % per_chunk]
    ends = [one.step for one in given[1:]] + [job.cases[position].rows.steps]
    rows = [
        _row(job, position, given[number], ends[number], [a - b for a, b in zip(left_out, totals[0], strict=True)])
        for number, left_out in zip(numbers, without, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)), with_all


def _replayed(
    job: Job, given: Sequence[Given], position: int, numbers: Sequence[int], answers: Path | None
) -> list[tuple[float, ...]]:
    """(claim, kilograms, bill) with all orders, then without each of ``numbers``."""
    case = job.cases[position]
    without = [None, *numbers]
    size = len(without)
    with open_reader(reader_asked(job), case.notices, answers=answers) as reader:
        board = NoticeBoard(reader)
        run = rollout(
            SiteBatch([case], np.zeros(size, dtype=np.int64)),
            policy_of(job),
            market_rules(job.config),
            lambda agents, desk: Retold(given, without, desk.accept, board),
            seeds=np.full(size, policy_seeds(job.seed, len(job.cases))[position]),
            notices=board,
        )
    book = keep_books(run).by_step
    claim = (book["objective_gbp"] + book["flex_phantom_gbp"]).sum(axis=0)
    carbon, bill = (book[name].sum(axis=0) for name in ("carbon_kg", "cost_gbp"))
    return list(zip(claim.tolist(), carbon.tolist(), bill.tolist(), strict=True))


def _row(job: Job, position: int, one: Given, end: int, change: Sequence[float]) -> dict[str, Any]:
    case = job.cases[position]
    return {
        "variant": job.variant.name,
        "seed": job.seed,
        "week_start": case.keys["week_start"],
        "step": one.step,
        "time_utc": case.rows.times_utc[one.step],
        "wake": one.wake,
        **{agent: in_words(getattr(one.directive, agent)) for agent in AGENTS},
        "reason_code": one.directive.reason_code,
        "text": one.directive.text,
        "held_steps": end - one.step,
        "effect_gbp": change[0],
        "effect_kg": change[1],
        "effect_cost_gbp": change[2],
    }


def in_words(order: Any) -> str:
    """An order to one agent: its verb, or the level on the action axis that is set or bounded."""
    if isinstance(order, str):
        return order
    if order.mode == "set":
        return f"set {order.level:+.2f}"
    return f"at least {order.at_least:+.2f}" if hasattr(order, "at_least") else f"at most {order.at_most:+.2f}"
