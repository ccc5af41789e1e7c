"""A site without physics on the same plan model: load proportional to work, hour by hour, nothing but an energy price.

Its optimum is known in closed form (work alone), by dynamic programming (battery alone) and from the data pack's own
table (DATA.md, "Value of flexibility"): three checks of the columns and rows the bound is made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.params import site_params
from evaluate.optimal.envelope import Pieces, Roof
from evaluate.optimal.plan_model import EndValue, Slots, Work, add_site
from evaluate.optimal.program import Program
from grid.rows import STEP_HOURS

STEPS_PER_HOUR = round(1.0 / STEP_HOURS)


@dataclass(frozen=True)
class PlainSite:
    """Load float64 (hours,) in kW, of which a share may run up to 24 h later; ``cap_kw`` limits the load.

    The battery has one efficiency each way, starts half full and has to end so; 0 kWh for none.
    """

    load_kw: np.ndarray
    deferrable_share: float
    cap_kw: float
    battery_kwh: float
    battery_kw: float
    efficiency: float


def least_cost_gbp(site: PlainSite, price_gbp_per_mwh: np.ndarray) -> float:
    """Cost of the site's energy under perfect foresight of the hourly price (hours,).

    Work still waiting at the end is not lost: the last day's load may not be put off past the end.
    """
    price = np.asarray(price_gbp_per_mwh, dtype=np.float64) / 1000.0
    hours = len(site.load_kw)
    slots = Slots(np.full(hours, STEPS_PER_HOUR))
    p = site_params(
        import_limit_kw=site.cap_kw + site.battery_kw,
        battery_kwh=site.battery_kwh,
        battery_kw=site.battery_kw,
        charge_efficiency=site.efficiency,
        discharge_efficiency=site.efficiency,
        soc_min=0.0,
        soc_max=1.0,
        soc_start=0.5,
    )[0]
    waits = site.load_kw * site.deferrable_share
    work = Work(
        urgent_kwh=site.load_kw - waits,
        waits_kwh=waits,
        full_kwh=np.full(hours, site.cap_kw),
        due_kwh=np.zeros(hours),
        queued_kwh=0.0,
        drain_per_passed=np.full(hours, np.inf),  # old and new work are alike here
        classes=((1.0, 24 * STEPS_PER_HOUR),),
    )
    line, zero = np.full((hours, 1), site.cap_kw), np.zeros((hours, 1))
    power, over = Pieces(line, zero, zero), Roof(line, zero, zero)
    penalty = 10.0 * float(np.abs(price).max())  # stock at the end is a condition, not a trade
    half = 0.5 * site.battery_kwh
    end = EndValue(battery_missing=penalty, battery_over=0.0, queued=penalty, soc_target_kwh=half)
    program = Program()
    add_site(program, p, slots, work, power, over, price, 0.0, half, end, heat=None)
    return program.solve().objective
