"""A search over training keys: Ray Tune draws them, ASHA ends what lags behind, every trial is an ordinary run.

A sweep's folder holds ``trials/<id>/`` (run folders of ``deg train``), Tune's own state in ``tune/`` and the table
``sweep.csv``. The same command goes on where it was stopped: Tune knows its trials, each trial its own checkpoint.
"""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TUNE, TRIALS, TABLE = "tune", "trials", "sweep.csv"
REPORTS = 16  # in the length of a trial
METRIC, TIME = "saving_share", "env_steps"
KINDS = {"choice": "a list of values", "uniform": "[low, high]", "log_uniform": "[low, high], both above 0"}

Metrics = Mapping[str, Any]
RunOne = Callable[[Mapping[str, Any], Path, Callable[[Metrics], None]], Metrics]


@dataclass(frozen=True)
class Space:
    """What is searched.

    trials: how many. at_once: side by side. first_rung: share of a trial's steps before ASHA may end it. keep: of each
    rung, one in so many goes on. fixed: keys set for all trials. keys: key path -> (kind of ``KINDS``, its numbers).
    """

    trials: int
    at_once: int
    first_rung: float
    keep: int
    fixed: Mapping[str, Any]
    keys: Mapping[str, tuple[str, tuple[Any, ...]]]


def read_space(path: Path) -> Space:
    """A search space from YAML; see ``configs/search/laptop.yaml``.

    Raises:
        ValueError: one line with the key, what it is, and what it should be.
        OSError: no such file.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is no YAML ({' '.join(str(error).split())})") from None
    known = {"trials", "at_once", "first_rung", "keep", "set", "space"}
    if not isinstance(tree, dict) or set(tree) != known:
        odd = sorted(known ^ set(tree)) if isinstance(tree, dict) else []
        raise ValueError(f"{path}: {', '.join(map(str, odd)) or 'no mapping'}; give exactly {', '.join(sorted(known))}")
    for name, least in (("trials", 1), ("at_once", 1), ("keep", 2)):
        if not isinstance(tree[name], int) or isinstance(tree[name], bool) or tree[name] < least:
            raise ValueError(f"{path}: {name} {tree[name]!r}; give a whole number from {least} on")
    rung = tree["first_rung"]
    if not isinstance(rung, int | float) or not 0.0 < rung <= 1.0:
        raise ValueError(f"{path}: first_rung {rung!r}; give a share above 0, at most 1")
    if not isinstance(tree["space"], dict) or not tree["space"]:
        raise ValueError(f"{path}: space is empty; give key.path: {{{' | '.join(KINDS)}: ...}}")
    keys = {str(name): _range(path, name, asked) for name, asked in tree["space"].items()}
    return Space(tree["trials"], tree["at_once"], float(rung), tree["keep"], tree["set"] or {}, keys)


def _range(path: Path, name: Any, asked: Any) -> tuple[str, tuple[Any, ...]]:
    kind, given = next(iter(asked.items())) if isinstance(asked, dict) and len(asked) == 1 else ("", None)
    values = tuple(given) if isinstance(given, list) else ()
    usable = kind in KINDS and bool(values)
    if usable and kind != "choice":
        numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in values)
        usable = numbers and len(values) == 2 and values[0] < values[1] and (kind == "uniform" or values[0] > 0)
    if not usable:
        forms = ", ".join(f"{kind}: {form}" for kind, form in KINDS.items())
        raise ValueError(f"{path}: space.{name} {asked!r}; give one of {forms}")
    return kind, values


def corners(space: Space) -> list[dict[str, Any]]:
    """Every value of a choice and both ends of a range, one key at a time: for checking them before work starts."""
    return [{name: value} for name, (_, values) in space.keys.items() for value in values]


def sweep(
    space: Space, folder: Path, run_one: RunOne, *, steps: int, processes: int, seed: int,
    on_trial: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Run or go on with a sweep in ``folder``. -> a row a trial, best first, also written to ``sweep.csv``.

    Args:
        run_one: (keys drawn, run folder, callback for metrics) -> summary of ``train.loop.train``; picklable.
        steps: environment steps of a whole trial. processes: CPU slots it takes.
        on_trial: called with trials done and in all.

    Raises:
        ValueError: the folder holds a sweep of another space.
        RuntimeError: every trial failed; the first reason is given.
    """
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.basic_variant import BasicVariantGenerator

    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, space)
    slots = tune.PlacementGroupFactory([{"CPU": 1}] * processes)
    trainable = tune.with_resources(_trainable(folder.resolve(), run_one, steps), slots)
    if tune.Tuner.can_restore(str(folder.resolve() / TUNE)):
        tuner = tune.Tuner.restore(str(folder.resolve() / TUNE), trainable, resume_errored=True)
    else:
        rung = max(1, int(space.first_rung * steps))
        # Steps are never reached: a trial that is ahead ends by itself, when it has been evaluated and exported.
        halving = ASHAScheduler(time_attr=TIME, max_t=steps + 1, grace_period=rung, reduction_factor=space.keep)
        tuner = tune.Tuner(
            trainable,
            param_space={name: _distribution(*drawn) for name, drawn in space.keys.items()},
            tune_config=tune.TuneConfig(
                metric=METRIC,
                mode="max",
                scheduler=halving,
                search_alg=BasicVariantGenerator(max_concurrent=space.at_once, random_state=seed),
                num_samples=space.trials,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=TUNE,
                storage_path=str(folder.resolve()),
                verbose=0,
                callbacks=[_counter(on_trial, space.trials)] if on_trial is not None else [],
            ),
        )
    rows, reasons = _rows(tuner.fit(), space)
    if not rows:
        raise RuntimeError(f"{folder}: no trial ended well; the first: {reasons[0] if reasons else 'none was started'}")
    _write(rows, folder / TABLE)
    return rows


def _trainable(folder: Path, run_one: RunOne, steps: int) -> Callable[[dict], None]:
    def trial(keys: dict[str, Any]) -> None:
        from ray import tune

        told = 0

        def report(metrics: Metrics) -> None:
            nonlocal told
            part = int(metrics[TIME]) * REPORTS // steps
            if part > told and metrics[TIME] < steps:  # the last word comes with the validation
                told = part
                tune.report({TIME: int(metrics[TIME]), METRIC: float(metrics[METRIC])})

        summary = run_one(keys, folder / TRIALS / tune.get_context().get_trial_id(), report)
        tune.report(
            {
                TIME: int(summary["env_steps"]),
                METRIC: float(summary["training"][METRIC]),
                "validation": summary["validation"].get(METRIC),
                "policy": summary["policy"],
            }
        )

    return trial


def _distribution(kind: str, given: tuple[Any, ...]) -> Any:
    from ray import tune

    made = {"choice": lambda: tune.choice(list(given)), "uniform": lambda: tune.uniform(*given)}
    return made.get(kind, lambda: tune.loguniform(*given))()


def _counter(on_trial: Callable[[int, int], None], trials: int) -> Any:
    from ray import tune

    class Counter(tune.Callback):
        done = 0

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            self.done += 1
            on_trial(self.done, count)

    count = trials
    return Counter()


def _rows(results: Any, space: Space) -> tuple[list[dict[str, Any]], list[str]]:
    """Trials by validation where there is one, else by training; what was ended early after those that were not."""
    rows, reasons = [], [str(error).strip().splitlines()[-1] for error in results.errors]
    for result in results:
        metrics = result.metrics or {}
        if result.error is None and METRIC in metrics:
            done = int(metrics[TIME])
            rows.append(
                {
                    **{name: result.config[name] for name in space.keys},
                    TIME: done,
                    "training_saving_share": metrics[METRIC],
                    "validation_saving_share": metrics.get("validation"),
                    "ended": "whole" if metrics.get("policy") else "early",
                    "policy": metrics.get("policy") or "",
                }
            )

    def goodness(row: Mapping[str, Any]) -> tuple[bool, float]:
        validation = row["validation_saving_share"]
        return row["ended"] == "whole", row["training_saving_share"] if validation is None else validation

    return sorted(rows, key=goodness, reverse=True), reasons


def _claim(folder: Path, space: Space) -> None:
    """Write what is searched, or see that the folder's own sweep searches the same."""
    mark, text = folder / "space.txt", f"{space}\n"
    if mark.is_file() and mark.read_text(encoding="utf-8") != text:
        raise ValueError(f"{folder}: holds a sweep of another space; choose another run.name, or remove the folder")
    mark.write_text(text, encoding="utf-8")


def _write(rows: list[dict[str, Any]], path: Path) -> None:
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)
