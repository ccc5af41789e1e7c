"""Scenarios in a running batch: derated parameters and held room sensors, site by site."""

from __future__ import annotations

import numpy as np

from envs.case import Case
from envs.scenario import DERATED, ROOM_SENSORS, Disturbance

_NEVER = np.iinfo(np.int64).max


class Outages:
    """What the scenarios of a batch's cases do to parameters and to what is seen of the state.

    Args:
        cases, site_case, first_row: as in ``SiteBatch``: a site meets the windows of its case from its first row on.
        params: records (B,), of which ``apply`` derates the site's own while a window lasts.
    """

    def __init__(
        self, cases: tuple[Case, ...], site_case: np.ndarray, first_row: np.ndarray, params: np.ndarray
    ) -> None:
        self._params = params
        self._windows: list[tuple[int, int, int, Disturbance]] = []  # site, begin, end, what; steps of the run
        if any(case.scenario for case in cases):
            for site, (case, first) in enumerate(zip(site_case.tolist(), first_row.tolist(), strict=True)):
                for what in cases[case].scenario:
                    self._windows.append((site, what.start_step - first, what.end_step - first, what))
        sites = sorted({site for site, *_ in self._windows})
        self._full = {site: params[site : site + 1].copy() for site in sites}
        edges = {0, *(max(0, at) for _, begin, end, _ in self._windows for at in (begin, end))}
        self._edges = sorted(edges) if sites else []
        self._held: dict[int, np.ndarray] = {}
        self.next_edge = self._edges[0] if self._edges else _NEVER

    @property
    def blind(self) -> bool:
        """Whether the room sensors of any site hold at present."""
        return bool(self._held)

    def reset(self) -> None:
        """Back before step 0, parameters whole."""
        self.next_edge = self._edges[0] if self._edges else _NEVER
        self._held = {}
        for site, full in self._full.items():
            self._params[site : site + 1] = full

    def apply(self, step: int, state: np.ndarray) -> None:
        """At an edge: parameters and held readings as they are from ``step`` on; ``state`` is the present one."""
        for site, full in self._full.items():
            for field in DERATED.values():
                self._params[field][site] = full[field][0]
        dark = set()
        for site, begin, end, what in self._windows:
            if not begin <= step < end:
                continue
            if what.kind in DERATED:
                self._params[DERATED[what.kind]][site] *= 1.0 - what.severity
            elif what.kind == "sensor_dropout":
                dark.add(site)
        self._held = {site: self._held.get(site, state[site : site + 1].copy()) for site in dark}
        self.next_edge = next((edge for edge in self._edges if edge > step), _NEVER)

    def seen(self, state: np.ndarray) -> np.ndarray:
        """A copy of ``state`` as its sensors report it."""
        state = state.copy()
        for site, reading in self._held.items():
            for field in ROOM_SENSORS:
                state[field][site] = reading[field][0]
        return state
