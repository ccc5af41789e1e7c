"""Load a configuration: defaults, then an experiment file, then overrides; one clear line for each mistake."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from configs.axes import settings
from configs.errors import ConfigError, Keys, explain_all, is_related
from configs.scaling import scale_with_capacity
from configs.schema import Config
from configs.yaml_places import parse_value, read_mapping

DEFAULTS = Path(__file__).parent / "default.yaml"


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Validate the whole tree before any work starts.

    Args:
        path: experiment file laid over ``configs/default.yaml``; None for the defaults alone.
        overrides: ``key.path=value``, the value in YAML, applied in order.

    Raises:
        ConfigError: one line for each mistake, with its place (file and line, or override), value and fix.
    """
    tree, lines = read_mapping(DEFAULTS)
    given: dict[str, Any] = {}
    places = {keys: f"{DEFAULTS.name} line {line}" for keys, line in lines.items()}
    if path is not None and not _is_defaults(Path(path)):
        given, lines = read_mapping(Path(path))
        places |= {keys: f"{path} line {line}" for keys, line in lines.items()}
    for text in overrides:
        keys, value = _parse_override(text)
        _merge(given, _nest(keys, value))
        # The last place that bears on a key is the one to name.
        places = {other: place for other, place in places.items() if not is_related(other, keys)}
        places[keys] = f"override {_without_secret(text)}"
    scale_with_capacity(tree["site"], given.get("site"))
    _merge(tree, given)
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain_all(error.errors(), places)) from None
    config = _resolve(config)
    settings(config)  # a mistake in evaluate.axes is one of the configuration
    return config


def _is_defaults(path: Path) -> bool:
    """``--config configs/default.yaml`` adds nothing to the defaults, in particular no explicit battery size."""
    return path.exists() and path.samefile(DEFAULTS)


def _parse_override(text: str) -> tuple[Keys, Any]:
    key, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or not all(keys):
        raise ConfigError([f"override {text!r}: expected key.path=value, such as run.days=7"])
    return keys, parse_value(value, f"override {_without_secret(text)}")


def _without_secret(text: str) -> str:
    """An override as messages may repeat it: no value of what is named a key, no password in an address."""
    return re.sub(r"(?i)((?:key|token|secret|password)=).*|(://)[^/]*@", r"\1\2***", text)


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


def shared_data_folder() -> Path:
    """Where signals and recorded workloads lie unless a configuration says otherwise."""
    return Path(os.environ.get("DEG_SHARED") or "../shared") / "data" / "train"


def _resolve(config: Config) -> Config:
    """Fill in what null stands for, so that the written configuration says what was run."""
    from_file = config.signals.source == "file"
    shared = shared_data_folder()
    path = config.signals.path or (str(shared) if from_file else None)
    # Traces lie beside the signal files of a folder; a single file of signals has dates of its own, mostly later ones.
    folder = None if path is None or path.endswith(".parquet") else path
    name = config.workload.name or ("alibaba_2" if folder and from_file else "generator")
    # A trace over other signals is still a file.
    workload_path = config.workload.path or folder or (None if name in ("generator", "jobs") else str(shared))
    return config.model_copy(
        update={
            "signals": config.signals.model_copy(update={"path": path}),
            "workload": config.workload.model_copy(update={"name": name, "path": workload_path}),
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
        return str(self._declared["unit"])

    @property
    def source(self) -> str:
        """Where the default comes from, or "assumption"."""
        return str(self._declared["source"])

    @property
    def locates(self) -> bool:
        return bool(self._declared["locates"])

    @property
    def _declared(self) -> dict[str, Any]:
        extra = self.field.json_schema_extra
        assert isinstance(extra, dict), "every key is declared with configs.fields.key"
        return extra


def keys_of(section: BaseModel, prefix: str = "") -> Iterator[Key]:
    """Every key of a configuration with its declaration and value, in the order of the schema."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from keys_of(value, f"{prefix}{name}.")
        else:
            yield Key(f"{prefix}{name}", field, value)


def dump(config: Config) -> str:
    """The configuration as YAML that ``load_config`` reads back to the same tree. No key holds a secret."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def config_hash(config: Config) -> str:
    """SHA-256 hex of everything that changes a result. Names, folders and addresses do not."""
    content = {key.path: key.value for key in keys_of(config) if not key.locates}
    text = json.dumps(content, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
