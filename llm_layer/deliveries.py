"""Follows each sold block from its first to its last period, for the audit trail: target against meter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.view import SiteView
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD
from llm_layer.records import when

PERIOD_HOURS = 0.5


@dataclass
class _Block:
    """target_kwh, metered_kwh: by period. soc_kwh: at the start of the present step."""

    soc_kwh: float
    target_kwh: list[float] = field(default_factory=list)
    metered_kwh: list[float] = field(default_factory=list)


class Deliveries:
    """Bodies ``delivery_start`` and ``delivery_end`` of a batch. Their steering is the tracker's, source ``rules``."""

    def __init__(self, batch_size: int) -> None:
        self._open: list[_Block | None] = [None] * batch_size
        self.any_open = False

    def observe(self, view: SiteView, active: np.ndarray) -> Iterator[dict[str, Any]]:
        """At a step's start: read the meter, say which blocks begin or are over. active: bool (B,), sold now."""
        for site, block in enumerate(self._open):
            if block is not None:
                block.metered_kwh[-1] += last_import_kwh(view, site, block.soc_kwh)
                block.soc_kwh = float(view.state["soc_kwh"][site])
            if view.step % STEPS_PER_PERIOD == 0:
                yield from self._new_period(view, site, block, bool(active[site]))
        self.any_open = any(block is not None for block in self._open)

    def _new_period(self, view: SiteView, site: int, block: _Block | None, sold: bool) -> Iterator[dict[str, Any]]:
        if not sold:
            if block is not None:
                self._open[site] = None
                yield self._end(view, site, block)
            return
        sold_kw, baseline_kw = float(view.commitments_kw[site, view.period]), float(view.baseline_kw[site, 0])
        target_kwh = (baseline_kw - sold_kw) * PERIOD_HOURS
        if block is None:
            block = self._open[site] = _Block(float(view.state["soc_kwh"][site]))
            yield {
                "kind": "delivery_start",
                **when(int(view.now_utc[site].astype(np.int64))),
                "site": site,
                "step": view.step,
                "sold_kw": sold_kw,
                "baseline_kw": round(baseline_kw, 4),
                "target_kwh": round(target_kwh, 4),
            }
        block.target_kwh.append(target_kwh)
        block.metered_kwh.append(0.0)

    def _end(self, view: SiteView, site: int, block: _Block) -> dict[str, Any]:
        target, metered = sum(block.target_kwh), sum(block.metered_kwh)
        return {
            "kind": "delivery_end",
            **when(int(view.now_utc[site].astype(np.int64))),
            "site": site,
            "step": view.step,
            "periods": len(block.target_kwh),
            "target_kwh": [round(value, 4) for value in block.target_kwh],
            "metered_kwh": [round(value, 4) for value in block.metered_kwh],
            "missed_kwh": round(max(0.0, metered - target), 4),
        }


def last_import_kwh(view: SiteView, site: int, soc_before_kwh: float) -> float:
    """Metered import of the step before: site load, and what the change of charge took or gave on the AC side."""
    p, state = view.params[site], view.state[site]
    stored = float(state["soc_kwh"]) - soc_before_kwh
    battery_kwh = stored / p["charge_efficiency"] if stored > 0.0 else stored * p["discharge_efficiency"]
    return float(state["load_kw"] * STEP_HOURS + battery_kwh)
