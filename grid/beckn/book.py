"""The contracts and what the site reports of them, as rows of the store; the hand-over to ``deg run`` lies here too.

``deg beckn serve`` writes contracts, ``deg run`` decisions, intervals, the site's state and audit heads.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from grid.beckn.states import HOLDING
from grid.beckn.store import Store
from grid.beckn.times import instant_text, parse_instant
from grid.beckn.wire import Json

if TYPE_CHECKING:
    from grid.events import FlexEvent

PERIOD = timedelta(minutes=30)
SELLER, BUYER = "seller", "buyer"


@dataclass(frozen=True)
class Contract:
    """One contract as one side sees it. Powers kW, ``price`` per kWh in ``currency``, times UTC.

    document  the commitment, participants and network fields that every message about it repeats
    confirm   seq of the message that confirmed it, for the answer; None before
    error     the last refusal, ''
    resend_at when an undelivered state is told again (Unix seconds), None for told
    """

    id: str
    role: str
    peer: str
    transaction_id: str
    network_id: str
    state: str
    event_id: str
    start: datetime
    end: datetime
    deadline: datetime
    published_at: datetime
    requested_kw: float
    kw: float
    price: float
    currency: str
    document: Json = field(default_factory=dict)
    confirm: int | None = None
    error: str = ""
    resend_at: float | None = None

    @property
    def hours(self) -> float:
        return (self.end - self.start) / timedelta(hours=1)

    @property
    def periods(self) -> int:
        return round((self.end - self.start) / PERIOD)

    @property
    def amount(self) -> float:
        """What delivery in full is worth, in ``currency``."""
        return round(self.kw * self.hours * self.price, 2)

    def flex_event(self, published_at: datetime | None = None) -> FlexEvent:
        """The contract as a request of the market. ``published_at``: when the market's own clock saw it."""
        # Pandas is loaded where the market needs it; a participant starts without.
        import pandas as pd

        from grid.events import FlexEvent

        published = pd.Timestamp(published_at or self.published_at)
        return FlexEvent(
            self.event_id, published, pd.Timestamp(self.start), pd.Timestamp(self.end), self.kw, 1000.0 * self.price
        )


@dataclass(frozen=True)
class Interval:
    """One settlement period of a delivery, kWh; ``start`` UTC."""

    start: datetime
    settlement_date: str
    settlement_period: int
    baseline_kwh: float
    metered_kwh: float
    sold_kwh: float

    @property
    def delivered_kwh(self) -> float:
        return self.baseline_kwh - self.metered_kwh


@dataclass(frozen=True)
class SiteState:
    """What the orchestrated site says of itself at its own clock.

    offered_kw   what it could take off in a request of two hours from now on, simulated forward
    energy_kwh   deferred work it holds and battery charge it could give (AC)
    baseline_kw  smallest baseline of the coming day
    dormant      why it sells nothing at present, ''
    """

    now: datetime
    offered_kw: float
    energy_kwh: float
    baseline_kw: float
    dormant: str = ""


@dataclass(frozen=True)
class Decision:
    """The site's answer to a confirmation."""

    contract_id: str
    accepted: bool
    reason: str
    decided_at: datetime


_TIMES = ("start", "end", "deadline", "published_at")


def put_contract(db: sqlite3.Connection, contract: Contract) -> None:
    """Insert or replace one contract."""
    values: dict[str, Any] = asdict(contract)
    values |= {name: instant_text(values[name]) for name in _TIMES}
    values["document"] = json.dumps(values["document"], ensure_ascii=False)
    names = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    db.execute(f"INSERT OR REPLACE INTO contracts ({names}) VALUES ({marks})", tuple(values.values()))


def contract_of(row: sqlite3.Row) -> Contract:
    values = dict(row)
    values |= {name: parse_instant(values[name]) for name in _TIMES}
    values["document"] = json.loads(values["document"])
    return Contract(**values)


def find_contract(store: Store, contract_id: str, role: str) -> Contract | None:
    row = store.row("SELECT * FROM contracts WHERE id = ? AND role = ?", contract_id, role)
    return None if row is None else contract_of(row)


def contracts(store: Store, role: str, states: tuple[str, ...] = ()) -> list[Contract]:
    """Contracts of one role, in these states or all, by start."""
    marks = ", ".join("?" for _ in states)
    where = f" AND state IN ({marks})" if states else ""
    return [
        contract_of(row)
        for row in store.rows(f"SELECT * FROM contracts WHERE role = ?{where} ORDER BY start, id", role, *states)
    ]


def overlapping(store: Store, contract_id: str, start: datetime, end: datetime) -> bool:
    """Whether another contract of ours already takes up part of [start, end)."""
    marks = ", ".join("?" for _ in HOLDING)
    found = store.row(
        f"SELECT 1 FROM contracts WHERE role = ? AND id != ? AND start < ? AND end > ? AND state IN ({marks})",
        SELLER, contract_id, instant_text(end), instant_text(start), *HOLDING,
    )  # fmt: skip
    return found is not None


def put_site(store: Store, state: SiteState, at: float) -> None:
    values = {**asdict(state), "now": instant_text(state.now)}
    with store.transaction() as db:
        db.execute("INSERT OR REPLACE INTO site (id, state, at) VALUES (1, ?, ?)", (json.dumps(values), at))


def site_state(store: Store) -> SiteState | None:
    """What the site last said; None before it has said anything."""
    row = store.row("SELECT state FROM site")
    if row is None:
        return None
    values = json.loads(row["state"])
    return SiteState(**{**values, "now": parse_instant(values["now"])})


def put_decision(store: Store, decision: Decision) -> None:
    """The first answer stands: a restarted site gives the same one again."""
    with store.transaction() as db:
        db.execute(
            "INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?)",
            (decision.contract_id, int(decision.accepted), decision.reason, instant_text(decision.decided_at)),
        )


def decision_on(store: Store, contract_id: str) -> Decision | None:
    row = store.row("SELECT * FROM decisions WHERE contract_id = ?", contract_id)
    if row is None:
        return None
    return Decision(row["contract_id"], bool(row["accepted"]), row["reason"], parse_instant(row["decided_at"]))


def put_interval(store: Store, contract_id: str, interval: Interval) -> None:
    """One metered period. A period metered before is kept: meter data are final here."""
    with store.transaction() as db:
        db.execute(
            "INSERT OR IGNORE INTO intervals VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                contract_id, instant_text(interval.start), interval.settlement_date, interval.settlement_period,
                interval.baseline_kwh, interval.metered_kwh, interval.sold_kwh,
            ),
        )  # fmt: skip


def intervals(store: Store, contract_id: str) -> tuple[Interval, ...]:
    rows = store.rows("SELECT * FROM intervals WHERE contract_id = ? ORDER BY start", contract_id)
    return tuple(
        Interval(
            parse_instant(row["start"]), row["settlement_date"], row["settlement_period"], row["baseline_kwh"],
            row["metered_kwh"], row["sold_kwh"],
        )
        for row in rows
    )  # fmt: skip
