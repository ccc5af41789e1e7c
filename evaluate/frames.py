"""A rollout's site as the tables of contract 9: ``steps.parquet`` and ``settlement.parquet``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from envs.state import AGENTS, OUT
from evaluate.accounting import Books
from evaluate.names import ADDITIVE
from evaluate.rollout import CAUSES, Rollout
from grid.calendar import settlement_index
from grid.market.rules import MarketRules
from grid.market.settle import settlement_table
from grid.rows import STEP_HOURS, STEPS_PER_PERIOD

_METERS = ("it_kwh", "cooling_kwh", "loss_kwh", "battery_kwh", "soc_kwh", "queued_kwh", "inlet_degc", "supply_degc")
_SIGNALS = (
    "utilisation",
    "dry_bulb_degc",
    "wet_bulb_degc",
    "carbon_gco2_per_kwh",
    "day_ahead_gbp_per_mwh",
    "tariff_gbp_per_mwh",
    "system_gbp_per_mwh",
    "reference_price_gbp_per_mwh",
    "event_requested_kw",
    "event_gbp_per_mwh",
)


def steps_frame(run: Rollout, books: Books, site: int) -> pd.DataFrame:
    """A row per control step of one site; energies are of the step, states at its end, columns sum to totals."""
    length = int(run.lengths[site])
    rows = run.cases[run.site_case[site]].rows
    times = rows.times_utc[:length]
    dates, periods = settlement_index(times)
    columns: dict[str, object] = {"time_utc": times, "settlement_date": dates, "settlement_period": periods}
    outputs = run.outputs[:length, site]
    columns.update({name: outputs[:, OUT[name]] for name in _METERS})
    columns.update({name: rows[name][:length] for name in _SIGNALS})
    columns["baseline_kw"] = run.baseline_kw[:length, site]
    columns["neutral_kw"] = run.neutral_kwh[:length, site] / STEP_HOURS
    columns["sold_kw"] = np.repeat(run.commitments_kw[site], STEPS_PER_PERIOD)[:length]
    for k, agent in enumerate(AGENTS):
        columns[f"raw_{agent}"] = run.raw[:length, site, k]
        columns[f"executed_{agent}"] = run.executed[:length, site, k]
        columns[f"changed_by_{agent}"] = np.array(CAUSES, dtype=object)[run.causes[:length, site, k]]
    columns.update({name: books.by_step[name][:length, site] for name in ADDITIVE})
    return pd.DataFrame(columns)


def settlement_frame(run: Rollout, books: Books, site: int, rules: MarketRules) -> pd.DataFrame:
    """A row per sold period and term of one site; the amounts sum to its ``flex_gbp``."""
    periods = int(run.lengths[site]) // STEPS_PER_PERIOD
    rows = run.cases[run.site_case[site]].rows
    settled = {name: values[site, :periods] for name, values in books.periods.items()}
    return settlement_table(
        rows.times_utc[: periods * STEPS_PER_PERIOD : STEPS_PER_PERIOD],
        run.ledger[site, :periods],
        settled["sold_kwh"],
        settled["baseline_kwh"],
        settled["metered_kwh"],
        settled["price_gbp_per_mwh"],
        settled["system_gbp_per_mwh"],
        settled["reference_gbp_per_mwh"],
        rules,
    )


def settled_periods(run: Rollout, books: Books, site: int) -> pd.DataFrame:
    """What each sold period of one site was settled on, for the audit trail: energies, flex, real and phantom."""
    periods = int(run.lengths[site]) // STEPS_PER_PERIOD
    times = run.cases[run.site_case[site]].rows.times_utc[: periods * STEPS_PER_PERIOD : STEPS_PER_PERIOD]
    dates, numbers = settlement_index(times)
    frame = pd.DataFrame({name: values[site, :periods] for name, values in books.periods.items()})
    frame["flex_real_gbp"] = frame["flex_gbp"] - frame["flex_phantom_gbp"]
    frame.insert(0, "settlement_date", dates)
    frame.insert(1, "settlement_period", numbers)
    return frame[frame["sold_kwh"] > 0.0].reset_index(drop=True)
