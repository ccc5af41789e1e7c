"""Checks and tables with which a ``SiteBatch`` is built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.case import Case
from envs.params import SITE_DTYPE, validate
from grid.rows import BASELINE, FORECAST_HALF_HOURS, STEPS_PER_PERIOD


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """The parts end to end; a single one is not copied."""
    return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)


def of_dtype(records: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The same records under the declared dtype object.

    ``np.concatenate`` makes an equal one, which costs a kernel call 2 microseconds: Numba compares it field by field.
    """
    return records.view(dtype)


def site_case_index(cases: int, site_case: np.ndarray | Sequence[int] | None) -> np.ndarray:
    """int64 (B,): the case of each site."""
    index = np.arange(cases) if site_case is None else np.asarray(site_case, dtype=np.int64)
    if cases == 0 or index.ndim != 1 or len(index) == 0 or index.min() < 0 or index.max() >= cases:
        raise ValueError(f"site_case: {index.tolist()}; give for each site the index of one of the {cases} cases")
    return index


def params_of_sites(cases: tuple[Case, ...], site_case: np.ndarray, params: np.ndarray | None) -> np.ndarray:
    """Records (B,) of ``SITE_DTYPE``, the batch's own."""
    if params is None:
        return of_dtype(np.concatenate([case.params for case in cases])[site_case], SITE_DTYPE)
    if params.dtype != SITE_DTYPE:
        raise ValueError(f"params: dtype {params.dtype}; give records of SITE_DTYPE, as of site_params()")
    if len(params) not in (1, len(site_case)):
        raise ValueError(f"params: {len(params)} records for {len(site_case)} sites; give 1 or {len(site_case)}")
    validate(params)
    return of_dtype(np.broadcast_to(params, (len(site_case),)).copy(), SITE_DTYPE)


def first_rows(start_steps: np.ndarray | Sequence[int] | None, batch_size: int) -> np.ndarray:
    """int64 (B,): the row of its case at which each site starts."""
    if start_steps is None:
        return np.zeros(batch_size, dtype=np.int64)
    first = np.asarray(start_steps, dtype=np.int64)
    if first.shape != (batch_size,) or (first < 0).any() or (first % STEPS_PER_PERIOD).any():
        raise ValueError(
            f"start_steps: {first.tolist()}; give {batch_size} even rows from 0 on (a settlement period starts there)"
        )
    return first


def run_lengths(available: np.ndarray, first: np.ndarray, episode_steps: int | None) -> np.ndarray:
    """int64 (B,): control steps of each site's run. ``available``: steps of its case."""
    length = available - first if episode_steps is None else np.full_like(first, episode_steps)
    short = (length < 1) | (first + length > available)
    if short.any():
        site = int(np.argmax(short))
        raise ValueError(
            f"site {site}: its case has {available[site]} steps, fewer than start {first[site]} plus an episode of "
            f"{length[site]}"
        )
    return length


def stacked_baselines(all_values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Baseline kW by period, all cases end to end with 48 h of zeros behind each, and where each case begins."""
    columns = [np.pad(v[::STEPS_PER_PERIOD, BASELINE], (0, FORECAST_HALF_HOURS)) for v in all_values]
    return np.concatenate(columns), np.cumsum([0] + [len(c) for c in columns])[:-1]
