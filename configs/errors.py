"""Turn a validation error into one line: place, value, fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from configs.schema import Config

Keys = tuple[str, ...]

_TYPE_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "date": "a date like 2023-11-13",
    "bool": "true or false",
    "dict": "a group of keys",
}


class ConfigError(ValueError):
    """One or more mistakes in the configuration, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def explain_all(problems: Sequence[Mapping[str, Any]], places: Mapping[Keys, str]) -> list[str]:
    """One line for each pydantic error. places: where each key was given, in the order they were given."""
    located = [(tuple(str(part) for part in problem["loc"]), problem) for problem in problems]
    # An error inside a list comes with another one about the list.
    leaves = [
        (keys, problem)
        for keys, problem in located
        if not any(other != keys and other[: len(keys)] == keys for other, _ in located)
    ]
    return [_explain(keys, problem, places) for keys, problem in leaves]


def _explain(keys: Keys, problem: Mapping[str, Any], places: Mapping[Keys, str]) -> str:
    name = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        return f"{_place(keys, places, name)}: unknown key {name}; {_nearest(keys)}"
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        return f"{_place(keys, places, message)}: {message}"
    if problem["type"] == "missing":
        return f"{_place(keys, places, name)}: {name} is missing; expected {expected(keys)}"
    value = problem["input"]
    fix = "; put it in quotes" if problem["type"] == "string_type" and isinstance(value, (int, float, date)) else ""
    return f"{_place(keys, places, name)}: {name} is {_shown(value)}; expected {expected(keys)}{fix}"


def is_related(one: Keys, other: Keys) -> bool:
    """Whether one key is the other, or lies in it."""
    return one[: len(other)] == other or other[: len(one)] == one


def _place(keys: Keys, places: Mapping[Keys, str], message: str) -> str:
    """The last place that bears on ``keys``; one whose key the message names comes first."""
    related = [(given, place) for given, place in places.items() if is_related(given, keys)]
    named = [place for given, place in related if ".".join(given) in message]
    return (named or [place for _, place in related] or ["configuration"])[-1]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, (list, tuple)):
        text = "[" + ", ".join(str(item) for item in value) + "]"
    elif isinstance(value, str):
        text = repr(value)
    else:
        text = "null" if value is None else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(keys: Keys) -> str:
    """Say which key was probably meant: one in the same section, or the same name elsewhere."""
    section = _section(keys[:-1])
    known = list(section.model_fields) if section is not None else []
    prefix = ".".join((*keys[:-1], ""))
    near = difflib.get_close_matches(keys[-1], known, n=1)
    if near:
        return f"did you mean {prefix}{near[0]}?"
    leaves = {path.rpartition(".")[2]: path for path in _paths(Config, "")}
    near = difflib.get_close_matches(keys[-1], leaves, n=1)
    if near:
        return f"did you mean {leaves[near[0]]}?"
    return f"known here: {', '.join(known)}"


def _paths(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if _is_section(field.annotation):
            yield from _paths(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _declared(keys: Keys) -> Any:
    """What the schema has at ``keys``: a branch, a field, the type of a list's items; None where there is nothing."""
    found: Any = Config
    for key in keys:
        annotation: Any = found.annotation if isinstance(found, FieldInfo) else found
        if _is_section(annotation):
            found = annotation.model_fields.get(key)
        elif get_origin(annotation) is tuple and key.isdigit():
            found = get_args(annotation)[0]
        else:
            return None
    return found


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _section(keys: Keys) -> type[BaseModel] | None:
    """The branch of the schema at ``keys``; None where there is none."""
    found = _declared(keys)
    annotation: Any = found.annotation if isinstance(found, FieldInfo) else found
    return annotation if _is_section(annotation) else None


def expected(keys: Keys) -> str:
    """What may stand at a key, in words: type, choices, bounds; for a section, the keys it has."""
    found = _declared(keys)
    if isinstance(found, FieldInfo):
        return described(found)
    return "no such key" if found is None else _words(found)


def described(field: FieldInfo) -> str:
    """Type, choices and bounds of a field in words."""
    words = _words(field.annotation)
    limits = [
        f"{_BOUNDS[name]} {getattr(mark, name):,.10g}"
        for mark in field.metadata
        for name in _BOUNDS
        if _has(mark, name)
    ]
    if any(_has(mark, "pattern") for mark in field.metadata):
        words += " of letters, digits and _ . + -"
    return ", ".join([words, *limits])


_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def _has(mark: Any, name: str) -> bool:
    return getattr(mark, name, None) is not None


def _words(annotation: Any) -> str:
    """A type annotation in plain words."""
    if _is_section(annotation):
        return f"a group of keys: {', '.join(annotation.model_fields)}"
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in arguments)
    if origin is tuple:
        items = [_words(item) for item in arguments if item is not Ellipsis]
        return f"a list of {items[0]}" if Ellipsis in arguments else f"a list [{', '.join(items)}]"
    if arguments:  # Annotated[X, ...] or X | None
        kinds = [argument for argument in arguments if isinstance(argument, type) or get_args(argument)]
        optional = type(None) in kinds
        words = _words(next(kind for kind in kinds if kind is not type(None)))
        return f"{words} or null" if optional else words
    return _TYPE_WORDS.get(getattr(annotation, "__name__", ""), str(annotation))
