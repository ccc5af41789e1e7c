"""``deg``: the command line. Each command is one file; heavy rooms are imported inside the command that needs them."""

from __future__ import annotations

import sys
from typing import Any

import typer

from deg import audit, beckn, bench, data, describe, evaluate, llm, run, train
from deg.errors import exit_code_of, report_error

app = typer.Typer(
    help="A British data centre that earns from grid flexibility.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command(name="run")(run.run)
app.command(name="evaluate")(evaluate.evaluate)
app.add_typer(audit.app, name="audit")
app.add_typer(beckn.app, name="beckn")
app.add_typer(bench.app, name="bench")
app.add_typer(data.app, name="data")
app.add_typer(describe.app, name="describe")
app.add_typer(llm.app, name="llm")
app.add_typer(train.app, name="train", help="Train load, battery and cooling agents (train sweep: a search).")

BY_CTRL_C = 130  # Typer's own exit code for it
# What Typer raises for an unknown command or option. It comes from a private module, so it is reached by its child.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> None:
    """Exit codes: 0 done, 2 bad input (one line, no traceback), 1 anything else."""
    sys.exit(exit_code())


def exit_code(arguments: list[str] | None = None) -> int:
    """Run one command line (default: ``sys.argv``) and say how it ended. A bug is left to raise, with its traceback."""
    try:
        code = app(args=arguments, prog_name="deg", standalone_mode=False) or 0
        return 1 if code == BY_CTRL_C else code
    except typer.Abort:
        return 1
    except UsageError as error:
        return _misused(error)
    except (ValueError, OSError) as error:
        report_error(error)
        return exit_code_of(error)


def _misused(error: Any) -> int:
    """A wrong command, option or argument: one line, and where help is. A bare ``deg`` prints the help itself."""
    message = error.format_message().rstrip(".")
    where = error.ctx.command_path if error.ctx else "deg"
    print(message if message.startswith("Usage:") else f"error: {message}; see {where} --help", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
