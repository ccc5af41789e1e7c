"""Follows each sold block from its first to its last period, for the audit trail: target against meter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.view import SiteView
from grid.rows import STEPS_PER_PERIOD
from llm_layer.records import when

PERIOD_HOURS = 0.5


@dataclass
class _Block:
    first_period: int
    target_kwh: list[float] = field(default_factory=list)
    metered_kwh: list[float] = field(default_factory=list)


class Deliveries:
    """Bodies ``delivery_start`` and ``delivery_end`` of a batch. Their steering is the tracker's, source ``rules``."""

    def __init__(self, batch_size: int) -> None:
        self._open: list[_Block | None] = [None] * batch_size
        self.any_open = False

    def before_step(self, view: SiteView, active: np.ndarray) -> Iterator[dict[str, Any]]:
        """Blocks that begin, periods that begin inside one, and blocks that are over. active: bool (B,), sold now."""
        if view.step % STEPS_PER_PERIOD != 0:
            return
        for site, block in enumerate(self._open):
            if block is not None and not active[site]:
                self._open[site] = None
                yield self._end(view, site, block)
            if active[site]:
                block = self._open[site]
                sold_kw = float(view.commitments_kw[site, view.period])
                baseline_kw = float(view.baseline_kw[site, 0])
                target_kwh = (baseline_kw - sold_kw) * PERIOD_HOURS
                if block is None:
                    block = self._open[site] = _Block(view.period)
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
        self.any_open = any(block is not None for block in self._open)

    def after_step(self, import_kwh: np.ndarray) -> None:
        """Add the metered import float64 (B,) of the step to the blocks that are open."""
        for site, block in enumerate(self._open):
            if block is not None:
                block.metered_kwh[-1] += float(import_kwh[site])

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
