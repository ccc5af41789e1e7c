"""What can be wrong with a message, and the code and HTTP status each fault is answered with: one table.

    BecknError
      TransportError    the other side was not reached, or answered nothing usable
      Refused           a message is not taken; ``fault`` is a row of ``FAULTS``

Codes are those of NFH-008 (the May 2026 draft ONIX builds on). Faults in ``callback`` are found after the message was
acknowledged and travel as ``error`` beside the unchanged contract in the ``on_*`` answer.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Fault(NamedTuple):
    """code and HTTP status of the answer, and whether it comes at once or in the callback."""

    code: str
    http: int
    where: Literal["sync", "callback"] = "sync"


FAULTS: dict[str, Fault] = {
    # size and JSON
    "body_too_large": Fault("SCH_INVALID_JSON", 413),
    "header_too_large": Fault("AUT_SIGNATURE_INVALID", 431),
    "not_json": Fault("SCH_INVALID_JSON", 400),
    "too_deep": Fault("SCH_INVALID_JSON", 400),
    "no_context": Fault("SCH_REQUIRED_FIELD_MISSING", 400),
    # context
    "context_field_missing": Fault("CTX_MISSING_FIELD", 400),
    "context_field_invalid": Fault("CTX_INVALID_FIELD", 400),
    "mixed_key_styles": Fault("CTX_INVALID_FIELD", 400),
    "not_for_us": Fault("CTX_INVALID_FIELD", 400),
    "action_mismatch": Fault("CTX_ACTION_MISMATCH", 400),
    "version_unsupported": Fault("CTX_VERSION_UNSUPPORTED", 400),
    "action_unknown": Fault("NET_NOT_IMPLEMENTED", 400),
    "ttl_expired": Fault("CTX_TTL_EXPIRED", 400),
    "timestamp_ahead": Fault("CTX_INVALID_FIELD", 400),
    # trust
    "signature_missing": Fault("AUT_SIGNATURE_MISSING", 401),
    "signature_invalid": Fault("AUT_SIGNATURE_INVALID", 401),
    "subscriber_unknown": Fault("AUT_SUBSCRIBER_NOT_FOUND", 401),
    "key_unknown": Fault("AUT_KEY_NOT_FOUND", 401),
    "key_dead": Fault("AUT_KEY_EXPIRED_OR_REVOKED", 401),
    "signer_not_party": Fault("AUT_UNAUTHORIZED_ACTION", 401),
    "address_not_registered": Fault("AUT_UNAUTHORIZED_ACTION", 401),
    "network_not_allowed": Fault("AUT_DOMAIN_NOT_ALLOWED", 403),
    "rate_limited": Fault("AUT_RATE_LIMITED", 429),
    "registry_down": Fault("NET_DOWNSTREAM_UNAVAILABLE", 503),
    # duplicate and transaction
    "message_id_duplicate": Fault("CTX_MESSAGE_ID_DUPLICATE", 400),
    "transaction_unknown": Fault("CTX_TRANSACTION_ID_UNKNOWN", 400),
    # schema
    "field_missing": Fault("SCH_REQUIRED_FIELD_MISSING", 400),
    "field_not_allowed": Fault("SCH_FIELD_NOT_ALLOWED", 400),
    "enum_invalid": Fault("SCH_INVALID_ENUM", 400),
    "format_invalid": Fault("SCH_INVALID_FORMAT", 400),
    "type_invalid": Fault("SCH_TYPE_NOT_SUPPORTED", 400),
    "schema_other": Fault("SCH_SCHEMA_VALIDATION_FAILED", 400),
    "jsonld_host": Fault("SCH_INVALID_JSONLD_CONTEXT", 400),
    "entity_type_unknown": Fault("SCH_INVALID_ENTITY_TYPE", 400),
    "pack_invalid": Fault("SCH_ATTRIBUTE_PACK_INVALID", 400),
    # policy
    "site_dormant": Fault("POL_NP_DORMANT", 400),
    "cancel_too_late": Fault("POL_CANCELLATION_NOT_ALLOWED", 400, "callback"),
    "update_not_allowed": Fault("POL_UPDATE_NOT_ALLOWED", 400, "callback"),
    # business
    "offer_unknown": Fault("BIZ_OFFER_NOT_FOUND", 400, "callback"),
    "contract_unknown": Fault("BIZ_ORDER_NOT_FOUND", 400, "callback"),
    "state_invalid": Fault("BIZ_INVALID_STATE_TRANSITION", 400, "callback"),
    "already_confirmed": Fault("BIZ_ALREADY_CONFIRMED", 400, "callback"),
    "over_capacity": Fault("BIZ_QUANTITY_UNAVAILABLE", 400, "callback"),
    "slot_gone": Fault("BIZ_FULFILLMENT_UNAVAILABLE", 400, "callback"),
    "price_differs": Fault("BIZ_PRICE_MISMATCH", 400, "callback"),
    "quote_changed": Fault("BIZ_QUOTE_EXPIRED_OR_CHANGED", 400, "callback"),
    # our own failure
    "store_busy": Fault("NET_DOWNSTREAM_UNAVAILABLE", 503),
    "internal": Fault("NET_INTERNAL_ERROR", 500),
}

# A refusal with one of these may pass when asked again; anything else will not.
RETRY_CODES = frozenset({"AUT_RATE_LIMITED", "POL_NP_CAPACITY_EXCEEDED", "POL_NP_DORMANT"})


class BecknError(Exception):
    """Something between two participants went wrong."""


class TransportError(BecknError):
    """The other side was not reached, or its answer cannot be used."""


class Refused(BecknError):
    """A message that is not taken; ``fault`` names the row of ``FAULTS``, ``path`` the field."""

    def __init__(self, fault: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.path = path

    @property
    def code(self) -> str:
        return FAULTS[self.fault].code

    @property
    def http(self) -> int:
        return FAULTS[self.fault].http

    def as_error(self) -> dict[str, object]:
        """The ``error`` object of an answer."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.path:
            error["details"] = {"path": self.path}
        return error


def retriable(code: str, http: int) -> bool:
    """Whether sending the same message again may succeed."""
    return code in RETRY_CODES or (code.startswith("NET_") and code != "NET_NOT_IMPLEMENTED") or http >= 500
