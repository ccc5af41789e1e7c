"""Counterfactuals of a matrix: which overrides of its supervisors are taken back, and where the effects are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from configs.schema import Config
from evaluate.atomic import write_parquet
from evaluate.block import RANDOM, Job
from evaluate.counterfactual import COLUMNS, effects
from evaluate.matrix import Blocks, cases_of
from evaluate.names import ADDITIVE
from evaluate.strata import weeks_of
from evaluate.variants import Variant, groups_of
from llm_layer.answers import FILE_NAME as ANSWERS

REPLAYED = "replayed_less_recorded_gbp"  # 0 where the replay with every order in place is the week that was recorded
SEED = 0
Progress = Callable[[int, int], None]


def override_effects(config: Config, blocks: Blocks, on_progress: Progress | None = None) -> pd.DataFrame:
    """A row an override (``evaluate.counterfactual.COLUMNS`` and ``REPLAYED``) of the configuration's own setting.

    Weeks are spread over those of the matrix, ``evaluate.counterfactual_weeks`` of them; of the first seed. Weeks that
    have been replayed before are read from the cache.
    """
    planned = list(_planned(config, blocks)) if config.evaluate.counterfactual_weeks else []
    parts = []
    for done, (key, job, position) in enumerate(planned):
        if on_progress is not None:
            on_progress(done, len(planned))
        parts.append(_kept(blocks, key, job, position))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=[*COLUMNS, REPLAYED])


def _planned(config: Config, blocks: Blocks) -> Iterator[tuple[str, Job, int]]:
    """(key of a block, its job, the week's position in it)."""
    weeks = weeks_of(config)
    wanted = min(config.evaluate.counterfactual_weeks, len(weeks))
    chosen = {int(k) for k in (np.arange(wanted) + 0.5) * len(weeks) / wanted}
    cases = cases_of(config, weeks, SEED)
    for name in config.evaluate.variants:
        variant = Variant.parse(name)
        if not variant.supervisor or variant.supervisor == RANDOM:
            continue
        for key, group in zip(blocks.keys["", name, SEED], groups_of(variant, len(weeks)), strict=True):
            if key not in blocks.store:
                continue
            job = Job(config, variant, tuple(cases[k] for k in group), SEED)
            yield from ((key, job, position) for position, k in enumerate(group) if k in chosen)


def _kept(blocks: Blocks, key: str, job: Job, position: int) -> pd.DataFrame:
    path: Path = blocks.store.folder / "overrides" / f"{key}-{position}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    answers = blocks.store.folder / ANSWERS
    rows, replayed = effects(job, blocks.store.orders(key), position, answers)
    recorded = blocks.store.rows(key).iloc[position][list(ADDITIVE)]
    rows[REPLAYED] = replayed - float(recorded["objective_gbp"] + recorded["flex_phantom_gbp"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(path, rows)
    return rows
