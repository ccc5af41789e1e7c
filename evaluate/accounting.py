"""The money and the carbon of a rollout: contract 8's quantities, step by step, so that columns sum to totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.state import OUT
from evaluate.names import ADDITIVE, COST_PARTS
from evaluate.rollout import Rollout
from grid.market.settle import flex_gbp, phantom_gbp, sold_price_gbp_per_mwh, split_over_steps
from grid.market.terminal import battery_import_kwh, terminal_gbp, terminal_kg, terminal_prices
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

FROM_KERNEL = ("energy_gbp", "network_gbp", "wear_gbp", "import_kwh", "late_kwh", "overheat_minutes")


@dataclass(frozen=True)
class Books:
    """Every additive quantity by step, and what each settlement period was settled on.

    by_step     name -> float64 (T, B); terminal terms stand in each site's last row
    periods     name -> float64 (B, P): sold_kwh, baseline_kwh, metered_kwh, neutral_kwh, price_gbp_per_mwh,
                system_gbp_per_mwh, reference_gbp_per_mwh, flex_gbp, flex_phantom_gbp
    """

    by_step: dict[str, np.ndarray]
    periods: dict[str, np.ndarray]

    def totals(self, site: int) -> dict[str, float]:
        """Column sums of one site, in the order of contract 8."""
        return {name: float(self.by_step[name][:, site].sum()) for name in ADDITIVE}


def keep_books(run: Rollout) -> Books:
    """Settle a rollout and book every quantity of contract 8 on its steps."""
    rows = run.rows_by_step()
    params = run.params
    book = {name: run.outputs[:, :, OUT[name]].copy() for name in FROM_KERNEL}
    book["terminal_gbp"], book["terminal_kg"] = _terminal(run)

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


def _terminal(run: Rollout) -> tuple[np.ndarray, np.ndarray]:
    """Stock left at the end in pounds and kilograms, (T, B), in each site's last row (design section 4)."""
    gbp, kg = np.zeros_like(run.llm_kwh), np.zeros_like(run.llm_kwh)
    prices = [terminal_prices(case.rows) for case in run.cases]
    for site, length in enumerate(run.lengths):
        if length == 0:
            continue
        p, case = run.params[site], run.site_case[site]
        last = run.outputs[length - 1, site]
        battery = battery_import_kwh(
            p["soc_start"] * p["battery_kwh"], last[OUT["soc_kwh"]], p["charge_efficiency"], p["discharge_efficiency"]
        )
        queued = last[OUT["queued_kwh"]] * run.cases[case].import_per_it
        mean = prices[case]
        gbp[length - 1, site] = terminal_gbp(battery, mean.week_gbp_per_mwh, queued, mean.window_gbp_per_mwh)
        kg[length - 1, site] = terminal_kg(battery, mean.week_gco2_per_kwh, queued, mean.window_gco2_per_kwh)
    return gbp, kg


def _settle(book: dict[str, np.ndarray], run: Rollout, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Settle each period under the site's own rule and the other one; money is split over the period's two rows."""
    params = run.params
    import_kwh = book["import_kwh"].T
    market = rows[::STEPS_PER_PERIOD].transpose(2, 1, 0)  # (columns, B, P); both rows of a period carry the same
    half_spread = params["half_spread_gbp_per_mwh"][:, None]
    periods = {
        "sold_kwh": 0.5 * run.commitments_kw[:, : market.shape[2]],
        "baseline_kwh": 0.5 * run.baseline_kw[::STEPS_PER_PERIOD].T,
        "metered_kwh": _by_period(import_kwh),
        "neutral_kwh": _by_period(run.neutral_kwh.T),
        "price_gbp_per_mwh": sold_price_gbp_per_mwh(
            market[DAY_AHEAD],
            market[EVENT_KW],
            market[EVENT_PRICE],
            half_spread,
            own=run.own_trade[:, : market.shape[2]],
        ),
        "system_gbp_per_mwh": market[SYSTEM],
        "reference_gbp_per_mwh": market[REFERENCE_PRICE],
    }
    sold, baseline, metered, neutral, price, system, reference = periods.values()
    share, vtp_pays = params["aggregator_share"][:, None], params["vtp_pays"][:, None] > 0.5
    flex = flex_gbp(sold, baseline, metered, price, system, reference, share=share, vtp_pays=vtp_pays)
    other = flex_gbp(sold, baseline, metered, price, system, reference, share=share, vtp_pays=~vtp_pays)
    phantom = phantom_gbp(sold, baseline, neutral, metered, price, system, reference, share=share, vtp_pays=vtp_pays)
    for name, amounts in (("flex_gbp", flex), ("flex_other_rule_gbp", other), ("flex_phantom_gbp", phantom)):
        book[name] = np.ascontiguousarray(split_over_steps(amounts, import_kwh).T)
    book["flex_real_gbp"] = book["flex_gbp"] - book["flex_phantom_gbp"]
    return {**periods, "flex_gbp": flex, "flex_phantom_gbp": phantom}


def _by_period(by_step: np.ndarray) -> np.ndarray:
    """(B, T) -> (B, P): the two steps of each settlement period together."""
    return by_step[:, ::STEPS_PER_PERIOD] + by_step[:, 1::STEPS_PER_PERIOD]
