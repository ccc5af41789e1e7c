"""What a week leaves behind, priced: the battery's charge and the queue. A cost is positive.

Without these terms a plan that ends with an empty battery and a full queue would look cheap (design section 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grid.rows import TAIL_STEPS, ExogenousRows

Quantity = float | np.ndarray


class TerminalPrices(NamedTuple):
    """Mean prices and carbon at which leftovers are valued."""

    week_gbp_per_mwh: float  # tariff over the week: for the battery
    window_gbp_per_mwh: float  # tariff + network over the 24 h after the week: for the queue
    week_gco2_per_kwh: float
    window_gco2_per_kwh: float


def terminal_prices(rows: ExogenousRows) -> TerminalPrices:
    """The four means of one run's rows."""
    week, window = slice(0, rows.steps), slice(rows.steps, rows.steps + TAIL_STEPS)
    tariff, network, carbon = (
        rows[name] for name in ("tariff_gbp_per_mwh", "network_gbp_per_mwh", "carbon_gco2_per_kwh")
    )
    return TerminalPrices(
        float(tariff[week].mean()),
        float((tariff + network)[window].mean()),
        float(carbon[week].mean()),
        float(carbon[window].mean()),
    )


def battery_import_kwh(
    soc_start_kwh: Quantity, soc_end_kwh: Quantity, charge_efficiency: Quantity, discharge_efficiency: Quantity
) -> np.ndarray:
    """Metered kWh that would bring the battery back to its starting charge.

    A deficit costs deficit / charge efficiency; a surplus saves surplus x discharge efficiency (negative).
    """
    deficit = np.asarray(soc_start_kwh, dtype=np.float64) - soc_end_kwh
    return np.where(deficit > 0, deficit / charge_efficiency, deficit * discharge_efficiency)


def terminal_gbp(
    battery_kwh: Quantity, week_gbp_per_mwh: Quantity, queued_site_kwh: Quantity, window_gbp_per_mwh: Quantity
) -> np.ndarray:
    """Terminal cost, GBP: ``battery_import_kwh`` at the week's mean tariff, queued site kWh at its window's mean.

    Queued site kWh = queued IT kWh x the run-in's import/IT ratio.
    """
    return _valued(battery_kwh, week_gbp_per_mwh, queued_site_kwh, window_gbp_per_mwh)


def terminal_kg(
    battery_kwh: Quantity, week_gco2_per_kwh: Quantity, queued_site_kwh: Quantity, window_gco2_per_kwh: Quantity
) -> np.ndarray:
    """Carbon of the same kWh at the same periods' mean intensity, kg."""
    return _valued(battery_kwh, week_gco2_per_kwh, queued_site_kwh, window_gco2_per_kwh)


def _valued(battery_kwh: Quantity, week: Quantity, queued_kwh: Quantity, window: Quantity) -> np.ndarray:
    # kWh x GBP/MWh and kWh x g/kWh both need the same 1/1000 to become GBP and kg.
    return (np.asarray(battery_kwh, dtype=np.float64) * week + np.asarray(queued_kwh, dtype=np.float64) * window) / 1000
