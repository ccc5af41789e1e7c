"""The oracle: perfect foresight replayed through the kernel. What the bound promises and the site can really do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.policy import Offer
from envs.case import Case
from envs.view import SiteView
from evaluate.optimal.bound import BoundResult, Plan, Sale, oracle_bound
from evaluate.optimal.set_points import plan_supply
from evaluate.optimal.shifting import plan_shifts, work_of
from evaluate.optimal.tracking import battery_action, follow, supply_action
from evaluate.optimal.week import end_value, import_cost
from grid.rows import (
    REFERENCE_PRICE,
    STEP_HOURS,
    STEPS_PER_PERIOD,
    SYSTEM,
)

REQUEST_ROUNDS, TRADE_ROUNDS = 1, 3  # of planning again; own trades are mostly of the least kW, and stand or fall
FIRM_MARGIN_KWH = 0.5  # a period: what is sold stays sold when the next replay differs a little


@dataclass(frozen=True)
class Replay:
    """A plan made executable, by step float64 (steps,): load-shift actions and targets; and what it commits."""

    shifts: np.ndarray
    soc_kwh: np.ndarray
    supply_degc: np.ndarray
    import_kwh: np.ndarray
    sales: tuple[Sale, ...]


def best_replay(case: Case, bound: BoundResult) -> Replay:
    """A replay of the bound's plan; where it sells, of plans whose sales the replay before shows to be real."""
    plan = bound.plan
    replay = make_replay(case, plan)
    trades = any(not sale.request for sale in plan.sales)
    for _ in range(TRADE_ROUNDS if trades else REQUEST_ROUNDS if plan.sales else 0):
        planned_kwh = plan.import_kw.reshape(-1, STEPS_PER_PERIOD).sum(axis=1) * STEP_HOURS
        excess = replay.import_kwh.reshape(-1, STEPS_PER_PERIOD).sum(axis=1) - planned_kwh
        firm = bound.firm.plan(np.maximum(0.0, excess) + FIRM_MARGIN_KWH)
        if firm is None:
            break
        plan, replay = firm, make_replay(case, firm)
    return replay


def make_replay(case: Case, plan: Plan) -> Replay:
    """Actions and set-points of a plan, its run through the kernel, and sales no larger than what that run reduces."""
    values = np.ascontiguousarray(case.rows.values[: case.rows.steps])
    cost, sold = _metered_cost(case, plan), _sold_steps(case, plan)
    shifts = plan_shifts(case, plan.run_kwh, cost, end_value(case).queued, sold)
    supply = plan_supply(case, shifts, plan.soc_kwh, work_of(case, shifts), cost)
    import_kwh = np.empty(len(values))
    state, queue = case.state.copy(), case.queue_kwh.copy()
    follow(case.params, values, state, queue, shifts, plan.soc_kwh, supply, import_kwh)
    sales = tuple(sale for planned in plan.sales if (sale := _real_sale(case, planned, import_kwh)) is not None)
    return Replay(shifts, plan.soc_kwh, supply, import_kwh, sales)


def _sold_steps(case: Case, plan: Plan) -> np.ndarray:
    """bool (steps,): in a period that the plan sells."""
    sold = np.zeros(case.rows.periods, dtype=bool)
    for sale in plan.sales:
        sold[list(sale.periods)] = True
    return np.repeat(sold, STEPS_PER_PERIOD)


def _metered_cost(case: Case, plan: Plan) -> np.ndarray:
    """GBP per metered kWh by step: the import's cost, and in sold periods what a lower meter is paid."""
    p, values = case.params[0], case.rows.values[: case.rows.steps]
    cost = import_cost(values, p)
    paid = values[:, SYSTEM] - p["vtp_pays"] * values[:, REFERENCE_PRICE]
    return cost + _sold_steps(case, plan) * (1.0 - p["aggregator_share"]) * paid / 1000.0


def _real_sale(case: Case, planned: Sale, import_kwh: np.ndarray) -> Sale | None:
    """The planned sale, cut to the least real reduction of its periods; None below the least commitment."""
    p, periods = case.params[0], np.array(planned.periods)
    reduced_kwh = (case.neutral_kwh[: len(import_kwh)] - import_kwh).reshape(-1, STEPS_PER_PERIOD).sum(axis=1)
    kw = min(planned.kw, float(reduced_kwh[periods].min()) / (STEP_HOURS * STEPS_PER_PERIOD))
    return Sale(planned.request, planned.periods, kw) if kw >= p["min_commitment_kw"] else None


class Oracle:
    """Follows its plan from wherever delivery and guard have left the site; sells what the plan sells.

    It is given the future here, through its case, and nowhere else. All sites of a batch have this case.
    """

    layout: str | None = None
    accepts_events = False  # its plan decides, not the shared rule

    def __init__(self, case: Case, *, own_trades: bool = False, name: str = "oracle") -> None:
        self.name = name
        self._case = case
        self.bound: BoundResult = oracle_bound(case, own_trades=own_trades)
        self.replay = best_replay(case, self.bound)

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._offered: list[set[int]] = [set() for _ in range(batch_size)]

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        actions = np.zeros((view.batch_size, 3), dtype=np.float32)
        replay = self.replay
        t = min(view.step, len(replay.shifts) - 1)
        for site in range(view.batch_size):
            p = view.params[site]
            actions[site] = (
                replay.shifts[t],
                battery_action(p, view.state["soc_kwh"][site], replay.soc_kwh[t]),
                supply_action(p, replay.supply_degc[t]),
            )
        return actions

    def offers(self, view: SiteView) -> list[Offer]:
        """What the plan sells, as soon as the market takes it: a request once published, a trade once priced."""
        offers = []
        for site, offered in enumerate(self._offered):
            for k, sale in enumerate(self.replay.sales):
                if k not in offered and self._open(view, site, sale):
                    offered.add(k)
                    offers.append(Offer(site, sale.periods, sale.kw))
        return offers

    @staticmethod
    def _open(view: SiteView, site: int, sale: Sale) -> bool:
        if sale.request:
            return any(event.id == sale.request for event in view.events[site])
        return view.step + int(view.published_steps[site]) >= STEPS_PER_PERIOD * (sale.periods[-1] + 1)
