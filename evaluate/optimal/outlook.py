"""What model-predictive control knows of the coming 48 h at one site: published signals, and a guess of the work.

Utilisation is not published. The guess is the one at which the neutral site would import its BL01 baseline (past days
at the same clock time), moved by today's difference from it, which fades hour by hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from envs.view import SiteView
from evaluate.optimal.envelope import site_power_kw
from grid.rows import NETWORK, REFERENCE_PRICE, STEPS_PER_PERIOD, UTILISATION

UTILISATION_LEVELS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class Outlook:
    """One site from the present step on, by control step, float64 (n,); beyond 48 h the last value holds."""

    tariff_gbp_per_mwh: np.ndarray  # network charge included, as it is now
    system_gbp_per_mwh: np.ndarray
    reference_gbp_per_mwh: float
    carbon_gco2_per_kwh: np.ndarray
    wet_bulb_degc: np.ndarray
    utilisation: np.ndarray
    baseline_kw: np.ndarray
    sold_kw: np.ndarray


def see(view: SiteView, site: int, steps: int, fade_per_hour: float) -> Outlook:
    """The outlook of one site for ``steps`` control steps; ``fade_per_hour`` as in ``MpcSettings``."""
    half_hour = np.arange(steps) // STEPS_PER_PERIOD  # outlooks count from the present row
    period = (view.step % STEPS_PER_PERIOD + np.arange(steps)) // STEPS_PER_PERIOD  # baselines from its period

    def ahead(values: np.ndarray, index: np.ndarray) -> np.ndarray:
        return values[np.minimum(index, len(values) - 1)].astype(np.float64)

    wet_bulb = ahead(view.outlook("wet_bulb_degc")[site], half_hour)
    baseline = ahead(view.baseline_kw[site], period)
    sold = view.commitments_kw[site, view.period :]
    return Outlook(
        tariff_gbp_per_mwh=ahead(view.tariff_outlook_gbp_per_mwh()[site], half_hour) + view.row[site, NETWORK],
        system_gbp_per_mwh=ahead(view.outlook("system_gbp_per_mwh")[site], half_hour),
        reference_gbp_per_mwh=float(view.row[site, REFERENCE_PRICE]),
        carbon_gco2_per_kwh=ahead(view.outlook("carbon_gco2_per_kwh")[site], half_hour),
        wet_bulb_degc=wet_bulb,
        utilisation=_utilisation(view, site, baseline, wet_bulb, fade_per_hour),
        baseline_kw=baseline,
        sold_kw=np.where(period < len(sold), ahead(sold, period), 0.0),
    )


def _utilisation(
    view: SiteView, site: int, baseline_kw: np.ndarray, wet_bulb_degc: np.ndarray, fade_per_hour: float
) -> np.ndarray:
    now = view.row[site, UTILISATION]
    usual = np.empty(len(baseline_kw))
    _baseline_utilisation(view.params[site : site + 1], baseline_kw, wet_bulb_degc, UTILISATION_LEVELS, usual)
    usual[baseline_kw <= 0.0] = now  # no baseline, or past the end of the run
    fade = fade_per_hour ** (np.arange(len(usual)) / 4.0)
    return np.clip(usual + (now - usual[0]) * fade, 0.0, 1.0)


@njit(cache=True)
def _baseline_utilisation(
    params: np.ndarray, baseline_kw: np.ndarray, wet_bulb_degc: np.ndarray, levels: np.ndarray, usual: np.ndarray
) -> None:
    """Utilisation at which a settled neutral site imports its baseline: power rises with work, so by interpolation."""
    p = params[0]
    supply = p.supply_neutral_degc
    power = np.empty(len(levels))
    for t in range(len(baseline_kw)):
        for k in range(len(levels)):
            power[k] = site_power_kw(p, levels[k], 0.0, supply, supply + p.recirculation_k, wet_bulb_degc[t])
        usual[t] = np.interp(baseline_kw[t], power, levels)
