"""What a site has shown of itself: import against work, import against set-point, work by hour of day."""

from __future__ import annotations

import numpy as np

from envs.batch import SiteBatch
from envs.state import AGENTS, COOLING
from envs.view import SiteView
from grid.rows import STEP_HOURS, UTILISATION
from llm_layer.verbs import cooling_action
from llm_layer.work_value import CURVE_POINTS

IMPORT_EVERY_STEPS = 96  # weather moves the curve slowly
IMPORT_STEPS = 4  # the last of them has the first's thermal transient behind it
SUPPLY_LEVELS = np.linspace(-1.0, 1.0, 11)
SUPPLY_EVERY_STEPS = 16
SUPPLY_STEPS = 16  # room and racks have settled to within 3 % of a change of set-point after 4 h
HALF_HOURS_OF_DAY = 48
PROFILE_GAIN = 0.3  # weight of today in the work by hour of day


class SiteCurves:
    """Curves of a batch, measured by the sites' own kernel in today's weather and renewed as it changes."""

    def __init__(self, batch_size: int) -> None:
        self._import = np.zeros((batch_size, CURVE_POINTS))
        self._import_step = np.full(batch_size, -IMPORT_EVERY_STEPS, dtype=np.int64)
        self._supply = np.zeros((batch_size, len(SUPPLY_LEVELS)))
        self._supply_step = np.full(batch_size, -SUPPLY_EVERY_STEPS, dtype=np.int64)
        self._profile = np.full((batch_size, 24), -1.0)

    def import_by_work(self, view: SiteView, batch: SiteBatch, site: int) -> np.ndarray:
        """float64 (CURVE_POINTS,): site import in kWh per step at utilisation 0, 1/4, ..., 1, set-point held."""
        curve = self._import[site]
        if view.step - self._import_step[site] >= IMPORT_EVERY_STEPS:
            self._import_step[site] = view.step
            p, supply = view.params[site], float(view.state["supply_degc"][site])
            actions = np.zeros((IMPORT_STEPS, len(AGENTS)), dtype=np.float32)
            actions[:, COOLING] = cooling_action(supply, float(p["supply_min_degc"]), float(p["supply_max_degc"]))
            rows = np.repeat(view.row[site][None], IMPORT_STEPS, axis=0)
            for k, share in enumerate(np.linspace(0.0, 1.0, CURVE_POINTS)):
                rows[:, UTILISATION] = share
                curve[k] = batch.simulate(site, rows, actions)[-1]
            np.maximum.accumulate(curve, out=curve)
        return curve

    def import_by_supply(self, view: SiteView, batch: SiteBatch, site: int) -> np.ndarray:
        """float64 (len(SUPPLY_LEVELS),): import in kWh per step, settled at each set-point, at the present load."""
        curve = self._supply[site]
        if view.step - self._supply_step[site] >= SUPPLY_EVERY_STEPS:
            self._supply_step[site] = view.step
            actions = np.zeros((SUPPLY_STEPS, len(AGENTS)), dtype=np.float32)
            rows = np.repeat(view.row[site][None], SUPPLY_STEPS, axis=0)
            for k, level in enumerate(SUPPLY_LEVELS):
                actions[:, COOLING] = level
                curve[k] = batch.simulate(site, rows, actions)[-1]
        return curve

    def work_by_hour(self, view: SiteView, site: int, hour: int, import_by_work: np.ndarray) -> np.ndarray:
        """float64 (24,): usual utilisation by UTC hour; at first what the baseline implies, then what is seen."""
        profile, seen = self._profile[site], float(view.row[site, UTILISATION])
        if profile[0] < 0.0:
            # The published baseline is past days' import: run backwards through the curve it gives their work.
            baseline_kw = view.baseline_kw[site, :HALF_HOURS_OF_DAY:2]
            shares = np.linspace(0.0, 1.0, CURVE_POINTS)
            implied = np.interp(baseline_kw * STEP_HOURS, import_by_work, shares)
            profile[(hour + np.arange(24)) % 24] = np.where(baseline_kw > 0.0, implied, seen)
        profile[hour] += PROFILE_GAIN * (seen - profile[hour])
        return profile
