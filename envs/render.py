"""Draws a site's last day as pixels: no figure library, a fraction of a millisecond."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from envs.state import OUT
from grid.rows import STEP_HOURS, STEPS_PER_DAY

WIDTH, STRIP_HEIGHT, GAP = 4 * STEPS_PER_DAY, 60, 6
PAPER, FRAME = (255, 255, 255), (225, 225, 225)


@dataclass(frozen=True)
class Strip:
    """One line of the chart: an output, the value range of the strip, its colour."""

    output: str
    low: float
    high: float
    colour: tuple[int, int, int]
    scale: float = 1.0


def site_strips(params: np.ndarray) -> tuple[Strip, ...]:
    """Import (kW), charge (kWh), queued work (IT kWh), supply and inlet (degC), from top to bottom."""
    p = params[0]
    return (
        Strip("import_kwh", 0.0, float(p["import_limit_kw"]), (31, 78, 121), 1.0 / STEP_HOURS),
        Strip("soc_kwh", 0.0, max(1.0, float(p["battery_kwh"])), (84, 130, 53)),
        Strip("queued_kwh", 0.0, float(p["it_capacity_kw"]), (191, 144, 0)),
        Strip("supply_degc", 10.0, 35.0, (46, 117, 182)),
        Strip("inlet_degc", 10.0, 35.0, (192, 0, 0)),
    )


@dataclass
class DayChart:
    """The last 96 steps of one site. ``add`` a step's outputs, ``draw`` when asked."""

    strips: tuple[Strip, ...]
    columns: tuple[int, ...] = ()
    steps: deque = field(default_factory=lambda: deque(maxlen=STEPS_PER_DAY))

    def __post_init__(self) -> None:
        self.columns = self.columns or tuple(OUT[strip.output] for strip in self.strips)

    def add(self, outputs: np.ndarray) -> None:
        """outputs: float64 (OUTPUTS,) of one step."""
        self.steps.append(outputs[list(self.columns)])

    def draw(self) -> np.ndarray:
        """uint8 (height, 384, 3): a strip a quantity, time from left to right, four pixels a step."""
        tall = STRIP_HEIGHT + GAP
        image = np.full((tall * len(self.strips) + GAP, WIDTH, 3), PAPER, dtype=np.uint8)
        values = np.array(self.steps).reshape(len(self.steps), len(self.strips))
        x = np.arange(4 * len(values))
        for k, strip in enumerate(self.strips):
            top = GAP + k * tall
            image[[top, top + STRIP_HEIGHT - 1]] = FRAME
            share = (values[:, k] * strip.scale - strip.low) / (strip.high - strip.low)
            y = top + np.round((1.0 - np.clip(share, 0.0, 1.0)) * (STRIP_HEIGHT - 1)).astype(int)
            image[np.repeat(y, 4), x] = strip.colour
        return image
