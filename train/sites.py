"""``TrainingSites``: many sites at staggered points of 7-day episodes, restarted by the kernel itself.

All buffers are arrays of one batch, and all of them are the checkpoint: with ``state`` restored, sampling goes on bit
for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from envs.layouts import SALE_FEATURES, STATE_FEATURES, layout, limits
from envs.observe import observe_batch
from envs.params import neutral_actions
from envs.state import AGENTS, QUEUE_STEPS, STATE_DTYPE
from grid.compile import Tariff
from grid.noise import hashed_generator
from grid.rows import BASELINE, CARBON, NETWORK, STEPS_PER_DAY, STEPS_PER_PERIOD, TARIFF
from train.directives import Card, Directives
from train.hindsight import CHARGES, HINDSIGHT, cheapest_ahead, foresee, write_hindsight
from train.kernel import NEUTRAL_COLUMNS, TERMS, advance, renew_bounds, restart_site, write_extras
from train.worlds import CRITIC_HOURS, World, WorldSpec, build_world

EPISODE_STEPS = 7 * STEPS_PER_DAY
OBSERVED = len(layout("grid_aware"))
EXTRAS = len(CRITIC_HOURS) + 3 + len(HINDSIGHT)
_RESUMED = (
    "state", "queue", "shadow", "shadow_queue", "rng", "world", "first", "commitments", "bounds", "terms", "offset",
)  # fmt: skip


@dataclass(frozen=True)
class WorldSet:
    """What a process needs to build its worlds; small, and equal in every process."""

    specs: tuple[WorldSpec, ...]
    params: tuple[float, ...]
    tariff: Tariff
    trace_folder: str | None


@dataclass(frozen=True)
class StackedWorlds:
    """All worlds end to end. R rows in all; see ``World`` for the columns."""

    values: np.ndarray
    table: np.ndarray
    future: np.ndarray
    level: np.ndarray
    neutral: np.ndarray
    sums: np.ndarray
    baseline: np.ndarray
    requests: np.ndarray
    worlds: np.ndarray
    import_per_it: np.ndarray


def stack(worlds: Sequence[World]) -> StackedWorlds:
    lengths = [len(world.values) for world in worlds]
    counts = [len(world.requests) for world in worlds]
    first = np.cumsum([0, *lengths])[:-1]
    values = np.concatenate([world.values for world in worlds])
    tariff, network = values[:, TARIFF], values[:, NETWORK]
    running = np.cumsum(np.stack([tariff, tariff + network, values[:, CARBON]], axis=1), axis=0)
    moved = [w.requests + np.array([at, at, 0.0]) for w, at in zip(worlds, first, strict=True)]
    return StackedWorlds(
        values=values,
        table=np.concatenate([world.table for world in worlds]),
        future=np.concatenate([world.future for world in worlds]),
        level=np.concatenate([world.level for world in worlds]),
        neutral=np.concatenate([world.neutral for world in worlds]),
        sums=np.concatenate([np.zeros((1, 3)), running]),
        baseline=np.ascontiguousarray(values[::STEPS_PER_PERIOD, BASELINE]),
        requests=np.concatenate(moved),
        worlds=np.stack([first, [w.steps for w in worlds], np.cumsum([0, *counts])[:-1], counts], axis=1).astype(int),
        import_per_it=np.array([world.import_per_it for world in worlds]),
    )


@lru_cache(maxsize=2)
def stacked(world_set: WorldSet) -> StackedWorlds:
    """The worlds of a set, built once a process."""
    params = record_of(world_set.params)
    return stack([build_world(spec, params, world_set.tariff, world_set.trace_folder) for spec in world_set.specs])


def record_of(values: tuple[float, ...]) -> np.ndarray:
    """A site's parameter record (1,) from its values in the order of ``SITE_DTYPE``."""
    from envs.params import SITE_DTYPE

    return np.array([values], dtype=SITE_DTYPE)


class TrainingSites:
    """B sites of one parameter record.

    Args:
        worlds: what they live in.
        params: record (1,) of ``SITE_DTYPE``.
        size: B.
        seed: of starts, worlds and sales.
        sale_share: share of the requests met that are sold, at a drawn power.
        stock_each_step: book what charge and queue will be worth at the end as they change, not at the end; each
            episode's sum is the same.
        hold_steps: control steps that ``hold`` keeps an action; episodes begin and end on multiples of it.
        episode_steps: length of an episode.
        directive_share: share of the time that a supervisor's bounds narrow what is feasible.
        directives: recorded ones that they are dealt from.
        foresight_discount: per choice, of what hindsight would earn; None: critics are not shown it.
    """

    def __init__(
        self,
        worlds: StackedWorlds,
        params: np.ndarray,
        size: int,
        seed: int,
        *,
        sale_share: float = 0.0,
        stock_each_step: bool = False,
        hold_steps: int = 1,
        episode_steps: int = EPISODE_STEPS,
        directive_share: float = 0.0,
        directives: Sequence[Card] = (),
        foresight_discount: float | None = None,
    ) -> None:
        self.data = worlds
        self.hold_steps = hold_steps
        self.size, self.episode_steps = size, episode_steps
        self.params = np.ascontiguousarray(np.broadcast_to(params, (size,)))
        self._sale_share, self._stock_each_step = sale_share, stock_each_step
        self.state, self.shadow = np.zeros(size, dtype=STATE_DTYPE), np.zeros(size, dtype=STATE_DTYPE)
        self.queue, self.shadow_queue = np.zeros((size, QUEUE_STEPS)), np.zeros((size, QUEUE_STEPS))
        draws = hashed_generator("training sites", seed)
        self.rng = draws.integers(0, 2**63, size, dtype=np.uint64)
        self.world, self.first = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        self.commitments = np.zeros((size, -(-episode_steps // STEPS_PER_PERIOD)))
        self.bounds = np.zeros((size, len(AGENTS), 2), dtype=np.float32)
        self.terms = np.zeros((size, len(TERMS)))
        self.offset = np.zeros(size, dtype=np.int64)  # first period of a site's baseline
        self.reward = np.zeros((size, len(AGENTS)))  # float64: GBP / (GBP/MWh), that is MWh at the week's price
        self.team_gbp = np.zeros(size)
        self.done = np.zeros(size, dtype=bool)
        self._finished = np.zeros((size, len(TERMS)))
        self._length = np.full(size, episode_steps)
        self._limits = limits((*STATE_FEATURES, *SALE_FEATURES))
        self._directives: Directives | None = None
        self._discount = foresight_discount
        if foresight_discount is not None:
            self._low = cheapest_ahead(self.params, worlds.values)
            self._load_kwh = np.ascontiguousarray(worlds.neutral[:, NEUTRAL_COLUMNS.index("import_kwh")])
            self._foreseen = np.zeros((size, episode_steps // hold_steps + 1, CHARGES + 1), dtype=np.float32)
            self._trial = np.zeros(1, dtype=STATE_DTYPE)
        for site in range(size):
            self._begin(site)
        self._stagger(draws)
        if directive_share > 0.0:
            self._directives = Directives(size, directive_share, directives, seed)
            self._directives.renew(0)
            self._directives.narrow(self.bounds)

    def restart(self, site: int) -> None:
        """Begin another episode at one site."""
        self._begin(site)
        self._foresee(np.array([site]))

    def _begin(self, site: int) -> None:
        d = self.data
        self.terms[site] = 0.0
        restart_site(
            site, self.episode_steps, self.params, self.state, self.queue, self.shadow, self.shadow_queue, self.rng,
            self.world, self.first, d.worlds, d.neutral, d.values, d.requests, self._sale_share, self.commitments,
            d.baseline,
        )  # fmt: skip
        renew_bounds(self.params, d.values, self.first, self.state, self.queue, self.bounds)

    def _stagger(self, draws: np.random.Generator) -> None:
        """Sites begin at different points of an episode: run neutrally, each restarts at its own moment."""
        neutral = neutral_actions(self.params)
        restart_at = self.hold_steps * draws.integers(0, self.episode_steps // self.hold_steps, self.size)
        for t in range(self.episode_steps):
            due = np.flatnonzero(restart_at == t)
            for site in due:
                self._begin(int(site))
            self.step(neutral)
        self._foresee(np.arange(self.size))

    def _foresee(self, which: np.ndarray) -> None:
        """Episodes begin at the sites ``which``: what hindsight would earn there."""
        if self._discount is None or not len(which):
            return
        d = self.data
        foresee(
            which, self.episode_steps, self.hold_steps, self._discount, self.params, d.values, d.sums, d.level,
            self._load_kwh, self._low, d.import_per_it, self.world, self.first, self.commitments, self._trial,
            self._foreseen,
        )  # fmt: skip

    def step(self, actions: np.ndarray) -> np.ndarray:
        """Advance by float32 (B, 3) actions. -> terms float64 (n, TERMS) of the episodes that ended."""
        d = self.data
        ended = advance(
            self.episode_steps, self.params, d.values, d.sums, d.level, d.neutral, d.import_per_it, d.worlds,
            d.requests, d.baseline, self._sale_share, self._stock_each_step, self.state, self.queue, self.shadow,
            self.shadow_queue, self.rng, self.world, self.first, self.commitments, actions, self.bounds, self.reward,
            self.team_gbp, self.done, self.terms, self._finished,
        )  # fmt: skip
        if self._directives is not None:
            self._directives.narrow(self.bounds)
        return self._finished[:ended]

    def hold(self, actions: np.ndarray) -> np.ndarray:
        """``step`` as often as an action is held; rewards add up. -> terms of the episodes that ended."""
        self._before_last(0)
        ended = [self.step(actions).copy()]
        for k in range(1, self.hold_steps):
            self._before_last(k)
            reward, team_gbp, done = self.reward.copy(), self.team_gbp.copy(), self.done.copy()
            ended.append(self.step(actions).copy())
            self.reward += reward
            self.team_gbp += team_gbp
            self.done |= done
        self._foresee(np.flatnonzero(self.done))
        return np.concatenate(ended)

    def _before_last(self, step: int) -> None:
        """What is asked after the last step of a choice is known when the next one is made."""
        if self._directives is not None and step == self.hold_steps - 1:
            self._directives.renew(self.hold_steps)

    def observe(self, out: np.ndarray) -> None:
        """Fill float32 (B, OBSERVED + EXTRAS): the grid-aware observation, then what only critics see."""
        d = self.data
        np.floor_divide(self.first, STEPS_PER_PERIOD, out=self.offset)
        observe_batch(
            self.params, self.state, self.queue, self._length, d.table, self.first, self.commitments, d.baseline,
            self.offset, self._limits, True, out[:, :OBSERVED],
        )  # fmt: skip
        write_extras(self.episode_steps, self.state, self.first, d.future, d.sums, d.level, out[:, OBSERVED:])
        foreseen = out[:, OBSERVED + EXTRAS - len(HINDSIGHT) : OBSERVED + EXTRAS]
        if self._discount is None:
            foreseen[:] = 0.0
            return
        write_hindsight(
            self.episode_steps, self.hold_steps, self.params, d.values, d.sums, d.level, d.import_per_it, self.world,
            self.first, self.state, self.queue, self._foreseen, foreseen,
        )  # fmt: skip

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {name: getattr(self, name).copy() for name in _RESUMED}
        if self._directives is not None:
            state["directives"] = self._directives.get_state()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        for name in _RESUMED:
            getattr(self, name)[...] = state[name]
        if self._directives is not None:
            self._directives.set_state(state["directives"])
        self._foresee(np.arange(self.size))
