"""``deg train``: the three agents, by RLlib. The same command goes on from where it was stopped."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from deg import sweep
from deg.options import AsJson, ConfigFile, Overrides, print_json, stdout_kept

if TYPE_CHECKING:
    from configs.schema import Config


class TrainFirst(typer.core.TyperGroup):
    """``deg train`` trains; what follows it is a command's name only where it is ``sweep``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if named else ["agents", *args])


app = typer.Typer(cls=TrainFirst)
app.command(name="sweep")(sweep.sweep)


@app.command(name="agents")
def train(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Train load, battery and cooling agents; write metrics, checkpoints and the exported policy.

    A search over training keys: deg train sweep --help.
    """
    from configs.load import load_config
    from deg.progress import Reporter

    config = load_config(config_file, overrides or ())
    target = Path(config.run.dir) / config.run.name
    command = shlex.join(["deg", *sys.argv[1:]])
    if config.site.profile == "sustaindc":
        from deg.sustaindc import print_sustaindc, train_sustaindc

        with stdout_kept(as_json), Reporter(config.run.name) as reporter:
            table = train_sustaindc(config, target, reporter)
        print_json(table) if as_json else print_sustaindc(table)
        return
    try:
        with stdout_kept(as_json), Reporter(config.run.name) as reporter:
            from deg.validation import validation
            from evaluate.cases import params_of
            from train.loop import train as train_agents

            weeks = config.train.evaluate_weeks
            summary = train_agents(
                config,
                target,
                params_of(config),
                directives=directives_of(config),
                evaluate_weeks=validation(config, weeks) if weeks else None,
                on_progress=reporter,
                command=command,
            )
    except KeyboardInterrupt as stop:
        print(f"stopped {stop}".rstrip(), file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary)


def directives_of(config: Config) -> Sequence[tuple[float, ...]]:
    """What the rules asked, for runs that meet directives."""
    if config.train.directive_share == 0.0:
        return ()
    from deg.directives import recorded_directives

    return recorded_directives(config)


def _print_summary(summary: Mapping[str, Any]) -> None:
    print(f"trained {summary['env_steps']:,} steps in {summary['trained_s']:,.0f} s")
    print(f"saving against neutral in training: {100.0 * summary['training']['saving_share']:.2f} %, actions drawn")
    validation = summary["validation"]
    if validation:
        weeks = len(validation["weeks"])
        print(
            f"saving against neutral in validation: {100.0 * validation['saving_share']:.2f} %, greedy, {weeks} weeks, "
            f"{validation['signals']} prices"
        )
    print(f"policy: {summary['policy']}")
