"""Counts the steps in which a site broke what a notice truly asks; what a reader made of it does not matter here.

min_soc     charge at the end of a step below the value, or below what charging at full power since the notice
            was published would have reached
not_warmer  executed set-point above the one at max(from, published_at)
no_defer    work put off
max_import  import of the step above the limit
max_carbon  emitted since its start more than the budget
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.batch import SiteBatch
from envs.state import LOAD_SHIFT, OUT
from envs.view import SiteView
from grid.rows import STEP_HOURS
from llm_layer.notices.force import Constraints, InForce
from llm_layer.notices.notice import Authored

TOLERANCE = 1e-3  # of a value
TOLERANCE_K = 0.02


@dataclass
class _Watched:
    """reach_kwh: charge that full power since publication gives; supply_degc, spent_kg since the start."""

    entry: InForce
    reach_kwh: float
    supply_degc: float | None = None
    spent_kg: float = 0.0


class BreachMeter:
    """Watches every site of a batch against the notices of its case."""

    def __init__(self, batch: SiteBatch) -> None:
        self._params = batch.params
        self._notices: list[list[Authored]] = [_in_order(batch.cases[case].notices) for case in batch.site_case]
        self._forces = [Constraints() for _ in self._notices]
        self._watched: list[dict[int, _Watched]] = [{} for _ in self._notices]
        self.watching = any(self._notices)

    def before(self, view: SiteView) -> None:
        """Take note of what is published and of how the site stands, at the start of a step."""
        for site, waiting in enumerate(self._notices):
            now_ns = int(view.now_utc[site].astype(np.int64))
            while waiting and waiting[0].notice.published_at.value <= now_ns:
                notice, meaning = waiting[0].notice, waiting.pop(0).meaning
                self._forces[site].add(notice.id, notice.source, notice.published_at, meaning)
            alive = [entry for entry in self._forces[site].alive(now_ns) if entry.constraint.binds]
            known, soc_kwh = self._watched[site], float(view.state["soc_kwh"][site])
            self._watched[site] = {id(entry): known.get(id(entry)) or _Watched(entry, soc_kwh) for entry in alive}
            for watched in self._watched[site].values():
                if watched.supply_degc is None and watched.entry.active(now_ns):
                    watched.supply_degc = float(view.state["supply_degc"][site])

    def breaches(self, view: SiteView, outputs: np.ndarray, executed: np.ndarray) -> np.ndarray:
        """bool (B,): sites outside a true constraint in the step just done.

        Args:
            view: of the start of that step. outputs: float64 (B, OUTPUTS). executed: float32 (B, 3).
        """
        found = np.zeros(len(self._watched), dtype=bool)
        for site, watched in enumerate(self._watched):
            now_ns = int(view.now_utc[site].astype(np.int64))
            for one in watched.values():
                p = self._params[site]
                one.reach_kwh += float(p["battery_kw"] * p["charge_efficiency"]) * STEP_HOURS
                if one.entry.active(now_ns):
                    one.spent_kg += float(outputs[site, OUT["carbon_kg"]])
                    found[site] |= _broken(one, p, outputs[site], float(executed[site, LOAD_SHIFT]))
        return found


def _in_order(notices: tuple[Authored, ...]) -> list[Authored]:
    return sorted(notices, key=lambda one: one.notice.published_at)


def _broken(one: _Watched, p: np.void, outputs: np.ndarray, load_shift: float) -> bool:
    constraint = one.entry.constraint
    value = constraint.value or 0.0
    if constraint.bound == "min_soc":
        wanted = min(min(value, float(p["soc_max"])) * float(p["battery_kwh"]), one.reach_kwh)
        return bool(outputs[OUT["soc_kwh"]] < wanted - TOLERANCE * float(p["battery_kwh"]))
    if constraint.bound == "not_warmer":
        return one.supply_degc is not None and bool(outputs[OUT["supply_degc"]] > one.supply_degc + TOLERANCE_K)
    if constraint.bound == "no_defer":
        return load_shift < -TOLERANCE
    if constraint.bound == "max_import":
        return bool(outputs[OUT["import_kwh"]] > value * STEP_HOURS * (1.0 + TOLERANCE))
    return one.spent_kg > value * (1.0 + TOLERANCE)
