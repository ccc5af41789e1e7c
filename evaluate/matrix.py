"""The ablation matrix: settings x variants x seeds x weeks, batched over weeks, one result row each (contract 8).

A block is one variant and one seed over all weeks, or over one where the controller plans for its own week. It is kept
under a hash of everything it depends on, so a matrix that is run again, resumed or widened computes only the blocks it
has not got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from configs.axes import Setting, settings
from configs.schema import Config
from envs.case import Case
from evaluate.ablation import NEUTRAL
from evaluate.block import COLUMNS, KEYS, Job, block_hash
from evaluate.block_store import BlockStore
from evaluate.cases import make_cases
from evaluate.matrix_workers import MOST_SITES, Progress, pool_of
from evaluate.strata import weeks_of
from evaluate.variants import Variant, check_known, groups_of, require_policies

__all__ = [
    "COLUMNS", "KEYS", "KINDS", "SETTING", "Blocks", "Failure", "blocks_of", "cases_of", "own_setting", "run_blocks",
    "run_in_turn", "run_matrix", "whole",
]  # fmt: skip

WEEK_DAYS = 7
KINDS = ("real", "filled", "synthetic", "modelled")  # the more so, the less real
SETTING = "setting"  # a column of its own where a matrix has settings besides its configuration


@dataclass(frozen=True)
class Failure:
    """A block that could not be run, and what it came to. The same command tries it again, and nothing else."""

    setting: str
    variant: str
    seed: int
    weeks: tuple[str, ...]
    error: str

    def __str__(self) -> str:
        place = f"{self.setting}: {self.variant}" if self.setting else self.variant
        weeks = self.weeks[0] if len(self.weeks) == 1 else f"{len(self.weeks)} weeks from {self.weeks[0]}"
        return f"{place}, seed {self.seed}, {weeks}: {self.error}"


@dataclass(frozen=True)
class Blocks:
    """Where the finished blocks of a matrix are. keys: (setting, variant, seed) -> hashes, weeks in order.

    failures    blocks that are not there
    provenance  column of the row table -> real | filled | synthetic | modelled, of the configuration's own weeks
    """

    store: BlockStore
    keys: dict[tuple[str, str, int], list[str]]
    settings: tuple[Setting, ...]
    failures: tuple[Failure, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> pd.DataFrame:
        """Result rows, in the order of settings, variants, seeds, weeks; of what failed none."""
        return self._frame(self.store.rows)

    def sales(self) -> pd.DataFrame:
        """Every sale (``evaluate.sales``), in the same order."""
        return self._frame(self.store.sales)

    def _frame(self, read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
        parts = [
            read(key).assign(**({SETTING: setting} if len(self.settings) > 1 else {}))
            for (setting, _, _), keys in self.keys.items()
            for key in keys
            if key in self.store
        ]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled or parts[:1], ignore_index=True)


def run_matrix(config: Config, cache: Path, on_progress: Progress | None = None) -> pd.DataFrame:
    """All result rows of ``config.evaluate``: see ``run_blocks``. Columns ``COLUMNS``, ``SETTING`` where there are."""
    return run_blocks(config, cache, on_progress).rows()


def run_blocks(config: Config, cache: Path, on_progress: Progress | None = None) -> Blocks:
    """Run every block of ``config.evaluate`` that is not in the cache. One that breaks is left out and named.

    Args:
        cache: folder of finished blocks; may be shared between matrices. on_progress(done, total): at each block.

    Raises:
        ValueError: weeks outside the data, an unknown controller or checkpoint, bad data, no Ray cluster; the neutral
            site itself cannot be run.
    """
    found = settings(config)
    check_known([Variant.parse(name) for name in config.evaluate.variants])
    store = BlockStore(cache)
    keys: dict[tuple[str, str, int], list[str]] = {}
    mondays: dict[str, tuple[str, ...]] = {}
    provenance: dict[str, str] = {}
    with pool_of(config.evaluate, store, blocks_of(config), on_progress) as pool:
        for name, jobs in _jobs(config, found):
            hashed = {block_hash(job): job for job in jobs}
            pool.run(hashed)
            for key, job in hashed.items():
                keys.setdefault((name, job.variant.name, job.seed), []).append(key)
                mondays[key] = tuple(case.keys["week_start"] for case in job.cases)
                if name == "":
                    least_real(provenance, job.cases)
    order = [
        (setting.name, variant, seed)
        for setting in found
        for variant in setting.variants
        for seed in range(config.evaluate.seeds)
    ]
    failures = tuple(
        Failure(*place, mondays[key], pool.failed[key]) for place in order for key in keys[place] if key in pool.failed
    )
    for failure in failures:
        if failure.variant == NEUTRAL:
            raise ValueError(f"{failure}; every saving is measured against {NEUTRAL}, so there is nothing to report")
    return Blocks(store, {place: keys[place] for place in order}, tuple(found), failures, provenance)


def run_in_turn(configs: Sequence[Config], cache: Path, on_progress: Progress | None = None) -> Iterator[Blocks]:
    """``run_blocks`` of one matrix after the other, counted as one in ``on_progress``."""
    total, before = sum(blocks_of(config) for config in configs), 0
    for config in configs:
        yield run_blocks(config, cache, on_progress and _offset(on_progress, before, total))
        before += blocks_of(config)


def _offset(on_progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: on_progress(before + done, total)


def whole(rows: pd.DataFrame, failures: Sequence[Failure]) -> pd.DataFrame:
    """``rows`` without the variants that miss a block, setting by setting: other weeks are no match for whole ones."""
    for failure in failures:
        out = rows["variant"] == failure.variant
        rows = rows[~(out & (rows[SETTING] == failure.setting) if SETTING in rows else out)]
    return rows.reset_index(drop=True)


def _jobs(config: Config, found: Sequence[Setting]) -> Iterator[tuple[str, list[Job]]]:
    """(setting, jobs of one variant), a few seeds at a time, so that no more cases are held than are run together."""
    weeks = weeks_of(config)
    together = max(1, MOST_SITES // len(weeks))
    for setting in found:
        variants = [Variant.parse(name) for name in setting.variants]
        for first in range(0, config.evaluate.seeds, together):
            seeds = range(first, min(first + together, config.evaluate.seeds))
            cases = cases_of_seeds(setting.config, weeks, seeds)
            hashes = {
                seed: require_policies(variants, cases[seed], seed, setting.config.agents.checkpoint) for seed in seeds
            }
            for variant in variants:
                yield (
                    setting.name,
                    [
                        Job(
                            setting.config,
                            variant,
                            tuple(cases[seed][k] for k in group),
                            seed,
                            hashes[seed][variant.base],
                        )
                        for seed in seeds
                        for group in groups_of(variant, len(weeks))
                    ],
                )


def own_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the configuration itself, without those of its other settings."""
    return rows[rows[SETTING] == ""].drop(columns=SETTING) if SETTING in rows else rows


def blocks_of(config: Config) -> int:
    """How many blocks a matrix has."""
    names = [name for setting in settings(config) for name in setting.variants]
    return config.evaluate.seeds * sum(len(groups_of(Variant.parse(name), config.evaluate.weeks)) for name in names)


def cases_of(config: Config, weeks: Sequence[date], seed: int) -> tuple[Case, ...]:
    """One case a week. The seed draws forecast errors, never the world."""
    return cases_of_seeds(config, weeks, (seed,))[seed]


def cases_of_seeds(config: Config, weeks: Sequence[date], seeds: Sequence[int]) -> dict[int, tuple[Case, ...]]:
    """Seed -> one case a week; the world of a week is made once."""
    by_week = [make_cases(config, week, WEEK_DAYS, seeds) for week in weeks]
    return {seed: tuple(of_week[k] for of_week in by_week) for k, seed in enumerate(seeds)}


def least_real(found: dict[str, str], cases: Sequence[Case]) -> None:
    """Note what each column rests on in ``found``: the least real where cases differ."""
    for case in cases:
        for column, kind in case.rows.provenance.items():
            found[column] = max(found.get(column, kind), kind, key=KINDS.index)
