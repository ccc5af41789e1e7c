"""``deg``: the command line. Each command is one file; heavy rooms are imported inside the command that needs them."""

from __future__ import annotations

import sys

import typer

from deg import audit, data, describe, run
from deg.common import exit_code_of, report_error

app = typer.Typer(
    help="A British data centre that earns from grid flexibility.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command(name="run")(run.run)
app.add_typer(audit.app, name="audit")
app.add_typer(data.app, name="data")
app.add_typer(describe.app, name="describe")


def main() -> None:
    """Exit codes: 0 done, 2 bad input (one line, no traceback), 1 anything else."""
    try:
        app()
    except (ValueError, OSError) as error:
        report_error(error)
        sys.exit(exit_code_of(error))


if __name__ == "__main__":
    main()
