"""The oracle: perfect foresight replayed through the kernel. What the bound promises and the site can really do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.policy import Offer
from envs.case import Case
from envs.load_shift import full_work_kwh, may_wait_share
from envs.view import SiteView
from evaluate.optimal.bound import GAP, TRADES_GAP, BoundResult, Plan, Sale, import_cost, oracle_bound
from evaluate.optimal.set_points import plan_supply
from evaluate.optimal.tracking import battery_action, follow, shift_action, supply_action
from grid.rows import (
    REFERENCE_PRICE,
    STEP_HOURS,
    STEPS_PER_PERIOD,
    SYSTEM,
    UTILISATION,
)


@dataclass(frozen=True)
class Replay:
    """A plan made executable: targets by step float64 (steps,), and what it commits."""

    run_kwh: np.ndarray
    soc_kwh: np.ndarray
    supply_degc: np.ndarray
    import_kwh: np.ndarray
    sales: tuple[Sale, ...]


def make_replay(case: Case, plan: Plan) -> Replay:
    """Set-points for a plan, its run through the kernel, and sales no larger than the reduction that run shows."""
    values = np.ascontiguousarray(case.rows.values[: case.rows.steps])
    supply = plan_supply(case, plan.run_kwh, plan.soc_kwh, _work_share(case, plan), _metered_cost(case, plan))
    import_kwh = np.empty(len(values))
    state, queue = case.state.copy(), case.queue_kwh.copy()
    follow(case.params, values, state, queue, plan.run_kwh, plan.soc_kwh, supply, import_kwh)
    sales = tuple(sale for planned in plan.sales if (sale := _real_sale(case, planned, import_kwh)) is not None)
    return Replay(plan.run_kwh, plan.soc_kwh, supply, import_kwh, sales)


def _work_share(case: Case, plan: Plan) -> np.ndarray:
    p = case.params[0]
    urgent = case.rows.values[: case.rows.steps, UTILISATION] * (1.0 - may_wait_share(p))
    return np.clip(urgent + np.diff(plan.run_kwh, prepend=0.0) / full_work_kwh(p), 0.0, 1.0)


def _metered_cost(case: Case, plan: Plan) -> np.ndarray:
    """GBP per metered kWh by step: the import's cost, and in sold periods what a lower meter is paid."""
    p, values = case.params[0], case.rows.values[: case.rows.steps]
    cost = import_cost(values, p)
    sold = np.zeros(case.rows.periods, dtype=bool)
    for sale in plan.sales:
        sold[list(sale.periods)] = True
    paid = values[:, SYSTEM] - p["vtp_pays"] * values[:, REFERENCE_PRICE]
    return cost + np.repeat(sold, STEPS_PER_PERIOD) * (1.0 - p["aggregator_share"]) * paid / 1000.0


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
        self.bound: BoundResult = oracle_bound(case, own_trades=own_trades, gap=TRADES_GAP if own_trades else GAP)
        self.replay = make_replay(case, self.bound.plan)
        p = case.params[0]
        waits = case.rows.values[: case.rows.steps, UTILISATION] * may_wait_share(p) * full_work_kwh(p)
        self._arrived_kwh = case.queue_kwh.sum() + np.concatenate([[0.0], np.cumsum(waits)])

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._offered: list[set[int]] = [set() for _ in range(batch_size)]

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        actions = np.zeros((view.batch_size, 3), dtype=np.float32)
        replay = self.replay
        t = min(view.step, len(replay.run_kwh) - 1)
        for site in range(view.batch_size):
            p, queue = view.params[site], view.queue_kwh[site]
            run_before = self._arrived_kwh[view.step] - view.state["queued_kwh"][site]
            actions[site] = (
                shift_action(p, view.row[site, UTILISATION], queue[0], queue[1:].sum(), replay.run_kwh[t] - run_before),
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
