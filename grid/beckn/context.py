"""The context of a message as a participant needs it: both families under one set of names, and its checks.

The schema asks for no context field at all; what is required here is what answering needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from grid.beckn import PROTOCOL_VERSION
from grid.beckn.base import _UUID_LENGTH
from grid.beckn.faults import Refused
from grid.beckn.lts import ALIASES, MESSAGES
from grid.beckn.times import instant_text, parse_duration, parse_instant
from grid.beckn.wire import Family, Json, family_of

SKEW = timedelta(seconds=5)
DEFAULT_TTL = timedelta(seconds=30)
MAX_ID = 256  # characters of an id or address

# our name -> (LTS key, rc1 key)
_KEYS = {
    "version": ("version", "version"),
    "action": ("action", "action"),
    "bap_id": ("bapId", "bap_id"),
    "bap_uri": ("bapUri", "bap_uri"),
    "bpp_id": ("bppId", "bpp_id"),
    "bpp_uri": ("bppUri", "bpp_uri"),
    "transaction_id": ("transactionId", "transaction_id"),
    "message_id": ("messageId", "message_id"),
    "timestamp": ("timestamp", "timestamp"),
    "ttl": ("ttl", "ttl"),
    "network_id": ("networkId", "network_id"),
}
_ALWAYS = ("version", "action", "bap_id", "bap_uri", "transaction_id", "message_id", "timestamp")
_BROADCAST = ("discover", "catalog/subscription")
_URI_FIELDS = ("bap_uri", "bpp_uri")


@dataclass(frozen=True)
class Envelope:
    """Who says what to whom, and until when it holds.

    ``bpp_id`` and ``bpp_uri`` are '' in a broadcast discover. ``sender`` is who has to have signed.
    """

    family: Family
    action: str
    bap_id: str
    bap_uri: str
    bpp_id: str
    bpp_uri: str
    transaction_id: str
    message_id: str
    timestamp: datetime
    expires: datetime
    network_id: str
    trial: bool  # ``try``: show what would happen, change nothing

    @property
    def is_callback(self) -> bool:
        return self.action.removeprefix("catalog/").startswith("on_")

    @property
    def sender(self) -> str:
        return self.bpp_id if sent_by_bpp(self.action) else self.bap_id

    @property
    def sender_uri(self) -> str:
        return self.bpp_uri if sent_by_bpp(self.action) else self.bap_uri

    @property
    def receiver(self) -> str:
        return self.bap_id if sent_by_bpp(self.action) else self.bpp_id


def sent_by_bpp(action: str) -> bool:
    """Callbacks and the publishing of a catalogue come from the provider; the answer to the latter does not."""
    return action == "catalog/publish" or (action.startswith("on_") and action != "on_catalog_publish")


def callback_of(action: str) -> str:
    """The action that answers ``action``."""
    return "catalog/on_publish" if action == "catalog/publish" else f"on_{action}"


def read_envelope(raw: Json, path_action: str, now: datetime) -> Envelope:
    """The envelope of a received message, judged at ``now``.

    Raises:
        Refused: in the order of NFH-008: a field missing or malformed, another version, another action than the path's,
            an action nobody knows, a time to live that has passed.
    """
    context = raw.get("context")
    if not isinstance(context, dict):
        raise Refused("no_context", "there is no context object", "context")
    family = family_of(context)
    side = 0 if family == "lts" else 1
    values: dict[str, str] = {}
    for name, keys in _KEYS.items():
        if keys[side] in context:
            values[name] = _checked(name, keys[side], context[keys[side]], family)
    _require(values, family, side)
    action = ALIASES.get(values["action"], values["action"])
    if values["version"] != PROTOCOL_VERSION:
        raise Refused("version_unsupported", f"version {values['version']}; 2.0.0 is spoken here", "context/version")
    if action != ALIASES.get(path_action, path_action):
        raise Refused("action_mismatch", f"action {action} was sent to {path_action}", "context/action")
    timestamp = _instant(values["timestamp"], family, side)
    expires = timestamp + _ttl(values.get("ttl"))
    if timestamp > now + SKEW:
        raise Refused("timestamp_ahead", f"timestamp is ahead of {instant_text(now)}", "context/timestamp")
    if now > expires:
        raise Refused("ttl_expired", f"expired at {instant_text(expires)}, it is {instant_text(now)}", "context/ttl")
    return Envelope(
        family, action, values["bap_id"], values["bap_uri"], values.get("bpp_id", ""), values.get("bpp_uri", ""),
        values["transaction_id"], values["message_id"], timestamp, expires, values.get("network_id", ""),
        context.get("try") is True,
    )  # fmt: skip


def _checked(name: str, key: str, value: object, family: Family) -> str:
    if name == "network_id" and isinstance(value, list) and family == "rc1":
        value = value[0] if value else ""
    if not isinstance(value, str) or len(value) > MAX_ID or not value.isprintable():
        raise Refused("context_field_invalid", f"{key} is not a text of at most {MAX_ID} characters", f"context/{key}")
    if not value:
        raise Refused("context_field_missing", f"{key} is empty", f"context/{key}")
    if name in _URI_FIELDS and not value.startswith(("http://", "https://")):
        raise Refused("context_field_invalid", f"{key} is not an http address", f"context/{key}")
    if family == "lts" and name in ("transaction_id", "message_id") and not _is_uuid(value):
        raise Refused("context_field_invalid", f"{key} is not a uuid", f"context/{key}")
    return value


def _require(values: dict[str, str], family: Family, side: int) -> None:
    action = ALIASES.get(values.get("action", ""), values.get("action", ""))
    needed = _ALWAYS if action in _BROADCAST else (*_ALWAYS, "bpp_id", "bpp_uri")
    for name in needed:
        if name not in values:
            key = _KEYS[name][side]
            raise Refused("context_field_missing", f"{key} is missing", f"context/{key}")
    if family == "lts" and action not in MESSAGES:
        raise Refused("action_unknown", f"no action {action!r} in LTS 2.0", "context/action")


def _instant(text: str, family: Family, side: int) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Refused("context_field_invalid", f"timestamp: {error}", "context/timestamp") from None


def _ttl(text: str | None) -> timedelta:
    if text is None:
        return DEFAULT_TTL
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Refused("context_field_invalid", f"ttl: {error}", "context/ttl") from None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == _UUID_LENGTH
