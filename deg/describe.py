"""``deg describe``: what can be configured, printed from the declarations."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import typer
from packaging.requirements import Requirement

from deg import describe_docs, describe_env
from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table

app = typer.Typer(help="Print what can be configured, from the declarations.", no_args_is_help=True)
app.command(name="env")(describe_env.env)
app.command(name="docs")(describe_docs.docs)

PACKAGE = "deg-compute-orchestrator"
ENGINES = ("llm", "llm-cpu")


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


@app.command()
def market(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """The market of a run: its terms, its requests, and the price at which gaming the baseline would pay."""
    from configs.load import load_config
    from evaluate.market_terms import described

    config = load_config(config_file, overrides or ())
    found = described(config)
    if as_json:
        print_json(found)
        return
    print_table("Terms", ("term", "value"), [[name, _short(value)] for name, value in found["rules"].items()])
    start, inflation, paid = config.run.start, found["inflation"], found["request_gbp_per_mwh"]
    print(f"reference price: GBP {found['reference_gbp_per_mwh']:,.2f}/MWh")
    if paid is None:
        print(f"no requests in the {config.run.days} days from {start}")
        return
    print(
        f"requests in the {config.run.days} days from {start}: {found['requests']} on {found['request_days']} days, "
        f"GBP {paid['lowest']:,.0f} to {paid['highest']:,.0f}/MWh"
    )
    print("load added on the day of a request moves its baseline by 0 kWh (no in-day adjustment for trades)")
    one, every = (inflation[f"break_even_{events}_gbp_per_mwh"] for events in ("one_event", "all_event_days"))
    print(
        f"load added on the {inflation['days']} working days before, at GBP "
        f"{inflation['mean_tariff_gbp_per_mwh']:,.0f}/MWh, pays above GBP {one:,.0f}/MWh for one request, "
        f"GBP {every:,.0f}/MWh if all {found['request_days']} days are sold"
    )


@app.command()
def versions(as_json: AsJson = False) -> None:
    """Every dependency with the versions that setup.py allows and the one installed, as a Markdown table."""
    rows = dict(sorted(_installed().items()))
    if as_json:
        print_json({name: {"allowed": allowed, "installed": installed} for name, (allowed, installed) in rows.items()})
        return
    print("| package | allowed | tested |\n|---|---|---|")
    print(f"| Python | {metadata.metadata(PACKAGE)['Requires-Python']} | {platform.python_version()} |")
    for name, (allowed, installed) in rows.items():
        print(f"| {name} | {allowed or 'any'} | {installed or 'not tested'} |")


def _installed() -> dict[str, tuple[str, str | None]]:
    """Package -> (what setup.py allows, what is installed or None); core and language-model engines."""
    found: dict[str, tuple[str, str | None]] = {}
    for text in metadata.requires(PACKAGE) or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not any(requirement.marker.evaluate({"extra": e}) for e in ENGINES):
            continue
        try:
            installed = metadata.version(requirement.name).partition("+")[0]
        except metadata.PackageNotFoundError:
            installed = None
        found[requirement.name] = (", ".join(sorted(map(str, requirement.specifier), reverse=True)), installed)
    return found
