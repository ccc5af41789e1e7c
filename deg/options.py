"""The options that every command shares, and what it prints."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

CACHE = ".cache"  # in run.dir: finished blocks of all matrices

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Experiment file laid over the defaults.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY.PATH=VALUE]...", help="Overrides, such as run.days=14.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output and nothing else.")]


def print_json(result: Mapping[str, Any]) -> None:
    """One JSON object; what JSON has no number for becomes null."""
    print(json.dumps(_plain(result), indent=2, default=str, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # NumPy scalars
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def stdout_kept(keep: bool) -> Iterator[None]:
    """While work is done, send what libraries and their child processes print to standard error."""
    if not keep:
        yield
        return
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table on standard output, as wide as the terminal or, in a pipe, as it needs to be."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0)  # what a row is about is never cut
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200).print(table)
