"""From result rows to the numbers of an ablation: what each variant came to, and the answers to paired questions.

Every comparison is paired by week and seed. Weeks (and seeds) are what the bootstrap resamples; sites and workloads are
averaged first. Shares are ratios of sums. The claim is made on ``objective_gbp + flex_phantom_gbp``: money paid because
a baseline was wrong by chance is nobody's merit.

p-values are corrected for the number of questions (Holm). A bootstrap of few weeks has no tails to speak of: where all
of them agree in sign it says p = 0. So p is the larger of the bootstrap's and of Student's test on weekly means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from evaluate.names import ADDITIVE, COUNTERS
from evaluate.statistics import (
    Interval,
    holm,
    paired_difference,
    probability_of_improvement,
    ratio_of_sums,
    share_of_saving,
)
from evaluate.variants import BOUND, Variant

NEUTRAL = "neutral"
IDLE_TRADES = "neutral+trades"  # shows what a baseline's errors are worth; no question is asked about it
CLAIM = "claim_gbp"  # objective_gbp + flex_phantom_gbp
EARNED = "net_real_gbp"  # net_gbp + flex_phantom_gbp
SAVED = (CLAIM, "objective_gbp", EARNED, "cost_gbp", "carbon_kg")  # lower is better; also shown as a share
ADDED = ("flex_real_gbp", "flex_phantom_gbp", "events_accepted")
LEVEL, SIGNIFICANT = 0.95, 0.05
# Below it no verdict is given: W weeks agree in sign by chance with probability 2^(1-W), and 2^(1-6) is 3 %.
FEWEST_WEEKS = 6
FEW_WEEKS = 20  # below it a percentile interval covers less than it says

# Pairs worth asking about where both are in the matrix, and what the answer says.
PEERS = (
    ("grid_aware", "carbon_aware", "seeing prices and requests, for trained agents"),
    ("grid_aware", "threshold", "training, against a rule that sees the same prices"),
    ("carbon_aware", "carbon_threshold", "training, against a rule that sees the same carbon"),
    ("carbon_aware", "threshold", "trained agents without prices, against a rule with them"),
    ("carbon_aware+rules", "grid_aware", "rules that see prices above agents that do not, against agents that do"),
    ("carbon_aware+rules", "threshold", "agents under rules, against a rule alone"),
    ("grid_aware", "mpc", "training, against planning on the same published information"),
    ("grid_aware+rules", "mpc", "agents under rules, against planning"),
    ("carbon_aware", "carbon_mpc", "training, against planning on carbon alone"),
    ("mpc", "threshold", "planning, against a rule that sees the same prices"),
    ("mpc", "carbon_mpc", "seeing prices and requests, for planners"),
    ("oracle", "mpc", "knowing the future, for planners"),
    ("threshold", "carbon_threshold", "seeing prices, for rules"),
)


@dataclass(frozen=True)
class ByRule:
    """Means a week under one compensation rule, of the same behaviour. GBP."""

    flex_gbp: float
    net_gbp: float
    objective_gbp: float


@dataclass(frozen=True)
class Summary:
    """One variant. Amounts are means a week over seeds and weeks.

    mean             additive names and counters of contract 8 that the variant has, ``claim_gbp``, ``net_real_gbp``
    saving           share of the neutral site's sum that was saved, by name of ``SAVED``; positive is better
    better_weeks     chance that a week and seed of it beats the neutral site's on the claim
    share_of_bound   share of the saving open to perfect foresight, where the matrix holds the bound
    by_rule          (as configured, under the other rule); None for a bound, which settles nothing
    weekly           claim saving in GBP by week (W,), mean over seeds
    """

    name: str
    mean: dict[str, float]
    saving: dict[str, Interval]
    better_weeks: Interval
    share_of_bound: Interval | None
    by_rule: tuple[ByRule, ByRule] | None
    weekly: np.ndarray


@dataclass(frozen=True)
class Answer:
    """Is ``a`` better than ``b``? saving: of a against b as a share of the neutral site's sum, positive: a is better.

    change      a - b a week, by name of ``SAVED`` and ``ADDED`` (unadjusted intervals)
    p_value     of the claim, two-sided; p_holm: corrected over all questions asked
    """

    a: str
    b: str
    about: str
    saving: dict[str, Interval]
    change: dict[str, Interval]
    p_value: float
    p_holm: float

    @property
    def verdict(self) -> str:
        """better | worse | open: whether the claim can be told from zero after correction."""
        claim = self.saving[CLAIM]
        if claim.weeks < FEWEST_WEEKS or self.p_holm >= SIGNIFICANT or not claim.excludes_zero:
            return "open"
        return "better" if claim.estimate > 0 else "worse"


@dataclass(frozen=True)
class Ablation:
    """All numbers of an ablation. seeds and weeks: what the intervals stand on."""

    summaries: tuple[Summary, ...]
    answers: tuple[Answer, ...]
    weeks: tuple[str, ...]
    seeds: int

    def summary(self, name: str) -> Summary:
        return next(summary for summary in self.summaries if summary.name == name)


Tables = Mapping[str, Mapping[str, np.ndarray]]  # variant -> name -> float64 (S, W)


def ablation(rows: pd.DataFrame, rng_seed: int = 0) -> Ablation:
    """Numbers of a matrix. rows: columns of ``evaluate.matrix.COLUMNS``; ``rng_seed`` seeds every bootstrap.

    Raises:
        ValueError: no neutral variant, a run missing, fewer than two weeks.
    """
    tables = tables_of(rows)
    asked = questions(list(tables))
    p_values = [_p_value(tables, a, b, rng_seed) for a, b, _ in asked]
    adjusted = holm(p_values)
    answers = [
        _answer(tables, question, p, float(q), rng_seed)
        for question, p, q in zip(asked, p_values, adjusted, strict=True)
    ]
    return Ablation(
        summaries=tuple(_summary(tables, name, rng_seed) for name in tables),
        answers=tuple(answers),
        weeks=tuple(sorted(rows["week_start"].astype(str).unique())),
        seeds=int(rows["seed"].nunique()),
    )


def require_neutral(variants: Sequence[str]) -> None:
    """Raise ValueError where the variant that every saving is measured against is missing."""
    if NEUTRAL not in variants:
        raise ValueError(f"evaluate.variants: {NEUTRAL} is missing; every saving is measured against it, add it")


def tables_of(rows: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """Variant -> name -> (seeds, weeks in time order), sites and workloads averaged; in the order of ``rows``.

    What a variant has no numbers for (a bound has only its objective) is left out. Raises ValueError: see ``ablation``.
    """
    names = [name for name in (*ADDITIVE, *COUNTERS) if name in rows]
    require_neutral(list(rows["variant"].unique()))
    phantom = rows["flex_phantom_gbp"]
    values = rows.assign(**{CLAIM: rows["objective_gbp"] + phantom, EARNED: rows["net_gbp"] + phantom})
    found: dict[str, dict[str, np.ndarray]] = {}
    for variant, part in values.groupby("variant", sort=False):
        means = part.groupby(["seed", "week_start"])[[CLAIM, EARNED, *names]].mean()
        wide = {str(name): means[name].unstack("week_start").sort_index(axis=1) for name in means}
        found[str(variant)] = {
            name: table.to_numpy(float) for name, table in wide.items() if table.notna().all(axis=None)
        }
        if CLAIM not in found[str(variant)]:
            raise ValueError(f"variant {variant}: a seed or week of it is missing; run the matrix again")
    return found


def questions(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """(a, b, what it says): all against neutral, supervisors against their agents and their random twin, peers."""
    present = [name for name in names if name not in (BOUND, IDLE_TRADES)]
    asked = [(name, NEUTRAL, "against the site left alone") for name in present if name != NEUTRAL]
    for name in present:
        asked += [(a, b, about) for a, b, about in _of_supervisor(name) if b in present]
    return asked + [peer for peer in PEERS if peer[0] in present and peer[1] in present]


def _of_supervisor(name: str) -> list[tuple[str, str, str]]:
    """What is asked of a supervised variant: against its agents, its random twin, and the rules if it is not they."""
    variant = Variant.parse(name)
    base, above = variant.base, variant.supervisor
    if above in ("", "random"):
        return []
    if above == "rules":
        return [
            (name, base, "rules above these agents"),
            (name, f"{base}+random", "what the rules know, beyond overriding as often"),
        ]
    return [
        (name, base, f"{above} above these agents"),
        (name, f"{base}+rules", f"{above}, against rules above the same agents"),
        (name, f"{base}+random", f"{above}, against as many overrides at the wrong moments"),
    ]


def _summary(tables: Tables, name: str, rng_seed: int) -> Summary:
    mine, neutral = tables[name], tables[NEUTRAL]
    rng = np.random.default_rng
    bound = tables[BOUND][CLAIM] if BOUND in tables and name != NEUTRAL else None
    return Summary(
        name=name,
        mean={quantity: float(table.mean()) for quantity, table in mine.items()},
        saving={
            quantity: _saving(tables, name, NEUTRAL, quantity, rng_seed)
            for quantity in SAVED
            if quantity in mine and neutral[quantity].sum() != 0.0
        },
        better_weeks=probability_of_improvement(mine[CLAIM], neutral[CLAIM], rng=rng(rng_seed)),
        share_of_bound=None
        if bound is None
        else share_of_saving(mine[CLAIM], neutral[CLAIM], bound, rng=rng(rng_seed)),
        by_rule=_by_rule(mine) if "flex_other_rule_gbp" in mine and name != BOUND else None,
        weekly=(neutral[CLAIM] - mine[CLAIM]).mean(axis=0),
    )


def _by_rule(mine: Mapping[str, np.ndarray]) -> tuple[ByRule, ByRule]:
    flex, other, net, objective = (
        float(mine[name].mean()) for name in ("flex_gbp", "flex_other_rule_gbp", "net_gbp", "objective_gbp")
    )
    return ByRule(flex, net, objective), ByRule(other, net + flex - other, objective + flex - other)


def _answer(tables: Tables, question: tuple[str, str, str], p_value: float, p_holm: float, rng_seed: int) -> Answer:
    a, b, about = question
    shared = [name for name in (*SAVED, *ADDED) if name in tables[a] and name in tables[b]]
    return Answer(
        a=a,
        b=b,
        about=about,
        saving={name: _saving(tables, a, b, name, rng_seed) for name in SAVED if name in shared},
        change={
            name: paired_difference(tables[a][name], tables[b][name], rng=np.random.default_rng(rng_seed))
            for name in shared
        },
        p_value=p_value,
        p_holm=p_holm,
    )


def _p_value(tables: Tables, a: str, b: str, rng_seed: int) -> float:
    bootstrap = _saving(tables, a, b, CLAIM, rng_seed).p_value
    weekly = (tables[b][CLAIM] - tables[a][CLAIM]).mean(axis=0)
    error = weekly.std(ddof=1) / np.sqrt(len(weekly))
    student = 2.0 * float(stats.t.sf(abs(weekly.mean()) / error, len(weekly) - 1)) if error > 0.0 else 0.0
    return max(bootstrap, student)


def _saving(tables: Tables, a: str, b: str, name: str, rng_seed: int) -> Interval:
    """sum(b - a) / sum(neutral), with pairs kept."""
    rng = np.random.default_rng(rng_seed)
    return ratio_of_sums(tables[b][name] - tables[a][name], tables[NEUTRAL][name], rng=rng, level=LEVEL)
