"""``deg describe``: what can be configured, and what the site's agents see and do, printed from the declarations."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from deg.common import AsJson, ConfigFile, Overrides, print_json

app = typer.Typer(help="Print configuration keys or the environment, from their declarations.", no_args_is_help=True)


@app.command()
def config(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every configuration key: value, unit, what it may be, meaning."""
    from deg.config import config_hash, keys_of, load_config
    from deg.config_errors import described

    resolved = load_config(config_file, overrides or ())
    keys = [
        {
            "key": key.path,
            "value": key.value,
            "unit": key.unit,
            "expected": described(key.field),
            "meaning": key.field.description,
        }
        for key in keys_of(resolved)
    ]
    if as_json:
        print_json({"config_hash": config_hash(resolved), "keys": keys})
        return
    shown = [[row["key"], _short(row["value"]), row["unit"], row["expected"], row["meaning"]] for row in keys]
    print_table("Configuration", ("key", "value", "unit", "may be", "meaning"), shown)


@app.command()
def env(as_json: AsJson = False) -> None:
    """The site: agents, observations of each information set, parameters with bounds and source, signal columns."""
    from envs.actions import AGENTS
    from envs.feature import INFORMATION_SETS
    from envs.layouts import layout
    from envs.params import PARAMETERS
    from grid.rows import COLUMNS

    features = [
        {"name": f.name, "unit": f.unit, "low": f.low, "high": f.high, "normaliser": f.normaliser, "from": f.information}
        for f in layout(INFORMATION_SETS[-1])
    ]
    parameters = [
        {"name": p.name, "default": p.default, "unit": p.unit, "low": p.low, "high": p.high, "source": p.source}
        for p in PARAMETERS
    ]
    sizes = {information: len(layout(information)) for information in INFORMATION_SETS}
    if as_json:
        print_json(
            {
                "agents": AGENTS,
                "action": {"low": -1.0, "high": 1.0},
                "observation_sizes": sizes,
                "features": features,
                "parameters": parameters,
                "signals": COLUMNS,
            }
        )
        return
    print_table("Agents, each with one action in [-1, 1] every 15 min", ("agent",), [[agent] for agent in AGENTS])
    print_table("Observation length by information set", ("set", "features"), [[k, str(v)] for k, v in sizes.items()])
    print_table("Features, with the smallest set that has them", tuple(features[0]), _cells(features))
    print_table("Site parameters (site.parameters.<name>)", tuple(parameters[0]), _cells(parameters))
    print_table("Signal columns of a row", ("column",), [[column] for column in COLUMNS])


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _cells(rows: Iterable[dict[str, Any]]) -> list[list[str]]:
    return [[f"{v:g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table on standard output, as wide as the terminal or, in a pipe, as it needs to be."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200).print(table)
