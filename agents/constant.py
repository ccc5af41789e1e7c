"""best_constant: the same action at every step. What it saves needs no signal at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agents.ranges import Range, check
from agents.scripted import Scripted
from envs.view import SiteView


@dataclass(frozen=True)
class ConstantRule:
    """The action of each agent, in action units."""

    load_shift: float
    battery: float
    cooling: float

    RANGES: ClassVar[tuple[Range, ...]] = (
        Range("load_shift", -1.0, 1.0, 0.0),
        Range("battery", -1.0, 1.0, 0.0),
        Range("cooling", -1.0, 1.0, 0.0),
    )

    def __post_init__(self) -> None:
        check(self)


class BestConstant(Scripted):
    """Sells nothing, sees nothing."""

    def __init__(self, rule: ConstantRule) -> None:
        super().__init__("best_constant", rule)
        self._action = np.array([[rule.load_shift, rule.battery, rule.cooling]], dtype=np.float32)

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        return np.repeat(self._action, view.batch_size, axis=0)
