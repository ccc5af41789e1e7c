"""The site with its grid side in view: carbon, prices, requests and what has been sold, as published by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pettingzoo.utils import BaseParallelWrapper

from envs.parallel import SiteParallelEnv
from envs.view import SiteView
from grid.rows import CARBON, DAY_AHEAD, SYSTEM, TARIFF


class GridAwareEnv(BaseParallelWrapper):
    """Wraps a ``SiteParallelEnv``: the agents observe what they did before, and whoever stands above them the grid.

    Every agent's info carries ``grid``, the signals of ``fetch_grid_signals`` at the time of the observation.
    """

    def __init__(self, env: SiteParallelEnv) -> None:
        super().__init__(env)
        self.site = env

    def fetch_grid_signals(self) -> dict[str, Any]:
        """See ``grid_signals``."""
        return grid_signals(self.site.batch.view(), 0)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """As the site's ``reset``."""
        observations, infos = self.site.reset(seed=seed, options=options)
        return observations, self._with_grid(infos)

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """As the site's ``step``."""
        *rest, infos = self.site.step(actions)
        observations, rewards, terminations, truncations = rest
        return observations, rewards, terminations, truncations, self._with_grid(infos)

    def _with_grid(self, infos: dict[str, dict]) -> dict[str, dict]:
        signals = self.fetch_grid_signals()
        for info in infos.values():
            info["grid"] = signals
        return infos


def grid_signals(view: SiteView, site: int) -> dict[str, Any]:
    """What the grid has published to one site by now.

    time_utc  tz-aware start of the coming step
    carbon, price, system_price, tariff  now: gCO2/kWh, GBP/MWh (day-ahead, imbalance, what a kWh costs)
    carbon_forecast, price_forecast, system_price_forecast  float32 (96,), half-hourly to 48 h
    price_known_hours  hours from now whose day-ahead price is published, hence exact
    events  requests published and not yet over (``grid.events.FlexEvent``)
    commitments_kw  kW sold in this settlement period and the 95 to come, as many as the run still has
    baseline_kw  float64 (96,), what deviations in these periods are measured against
    """
    row, forecast = view.row[site], view.forecast[site]
    return {
        "time_utc": view.timestamp(site),
        "carbon": float(row[CARBON]),
        "price": float(row[DAY_AHEAD]),
        "system_price": float(row[SYSTEM]),
        "tariff": float(row[TARIFF]),
        "carbon_forecast": forecast[0].copy(),
        "price_forecast": forecast[1].copy(),
        "system_price_forecast": forecast[2].copy(),
        "price_known_hours": float(view.published_steps[site]) / 4.0,
        "events": view.events[site],
        "commitments_kw": view.commitments_kw[site, view.period : view.period + 96].copy(),
        "baseline_kw": view.baseline_kw[site].copy(),
    }


def grid_aware_env(**options: Any) -> GridAwareEnv:
    """A ``SiteParallelEnv`` of these arguments under ``GridAwareEnv``."""
    return GridAwareEnv(SiteParallelEnv(**options))
