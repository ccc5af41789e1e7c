"""What notices ask, inside a plan: rows over the slots of their window, broken at a price where nothing else is left.

``not_warmer`` is not here: set-points are no part of a plan with settled cooling; the bounds of each step hold it.
Nor is a carbon budget that has begun: what is left of it is not in the view, and its pace is in the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluate.optimal.plan_model import KWH_PER_MWH, Columns, Slots, Work
from evaluate.optimal.program import INFINITY, Program
from grid.rows import STEP_MINUTES

STEP = pd.Timedelta(minutes=STEP_MINUTES)
SHORT_GBP_PER_KWH = 2.0  # a few kWh short cost what a broken step does


def keep_notices(
    program: Program,
    p: np.void,
    columns: Columns,
    slots: Slots,
    work: Work,
    carbon_gco2_per_kwh: np.ndarray,
    asked: Sequence[Any],
    now: pd.Timestamp,
) -> None:
    """Add rows for what is asked from ``now`` on.

    Args:
        carbon_gco2_per_kwh: float64 (n,), by slot. asked: constraints of ``SiteView.notices`` of one site.
    """
    for one in asked:
        share = _share(slots, one, now)
        if share.any():
            _keep(
                program,
                p,
                columns,
                slots,
                work,
                carbon_gco2_per_kwh,
                one,
                share,
                one.start is not None and one.start > now,
            )


def _share(slots: Slots, one: Any, now: pd.Timestamp) -> np.ndarray:
    """float64 (n,): how much of each slot lies in a constraint's window."""
    first = 0.0 if one.start is None else max(0.0, (one.start - now) / STEP)
    last = float(slots.steps.sum()) if one.until is None else (one.until - now) / STEP
    inside = np.minimum(slots.first + slots.steps, last) - np.maximum(slots.first, first)
    return np.clip(inside, 0.0, None) / slots.steps


def _keep(
    program: Program,
    p: np.void,
    columns: Columns,
    slots: Slots,
    work: Work,
    carbon: np.ndarray,
    one: Any,
    share: np.ndarray,
    ahead: bool,
) -> None:
    at = np.flatnonzero(share > 0.0)
    imports = ((columns.load_kw, 1.0), (columns.charge_kw, 1.0), (columns.discharge_kw, -1.0))
    if one.bound == "min_soc":
        wanted = min(one.value, float(p["soc_max"])) * float(p["battery_kwh"])
        short = program.add_columns(len(at), cost=SHORT_GBP_PER_KWH)
        program.add_rows(wanted, INFINITY, (columns.soc_kwh[at], 1.0), (short, 1.0))
        before = at[at > 0] - 1  # it holds from the start of the window, not from the end of its first slot
        if ahead and len(before) and before[0] not in at:
            early = program.add_columns(1, cost=SHORT_GBP_PER_KWH)
            program.add_rows(wanted, INFINITY, (columns.soc_kwh[before[:1]], 1.0), (early, 1.0))
    elif one.bound == "max_import":
        over = program.add_columns(len(at), cost=SHORT_GBP_PER_KWH * slots.hours[at])
        program.add_rows(-INFINITY, one.value, *((name[at], sign) for name, sign in imports), (over, -1.0))
    elif one.bound == "no_defer":
        short = program.add_columns(len(at), cost=SHORT_GBP_PER_KWH)
        least = work.waits_kwh[at] * share[at]
        later = at > 0
        for rows, terms in ((later, ((columns.passed_kwh[at[later] - 1], -1.0),)), (~later, ())):
            if rows.any():
                program.add_rows(least[rows], INFINITY, (columns.passed_kwh[at[rows]], 1.0), (short[rows], 1.0), *terms)
    elif one.bound == "max_carbon" and ahead:
        kg = carbon[at] * slots.hours[at] * share[at] / KWH_PER_MWH
        over = program.add_columns(1, cost=SHORT_GBP_PER_KWH)
        program.add_sum(-INFINITY, one.value, *((name[at], sign * kg) for name, sign in imports), (over, -1.0))
