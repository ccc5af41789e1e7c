"""The money and the carbon of a rollout: contract 8's quantities, step by step, so that columns sum to totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.state import OUT
from evaluate.names import ADDITIVE, COST_PARTS
from evaluate.rollout import Rollout
from grid.market.settle import flex_gbp, phantom_gbp, split_over_steps
from grid.market.terminal import terminal_gbp, terminal_kg
from grid.rows import (
    CARBON,
    DAY_AHEAD,
    EVENT_KW,
    EVENT_PRICE,
    NETWORK,
    REFERENCE_PRICE,
    STEPS_PER_PERIOD,
    SYSTEM,
    TAIL_STEPS,
    TARIFF,
)

FROM_KERNEL = ("energy_gbp", "network_gbp", "wear_gbp", "import_kwh", "late_kwh", "overheat_minutes")


@dataclass(frozen=True)
class Books:
    """Every additive quantity by step, and what each settlement period was settled on.

    by_step     name -> float64 (T, B); terminal terms stand in each site's last row
    periods     name -> float64 (P, B): sold_kwh, baseline_kwh, metered_kwh, neutral_kwh, price_gbp_per_mwh,
                system_gbp_per_mwh, reference_gbp_per_mwh, flex_gbp, flex_phantom_gbp
    """

    by_step: dict[str, np.ndarray]
    periods: dict[str, np.ndarray]

    def totals(self, site: int) -> dict[str, float]:
        """Column sums of one site, in the order of contract 8."""
        return {name: float(self.by_step[name][:, site].sum()) for name in ADDITIVE}


def keep_books(run: Rollout) -> Books:
    """Settle a rollout and book every quantity of contract 8 on its steps."""
    rows = run.rows_by_step()  # (T, B, columns)
    params = run.params
    book = {name: run.outputs[:, :, OUT[name]].copy() for name in FROM_KERNEL}
    _book_terminal(book, run)

    book["llm_kwh"] = run.llm_kwh
    book["llm_gbp"] = run.llm_kwh * (rows[..., TARIFF] + rows[..., NETWORK]) / 1000.0
    book["llm_carbon_kg"] = run.llm_kwh * rows[..., CARBON] / 1000.0
    book["carbon_kg"] = run.outputs[:, :, OUT["carbon_kg"]] + book["llm_carbon_kg"] + book["terminal_kg"]
    book["carbon_cost_gbp"] = book["carbon_kg"] * params["carbon_price_gbp_per_t"] / 1000.0
    breach_gbp = run.breach_steps * params["notice_gbp_per_step"]
    book["penalty_gbp"] = run.outputs[:, :, OUT["penalty_gbp"]] + breach_gbp

    periods = _settle(book, run, rows)
    book["cost_gbp"] = np.sum([book[name] for name in COST_PARTS], axis=0)
    book["net_gbp"] = book["cost_gbp"] - book["flex_gbp"]
    book["objective_gbp"] = book["net_gbp"] + book["carbon_cost_gbp"] + book["penalty_gbp"]
    return Books(by_step=book, periods=periods)


def _book_terminal(book: dict[str, np.ndarray], run: Rollout) -> None:
    """Stock left at the end, in each site's last row (design section 4)."""
    book["terminal_gbp"], book["terminal_kg"] = np.zeros_like(run.llm_kwh), np.zeros_like(run.llm_kwh)
    for site, length in enumerate(run.lengths):
        case, p = run.cases[run.site_case[site]], run.params[site]
        values = case.rows.values
        week, tail = values[:length], values[length : length + TAIL_STEPS]
        stock = {
            "soc_start_kwh": p["soc_start"] * p["battery_kwh"],
            "soc_end_kwh": run.outputs[length - 1, site, OUT["soc_kwh"]],
            "charge_efficiency": p["charge_efficiency"],
            "discharge_efficiency": p["discharge_efficiency"],
            "queued_site_kwh": run.outputs[length - 1, site, OUT["queued_kwh"]] * case.import_per_it,
        }
        book["terminal_gbp"][length - 1, site] = terminal_gbp(
            **stock,
            mean_tariff_gbp_per_mwh=week[:, TARIFF].mean(),
            tail_price_gbp_per_mwh=(tail[:, TARIFF] + tail[:, NETWORK]).mean(),
        )
        book["terminal_kg"][length - 1, site] = terminal_kg(
            **stock,
            mean_carbon_gco2_per_kwh=week[:, CARBON].mean(),
            tail_carbon_gco2_per_kwh=tail[:, CARBON].mean(),
        )


def _settle(book: dict[str, np.ndarray], run: Rollout, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Settle each period under the site's own rule and the other one; money is split over the period's two rows."""
    params = run.params
    second = rows[1::STEPS_PER_PERIOD]  # both rows of a period carry the same market values
    own_price = second[..., DAY_AHEAD] - params["half_spread_gbp_per_mwh"]
    import_kwh = book["import_kwh"]
    periods = {
        "sold_kwh": 0.5 * run.commitments_kw.T[: len(second)],
        "baseline_kwh": 0.5 * run.baseline_kw[1::STEPS_PER_PERIOD],
        "metered_kwh": import_kwh[0::STEPS_PER_PERIOD] + import_kwh[1::STEPS_PER_PERIOD],
        "neutral_kwh": run.neutral_kwh[0::STEPS_PER_PERIOD] + run.neutral_kwh[1::STEPS_PER_PERIOD],
        "price_gbp_per_mwh": np.where(second[..., EVENT_KW] > 0.0, second[..., EVENT_PRICE], own_price),
        "system_gbp_per_mwh": second[..., SYSTEM],
        "reference_gbp_per_mwh": second[..., REFERENCE_PRICE],
    }
    sold, baseline, metered, neutral, price, system, reference = periods.values()
    share, vtp_pays = params["aggregator_share"], params["vtp_pays"] > 0.5
    flex = flex_gbp(sold, baseline, metered, price, system, reference, share=share, vtp_pays=vtp_pays)
    other = flex_gbp(sold, baseline, metered, price, system, reference, share=share, vtp_pays=~vtp_pays)
    phantom = phantom_gbp(
        sold, baseline, metered, neutral, price, system, reference, share=share, vtp_pays=vtp_pays
    )
    periods["flex_gbp"], periods["flex_phantom_gbp"] = flex, phantom
    book["flex_gbp"] = split_over_steps(flex, import_kwh)
    book["flex_other_rule_gbp"] = split_over_steps(other, import_kwh)
    book["flex_phantom_gbp"] = split_over_steps(phantom, import_kwh)
    book["flex_real_gbp"] = book["flex_gbp"] - book["flex_phantom_gbp"]
    return periods
