"""The ablation matrix: settings x variants x seeds x weeks, batched over weeks, one result row each (contract 8).

A block is one variant and one seed over all weeks, or over one where the controller plans for its own week. It is kept
under a hash of everything it depends on, so a matrix that is run again, resumed or widened computes only the blocks it
has not got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from configs.axes import Setting, settings
from configs.schema import Config
from envs.case import Case
from evaluate.block import COLUMNS, KEYS, Job, block_hash
from evaluate.block_store import BlockStore
from evaluate.cases import make_case
from evaluate.matrix_workers import Progress, pool_of
from evaluate.variants import Variant, check_known, groups_of, require_policies
from evaluate.weeks import spread_weeks

__all__ = ["COLUMNS", "KEYS", "SETTING", "Blocks", "blocks_of", "cases_of", "own_setting", "run_blocks", "run_matrix"]

WEEK_DAYS = 7
SETTING = "setting"  # a column of its own where a matrix has settings besides its configuration


@dataclass(frozen=True)
class Blocks:
    """Where the finished blocks of a matrix are. keys: (setting, variant, seed) -> hashes, weeks in order."""

    store: BlockStore
    keys: dict[tuple[str, str, int], list[str]]
    settings: tuple[Setting, ...]

    def rows(self) -> pd.DataFrame:
        """Result rows, in the order of settings, variants, seeds, weeks."""
        return self._frame(self.store.rows)

    def sales(self) -> pd.DataFrame:
        """Every sale (``evaluate.sales``), in the same order."""
        return self._frame(self.store.sales)

    def _frame(self, read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
        parts = [
            read(key).assign(**({SETTING: setting} if len(self.settings) > 1 else {}))
            for (setting, _, _), keys in self.keys.items()
            for key in keys
        ]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled or parts[:1], ignore_index=True)


def run_matrix(config: Config, cache: Path, on_progress: Progress | None = None) -> pd.DataFrame:
    """All result rows of ``config.evaluate``: see ``run_blocks``. Columns ``COLUMNS``, ``SETTING`` where there are."""
    return run_blocks(config, cache, on_progress).rows()


def run_blocks(config: Config, cache: Path, on_progress: Progress | None = None) -> Blocks:
    """Run every block of ``config.evaluate`` that is not in the cache.

    Args:
        cache: folder of finished blocks; may be shared between matrices. on_progress(done, total): at each block.

    Raises:
        ValueError: weeks outside the data, an unknown controller or checkpoint, bad data, no Ray cluster.
    """
    found = settings(config)
    check_known([Variant.parse(name) for name in config.evaluate.variants])
    store = BlockStore(cache)
    keys: dict[tuple[str, str, int], list[str]] = {}
    with pool_of(config.evaluate, store, blocks_of(config), on_progress) as pool:
        for name, job in _jobs(config, found):
            key = block_hash(job)
            pool.run(key, job)
            keys.setdefault((name, job.variant.name, job.seed), []).append(key)
    order = [
        (setting.name, variant, seed)
        for setting in found
        for variant in setting.variants
        for seed in range(config.evaluate.seeds)
    ]
    return Blocks(store, {place: keys[place] for place in order}, tuple(found))


def _jobs(config: Config, found: Sequence[Setting]) -> Iterator[tuple[str, Job]]:
    """(setting, job), seed by seed, so that the cases of one seed alone are held at a time."""
    weeks = spread_weeks(config.evaluate.weeks, config.evaluate.period)
    for setting in found:
        variants = [Variant.parse(name) for name in setting.variants]
        for seed in range(config.evaluate.seeds):
            cases = cases_of(setting.config, weeks, seed)
            require_policies(variants, cases, seed, setting.config.agents.checkpoint)
            for variant in variants:
                for group in groups_of(variant, len(weeks)):
                    yield setting.name, Job(setting.config, variant, tuple(cases[k] for k in group), seed)


def own_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the configuration itself, without those of its other settings."""
    return rows[rows[SETTING] == ""].drop(columns=SETTING) if SETTING in rows else rows


def blocks_of(config: Config) -> int:
    """How many blocks a matrix has."""
    names = [name for setting in settings(config) for name in setting.variants]
    return config.evaluate.seeds * sum(len(groups_of(Variant.parse(name), config.evaluate.weeks)) for name in names)


def cases_of(config: Config, weeks: Sequence[date], seed: int) -> tuple[Case, ...]:
    """One case a week. The seed draws forecast errors, never the world."""
    seeded = config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})})
    return tuple(make_case(seeded, week, WEEK_DAYS) for week in weeks)
