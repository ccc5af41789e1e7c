"""The run's side of the shared file: what came over the network since, and what goes back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grid.beckn.book import SELLER, Contract, contract_of, contracts
from grid.beckn.signing import raw_signature
from grid.beckn.states import CANCELLED, CONFIRMING
from grid.beckn.store import Store


@dataclass(frozen=True)
class SignedHead:
    """An audit head that the participant has signed and sent."""

    head: str
    lines: int
    signature: str
    key_id: str


def undecided(store: Store) -> list[Contract]:
    """Confirmations that wait for the site's answer, in the order they came."""
    return [
        contract_of(row)
        for row in store.rows(
            "SELECT * FROM contracts WHERE role = ? AND state = ? AND id NOT IN (SELECT contract_id FROM decisions)"
            " ORDER BY confirm",
            SELLER, CONFIRMING,
        )
    ]  # fmt: skip


def cancelled(store: Store) -> list[Contract]:
    """Contracts of ours that their buyer has cancelled."""
    return contracts(store, SELLER, (CANCELLED,))


def messages_since(store: Store, seq: int) -> list[dict[str, Any]]:
    """Audit bodies of the messages after ``seq``, up to the first that is still under way.

    A message about a contract is kept whole: its signature can then be checked from the trail alone.
    """
    bodies = []
    for row in store.rows("SELECT * FROM messages WHERE seq > ? ORDER BY seq LIMIT 500", seq):
        if row["outcome"] == "pending":
            break
        header = row["header"].strip().split("\n")[-1]
        body: dict[str, Any] = {
            "seq": row["seq"],
            "direction": row["direction"],
            "peer": row["peer"],
            "action": row["action"],
            "transaction_id": row["transaction_id"],
            "message_id": row["message_id"],
            "digest": row["digest"],
            "signature": raw_signature(header) if header else "",
            "outcome": row["outcome"],
        }
        if row["contract_id"]:
            body |= {"contract_id": row["contract_id"], "header": header, "document": row["body"].decode()}
        bodies.append(body)
    return bodies


def put_head(store: Store, head: str, lines: int, at: float) -> None:
    """Ask the participant to sign a head and to send it to the buyers."""
    with store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO heads VALUES (?, ?, '', '', '', ?, 0)", (head, lines, at))


def signed_heads(store: Store) -> list[SignedHead]:
    """Heads that have been signed and sent, by line."""
    rows = store.rows("SELECT * FROM heads WHERE sent = 1 AND peer = '' ORDER BY lines")
    return [SignedHead(row["head"], row["lines"], row["signature"], row["key_id"]) for row in rows]
