"""Who proposes actions where nobody else was named: a price threshold controller, small and built in."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from envs.params import neutral_actions
from envs.state import BATTERY, LOAD_SHIFT
from envs.view import SiteView

HALF_HOURS = 48  # a day ahead: a cycle of the battery, the deadline of deferred work
LOW, HIGH = 0.25, 0.75  # quantiles of the day ahead below and above which energy is cheap and dear; assumption


class Proposer(Protocol):
    """Contract 4's controller, as far as a face needs it: any policy will do."""

    layout: str | None

    def reset(self, batch_size: int, seeds: np.ndarray) -> None: ...

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray: ...


class ThresholdProposer:
    """Charges and drains the queue while energy is cheap for the day ahead, discharges and defers while it is dear."""

    layout: str | None = None

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        """It remembers nothing and draws nothing."""

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        """float32 (B, 3) raw actions; the set-point stays neutral."""
        tariff = view.tariff_outlook_gbp_per_mwh()[:, : HALF_HOURS + 1]
        low, high = np.quantile(tariff, (LOW, HIGH), axis=1)
        now = tariff[:, 0]
        wanted = (now <= low).astype(np.float32) - (now >= high)
        wanted[low >= high] = 0.0  # a flat day gives no reason to move
        actions = neutral_actions(view.params)
        actions[:, LOAD_SHIFT] = actions[:, BATTERY] = wanted
        return np.clip(actions, bounds[..., 0], bounds[..., 1])
