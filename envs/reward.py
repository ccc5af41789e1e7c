"""A step in pounds: the same terms as the objective, term by term, and the end of an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from grid.market.terminal import terminal_terms

if TYPE_CHECKING:
    from grid.week import Case

    from envs.view import SiteView


def step_gbp(out: np.ndarray, params: np.ndarray) -> dict[str, np.ndarray]:
    """Pounds of one step by term, float64 (B,) each; their sum is the step's share of ``objective_gbp``."""
    return {
        "energy_gbp": out["energy_gbp"],
        "network_gbp": out["network_gbp"],
        "wear_gbp": out["wear_gbp"],
        "flex_gbp": -out["flex_gbp"],
        "penalty_gbp": out["penalty_gbp"],
        "carbon_cost_gbp": out["carbon_kg"] * params["carbon_price_gbp_per_t"] / 1000.0,
    }


def episode_end_gbp(case: Case, view: SiteView) -> np.ndarray:
    """Terminal pounds float64 (B,): queued work and battery charge left, their carbon cost included (section 4)."""
    terms = terminal_of(case, view)
    return terms[0] + terms[1] * view.params["carbon_price_gbp_per_t"] / 1000.0


def terminal_of(case: Case, view: SiteView) -> tuple[np.ndarray, np.ndarray]:
    """(terminal_gbp, terminal_kg), float64 (B,) each, for sites that end ``case`` in the state of ``view``."""
    p, s = view.params, view.state
    return terminal_terms(
        soc_start_kwh=p["soc_start"] * p["battery_kwh"],
        soc_end_kwh=s["soc_kwh"],
        charge_efficiency=p["charge_efficiency"],
        discharge_efficiency=p["discharge_efficiency"],
        queued_site_kwh=s["queued_kwh"] * case.import_per_it,
        mean_price_gbp_per_mwh=case.mean_price_gbp_per_mwh,
        end_price_gbp_per_mwh=case.end_price_gbp_per_mwh,
        mean_carbon_gco2_per_kwh=case.mean_carbon_gco2_per_kwh,
        end_carbon_gco2_per_kwh=case.end_carbon_gco2_per_kwh,
    )
