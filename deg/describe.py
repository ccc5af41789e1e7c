"""``deg describe``: what can be configured, printed from the declarations."""

from __future__ import annotations

from typing import Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table

app = typer.Typer(help="Print what can be configured, from the declarations.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``config`` a command of its own while it is the only one."""


@app.command()
def config(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every configuration key: value, unit, what it may be, meaning, source of the default."""
    from configs.errors import described
    from configs.load import config_hash, keys_of, load_config

    resolved = load_config(config_file, overrides or ())
    rows = [
        {
            "key": key.path,
            "value": key.value,
            "unit": key.unit,
            "may be": described(key.field),
            "meaning": key.field.description,
            "source": key.source,
        }
        for key in keys_of(resolved)
    ]
    if as_json:
        print_json({"config_hash": config_hash(resolved), "keys": rows})
    else:
        print_table("Configuration", tuple(rows[0]), [[_short(cell) for cell in row.values()] for row in rows])


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
