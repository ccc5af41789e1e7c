"""Read YAML and remember on which line each key stands, so that an error can say where to look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from configs.errors import ConfigError, Keys


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML has it, but 1e6 is a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse_value(text: str, place: str) -> Any:
    """The value of an override. Raises ConfigError naming ``place``."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        problem = f"{place}: the value cannot be read ({_reason(error)}); correct it or put it in quotes"
        raise ConfigError([problem]) from None


def read_mapping(path: Path) -> tuple[dict[str, Any], dict[Keys, int]]:
    """A YAML file as nested mappings, and the line of each key by its path.

    Raises ConfigError: missing or unreadable file, broken YAML, a key given twice, or a file that is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([f"--config {path}: no such file; give the path of a YAML file"]) from None
    except OSError as error:
        raise ConfigError([f"--config {path}: cannot be read ({error.strerror}); give a readable YAML file"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"--config {path}: not a text file in UTF-8; give a YAML file"]) from None
    try:
        root = yaml.compose(text, _Loader)
        values = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError([f"{path}: not valid YAML ({_reason(error)}); correct it there"]) from None
    if values is None:
        return {}, {}
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError([f"{path}: holds {type(values).__name__}, expected keys such as 'run:' with values below"])
    lines: dict[Keys, int] = {}
    _collect(root, (), lines, path)
    return values, lines


def _collect(node: yaml.MappingNode, prefix: Keys, lines: dict[Keys, int], path: Path) -> None:
    for key, value in node.value:
        keys = (*prefix, str(key.value))
        line = key.start_mark.line + 1
        if keys in lines:
            raise ConfigError([f"{path} line {line}: {'.'.join(keys)} was given on line {lines[keys]}; keep one"])
        lines[keys] = line
        if isinstance(value, yaml.MappingNode):
            _collect(value, keys, lines, path)


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} at line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())
