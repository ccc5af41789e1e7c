"""The orchestrated site on a network: requests are contracts that buyers have confirmed, decided at each control step.

``deg beckn serve`` and this run meet in one SQLite file. The run answers confirmations by the shared selling rule,
simulated forward from its present state, meters each period it has sold, and puts everything that came over the
network into its trail. It is paced by the market's clock.

A run that was stopped is repeated from its start without waiting, up to the last line of its trail and to the market
time it had reached; decisions made then are taken from the trail.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from agents.acceptance import acceptable_kw
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from envs.view import SiteView
from evaluate.baseline_days import days_behind
from evaluate.desk import Desk
from grid.beckn.book import (
    SELLER,
    Contract,
    Decision,
    Interval,
    SiteState,
    contracts,
    find_contract,
    put_decision,
    put_interval,
    put_site,
    site_state,
)  # fmt: skip
from grid.beckn.handover import cancelled, messages_since, put_head, signed_heads, undecided
from grid.beckn.local import site_database
from grid.beckn.states import ACTIVE, DELIVERED, IN_PROGRESS, SETTLING
from grid.beckn.store import Store
from grid.calendar import LONDON, PERIOD
from grid.events import FlexEvent
from grid.market.commitments import CommitmentError
from grid.rows import STEPS_PER_PERIOD
from llm_layer.deliveries import last_import_kwh
from llm_layer.guard import NEAR_K
from llm_layer.orchestrator import Control, Orchestrator
from llm_layer.policy import HighLevelPolicy
from llm_layer.reader.board import NoticeBoard
from llm_layer.records import when
from llm_layer.resumed import ResumedTrail

SITE = 0
POLL_S = 0.05
HEAD_EVERY_STEPS = 4  # an audit head is signed and sent once an hour of the market
PROBE_LEAD_HOURS = (2.0, 3.0, 4.0, 6.0)
PROBE_HOURS = 2.0
OFFERED_SHARE = 0.9  # of what the probes could deliver: the state moves on between quote and confirmation
SETTLE_GRACE_S = 5.0
DAY_PERIODS = 48
_UNSETTLED = (ACTIVE, IN_PROGRESS, DELIVERED, SETTLING)


class MarketClock:
    """The market's time: ours, or ``speed`` times as fast from where it was set."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self.set(pd.Timestamp.now("UTC"))

    def set(self, at: pd.Timestamp) -> None:
        """It is ``at`` now (no effect on the wall clock)."""
        self._origin, self._began = at, time.monotonic()

    def now(self) -> pd.Timestamp:
        if self._speed is None:
            return pd.Timestamp.now("UTC").floor("ms")
        passed = pd.Timedelta(seconds=self._speed * (time.monotonic() - self._began))
        return (self._origin + passed).floor("ms")


@dataclass
class _Sale:
    """A contract the site has accepted, and the request it became."""

    contract: Contract
    event: FlexEvent


class OnNetwork:
    """Stands where an orchestrator stands; see the module's head.

    Args:
        price_gbp_per_kwh: what the catalogue asks, for judging what could be offered.
        stop_asked: whether the user wants to end the run; looked at while waiting.
        baseline_days: London dates behind the baseline of a day, for the trail.
    """

    def __init__(
        self,
        plant: Orchestrator,
        desk: Desk,
        store: Store,
        trail: ResumedTrail,
        clock: MarketClock,
        price_gbp_per_kwh: float,
        stop_asked: Callable[[], bool],
        baseline_days: Callable[[FlexEvent], list[str]],
    ) -> None:
        self._plant, self._desk, self._store, self._trail = plant, desk, store, trail
        self._clock, self._price = clock, price_gbp_per_kwh
        self._stop_asked, self._baseline_days = stop_asked, baseline_days
        before = site_state(store)
        self._reached = pd.Timestamp(before.now) if before and trail.repeating else None

    def reset(self, batch: SiteBatch) -> None:
        self._plant.reset(batch)
        self._sales: dict[str, _Sale] = {}
        self._metered_kwh = 0.0
        self._soc_kwh = float(batch.state["soc_kwh"][SITE])
        self._baseline_kw = 0.0
        self._seq = max((body["seq"] for body in self._trail.external if body["kind"] == "message"), default=0)
        self._heads = {body["head"] for body in self._trail.external if body["kind"] == "head"}
        self._live = False

    def bounds(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray) -> np.ndarray:
        """Meter what is over, decide what was confirmed, wait for the step's time; then what binds."""
        self._meter(view)
        self._repeat(view, batch)
        if not self._trail.repeating and not (self._reached and view.timestamp(SITE) < self._reached):
            self._wait(view, batch)
        return self._plant.bounds(view, batch, feasible)

    def control(self, view: SiteView, batch: SiteBatch, feasible: np.ndarray, raw: np.ndarray) -> Control:
        return self._plant.control(view, batch, feasible, raw)

    def counters(self) -> dict[str, np.ndarray]:
        return self._plant.counters()

    def finish(self, batch: SiteBatch) -> None:
        """Meter the last period, then give buyers a moment to agree on figures before the trail ends."""
        view = batch.view()
        self._meter(view)
        self._plant.finish(batch)
        self._publish(view, batch, view.timestamp(SITE), offered_kw=0.0, dormant="the run has ended")
        deadline = time.monotonic() + (SETTLE_GRACE_S if self._sales else 0.0)
        while time.monotonic() < deadline and self._open_figures():
            time.sleep(POLL_S)
        self._drain(view)

    def _open_figures(self) -> bool:
        found = (find_contract(self._store, contract_id, SELLER) for contract_id in self._sales)
        return any(contract is not None and contract.state in _UNSETTLED for contract in found)

    # Metering.

    def _meter(self, view: SiteView) -> None:
        """Add the last step's import; at a period's edge hand the metered period over."""
        if view.step > 0:
            self._metered_kwh += last_import_kwh(view, SITE, self._soc_kwh)
        self._soc_kwh = float(view.state["soc_kwh"][SITE])
        if view.step % STEPS_PER_PERIOD:
            return
        start = view.timestamp(SITE) - PERIOD
        for sale in self._sales.values():
            if sale.event.start <= start < sale.event.end:
                put_interval(self._store, sale.contract.id, self._interval(start, sale.contract.kw))
        self._metered_kwh = 0.0
        self._baseline_kw = float(view.baseline_kw[SITE, 0])

    def _interval(self, start: pd.Timestamp, sold_kw: float) -> Interval:
        place = when(start.value)
        return Interval(
            start.to_pydatetime(), place["settlement_date"], place["settlement_period"],
            round(0.5 * self._baseline_kw, 6), round(self._metered_kwh, 6), round(0.5 * sold_kw, 6),
        )  # fmt: skip

    # Decisions.

    def _repeat(self, view: SiteView, batch: SiteBatch) -> None:
        """Decisions of the stopped run at this step, again."""
        while True:
            body = self._trail.coming("contract", view.step) or self._trail.coming("contract_cancelled", view.step)
            if body is None:
                return
            contract = find_contract(self._store, body["contract_id"], SELLER)
            if contract is None:
                raise ValueError(
                    f"{self._store.path}: contract {body['contract_id']} of the trail is not there; give the file it "
                    "was made with (beckn.database)"
                )
            if body["kind"] == "contract":
                self._decide(view, batch, contract)
            else:
                self._release(view, contract)

    def _wait(self, view: SiteView, batch: SiteBatch) -> None:
        """Until the market reaches this step, answer what comes."""
        step_at = view.timestamp(SITE)
        if not self._live:
            self._live = True
            self._clock.set(step_at)
            self._adopt(view, batch)
        offered_kw, dormant = self._offer(view, batch)
        if view.step % HEAD_EVERY_STEPS == 0:
            put_head(self._store, self._trail.head, self._trail.lines, time.time())
        while True:
            now = self._clock.now()
            self._publish(view, batch, min(now, step_at), offered_kw, dormant)
            for contract in undecided(self._store):
                self._decide(view, batch, contract)
            for contract in cancelled(self._store):
                if contract.id in self._sales:
                    self._release(view, contract)
            self._drain(view)
            if now >= step_at or self._stop_asked():
                return
            time.sleep(POLL_S)

    def _adopt(self, view: SiteView, batch: SiteBatch) -> None:
        """Contracts accepted by a run whose trail is gone are ours all the same: sold again if the gate is open, and
        metered in any case.
        """
        for contract in contracts(self._store, SELLER, (ACTIVE, IN_PROGRESS)):
            if contract.id not in self._sales:
                self._decide(view, batch, contract)

    def _decide(self, view: SiteView, batch: SiteBatch, contract: Contract) -> None:
        """Accept what can be delivered and is worth it, record it, hand the answer over: in that order."""
        event = contract.flex_event(view.timestamp(SITE).to_pydatetime())
        reason = self._refusal(view, batch, event)
        self._trail.write(
            {
                "kind": "contract",
                **when(view.timestamp(SITE).value),
                "site": SITE,
                "step": view.step,
                "contract_id": contract.id,
                "event_id": event.id,
                "buyer": contract.peer,
                "start": event.start.isoformat(),
                "end": event.end.isoformat(),
                "kw": event.kw,
                "price_gbp_per_mwh": event.price_gbp_per_mwh,
                "accepted": not reason,
                "reason": reason,
                "baseline_days": [] if reason else self._baseline_days(event),
            },
            {"wall_s": round(time.time(), 3)},
        )
        if not reason or contract.state in (ACTIVE, IN_PROGRESS):
            self._sales[contract.id] = _Sale(contract, event)
        if not reason:
            put_head(self._store, self._trail.head, self._trail.lines, time.time())
        decided_at: datetime = view.timestamp(SITE).to_pydatetime()
        put_decision(self._store, Decision(contract.id, not reason, reason, decided_at))

    def _refusal(self, view: SiteView, batch: SiteBatch, event: FlexEvent) -> str:
        """Why the site does not sell this; '' where it is sold."""
        kw = acceptable_kw(view, batch, SITE, event)
        if kw < np.floor(event.kw):
            return f"{event.kw:g} kW cannot be delivered or are not worth it; {kw:g} kW could be had"
        try:
            self._desk.announce(SITE, event)
            self._desk.accept(SITE, event, event.kw, view.timestamp(SITE))
        except CommitmentError as error:
            return str(error)
        return ""

    def _release(self, view: SiteView, contract: Contract) -> None:
        sale = self._sales.pop(contract.id)
        reason = ""
        try:
            self._desk.release(SITE, sale.event, view.timestamp(SITE))
        except CommitmentError as error:
            reason = str(error)
        body = {"kind": "contract_cancelled", **when(view.timestamp(SITE).value), "site": SITE, "step": view.step}
        self._trail.write(
            {**body, "contract_id": contract.id, "event_id": sale.event.id, "released": not reason, "reason": reason},
            {"wall_s": round(time.time(), 3)},
        )

    # What the site says of itself.

    def _offer(self, view: SiteView, batch: SiteBatch) -> tuple[float, str]:
        """kW to put into the catalogue, by probing requests ahead; and why there are none."""
        p, state = view.params[SITE], view.state[SITE]
        if state["inlet_degc"] >= p["overheat_limit_degc"] - NEAR_K:
            return 0.0, "cooling is near its limit"
        now = view.timestamp(SITE).floor(PERIOD)
        end = now + (batch.length[SITE] - view.step) * pd.Timedelta(minutes=15)
        probed = []
        for lead in PROBE_LEAD_HOURS:
            start = now + pd.Timedelta(hours=lead)
            if start + pd.Timedelta(hours=PROBE_HOURS) <= end:
                stop = start + pd.Timedelta(hours=PROBE_HOURS)
                probe = FlexEvent("probe", now, start, stop, float(p["registered_kw"]), 1000.0 * self._price)
                probed.append(acceptable_kw(view, batch, SITE, probe))
        return float(np.floor(OFFERED_SHARE * min(probed, default=0.0))), ""

    def _publish(self, view: SiteView, batch: SiteBatch, now: pd.Timestamp, offered_kw: float, dormant: str) -> None:
        p, state = view.params[SITE], view.state[SITE]
        charge = max(0.0, state["soc_kwh"] - p["soc_min"] * p["battery_kwh"]) * p["discharge_efficiency"]
        energy = float(state["queued_kwh"] + charge)
        baseline = float(view.baseline_kw[SITE, :DAY_PERIODS].min())
        put_site(self._store, SiteState(now.to_pydatetime(), offered_kw, energy, baseline, dormant), time.time())

    # What came over the network, for the trail.

    def _drain(self, view: SiteView) -> None:
        place = when(view.timestamp(SITE).value)
        for body in messages_since(self._store, self._seq):
            self._seq = body["seq"]
            self._trail.write({"kind": "message", **place, **body}, {"wall_s": round(time.time(), 3)})
        for signed in signed_heads(self._store):
            if signed.head not in self._heads:
                self._heads.add(signed.head)
                self._trail.write(
                    {
                        "kind": "head",
                        **place,
                        "head": signed.head,
                        "lines": signed.lines,
                        "signature": signed.signature,
                        "key_id": signed.key_id,
                    },
                    {},
                )


def on_network(
    config: Config,
    case: Case,
    supervisor: HighLevelPolicy | None,
    desk: Desk,
    trail: ResumedTrail,
    stop_asked: Callable[[], bool],
    notices: NoticeBoard | None = None,
) -> OnNetwork:
    """The orchestrator of ``config`` behind its participant's file, at the market's pace.

    No market is put before the supervisor: what is sold is decided when it is confirmed.
    """
    beckn = config.beckn
    days_of = days_behind(config, case)

    def days(event: FlexEvent) -> list[str]:
        return days_of(event.start.tz_convert(LONDON).date())

    return OnNetwork(
        Orchestrator(supervisor, every_steps=config.supervisor.every_steps, audit=trail, notices=notices),
        desk,
        Store(site_database(beckn.folder, beckn.database)),
        trail,
        MarketClock(beckn.speed),
        beckn.price_gbp_per_kwh,
        stop_asked,
        days,
    )
