"""``deg audit``: is the trail of a run whole, and what does it say?"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from deg.options import AsJson, print_json

app = typer.Typer(help="Verify and read the audit trail of a run.", no_args_is_help=True)

Trail = Annotated[Path, typer.Argument(metavar="FILE|RUN", help="An audit.jsonl, or the run folder that holds one.")]
Head = Annotated[str | None, typer.Option("--head", metavar="H", help="Hash of a line that has to be in the trail.")]
Registry = Annotated[
    Path | None, typer.Option("--registry", metavar="FILE", help="Check message signatures against this registry file.")
]
Day = Annotated[str | None, typer.Option("--day", metavar="DATE", help="One London day, such as 2023-11-13.")]


@app.command()
def verify(path: Trail, head: Head = None, as_json: AsJson = False) -> None:
    """Check every link of the chain; exit code 1 names the first line that was tampered with."""
    from llm_layer.audit import audit_file, verify_file

    found = verify_file(path, head)
    if as_json:
        print_json({"ok": found.ok, "lines": found.lines, "head": found.head, "reason": found.reason})
    elif found.ok:
        print(f"{audit_file(path)}: {found.lines} lines hold, head {found.head}")
    if not found.ok:
        print(f"error: {audit_file(path)}: {found.reason}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def show(path: Trail, day: Day = None, as_json: AsJson = False) -> None:
    """What was decided, why, what was sold and what it earned, in words."""
    from deg.audit_prose import day_of, prose
    from llm_layer.audit import audit_file, read_lines, verify_file

    wanted = _iso_day(day)
    found = verify_file(path)
    if not found.ok:
        print(f"warning: {audit_file(path)}: {found.reason}; do not rely on what follows", file=sys.stderr)
    bodies = [line["body"] for line in read_lines(path)]
    if wanted is not None:
        days = [there for body in bodies if (there := day_of(body)) is not None]
        bodies = [body for body in bodies if day_of(body) == wanted]
        if not bodies:
            covered = f"the trail covers {min(days)} to {max(days)}" if days else "the trail holds no day"
            raise ValueError(f"--day {wanted}: no record of that day; {covered}")
    if as_json:
        print_json({"chain_holds": found.ok, "records": bodies})
    else:
        print("\n".join(prose(bodies)).lstrip("\n"))


@app.command()
def settle(
    path: Trail,
    event: Annotated[
        str, typer.Option("--event", metavar="ID", help="The event, as its contract or request names it.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the whole pack there, as JSON.")
    ] = None,
    registry: Registry = None,
    as_json: AsJson = False,
) -> None:
    """The settlement pack of one event: baseline days, metered volumes, deviation, prices, decisions, signatures."""
    import json

    from deg.settlement_pack import pack_of
    from evaluate.atomic import write_text
    from grid.beckn.registry import records_of
    from llm_layer.audit import audit_file, read_lines, verify_file

    found = verify_file(path)
    if not found.ok:
        print(f"error: {audit_file(path)}: {found.reason}; nothing is settled on a broken trail", file=sys.stderr)
        raise typer.Exit(1)
    bodies = [line["body"] for line in read_lines(path)]
    pack = pack_of(bodies, event, None if registry is None else records_of(registry))
    pack = {"trail": {"lines": found.lines, "head": found.head}, **pack}
    if out is not None:
        write_text(out, json.dumps(pack, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        print_json(pack)
    elif out is None:
        from deg.audit_prose import pack_prose

        print("\n".join(pack_prose(pack)))


def _iso_day(text: str | None) -> str | None:
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"--day {text}: not a date; give one like 2023-11-13") from None
