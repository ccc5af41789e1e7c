"""Bytes to JSON and back, within limits, and which generation of the protocol a message speaks.

What is decoded here can always be encoded again: one reading of every key, finite numbers, text that is Unicode.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from grid.beckn.faults import Refused

MAX_BODY_BYTES = 1 << 20
MAX_HEADER_BYTES = 8192
MAX_DEPTH = 32

Family = Literal["lts", "rc1"]
Json = dict[str, Any]

_CAMEL = frozenset({"bapId", "bapUri", "bppId", "bppUri", "messageId", "transactionId", "networkId", "schemaContext"})
_SNAKE = frozenset(
    {"bap_id", "bap_uri", "bpp_id", "bpp_uri", "message_id", "transaction_id", "network_id", "schema_context"}
)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def decode(body: bytes) -> Json:
    """The JSON object in ``body``.

    Raises:
        Refused: too large, too deep, not UTF-8, not JSON, a key given twice, a number beyond double precision's range.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Refused("body_too_large", f"body of {len(body)} bytes; at most {MAX_BODY_BYTES} are read")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
        )
    except RecursionError:
        raise Refused("too_deep", f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise Refused("not_json", f"body is not JSON: {_short(error)}") from None
    if not isinstance(value, dict):
        raise Refused("not_json", "body is not a JSON object")
    _check_depth(value)
    try:
        encode(value)
    except UnicodeEncodeError:
        raise Refused("not_json", "body holds half a surrogate pair, which is no character") from None
    return value


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON, keys in their order: the bytes that are signed and sent."""
    return _encode(value).encode("utf-8")


def family_of(context: Json) -> Family:
    """Key style alone decides: camel case is LTS, snake case is rc1; both is neither.

    Raises:
        Refused: both styles in one context.
    """
    camel, snake = _CAMEL & context.keys(), _SNAKE & context.keys()
    if camel and snake:
        raise Refused(
            "mixed_key_styles",
            f"context has {sorted(camel)[0]} and {sorted(snake)[0]}; use one style",
            f"context/{sorted(snake)[0]}",
        )
    return "rc1" if snake else "lts"


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice in one object")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"number {text[:20]} is out of range")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise Refused("too_deep", f"nested deeper than {MAX_DEPTH} levels")


def _short(error: ValueError) -> str:
    return " ".join(str(error).split())[:120]
