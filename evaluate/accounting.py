"""The money and the carbon of a rollout: contract 8's additive quantities, step by step, so that columns sum to totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluate.rollout import Rollout
from grid.market.settlement import Settlement, settle
from grid.rows import (
    CARBON,
    DAY_AHEAD,
    EVENT_KW,
    EVENT_PRICE,
    NETWORK,
    REFERENCE_PRICE,
    STEPS_PER_PERIOD,
    SYSTEM,
    TARIFF,
)

ADDITIVE = (
    "energy_gbp", "network_gbp", "wear_gbp", "terminal_gbp", "llm_gbp", "cost_gbp", "terminal_kg",
    "flex_gbp", "flex_real_gbp", "flex_phantom_gbp", "flex_other_rule_gbp", "net_gbp", "penalty_gbp",
    "carbon_cost_gbp", "objective_gbp", "carbon_kg", "llm_carbon_kg", "import_kwh", "llm_kwh", "late_kwh",
    "overheat_minutes",
)  # fmt: skip
COUNTERS = (
    "decisions", "overrides", "fallbacks", "events_accepted", "clipped", "bound_steps", "tracker_steps", "reads",
    "notice_breach_steps",
)  # fmt: skip
COMPENSATION = ("mutualised", "vtp_pays")


@dataclass(frozen=True)
class Books:
    """Every additive quantity by step, and the settlement behind the flex columns.

    by_step     name -> float64 (T, B); terminal terms stand in each site's last row
    settlement  arrays (B, P) under the rule in force
    price_gbp_per_mwh, system_gbp_per_mwh, reference_gbp_per_mwh, baseline_kwh, metered_kwh, neutral_kwh   (B, P)
    """

    by_step: dict[str, np.ndarray]
    settlement: Settlement
    price_gbp_per_mwh: np.ndarray
    system_gbp_per_mwh: np.ndarray
    reference_gbp_per_mwh: np.ndarray
    baseline_kwh: np.ndarray
    metered_kwh: np.ndarray
    neutral_kwh: np.ndarray

    def totals(self) -> dict[str, np.ndarray]:
        """name -> float64 (B,): column sums."""
        return {name: values.sum(axis=0) for name, values in self.by_step.items()}


def keep_books(run: Rollout, breach_steps: np.ndarray | None = None, breach_gbp_per_step: float = 20.0) -> Books:
    """Settle a rollout and book every quantity of contract 8 on its steps.

    Args:
        breach_steps: bool (T, B), steps outside a notice's true constraint; None where there are no notices.
    """
    batch, out = run.batch, run.out
    rows = batch.rows_of_steps(run.steps)  # (T, B, columns)
    carbon_price = batch.params["carbon_price_gbp_per_t"] / 1000.0
    last = np.minimum(batch.length, run.steps) - 1
    sites = np.arange(batch.batch_size)

    book = {name: np.zeros(out.shape) for name in ADDITIVE}
    for name in ("energy_gbp", "network_gbp", "wear_gbp", "import_kwh", "late_kwh", "overheat_minutes"):
        book[name] = out[name].astype(np.float64)
    book["terminal_gbp"][last, sites] = run.terminal_gbp
    book["terminal_kg"][last, sites] = run.terminal_kg
    book["llm_kwh"] = run.llm_kwh
    book["llm_gbp"] = run.llm_kwh * (rows[..., TARIFF] + rows[..., NETWORK]) / 1000.0
    book["llm_carbon_kg"] = run.llm_kwh * rows[..., CARBON] / 1000.0
    book["carbon_kg"] = out["carbon_kg"] + book["llm_carbon_kg"] + book["terminal_kg"]
    book["carbon_cost_gbp"] = book["carbon_kg"] * carbon_price
    breach = np.zeros(out.shape) if breach_steps is None else breach_steps * breach_gbp_per_step
    book["penalty_gbp"] = out["penalty_gbp"] + breach

    settlement, columns = _settle(run, rows)
    share = _energy_share(out["import_kwh"])
    for name, amounts in (
        ("flex_gbp", settlement.flex_gbp),
        ("flex_phantom_gbp", settlement.phantom_gbp),
        ("flex_other_rule_gbp", columns.pop("other_rule_gbp")),
    ):
        book[name] = np.repeat(amounts.T, STEPS_PER_PERIOD, axis=0) * share
    book["flex_real_gbp"] = book["flex_gbp"] - book["flex_phantom_gbp"]

    book["cost_gbp"] = sum(book[n] for n in ("energy_gbp", "network_gbp", "wear_gbp", "terminal_gbp", "llm_gbp"))
    book["net_gbp"] = book["cost_gbp"] - book["flex_gbp"]
    book["objective_gbp"] = book["net_gbp"] + book["carbon_cost_gbp"] + book["penalty_gbp"]
    return Books(by_step=book, settlement=settlement, **columns)


def _settle(run: Rollout, rows: np.ndarray) -> tuple[Settlement, dict[str, np.ndarray]]:
    """Settle every period of every site under its own rule; -> settlement and the columns it was made from (B, P)."""
    batch = run.batch
    params = batch.params
    periods = run.steps // STEPS_PER_PERIOD
    by_period = rows[1 : periods * STEPS_PER_PERIOD : STEPS_PER_PERIOD]  # as the kernel: the period's second row

    def column(index: int) -> np.ndarray:
        return np.ascontiguousarray(by_period[..., index].T)

    own_price = column(DAY_AHEAD) - params["half_spread_gbp_per_mwh"][:, None]
    columns = {
        "price_gbp_per_mwh": np.where(column(EVENT_KW) > 0.0, column(EVENT_PRICE), own_price),
        "system_gbp_per_mwh": column(SYSTEM),
        "reference_gbp_per_mwh": column(REFERENCE_PRICE),
        "baseline_kwh": batch.baseline_kwh(periods),
        "metered_kwh": np.add.reduceat(
            run.out["import_kwh"], np.arange(0, periods * STEPS_PER_PERIOD, STEPS_PER_PERIOD), axis=0
        ).T,
        "neutral_kwh": batch.neutral_kwh(periods),
    }
    vtp_pays = params["vtp_pays"] > 0.5
    if vtp_pays.any() != vtp_pays.all():
        raise ValueError("market.compensation: all sites of one batch must settle under the same rule")
    rule = COMPENSATION[int(vtp_pays[0])]
    other = COMPENSATION[1 - int(vtp_pays[0])]
    arguments = (
        columns["baseline_kwh"],
        columns["metered_kwh"],
        run.commitments_kw[:, :periods],
        columns["price_gbp_per_mwh"],
        columns["system_gbp_per_mwh"],
        columns["reference_gbp_per_mwh"],
    )
    share = params["aggregator_share"][:, None]
    mine = settle(*arguments, aggregator_share=share, compensation=rule, neutral_kwh=columns["neutral_kwh"])
    theirs = settle(*arguments, aggregator_share=share, compensation=other)
    return mine, {**columns, "other_rule_gbp": theirs.flex_gbp}


def _energy_share(import_kwh: np.ndarray) -> np.ndarray:
    """Share of its settlement period's metered energy in each step, float64 (T, B); halves where nothing was metered."""
    pairs = import_kwh.reshape(-1, STEPS_PER_PERIOD, import_kwh.shape[1])
    total = pairs.sum(axis=1, keepdims=True)
    share = np.divide(pairs, total, out=np.full(pairs.shape, 1.0 / STEPS_PER_PERIOD), where=total > 0.0)
    return share.reshape(import_kwh.shape)
