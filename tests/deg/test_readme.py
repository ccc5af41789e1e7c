"""The README promises only what is there."""

from __future__ import annotations

import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from typer.testing import CliRunner

from configs.load import keys_of, load_config
from deg.cli import app

REPO = Path(__file__).parents[2]
README = (REPO / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\s*\.venv/bin/deg (.+)$", README, flags=re.MULTILINE)


@pytest.mark.parametrize("command", sorted({tuple(shlex.split(line)[:2]) for line in COMMANDS}), ids=" ".join)
def test_each_command_shown_exists(command: tuple[str, ...]) -> None:
    words = [word for word in command if word.isalpha()]
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


@pytest.mark.parametrize("line", [line for line in COMMANDS if "=" in line])
def test_each_override_shown_is_a_key(line: str) -> None:
    overrides = [word for word in shlex.split(line) if "=" in word]
    keys = {key.path for key in keys_of(load_config(overrides=overrides))}
    assert {word.partition("=")[0] for word in overrides} <= keys


def test_each_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    shown = set(re.findall(r"make ([a-z-]+)", README))
    assert {"demo", "test"} <= shown <= targets


def test_version_table_lists_each_dependency_with_a_version_that_is_allowed() -> None:
    table = README.split("<!-- versions -->")[1].split("<!-- /versions -->")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.strip().splitlines()[2:]]
    tested = {name: version for name, _, version in rows}
    core = [Requirement(text) for text in metadata.requires("deg-compute-orchestrator") or () if "extra" not in text]
    assert core
    for requirement in core:
        assert requirement.specifier.contains(Version(tested[requirement.name])), requirement.name
