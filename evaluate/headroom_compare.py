"""Controllers of a headroom page against the bound and each other, week by week: shares, pairs, IQM, profiles.

Everything stands on ``objective_gbp + flex_phantom_gbp`` and on pairs of weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluate.ablation import CLAIM
from evaluate.statistics import Interval, iqm_interval, paired_difference, performance_profile, ratio_of_sums
from evaluate.variants import BOUND

PAIRS = (("mpc", "threshold"), ("oracle", "mpc"), ("oracle", "threshold"))
PROFILE_SHARES = np.round(np.arange(0.0, 1.001, 0.05), 2)
Saved = Mapping[str, Mapping[str, np.ndarray]]  # controller -> name -> saved against neutral (S, W)


@dataclass(frozen=True)
class Pair:
    """What ``a`` saves beyond ``b`` a week: GBP, and as a share of the neutral site's sum."""

    a: str
    b: str
    gbp: Interval
    share: Interval


@dataclass(frozen=True)
class Weekly:
    """One controller over single weeks.

    share_of_bound  of what is open to perfect foresight, a ratio of sums; None without a bound
    iqm_gbp         interquartile mean of weekly savings
    profile         (share, weeks): in which share of weeks it takes at least that share of the bound's saving
    worst_share     the least share of the bound's saving of any week
    """

    controller: str
    share_of_bound: Interval | None
    iqm_gbp: Interval
    profile: tuple[tuple[float, float], ...]
    worst_share: float | None


@dataclass(frozen=True)
class Comparison:
    """One market: what every controller takes of the bound, and who beats whom."""

    key: str
    weekly: tuple[Weekly, ...]
    pairs: tuple[Pair, ...]

    def share(self, controller: str) -> Interval | None:
        return next((one.share_of_bound for one in self.weekly if one.controller == controller), None)


def compare(key: str, saved: Saved, neutral_gbp: np.ndarray) -> Comparison:
    """saved: of one market. neutral_gbp: the neutral site's claim, (S, W)."""
    bound = saved[BOUND][CLAIM] if BOUND in saved else None
    pairs = [
        Pair(
            a,
            b,
            paired_difference(saved[a][CLAIM], saved[b][CLAIM], rng=_rng()),
            ratio_of_sums(saved[a][CLAIM] - saved[b][CLAIM], neutral_gbp, rng=_rng()),
        )
        for a, b in PAIRS
        if a in saved and b in saved
    ]
    weekly = [_weekly(name, mine[CLAIM], bound) for name, mine in saved.items()]
    return Comparison(key, tuple(weekly), tuple(pairs))


def _weekly(name: str, mine: np.ndarray, bound: np.ndarray | None) -> Weekly:
    iqm = iqm_interval(mine, rng=_rng())
    if bound is None or name == BOUND:
        return Weekly(name, None, iqm, (), None)
    by_week = mine.mean(axis=0) / bound.mean(axis=0)
    profile = performance_profile(by_week, PROFILE_SHARES)
    points = tuple((float(share), float(weeks)) for share, weeks in zip(PROFILE_SHARES, profile, strict=True))
    return Weekly(name, ratio_of_sums(mine, bound, rng=_rng()), iqm, points, float(by_week.min()))


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)
