"""Train the three agents: sample, learn, keep checkpoints, evaluate, export. Resumes where an earlier run stopped."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.rllib.core import ALL_MODULES
from ray.rllib.utils.metrics import LEARNER_RESULTS

from agents.exported import ExportedPolicy, save_policy
from configs.load import config_hash, dump, load_config
from configs.schema import Config
from train import checkpoints
from train.algorithm import rllib_config
from train.directives import Card
from train.kernel import TERMS
from train.learner import LOSSES
from train.machine import check_machine, ray_cluster
from train.modules import exported_actors
from train.setup import Setup, setup_of
from train.tracking import Tracker, check_tracking

POLICY, RUN_MARK = "policy", "config.yaml"
WINDOW = 200  # episodes that a metric is the mean of

EvaluateWeeks = Callable[[ExportedPolicy], Mapping[str, Any]]
Progress = Callable[[int, int], None]
OnMetrics = Callable[[Mapping[str, float]], None]


class StoppedEarly(KeyboardInterrupt):
    """Asked to stop; everything up to then is in the run's checkpoint."""


def train(
    config: Config,
    folder: Path,
    params: np.ndarray,
    *,
    directives: Sequence[Card] = (),
    evaluate_weeks: EvaluateWeeks | None = None,
    on_progress: Progress | None = None,
    on_metrics: OnMetrics | None = None,
    command: str = "deg train",
) -> dict[str, Any]:
    """Train for ``config.train.env_steps`` and export the policy to ``folder/policy``. -> summary.

    A folder with a checkpoint of the same run is resumed exactly: weights, optimizer, environments and generators.

    Args:
        params: the site's parameter record (1,).
        directives: recorded ones that runs with ``train.directive_share`` deal from.
        evaluate_weeks: gives the exported policy's results on validation weeks, as numbers, and ``weeks`` as rows.
        on_progress: called between iterations with steps done and in all; may raise KeyboardInterrupt to stop.
        on_metrics: called with each row of ``metrics.csv``.

    Raises:
        ValueError: a GPU or cluster that is not there, a folder that belongs to another run.
        StoppedEarly: stopped by ``on_progress``; the checkpoint is written.
    """
    check_machine(config.train)
    check_tracking(config)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        held.enter_context(locked(folder))
        _claim(config, folder)
        held.enter_context(ray_cluster(config.train))
        setup = _with_failure_folder(setup_of(config, params, directives), folder)
        run = _Run(config, setup, folder, on_metrics)
        try:
            run.until_done(on_progress)
            policy_folder, metrics = run.export(evaluate_weeks, command)
        finally:
            run.close()
    return {
        "folder": str(folder.resolve()),
        "policy": str(policy_folder.resolve()),
        "env_steps": run.env_steps,
        "resumed_at": run.resumed_at,
        "config_hash": config_hash(config),
        **metrics,
    }


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for as long as this process works in it. Raises ValueError where another one does."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ValueError(f"{folder}: another training is writing it; wait, or choose another run.name") from None
    finally:
        os.close(lock)


def _claim(config: Config, folder: Path) -> None:
    """Write the configuration, or see that the folder's own is the same experiment."""
    mark = folder / RUN_MARK
    text = dump(config)
    if mark.is_file():
        if config_hash(load_config(mark)) != config_hash(config):
            raise ValueError(
                f"{folder}: holds a run of another configuration; choose another run.name, or remove the folder"
            )
    elif any(path.name != "wandb" for path in folder.iterdir()):
        raise ValueError(f"{folder}: is there and holds no run; choose another run.name or run.dir")
    mark.write_text(text, encoding="utf-8")


def _with_failure_folder(setup: Setup, folder: Path) -> Setup:
    return replace(setup, failure_folder=str(folder.resolve()))


class _Run:
    """One training run under way."""

    def __init__(self, config: Config, setup: Setup, folder: Path, on_metrics: OnMetrics | None = None) -> None:
        self.config, self.setup, self.folder = config, setup, folder
        self._on_metrics = on_metrics
        self.algorithm: Any = rllib_config(setup, config.train, lean=config.train.fast).build_algo()
        self._recent: deque[list[float]] = deque(maxlen=WINDOW)
        self.env_steps = self.resumed_at = 0
        self._trained_s = 0.0
        self._restore()
        self._tracker = Tracker(config, folder, self.env_steps)

    def _restore(self) -> None:
        path = checkpoints.latest(self.folder)
        if path is None:
            return
        own = checkpoints.read_counters(path, self._identity())
        checkpoints.restore(self.algorithm, path)
        self.env_steps = self.resumed_at = int(own["env_steps"])
        self._trained_s = float(own["trained_s"])
        self._recent.extend(own["recent"])

    def _identity(self) -> dict[str, Any]:
        versions = {"checkpoint version": checkpoints.VERSION, "ray version": ray.__version__}
        return {**versions, **self.setup.identity(), "config_hash": config_hash(self.config)}

    def save(self) -> None:
        counters = {"trained_s": self._trained_s, "recent": list(self._recent)}
        checkpoints.save(self.folder, self.algorithm, self.env_steps, self._identity(), counters)

    def until_done(self, on_progress: Progress | None) -> None:
        total, every_s = self.config.train.env_steps, self.config.train.checkpoint_every_s
        saved_at = time.monotonic()
        saved_steps = self.env_steps
        while self.env_steps < total:
            started = time.monotonic()
            self._iterate()
            self._trained_s += time.monotonic() - started
            try:
                if on_progress is not None:
                    on_progress(self.env_steps, total)
            except KeyboardInterrupt:
                self.save()
                raise StoppedEarly(f"at {self.env_steps} steps; the same command goes on from there") from None
            # Leave room for one more iteration, so that checkpoints are never further apart than asked.
            if time.monotonic() - saved_at + (time.monotonic() - started) >= every_s:
                self.save()
                saved_at, saved_steps = time.monotonic(), self.env_steps
        if saved_steps != self.env_steps:
            self.save()

    def _iterate(self) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        results = self.algorithm.train()
        t = self.config.train
        steps = t.sites * t.fragment_steps * t.hold_steps * self.algorithm.sampled
        self.env_steps += steps
        self._recent.extend(self.algorithm.finished.tolist())
        learned = results[LEARNER_RESULTS].get(ALL_MODULES, {})
        row = {
            "env_steps": self.env_steps,
            **self._episode_metrics(),
            **{name: float(learned[name]) for name in LOSSES if name in learned},
            "steps_per_s": steps / (time.perf_counter() - wall),
            "steps_per_cpu_s": steps / (time.process_time() - cpu),
            "lost_runners": self.algorithm.lost_runners,
        }
        self._tracker.log(row)
        if self._on_metrics is not None:
            self._on_metrics(row)

    def _episode_metrics(self) -> dict[str, float]:
        """Means per episode of 7 days over the last ``WINDOW``, every reward term, and the saving against neutral."""
        if not self._recent:
            return {"saving_share": 0.0, **dict.fromkeys(TERMS, 0.0)}
        mean = dict(zip(TERMS, np.mean(list(self._recent), axis=0).tolist(), strict=True))
        spent = ("energy_gbp", "network_gbp", "wear_gbp", "carbon_cost_gbp", "penalty_gbp", "terminal_gbp")
        objective = sum(mean[name] for name in spent) - mean["flex_gbp"]
        return {"saving_share": (mean["neutral_gbp"] - objective) / max(abs(mean["neutral_gbp"]), 1.0), **mean}

    def policy(self) -> ExportedPolicy:
        """The present actors as a controller, without going through files."""
        modules = dict(self._module().items())
        s = self.setup
        return ExportedPolicy(s.name, s.information, s.levels, exported_actors(modules, s), s.card)

    def _module(self) -> Any:
        return self.algorithm.env_runner.module  # in step with the learner after every iteration

    def export(self, evaluate_weeks: EvaluateWeeks | None, command: str) -> tuple[Path, dict[str, Any]]:
        policy = self.policy()
        evaluation = dict(evaluate_weeks(policy)) if evaluate_weeks is not None else {}
        self._tracker.note_evaluation(evaluation)
        metrics = {"training": self._episode_metrics(), "validation": evaluation, "trained_s": self._trained_s}
        s = self.setup
        card = {
            "name": s.name,
            "information": s.information,
            "levels": None if s.levels is None else list(s.levels),
            **s.card,
            "algorithm": s.algorithm,
            "command": command,
            "config_hash": config_hash(self.config),
            "seed": s.seed,
            "env_steps": self.env_steps,
            "data": {
                "signals": "synthetic, fitted on 2022; price level and volatility drawn for each world",
                "worlds": len(s.worlds.specs),
                "world_days": s.worlds.specs[0].days,
                "workloads": sorted({spec.workload for spec in s.worlds.specs}),
            },
            "metrics": metrics,
        }
        folder = self.folder / POLICY
        save_policy(folder, exported_actors(dict(self._module().items()), s), card)
        self._tracker.note_artifact(folder, f"{s.name}-{s.seed}")
        return folder, metrics

    def close(self) -> None:
        self._tracker.finish()
        self.algorithm.stop()
