"""``SustainDCBatch``: B SustainDC environments advanced together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.sustaindc.constants import AGENTS, NET, NO_DELTA, OUTPUTS, RACK_DTYPE, STATE_DTYPE
from envs.sustaindc.energy_history import EnergyHistory
from envs.sustaindc.kernel import step_batch
from envs.sustaindc.observations import fill_site, row_observations
from envs.sustaindc.rewards import rewards
from envs.sustaindc.series import CARBON_NORM, Series
from envs.sustaindc.site import Site


@dataclass(frozen=True)
class StepResult:
    """What one step returns; arrays are the caller's.

    observations  float32 (B, 26 | 14 | 13) per agent, of the state after the step
    rewards       float64 (B, 3) in the order of ``AGENTS``
    outputs       float64 (B, len(OUTPUTS)), units in the names
    energy_z, carbon_norm   float64 (B,): the two factors of the footprint reward
    truncated     the episode is over, for all agents and sites at once; it never terminates
    """

    observations: dict[str, np.ndarray]
    rewards: np.ndarray
    outputs: np.ndarray
    energy_z: np.ndarray
    carbon_norm: np.ndarray
    truncated: bool


class SustainDCBatch:
    """B environments over distinct sites and series, each episode of equal length.

    Actions are SustainDC's own codes, int (B, 3): load shifting 0 defer, 1 nothing, 2 process; cooling 0 -1 degC,
    1 hold, 2 +1 degC; battery 0 charge, 1 discharge, 2 idle.

    Args:
        site_index, series_index: int (B,), which site and series each environment has.

    Raises:
        ValueError: an index outside its list, series of unequal length, sites with unequal numbers of racks.
    """

    def __init__(
        self, sites: Sequence[Site], series: Sequence[Series], site_index: np.ndarray, series_index: np.ndarray
    ) -> None:
        self._site = _checked_index("site_index", site_index, len(sites))
        self._series = _checked_index("series_index", series_index, len(series))
        if len(self._site) != len(self._series):
            raise ValueError(f"series_index: {len(self._series)} entries, site_index has {len(self._site)}")
        lengths = {s.steps for s in series}
        if len(lengths) > 1:
            raise ValueError(f"series steps: {sorted(lengths)}; all episodes of a batch end together")
        self.steps = lengths.pop()
        self._stack_sites(sites)
        self._stack_series(series)
        self._state = np.zeros(self.batch_size, dtype=STATE_DTYPE)
        self._state["setpoint_degc"] = self._params["first_setpoint_degc"][self._site]
        self._queued_by = np.zeros((self.batch_size, self.steps + 1), dtype=np.int32)
        self._history = EnergyHistory(self.batch_size)
        self.reset()

    @property
    def batch_size(self) -> int:
        return len(self._site)

    def reset(
        self,
        series: Sequence[Series] | None = None,
        series_index: np.ndarray | None = None,
        *,
        anew: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Empty queue and battery at each series' start; -> observations.

        As in SustainDC the set-point stays where the last episode left it, and the reward normaliser remembers.

        series: other series in place of those before, as long; as many unless ``series_index`` says anew which series
            each environment has.
        anew: bool (B,), environments that begin as they do in a new batch: nothing is remembered.
        """
        if series is not None:
            if any(s.steps != self.steps for s in series):
                raise ValueError(f"series: {sorted({s.steps for s in series})} steps; give {self.steps}, as before")
            if series_index is not None:
                index = _checked_index("series_index", series_index, len(series))
                if len(index) != self.batch_size:
                    raise ValueError(f"series_index: {len(index)} entries, expected {self.batch_size}")
                self._series = index
            elif len(series) != self._distinct_series:
                raise ValueError(f"series: {len(series)} of them; give {self._distinct_series}, as before")
            self._stack_series(series)
        if anew is not None:
            self._state["setpoint_degc"][anew] = self._params["first_setpoint_degc"][self._site][anew]
            self._history.forget(anew)
        setpoint = self._state["setpoint_degc"].copy()
        self._state[:] = np.zeros((), dtype=STATE_DTYPE)
        self._state["setpoint_degc"] = setpoint
        self._state["last_delta"] = NO_DELTA
        self._step = 0
        return self._observe(np.zeros((self.batch_size, len(OUTPUTS))))

    def step(self, actions: np.ndarray | Sequence) -> StepResult:
        """Advance one control step (15 min).

        Raises:
            ValueError: stepping past the end, a wrong shape, a code other than 0, 1, 2.
        """
        if self._step >= self.steps:
            raise ValueError(f"step: the episode ended after {self.steps} steps; call reset() first")
        codes = _checked_codes(actions, self.batch_size)
        outputs = np.empty((self.batch_size, len(OUTPUTS)))
        step_batch(
            self._params,
            self._kinds,
            self._kind_of_rack,
            self._site,
            self._values,
            self._first_row,
            self._state,
            self._queued_by,
            codes,
            outputs,
        )
        carbon_norm = self._values[self._first_row + self._step + 2, CARBON_NORM]
        energy_z = self._history.normalise(outputs[:, NET])
        self._step += 1
        return StepResult(
            self._observe(outputs),
            rewards(energy_z, carbon_norm, outputs),
            outputs,
            energy_z,
            carbon_norm,
            self._step == self.steps,
        )

    def _observe(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        rows = self._first_observation + self._step
        observations = {agent: table[rows] for agent, table in self._row_observations.items()}
        fill_site(observations, outputs, self._queue_max)
        return observations

    def _stack_series(self, series: Sequence[Series]) -> None:
        self._distinct_series = len(series)
        self._values = np.concatenate([s.values for s in series])
        ends = np.cumsum([0] + [len(s.values) for s in series])[:-1]
        self._first_row = np.array([end + s.start for end, s in zip(ends, series, strict=True)])[self._series]
        tables = [row_observations(s) for s in series]
        self._row_observations = {agent: np.concatenate([t[agent] for t in tables]) for agent in AGENTS}
        self._first_observation = self._series * (self.steps + 1)

    def _stack_sites(self, sites: Sequence[Site]) -> None:
        racks = {len(site.kind_of_rack) for site in sites}
        if len(racks) > 1:
            raise ValueError(f"sites: {sorted(racks)} racks; all sites of a batch have the same number")
        self._params = np.concatenate([site.params for site in sites])
        self._kinds = np.zeros((len(sites), max(len(site.kinds) for site in sites)), dtype=RACK_DTYPE)
        for i, site in enumerate(sites):
            self._kinds[i, : len(site.kinds)] = site.kinds
        self._kind_of_rack = np.stack([site.kind_of_rack for site in sites])
        self._queue_max = self._params["queue_max"][self._site].astype(np.float64)


def _checked_index(name: str, index: np.ndarray, count: int) -> np.ndarray:
    values = np.asarray(index, dtype=np.int64)
    if values.ndim != 1 or len(values) == 0 or values.min() < 0 or values.max() >= count:
        raise ValueError(f"{name}: expected a list of values from 0 to {count - 1}, got {values.tolist()[:8]}")
    return values


def _checked_codes(actions: np.ndarray | Sequence, batch_size: int) -> np.ndarray:
    try:
        codes = np.asarray(actions)
    except ValueError as error:  # lists of unequal length
        raise ValueError(f"actions: no array of codes ({error}); give integers ({batch_size}, {len(AGENTS)})") from None
    if codes.shape != (batch_size, len(AGENTS)) or codes.dtype.kind not in "iu":
        raise ValueError(
            f"actions: {codes.dtype} {codes.shape}, expected integers ({batch_size}, {len(AGENTS)}) for {AGENTS}"
        )
    if codes.min() < 0 or codes.max() > 2:
        env, agent = np.argwhere((codes < 0) | (codes > 2))[0]
        raise ValueError(f"actions[{env}] of {AGENTS[agent]}: {codes[env, agent]}, expected a code 0, 1 or 2")
    return codes.astype(np.int64, copy=False)
