"""What all wire models share: strict types, keys as on the wire, and only what was given is given back."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from grid.beckn.times import parse_instant

# A field that may be left out but, if given, may not be null: the default is never validated and never dumped.
ABSENT: Any = None

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)")
_UUID_LENGTH = 36


class Closed(BaseModel):
    """Camel-case keys, no others than those declared."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False, allow_inf_nan=False
    )

    def as_json(self) -> dict[str, Any]:
        """What was parsed, equal as a JSON value: nulls and the form of numbers kept."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Open(Closed):
    """Camel-case keys; others are kept as they are."""

    model_config = ConfigDict(extra="allow")


def _format(name: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("wire_format", "{message}", {"message": f"not a {name}: {message}"})


def _uuid(text: str) -> str:
    try:
        UUID(text)
    except ValueError:
        raise _format("uuid", text[:60]) from None
    if len(text) != _UUID_LENGTH:
        raise _format("uuid", text[:60])
    return text


def _uri(text: str) -> str:
    if not _URI.fullmatch(text):
        raise _format("uri", text[:60])
    return text


def _date_time(text: str) -> str:
    try:
        parse_instant(text)
    except ValueError as error:
        raise _format("date-time", str(error)) from None
    return text


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise _format("time", text[:60])
    return text


def _whole(number: float) -> float:
    if number != int(number):
        raise PydanticCustomError("int_type", "not a whole number")
    return number


Uuid = Annotated[str, AfterValidator(_uuid)]
Uri = Annotated[str, AfterValidator(_uri)]
DateTime = Annotated[str, AfterValidator(_date_time)]
ClockTime = Annotated[str, AfterValidator(_time)]
Number = int | float
Whole = Annotated[Number, AfterValidator(_whole)]


def other(message: str) -> PydanticCustomError:
    """An error no other class describes: a choice of fields that does not hold."""
    return PydanticCustomError("wire_other", "{message}", {"message": message})


class Attributes(Open):
    """A JSON-LD bag: what it means is said by ``@type``; its fields are checked by ``grid.beckn.packs``."""

    context: str = Field(alias="@context")
    type: str = Field(alias="@type")
