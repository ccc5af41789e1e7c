"""From a variant's name to who acts and who supervises: ``grid_aware``, ``grid_aware+rules``, ``neutral+trades``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents import factory
from agents.policy import Policy
from configs.fields import READER, split_variant
from envs.case import Case
from evaluate.identity import policy_hash

# Controllers that look into their own case: each case needs its own, so cases are run one by one.
OF_ONE_CASE = (
    "neutral+trades", "mpc", "mpc+trades", "carbon_mpc", "oracle", "oracle+trades", "oracle_bound",
    "oracle_bound+trades",
)  # fmt: skip
# Programmes solved by HiGHS, loaded where a matrix asks for them. The bound is a number, not a controller.
BOUND = "oracle_bound"
BOUNDS = (BOUND, "oracle_bound+trades")
# The policy in the folder ``agents.checkpoint``: any trained one, under a name of its own.
CHECKPOINT = "checkpoint"
OPTIMAL = ("mpc", "mpc+trades", "carbon_mpc", "oracle", "oracle+trades", *BOUNDS)


@dataclass(frozen=True)
class Variant:
    """base: name of the controller; supervisor: name of what stands above it, "" for nobody; reads: has a reader."""

    base: str
    supervisor: str
    reads: bool = False

    @classmethod
    def parse(cls, name: str) -> Variant:
        """Names of contract 8; ``configs.fields`` has checked them."""
        base, reads, supervisor = split_variant(name)
        return cls(base, supervisor, reads)

    @property
    def name(self) -> str:
        return "+".join([self.base, *([READER] if self.reads else []), *([self.supervisor] if self.supervisor else [])])


def check_known(variants: Sequence[Variant]) -> None:
    """Raise ValueError naming the first variant whose controller cannot be made, before anything is run."""
    if any(variant.base in (*OPTIMAL, "threshold+trades") for variant in variants):
        from evaluate.optimal import register_controllers

        register_controllers()
    for variant in variants:
        if variant.base in BOUNDS and (variant.supervisor or variant.reads):
            raise ValueError(f"evaluate.variants: {variant.name}: a bound acts nowhere, nobody can stand above it")
        if variant.base not in (*factory.names(), *BOUNDS, CHECKPOINT):
            near = difflib.get_close_matches(variant.base, factory.names(), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ValueError(
                f"evaluate.variants: {variant.name}: no controller {variant.base} here; {hint}"
                f"those there are: {', '.join(factory.names())}"
            )


def require_policies(
    variants: Sequence[Variant], cases: Sequence[Case], seed: int, checkpoint: str | None = None
) -> dict[str, str]:
    """Base of each variant -> what tells its controller from another of its name ("" for a planner, which is its code).

    Raises ValueError for a policy that is not shipped or cannot be read, before a seed is run.
    """
    bases = dict.fromkeys(variant.base for variant in variants)
    return {
        base: "" if base in OPTIMAL else policy_hash(make_policy(Variant(base, ""), cases, seed, checkpoint))
        for base in bases
    }


def groups_of(variant: Variant, cases: int) -> list[tuple[int, ...]]:
    """Which of so many cases share a batch: all of them, or each alone where the controller belongs to one case."""
    if variant.base in OF_ONE_CASE:
        return [(k,) for k in range(cases)]
    return [tuple(range(cases))]


def make_policy(variant: Variant, cases: Sequence[Case], seed: int, checkpoint: str | None = None) -> Policy:
    """The controller of a batch of ``cases``. ``seed`` picks among policies trained with different seeds.

    Raises ValueError: not shipped, or ``checkpoint`` is no folder of a policy that can be read.
    """
    if variant.base == CHECKPOINT:
        if checkpoint is None:
            raise ValueError("evaluate.variants: checkpoint is the policy in agents.checkpoint; give its folder there")
        from agents.exported import load_policy  # torch: only for those who ask for a network

        return load_policy(checkpoint)
    return factory.make(variant.base, cases[0], seed=seed)


def policy_seeds(seed: int, size: int) -> np.ndarray:
    """int64 (B,): a seed a site, the same for every variant."""
    return np.random.SeedSequence(seed).generate_state(size, dtype=np.uint64).astype(np.int64) & (2**62 - 1)
