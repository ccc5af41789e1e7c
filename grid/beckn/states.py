"""The life of a contract: which trigger moves which state where, and how each state reads on the wire.

Only the provider moves a contract; the buyer mirrors what it is told and never goes back.
"""

from __future__ import annotations

from typing import NamedTuple

from grid.beckn.faults import Refused
from grid.beckn.wire import Json

QUOTED, DRAFTED, CONFIRMING, ACTIVE, IN_PROGRESS, DELIVERED, SETTLING, SETTLED, REJECTED, CANCELLED = (
    "QUOTED", "DRAFTED", "CONFIRMING", "ACTIVE", "IN_PROGRESS", "DELIVERED", "SETTLING", "SETTLED", "REJECTED",
    "CANCELLED",
)  # fmt: skip
NONE = ""

MOVES: dict[tuple[str, str], str] = {
    (NONE, "select"): QUOTED,
    (QUOTED, "select"): QUOTED,  # asked again: a new quote
    (QUOTED, "init"): DRAFTED,
    (DRAFTED, "init"): DRAFTED,
    (DRAFTED, "confirm"): CONFIRMING,
    (CONFIRMING, "accepted"): ACTIVE,
    (CONFIRMING, "refused"): REJECTED,
    (ACTIVE, "started"): IN_PROGRESS,
    (IN_PROGRESS, "metered"): DELIVERED,
    (DELIVERED, "agreed"): SETTLING,
    (DELIVERED, "disputed"): DELIVERED,
    (SETTLING, "paid"): SETTLED,
    **{(state, "cancel"): CANCELLED for state in (QUOTED, DRAFTED, CONFIRMING, ACTIVE)},
}

# Commitments that take up the site's time: no second one may overlap.
HOLDING = (CONFIRMING, ACTIVE, IN_PROGRESS)
CONFIRMED = (ACTIVE, IN_PROGRESS, DELIVERED, SETTLING, SETTLED)
FINAL = (SETTLED, REJECTED, CANCELLED)


class Codes(NamedTuple):
    """What stands in contract.status, commitment.status, consideration.status and performance.status ('' for none)."""

    contract: str
    commitment: str
    consideration: str
    performance: str = ""


CODES: dict[str, Codes] = {
    NONE: Codes("DRAFT", "DRAFT", "REQUESTED"),  # what a buyer asks for
    QUOTED: Codes("DRAFT", "DRAFT", "QUOTED"),
    DRAFTED: Codes("DRAFT", "DRAFT", "QUOTED"),
    CONFIRMING: Codes("DRAFT", "DRAFT", "QUOTED"),
    REJECTED: Codes("DRAFT", "DRAFT", "QUOTED"),
    ACTIVE: Codes("ACTIVE", "ACTIVE", "ACCEPTED", "SCHEDULED"),
    IN_PROGRESS: Codes("ACTIVE", "ACTIVE", "ACCEPTED", "IN_PROGRESS"),
    DELIVERED: Codes("ACTIVE", "CLOSED", "ACCEPTED", "DELIVERED"),
    SETTLING: Codes("COMPLETE", "CLOSED", "EARNED", "DELIVERED"),
    SETTLED: Codes("COMPLETE", "CLOSED", "EARNED", "DELIVERED"),
    CANCELLED: Codes("CANCELLED", "CLOSED", "QUOTED"),
}

# How far along a state is; a mirror only ever moves forward. Ends stand last.
_ORDER = (
    NONE, QUOTED, DRAFTED, CONFIRMING, ACTIVE, IN_PROGRESS, DELIVERED, SETTLING, SETTLED, REJECTED, CANCELLED,
)  # fmt: skip


def move(state: str, trigger: str) -> str:
    """The state after ``trigger``.

    Raises:
        Refused: the contract cannot go there; confirming twice has a code of its own.
    """
    after = MOVES.get((state, trigger))
    if after is None:
        if trigger == "confirm" and state in (CONFIRMING, *CONFIRMED):
            raise Refused("already_confirmed", "this contract is confirmed already")
        raise Refused("state_invalid", f"a contract that is {state or 'unknown'} cannot take {trigger}")
    return after


def is_forward(before: str, after: str) -> bool:
    """Whether a mirror that stands at ``before`` follows to ``after``."""
    return before not in FINAL and _ORDER.index(after) > _ORDER.index(before)


def state_on_wire(contract: Json, action: str, refused: bool) -> str:
    """The state a callback speaks of, as far as its codes tell."""
    if refused:
        return REJECTED if action == "on_confirm" else NONE
    status = contract.get("status", {}).get("code")
    settled = {one.get("status") for one in contract.get("settlements", ())}
    performed = {one.get("status", {}).get("code") for one in contract.get("performance", ())}
    if status == "CANCELLED":
        return CANCELLED
    if status == "COMPLETE":
        return SETTLED if "COMPLETE" in settled else SETTLING
    if performed & {"DELIVERED", "SHORTFALL"}:
        return DELIVERED
    if performed & {"IN_PROGRESS", "AT_RISK"}:
        return IN_PROGRESS
    if status == "ACTIVE":
        return ACTIVE
    return {"on_init": DRAFTED, "on_select": QUOTED}.get(action, NONE)
