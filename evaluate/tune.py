"""``python -m evaluate.tune``: tune every scripted controller on 2022 with the same number of trials.

One evaluation runs a controller alone over 24 weeks of 2022, two workloads and two price levels, all in one batch.
Requests are left out of it, except for the event follower, which has nothing else to do. When to sell, and how much,
is no number of a controller: it follows the one shared rule (``agents.acceptance``), whose two numbers are assumptions
and stay as they are for all. What counts is the saving
against neutral in ``objective_gbp + flex_phantom_gbp``, a ratio of sums at each price level, then the mean of levels.

Trials are kept in ``<run.dir>/tune`` as they are done: a tuning that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from agents.policy import Policy
from agents.tunable import TUNABLE
from agents.tuned import FOLDER
from configs.load import load_config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.atomic import write_text
from evaluate.cases import make_case, market_rules
from evaluate.identity import code_hash
from evaluate.rollout import neutral_rollout, rollout
from evaluate.search import Numbers, best_of, search
from evaluate.weeks import spread_weeks
from grid.rows import DAY_AHEAD, EVENT_PRICE, FORECAST_SIGNALS, SYSTEM, TARIFF

TRIALS = 300
SEED = 0
PERIOD = (date(2022, 1, 31), date(2022, 12, 19))  # real prices begin on 21 January; a week before is looked back on
WEEKS = 24
WORKLOADS = ("alibaba_1", "google")
# 2022 was the dearest year on record. The second level is the middle of the range agents are trained at.
PRICE_LEVELS = (1.0, 0.45)
WITH_REQUESTS = ("event_follower",)
PRICE_COLUMNS = (DAY_AHEAD, SYSTEM, EVENT_PRICE)
PRICE_SIGNALS = [FORECAST_SIGNALS.index(name) for name in ("day_ahead_gbp_per_mwh", "system_gbp_per_mwh")]
ROOMS = ("agents", "envs", "grid")  # a trial is done anew when they change


class Bench:
    """What trials are measured on.

    Args:
        levels: cases of each price level.
    """

    def __init__(self, levels: Sequence[Sequence[Case]]) -> None:
        cases = [case for level in levels for case in level]
        self._level = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
        self._batch = SiteBatch(cases)
        self._rules = market_rules(load_config())
        self._neutral_gbp = self._by_level(keep_books(neutral_rollout(self._batch)).by_step["objective_gbp"])
        self.data_hash = hashlib.sha256("".join(_identity(case) for case in cases).encode()).hexdigest()[:12]

    def saving(self, policy: Policy) -> float:
        """Share of the neutral objective saved, phantom money taken out; mean over price levels."""
        seeds = np.zeros(self._batch.batch_size, dtype=np.int64)
        books = keep_books(rollout(self._batch, policy, self._rules, Alone, seeds=seeds)).by_step
        objective_gbp = self._by_level(books["objective_gbp"] + books["flex_phantom_gbp"])
        return float(np.mean(1.0 - objective_gbp / self._neutral_gbp))

    def _by_level(self, by_step: np.ndarray) -> np.ndarray:
        return np.bincount(self._level, weights=by_step.sum(axis=0))


def validation_bench(*, requests: bool) -> Bench:
    """The weeks of 2022 at every price level. Raises ValueError where the data are missing."""
    overrides = ["signals.source=file", f"market.requests={str(requests).lower()}"]
    configs = [load_config(None, [*overrides, f"workload.name={name}"]) for name in WORKLOADS]
    cases = [make_case(config, week, 7) for config in configs for week in spread_weeks(WEEKS, PERIOD)]
    return Bench([[rescaled(case, level) for case in cases] for level in PRICE_LEVELS])


def rescaled(case: Case, level: float) -> Case:
    """The same week with every price times ``level``: auction, system and requests; adders stay as they are."""
    rows = case.rows
    values, forecast, trailing = rows.values.copy(), rows.forecast.copy(), rows.trailing.copy()
    adder = values[:, TARIFF] - values[:, DAY_AHEAD]
    values[:, PRICE_COLUMNS] *= level
    values[:, TARIFF] = values[:, DAY_AHEAD] + adder
    forecast[:, PRICE_SIGNALS] *= level
    trailing[:, PRICE_SIGNALS] *= level
    events = tuple(replace(event, price_gbp_per_mwh=level * event.price_gbp_per_mwh) for event in rows.events)
    dear = replace(rows, values=values, forecast=forecast, trailing=trailing, events=events)
    return replace(case, rows=dear, keys={**case.keys, "price_level": f"{level:g}"})


def tune(name: str, bench: Bench, trials: int, log_folder: Path, into: Path = FOLDER) -> dict[str, Any]:
    """Search one controller's numbers and write ``<into>/<name>.json``; returns what it holds."""
    tunable = TUNABLE[name]
    log = TrialLog(log_folder / f"{name}-{bench.data_hash}-{code_hash(ROOMS)}.jsonl")

    def evaluate(numbers: Numbers) -> float:
        return log.value(numbers, lambda: bench.saving(tunable.make(tunable.kind(**numbers, **tunable.fixed))))

    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    done = search(tunable.kind.RANGES, evaluate, trials, rng)
    best = best_of(done)
    found = {
        "controller": name,
        "rule": asdict(tunable.kind(**best.numbers, **tunable.fixed)),  # type: ignore[call-overload]
        "saving": round(best.value, 5),
        "saving_before": round(done[0].value, 5),
        "objective": "mean over price levels of 1 - sum(objective_gbp + flex_phantom_gbp) / sum(neutral objective_gbp)",
        "trials": trials,
        "seed": SEED,
        "data": {
            "first_week": PERIOD[0].isoformat(),
            "last_week": PERIOD[1].isoformat(),
            "weeks": WEEKS,
            "workloads": list(WORKLOADS),
            "price_levels": list(PRICE_LEVELS),
            "requests": name in WITH_REQUESTS,
            "data_hash": bench.data_hash,
        },
        "code_hash": code_hash(ROOMS),
    }
    write_text(into / f"{name}.json", json.dumps(found, indent=2) + "\n")
    return found


class TrialLog:
    """Trials done so far, a JSON object a line; a line cut short by a crash is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, float] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # what follows the last LF is unfinished
            self._done = {json.dumps(line["numbers"]): line["value"] for line in map(json.loads, lines)}
            write_text(path, "".join(line + "\n" for line in lines))

    def value(self, numbers: Numbers, evaluate: Callable[[], float]) -> float:
        """Of a trial: as logged, else evaluated now and logged."""
        key = json.dumps(numbers)
        if key not in self._done:
            self._done[key] = evaluate()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"numbers": numbers, "value": self._done[key]}) + "\n")
        return self._done[key]


def _identity(case: Case) -> str:
    return "/".join(case.keys.get(key, "") for key in ("week_start", "workload", "data_hash", "price_level")) + "\n"


def main() -> None:
    """Tune the named controllers, all of them by default, and print a line each."""
    parser = argparse.ArgumentParser(prog="python -m evaluate.tune", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"controllers: {', '.join(TUNABLE)}; default all")
    parser.add_argument("--trials", type=int, default=TRIALS, help="trials for each controller (default %(default)s)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in TUNABLE]
    if arguments.trials < 1:
        parser.error(f"--trials {arguments.trials}: give at least 1")
    if unknown:
        parser.error(f"unknown controller {unknown[0]!r}; known: {', '.join(TUNABLE)}")
    names = arguments.names or list(TUNABLE)
    log_folder = Path(load_config().run.dir) / "tune"
    for requests in (False, True):
        chosen = [name for name in names if (name in WITH_REQUESTS) == requests]
        if not chosen:
            continue
        try:
            bench = validation_bench(requests=requests)
        except ValueError as error:  # bad or missing data
            parser.error(str(error))
        for name in chosen:
            found = tune(name, bench, arguments.trials, log_folder)
            print(
                f"{name}: saves {100 * found['saving']:.2f} % on 2022, {100 * found['saving_before']:.2f} % before "
                f"tuning, {found['trials']} trials",
                flush=True,
            )


if __name__ == "__main__":
    main()
