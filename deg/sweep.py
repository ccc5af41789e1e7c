"""``deg train sweep``: a search over training keys, by Ray Tune. The same command goes on from where it was stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table, stdout_kept

if TYPE_CHECKING:
    from configs.schema import Config

SPACE = Path(__file__).parents[1] / "configs" / "search" / "laptop.yaml"
SpaceFile = Annotated[
    Path, typer.Option("--space", metavar="FILE", help="What is searched; default configs/search/laptop.yaml.")
]


def sweep(
    overrides: Overrides = None, config_file: ConfigFile = None, space: SpaceFile = SPACE, as_json: AsJson = False
) -> None:
    """Try training keys side by side and end early what lags behind; a table of trials, best first."""
    from train.machine import check_machine, ray_cluster
    from train.sweep import corners, read_space
    from train.sweep import sweep as search

    searched = read_space(space)
    given = (*(f"{name}={value}" for name, value in searched.fixed.items()), *(overrides or ()))
    for keys in corners(searched):
        config = _config(config_file, given, keys)
        check_machine(config.train)
    folder = Path(config.run.dir) / config.run.name
    processes = 1 + config.train.num_env_runners + config.train.num_learners
    with stdout_kept(as_json), ray_cluster(config.train, processes * searched.at_once):
        rows = search(
            searched,
            folder,
            partial(_trial, config_file, given),
            steps=config.train.env_steps,
            processes=processes,
            seed=config.run.seed,
            on_trial=_tell,
        )
    if as_json:
        print_json({"folder": str(folder.resolve()), "trials": rows})
        return
    names = [name for name in rows[0] if name != "policy"]
    print_table(f"{len(rows)} trials, best first", names, [[_cell(row[name]) for name in names] for row in rows])
    print(f"table: {folder / 'sweep.csv'}; policy of the best: {rows[0]['policy'] or 'none, all ended early'}")


def _config(config_file: Path | None, overrides: Sequence[str], keys: Mapping[str, Any]) -> Config:
    """The configuration of one trial: what is drawn comes on top of overrides, they on top of the file."""
    from configs.load import load_config

    return load_config(config_file, [*overrides, *(f"{name}={value}" for name, value in keys.items())])


def _trial(
    config_file: Path | None,
    overrides: Sequence[str],
    keys: Mapping[str, Any],
    folder: Path,
    on_metrics: Callable[[Mapping[str, float]], None],
) -> Mapping[str, Any]:
    """One run of ``deg train``, in the process of a trial."""
    from deg.train import directives_of
    from deg.validation import validation
    from evaluate.cases import params_of
    from train.loop import train

    config = _config(config_file, overrides, keys)
    weeks = config.train.evaluate_weeks
    return train(
        config,
        folder,
        params_of(config),
        directives=directives_of(config),
        evaluate_weeks=validation(config, weeks) if weeks else None,
        on_metrics=on_metrics,
        command="deg train sweep",
    )


def _tell(done: int, trials: int) -> None:
    print(f"sweep: {done} of {trials} trials", file=sys.stderr, flush=True)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
