"""What a provider says unasked: confirmations, starts, deliveries, audit heads, and what never got through."""

from __future__ import annotations

import logging
import sqlite3
from datetime import datetime
from uuid import uuid4

from grid.beckn.book import SELLER, Contract, contract_of, find_contract, site_state
from grid.beckn.document import bag
from grid.beckn.faults import Refused
from grid.beckn.post import Identity, Letter, queue, utc_now
from grid.beckn.registry import Registry
from grid.beckn.seller import Seller, open_contracts
from grid.beckn.states import CONFIRMED, DRAFTED, QUOTED, SETTLED
from grid.beckn.store import Store

log = logging.getLogger("grid.beckn")

RESEND_S = 30.0
PUBLISH_EVERY_S = 10.0
REFUSALS = {"refused": "over_capacity", "late": "slot_gone"}  # how a confirmation ended -> fault


class News:
    """Looks at what the site and the clock have done to each contract and tells its buyer.

    ``publish_to``: who is sent the catalogue when it changes, '' for nobody.
    """

    def __init__(
        self, identity: Identity, store: Store, registry: Registry, seller: Seller, publish_to: str = ""
    ) -> None:
        self.identity, self.store, self.registry, self.seller = identity, store, registry, seller
        self._publish_to = publish_to
        self._published: tuple[float, str] | None = None
        self._publish_after = 0.0

    def tell_all(self, now: datetime) -> None:
        """Move contracts on by what was decided and metered; queue what has to be told."""
        try:
            for contract in open_contracts(self.store):
                with self.store.transaction() as db:
                    moved, trigger = self.seller.advance(db, contract)
                    if trigger:
                        self._tell(db, moved, trigger, now)
            self._resend(now)
            self._send_heads(now)
            if self._publish_to and now.timestamp() >= self._publish_after:
                self._publish(now)
        except Refused as refused:  # a buyer the registry does not give: nothing was moved, the next round tries again
            log.warning("contracts: %s", refused)

    def _tell(self, db: sqlite3.Connection, contract: Contract, trigger: str, now: datetime) -> None:
        """The answer to a confirmation while its time lasts, else the state as news."""
        request = None
        if trigger in ("accepted", *REFUSALS):
            found = db.execute("SELECT * FROM messages WHERE seq = ?", (contract.confirm,)).fetchone()
            request = found if found is not None and now.timestamp() <= found["expires"] else None
        error = Refused(REFUSALS[trigger], contract.error).as_error() if trigger in REFUSALS else None
        letter = Letter(
            "on_confirm" if request or error else "on_status",
            contract.peer,
            self.registry.lookup(contract.peer).url,
            contract.transaction_id,
            {"contract": self.seller.render(contract)},
            contract_id=contract.id,
            message_id=request["message_id"] if request else "",
            request_header=request["header"] if request else None,
            network_id=contract.network_id,
            error=error,
        )
        queue(db, self.identity, letter, now)

    def _publish(self, now: datetime) -> None:
        """Send the catalogue if what it offers is not what was sent last."""
        site = site_state(self.store)
        offered = None if site is None else (round(site.offered_kw, -1), site.dormant)
        if offered is None or offered == self._published:
            return
        self._published, self._publish_after = offered, now.timestamp() + PUBLISH_EVERY_S
        url = self.registry.lookup(self._publish_to).url
        message = {"catalogs": [self.seller.catalog()]}
        with self.store.transaction() as db:
            queue(db, self.identity, Letter("catalog/publish", self._publish_to, url, str(uuid4()), message), now)

    def undelivered(self, contract_id: str, action: str) -> None:
        """A message about a contract never got through: its state is told again later, as news."""
        contract = find_contract(self.store, contract_id, SELLER) if contract_id else None
        if contract is None or contract.state in (QUOTED, DRAFTED):
            return
        with self.store.transaction() as db:
            db.execute(
                "UPDATE contracts SET resend_at = ? WHERE id = ? AND role = ?",
                (utc_now().timestamp() + RESEND_S, contract_id, SELLER),
            )

    def _resend(self, now: datetime) -> None:
        due = self.store.rows(
            "SELECT * FROM contracts WHERE role = ? AND resend_at IS NOT NULL AND resend_at <= ?",
            SELLER, now.timestamp(),
        )  # fmt: skip
        for row in due:
            with self.store.transaction() as db:
                db.execute("UPDATE contracts SET resend_at = NULL WHERE id = ? AND role = ?", (row["id"], SELLER))
                self._tell(db, contract_of(row), "news", now)

    def _send_heads(self, now: datetime) -> None:
        """Sign each new audit head and send it to every buyer with a contract that is not over."""
        for head in self.store.rows("SELECT * FROM heads WHERE sent = 0 ORDER BY lines"):
            signature = self.identity.sign(head_text(head["head"], head["lines"]), now)
            with self.store.transaction() as db:
                db.execute(
                    "UPDATE heads SET sent = 1, signature = ?, key_id = ? WHERE head = ?",
                    (signature, self.identity.key_id, head["head"]),
                )
                for contract in _unfinished(self.store):
                    document = self.seller.render(contract)
                    document["contractAttributes"] = bag(
                        "AuditHead", head=head["head"], lines=head["lines"], signature=signature
                    )
                    url = self.registry.lookup(contract.peer).url
                    letter = Letter(
                        "on_status", contract.peer, url, contract.transaction_id, {"contract": document},
                        contract_id=contract.id, network_id=contract.network_id,
                    )  # fmt: skip
                    queue(db, self.identity, letter, now)


def head_text(head: str, lines: int) -> bytes:
    """The bytes that are signed for an audit head."""
    return f"audit-head {head} after {lines} lines".encode()


def _unfinished(store: Store) -> list[Contract]:
    """Contracts whose buyer has something to lose if the trail were rewritten."""
    rows = store.rows("SELECT * FROM contracts WHERE role = ? AND state != ?", SELLER, SETTLED)
    return [contract for row in rows if (contract := contract_of(row)).state in CONFIRMED]
