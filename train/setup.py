"""What a training run consists of, as one small value that drivers, runners and learners share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agents.exported import layout_hash
from configs.load import shared_data_folder
from configs.schema import Config
from configs.studies import Train
from envs.state import AGENTS
from grid.compile import NetworkBand, Tariff
from train.directives import Card
from train.sight import Looker, Sight
from train.sites import TrainingSites, WorldSet, record_of, stacked
from train.worlds import draw_specs, traces_in

ALGORITHMS = ("ippo", "mappo", "shared", "joint")
SMALLEST_SD, MOVES = 0.1, 1e-6
FIT_STEPS, FIT_SITES = 150, 64
_BATTERY = AGENTS.index("battery")


@dataclass(frozen=True)
class Setup:
    """World, task and method of one training run.

    sight: what actors and critics are given.
    input_mean, input_scale: of all of it, in the order of ``train.sight`` (empty until ``fitted``).
    """

    worlds: WorldSet
    algorithm: str
    sight: Sight
    levels: tuple[int, ...] | None
    discounts: tuple[float, ...]
    individual_reward: bool
    stock_each_step: bool
    sale_share: float
    hold_steps: int
    seed: int
    directive_share: float = 0.0
    directives: tuple[Card, ...] = ()
    failure_folder: str | None = None
    compiled: bool = False
    input_mean: tuple[float, ...] = ()
    input_scale: tuple[float, ...] = ()

    @property
    def information(self) -> str:
        """Information set of the actors."""
        return self.sight.information

    @property
    def name(self) -> str:
        """Variant name of the exported policy: one critic is what an information set's plain name stands for."""
        return self.information if self.algorithm == "mappo" else f"{self.information}_{self.algorithm}"

    @property
    def inputs(self) -> int:
        """Numbers an actor sees: the leading part of what is seen."""
        return self.sight.actor

    @property
    def params(self) -> np.ndarray:
        return record_of(self.worlds.params)

    def actor_scale(self, agent: int | None) -> tuple[float, ...]:
        """Scale of the inputs of one agent's networks; None: of a network for all."""
        return self.input_scale

    def sites(self, size: int, seed: int) -> TrainingSites:
        return TrainingSites(
            stacked(self.worlds),
            self.params,
            size,
            seed,
            sale_share=self.sale_share,
            stock_each_step=self.stock_each_step,
            hold_steps=self.hold_steps,
            directive_share=self.directive_share,
            directives=self.directives,
            foresight_discount=self.discounts[_BATTERY] if self.critic_foresees else None,
        )

    @property
    def critic_foresees(self) -> bool:
        """Whether there is a critic that sees more than its actors, the future included."""
        return self.sight.future and self.algorithm != "ippo"

    @property
    def card(self) -> dict[str, object]:
        """What an exported policy has to know to build its own inputs."""
        return {"hold_steps": self.hold_steps, "frames": self.sight.frames, "sees_bounds": self.sight.bounds}

    def identity(self) -> dict[str, object]:
        """What a checkpoint must agree on to be resumed."""
        return {
            "algorithm": self.algorithm,
            "information": self.information,
            "levels": None if self.levels is None else list(self.levels),
            **self.card,
            "layout_hash": layout_hash("grid_aware"),
            "worlds": len(self.worlds.specs),
            "directives": len(self.directives),
            "seed": self.seed,
        }


def setup_of(config: Config, params: np.ndarray, directives: Sequence[Card] = ()) -> Setup:
    """The run that ``config.train`` describes, for a site of ``params`` (1,), normaliser fitted.

    directives: recorded ones, for runs with ``train.directive_share``.
    """
    t = config.train
    shared = config.workload.path or config.signals.path or str(shared_data_folder())
    bands = tuple(NetworkBand(**band.model_dump()) for band in config.tariff.network_bands)
    return fitted(
        Setup(
            worlds=WorldSet(
                specs=tuple(draw_specs(t.worlds, t.world_days, config.run.seed, traces_in(shared))),
                params=tuple(params[0].tolist()),
                tariff=Tariff(config.tariff.adder_gbp_per_mwh, bands),
                trace_folder=shared,
            ),
            algorithm=t.algorithm,
            sight=Sight(t.information, t.frames, t.directive_share > 0.0, t.critic_sees_future),
            levels=levels_of(t),
            discounts=discounts_of(t),
            individual_reward=t.reward == "individual",
            stock_each_step=t.stock_each_step,
            sale_share=t.sale_share if t.information == "grid_aware" else 0.0,
            hold_steps=t.hold_steps,
            seed=config.run.seed,
            directive_share=t.directive_share,
            directives=tuple(directives),
            compiled=t.compiled,
        )
    )


def levels_of(train: Train) -> tuple[int, ...] | None:
    """How many levels each agent chooses from; None: continuous actions."""
    if train.discrete is None:
        return None
    return train.discrete, train.discrete, train.cooling_levels or train.discrete


def discounts_of(train: Train) -> tuple[float, ...]:
    """Discount per choice of each agent. Who is paid what others bring looks as far as they do."""
    alone = train.reward == "individual" and train.algorithm != "joint"
    return train.gamma, train.gamma, train.cooling_gamma if alone else train.gamma


def fitted(setup: Setup) -> Setup:
    """``setup`` with the mean and scale of every input under random actions. One that never moves gets scale 0."""
    sites = setup.sites(FIT_SITES, setup.seed)
    draws = np.random.default_rng(setup.seed)
    looker = Looker(setup.sight, sites)
    seen = np.empty((FIT_STEPS, FIT_SITES, setup.sight.width), dtype=np.float32)
    for t in range(FIT_STEPS):
        for _ in range(4):
            sites.hold(draws.uniform(-1.0, 1.0, (FIT_SITES, len(AGENTS))).astype(np.float32))
        looker.look(seen[t])
    mean, scale = normalised(seen.reshape(-1, seen.shape[2]))
    return replace(setup, input_mean=mean, input_scale=scale)


def normalised(seen: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and scale of each column of (N, d). One that never moves gets scale 0."""
    flat = seen.astype(np.float64)
    sd = flat.std(axis=0)
    scale = np.where(sd > MOVES, 1.0 / np.maximum(sd, SMALLEST_SD), 0.0)
    return tuple(flat.mean(axis=0).tolist()), tuple(scale.tolist())
