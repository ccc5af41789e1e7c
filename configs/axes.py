"""Settings of a matrix: the configuration itself, and every point of the grids in ``evaluate.axes``.

An entry of ``evaluate.axes`` is one grid: the product of its lists, laid over the configuration. Grids are not crossed
with each other, so that one thing can be changed at a time. ``file`` stands for whole experiment files (what they say
of site, market, signals, ...), ``variants`` for which of the matrix's variants a grid is run with.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigError, explain_all
from configs.fields import FILE_AXIS, VARIANTS_AXIS
from configs.scaling import scale_with_capacity
from configs.schema import Config
from configs.yaml_places import read_mapping

# What a week of a matrix depends on; the rest says how it is run, trained or traded live.
SECTIONS = ("signals", "workload", "site", "tariff", "market", "notices", "agents", "supervisor")


@dataclass(frozen=True)
class Setting:
    """One configuration of a matrix. name: ``""`` for the configuration itself, else ``key=value, key=value``.

    axis        the keys that are changed, joined by ``" x "``
    changes     key -> value as given
    variants    names of the variants it is run with
    """

    name: str
    axis: str
    changes: Mapping[str, Any]
    config: Config
    variants: tuple[str, ...]


def settings(config: Config) -> list[Setting]:
    """The configuration itself first, then each grid in order.

    Raises:
        ConfigError: a key that is unknown or changes nothing in a matrix, a value out of bounds, a missing file.
    """
    own = Setting("", "", {}, config, config.evaluate.variants)
    found = [own]
    for number, grid in enumerate(config.evaluate.axes):
        chosen = tuple(grid.get(VARIANTS_AXIS, config.evaluate.variants))
        _check_variants(number, chosen, config)
        keys = [key for key in grid if key != VARIANTS_AXIS]
        for values in product(*(grid[key] for key in keys)):
            changes = dict(zip(keys, values, strict=True))
            found.append(
                Setting(in_words(changes), " x ".join(keys), changes, _varied(config, changes, number), chosen)
            )
    return found


def in_words(changes: Mapping[str, Any]) -> str:
    """``key=value, key=value``; a file by its name."""
    return ", ".join(f"{key}={_short(value)}" for key, value in changes.items())


def _check_variants(number: int, chosen: tuple[str, ...], config: Config) -> None:
    for name in chosen:
        if name not in config.evaluate.variants:
            near = difflib.get_close_matches(name, config.evaluate.variants, n=1)
            hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(config.evaluate.variants)}"
            raise ConfigError([f"evaluate.axes entry {number + 1}: {name} is none of evaluate.variants; {hint}"])
    if "neutral" not in chosen:
        place = f"evaluate.axes entry {number + 1}"
        raise ConfigError([f"{place}: neutral, which savings are measured against, is missing from variants; add it"])


def _varied(config: Config, changes: Mapping[str, Any], number: int) -> Config:
    """``config`` with ``changes`` laid over it and validated as a whole."""
    place = f"evaluate.axes entry {number + 1}"
    tree: dict[str, Any] = config.model_dump(mode="python")
    given: dict[str, Any] = {}
    for key, value in changes.items():
        for path, item in _of_file(str(value)) if key == FILE_AXIS else ((key, value),):
            _put(given, path, item, place)
    scale_with_capacity(tree["site"], given.get("site"))
    _lay(tree, given)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError([f"{place}: {_without_place(text)}" for text in explain_all(error.errors(), {})]) from None


def _of_file(path: str) -> Iterator[tuple[str, Any]]:
    tree, _ = read_mapping(Path(path))
    return ((f"{section}.{key}", value) for section in SECTIONS for key, value in (tree.get(section) or {}).items())


def _put(given: dict[str, Any], path: str, value: Any, place: str) -> None:
    section, *rest = path.split(".")
    if section not in SECTIONS or not rest:
        near = difflib.get_close_matches(section, SECTIONS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        known = f"take one of {', '.join(SECTIONS)}, or {FILE_AXIS}"
        raise ConfigError([f"{place}: {path} is no key that a week depends on; {hint}{known}"])
    branch = given.setdefault(section, {})
    for key in rest[:-1]:
        branch = branch.setdefault(key, {})
    branch[rest[-1]] = value


def _lay(tree: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(tree.get(key), dict) and isinstance(value, Mapping):
            _lay(tree[key], value)
        else:
            tree[key] = value


def _without_place(text: str) -> str:
    return text.removeprefix("configuration: ")


def _short(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return Path(value).stem if value.endswith((".yaml", ".yml")) else value
    if isinstance(value, (list, tuple)):
        kinds = [item["kind"] if isinstance(item, Mapping) and "kind" in item else _short(item) for item in value]
        return "+".join(kinds) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
