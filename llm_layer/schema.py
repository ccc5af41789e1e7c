"""The form of a model's answer, and how an answer becomes a directive: whole, or not at all.

The schema is static, so that an engine compiles it once: the same fields for every situation, with ``accept`` added
where requests are shown (one schema for each number of them). Reason code before the orders, free text last.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import ValidationError

from envs.state import AGENTS
from llm_layer.directive import Acceptance, Directive, ReasonCode
from llm_layer.situation import Request, Situation
from llm_layer.verbs import VERBS

# Characters of text. A small model that has nothing to say fills what it is given, a token a character, and the whole
# batch waits for it: at 120 its slowest answers took four times the tokens of the others.
TEXT_LENGTH = 64
MAX_REQUESTS = 4  # shown at once; 1-3 are published a week
LEVELS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)  # a closed list: digits of a free number need not end


class UnusableAnswer(ValueError):
    """An answer that is not what the schema asks for. It is dropped whole and counted, never patched."""


@lru_cache(maxsize=MAX_REQUESTS + 1)
def answer_schema(requests: int) -> dict[str, Any]:
    """JSON schema of an answer where this many requests are shown. Not to be changed by the caller."""
    level = {"enum": list(LEVELS)}
    orders = [_object(mode={"enum": ["set"]}, level=level)]
    orders += [_object(mode={"enum": ["limit"]}, **{side: level}) for side in ("at_least", "at_most")]
    fields: dict[str, Any] = {"reason_code": {"enum": list(ReasonCode.__args__)}}  # type: ignore[attr-defined]
    fields |= {agent: {"anyOf": [{"enum": list(VERBS[agent])}, *orders]} for agent in AGENTS}
    if requests:
        numbers = list(range(1, requests + 1))
        fields["accept"] = {"type": "array", "items": {"enum": numbers}, "maxItems": requests}
    return _object(**fields, text={"type": "string", "maxLength": TEXT_LENGTH})


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def schema_hash() -> str:
    """12 hex digits that change with any of the schemas."""
    family = [answer_schema(requests) for requests in range(MAX_REQUESTS + 1)]
    return hashlib.sha256(json.dumps(family, separators=(",", ":")).encode()).hexdigest()[:12]


def shown_requests(situation: Situation) -> tuple[Request, ...]:
    """Requests put to the model: those that the shared selling rule finds worth selling to, numbered from 1."""
    return tuple(request for request in situation.requests if request.kw > 0.0)[:MAX_REQUESTS]


def parse(text: str, situation: Situation) -> Directive:
    """The directive an answer stands for. kW of an accepted request, and what is declined, come from the host.

    Requests shown but not accepted stay open until gate closure; those not worth their cost are declined.

    Raises:
        UnusableAnswer: no JSON, a field too many, missing or out of its bounds.
    """
    shown = shown_requests(situation)
    try:
        answer = json.loads(text, parse_constant=_no_number, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise UnusableAnswer(f"no JSON: {error}") from None
    wrong = next(iter(_validator(len(shown)).iter_errors(answer)), None)
    if wrong is not None:
        place = ".".join(map(str, wrong.absolute_path)) or "answer"
        raise UnusableAnswer(f"{place}: {wrong.message[:120]}")
    accepted = [shown[number - 1] for number in sorted(set(answer.pop("accept", ())))]
    try:
        return Directive(
            **answer,
            accept=tuple(Acceptance(event_id=request.event.id, kw=request.kw) for request in accepted),
            decline=tuple(request.event.id for request in situation.requests if request.kw <= 0.0),
            horizon_steps=situation.hold_steps,
        )
    except (ValidationError, UnicodeEncodeError) as error:
        # Past the schema only text that no file can hold is left to refuse.
        raise UnusableAnswer(f"answer: {str(error).splitlines()[0][:120]}") from None


@lru_cache(maxsize=MAX_REQUESTS + 1)
def _validator(requests: int) -> Draft202012Validator:
    return Draft202012Validator(answer_schema(requests))


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
