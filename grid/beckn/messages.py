"""One message of either family: told apart, validated, and written back equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from grid.beckn import lts, rc1
from grid.beckn.faults import Refused
from grid.beckn.lts_parts import Context
from grid.beckn.packs import check_packs
from grid.beckn.wire import Family, Json, decode, family_of

# Kinds of pydantic error -> fault; what is not listed is ``schema_other``.
_FAULT_OF = {
    "missing": "field_missing",
    "extra_forbidden": "field_not_allowed",
    "literal_error": "enum_invalid",
    "wire_format": "format_invalid",
    "string_pattern_mismatch": "format_invalid",
    "string_type": "type_invalid",
    "int_type": "type_invalid",
    "float_type": "type_invalid",
    "bool_type": "type_invalid",
    "list_type": "type_invalid",
    "dict_type": "type_invalid",
    "model_type": "type_invalid",
    "model_attributes_type": "type_invalid",
}


@dataclass(frozen=True)
class Message:
    """A message of one family.

    context, body   models of the family; ``body`` is what stands under ``message``
    extra           what else stood beside them, such as ``error``
    problem         why it is not valid, where it was only read; None for a valid one
    """

    family: Family
    action: str
    context: BaseModel
    body: BaseModel
    extra: Json
    problem: Refused | None = None

    def as_json(self) -> Json:
        """Equal, as a JSON value, to what was parsed."""
        return {"context": _dump(self.context), "message": _dump(self.body), **self.extra}


def parse(body: bytes) -> Message:
    """The message in ``body``, valid or not: what does not fit its family's models is kept as it is, with the problem.

    Raises:
        Refused: not JSON, no context, no action, or both key styles: nothing that could be called a message.
    """
    raw = decode(body)
    context = _context_of(raw)
    family = family_of(context)
    try:
        return validated(raw)
    except Refused as problem:
        action = context.get("action")
        if not isinstance(action, str):
            raise
        message = raw.get("message")
        held = rc1.FreeMessage.model_validate(message) if isinstance(message, dict) else None
        if held is None:
            raise
        extra = {k: v for k, v in raw.items() if k not in ("context", "message")}
        return Message(family, action, rc1.FreeMessage.model_validate(context), held, extra, problem)


def validated(raw: Json) -> Message:
    """``raw`` as a message that keeps its family's schema (LTS) or profile (rc1), packs included.

    What a participant asks of a context beyond the schema is ``grid.beckn.context``'s.

    Raises:
        Refused: naming the first field that does not hold.
    """
    context = _context_of(raw)
    family = family_of(context)
    action = context.get("action")
    if not isinstance(action, str):
        raise Refused("context_field_missing", "context has no action", "context/action")
    if family == "rc1":
        if action not in rc1.ACTIONS:
            raise Refused("action_unknown", f"no action {action!r} in rc1", "context/action")
        return _read(raw, family, action, rc1.Context, rc1.message_model(action))
    action = lts.ALIASES.get(action, action)
    if action not in lts.MESSAGES:
        raise Refused("action_unknown", f"no action {action!r} in LTS 2.0", "context/action")
    if _speaks_orders(raw):
        return _read(raw, family, action, rc1.FreeMessage, rc1.FreeMessage)
    message = _read(raw, family, action, Context, lts.MESSAGES[action])
    check_packs(raw["message"], "message")
    return message


def _context_of(raw: Json) -> Json:
    context = raw.get("context")
    if not isinstance(context, dict):
        raise Refused("no_context", "there is no context object", "context")
    return context


def _speaks_orders(raw: Json) -> bool:
    """Camel-case ``order`` messages, as ONIX's own test data have them: no schema covers them, so none is applied.

    A contract beside the order is LTS and held to its schema.
    """
    body = raw.get("message")
    return isinstance(body, dict) and "order" in body and "contract" not in body


def _read(
    raw: Json, family: Family, action: str, context_model: type[BaseModel], body_model: type[BaseModel]
) -> Message:
    context = _fit(context_model, raw["context"], "context")
    if "message" not in raw:
        raise Refused("field_missing", "message is missing", "message")
    body = _fit(body_model, raw["message"], "message")
    return Message(family, action, context, body, {k: v for k, v in raw.items() if k not in ("context", "message")})


def _fit(model: type[BaseModel], value: Any, place: str) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    path = "/".join([place, *(str(part) for part in first["loc"])])
    raise Refused(
        _FAULT_OF.get(first["type"], "schema_other"), f"{path}: {first['msg'][:1].lower()}{first['msg'][1:]}", path
    )


def _dump(model: BaseModel) -> Json:
    return model.model_dump(by_alias=True, exclude_unset=True)
