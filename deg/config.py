"""Load a configuration: defaults, then an experiment file, then overrides; one clear line for each mistake."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

import configs
from configs.schema import Config
from deg.config_errors import ConfigError, Keys, explain_all
from deg.yaml_places import parse_value, read_mapping

DEFAULTS = Path(configs.__file__).parent / "default.yaml"


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Validate the whole tree before any work starts.

    Args:
        path: experiment file laid over ``configs/default.yaml``; None for the defaults alone.
        overrides: ``key.path=value``, the value in YAML, applied in order.

    Raises:
        ConfigError: one line for each mistake, with its place (file and line, or override), value and fix.
    """
    tree, _ = read_mapping(DEFAULTS)
    places: dict[Keys, str] = {}
    if path is not None:
        values, lines = read_mapping(Path(path))
        _merge(tree, values)
        places = {keys: f"{path} line {line}" for keys, line in lines.items()}
    for text in overrides:
        keys, value = _parse_override(text)
        _merge(tree, _nest(keys, value))
        places.pop(keys, None)
        places[keys] = f"override {text}"
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain_all(error.errors(), places)) from None
    return _resolve(config)


def _parse_override(text: str) -> tuple[Keys, Any]:
    key, equals, value = text.partition("=")
    keys = tuple(key.strip().split("."))
    if not equals or not all(keys):
        raise ConfigError([f"override {text!r}: expected key.path=value, such as run.days=7"])
    return keys, parse_value(value, f"override {text}")


def _nest(keys: Keys, value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return value


def _merge(tree: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Lay ``values`` over ``tree``, branch by branch. A branch that is left empty in a file changes nothing."""
    for key, value in values.items():
        under = tree.get(key)
        if isinstance(under, dict) and isinstance(value, Mapping):
            _merge(under, value)
        elif isinstance(value, Mapping):
            tree[key] = dict(value)
        elif not (isinstance(under, dict) and value is None):
            tree[key] = value


def _resolve(config: Config) -> Config:
    """Fill in what null stands for, so that the written configuration says what was run."""
    from_file = config.signals.source == "file"
    shared = Path(os.environ.get("DEG_SHARED", "../shared")) / "data" / "train"
    path = config.signals.path or (str(shared) if from_file else None)
    name = config.workload.name or ("alibaba_2" if from_file else "generator")
    return config.model_copy(
        update={
            "signals": config.signals.model_copy(update={"path": path}),
            "workload": config.workload.model_copy(update={"name": name, "path": config.workload.path or path}),
        }
    )


@dataclass(frozen=True)
class Key:
    """One configuration key, as ``deg describe config`` shows it."""

    path: str
    field: FieldInfo
    value: Any

    @property
    def unit(self) -> str:
        return str(_extra(self.field)["unit"])

    @property
    def locates(self) -> bool:
        return bool(_extra(self.field)["locates"])


def keys_of(section: BaseModel, prefix: str = "") -> Iterator[Key]:
    """Every key of a configuration with its declaration and value, in the order of the schema."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from keys_of(value, f"{prefix}{name}.")
        else:
            yield Key(f"{prefix}{name}", field, value)


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), "every key is declared with configs.schema._key"
    return extra


def dump_config(config: Config) -> str:
    """The configuration as YAML that ``load_config`` reads back to the same tree. No key holds a secret."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def config_hash(config: Config) -> str:
    """SHA-256 hex of everything that changes a result. Names, folders and addresses do not."""
    content = {key.path: key.value for key in keys_of(config) if not key.locates}
    text = json.dumps(content, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
