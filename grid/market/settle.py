"""What a sold deviation earns, per settlement period and term: design section 4, vectorised.

Energies are kWh per 30-minute period and prices GBP/MWh; money is GBP, positive when the site is paid. Deviation is
baseline minus metered import, positive when demand was reduced. Arrays broadcast, so one call settles a period, a
week or a year of many sites; ``share`` and ``vtp_pays`` may be per site. Parts are never rounded, only a total is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from grid.calendar import settlement_index
from grid.market.rules import MarketRules

Quantity = float | np.ndarray

KWH_PER_MWH = 1000.0
PERIOD_HOURS = 0.5
TERMS = ("sale", "imbalance", "compensation", "aggregator_share")
SETTLEMENT_COLUMNS = (
    "settlement_date",
    "settlement_period",
    "event_id",
    "term",
    "volume_mwh",
    "price_gbp_per_mwh",
    "amount_gbp",
)


class FlexMoney(NamedTuple):
    """One run's flex money per period, GBP: under the rule in force, its two parts, and under the other rule."""

    flex_gbp: np.ndarray
    real_gbp: np.ndarray
    phantom_gbp: np.ndarray
    other_rule_gbp: np.ndarray


def sold_price_gbp_per_mwh(
    day_ahead: Quantity, event_kw: Quantity, event_price: Quantity, half_spread: Quantity, *, own: Quantity = False
) -> np.ndarray:
    """Price of a sold MWh: the request's inside a request, else day-ahead less the half-spread.

    ``own`` marks periods sold as an own trade before a request for them was published: those keep their own price.
    """
    requested = (np.asarray(event_kw) > 0) & ~np.asarray(own, dtype=bool)
    return np.where(requested, event_price, np.asarray(day_ahead, dtype=np.float64) - half_spread)


def flex_gbp(
    sold_kwh: Quantity,
    baseline_kwh: Quantity,
    metered_kwh: Quantity,
    price: Quantity,
    system: Quantity,
    reference: Quantity,
    *,
    share: Quantity,
    vtp_pays: Quantity,
) -> np.ndarray:
    """Flex money per period, GBP; exactly 0 where nothing is sold, whatever the load did.

    (1 - share) x [sold x price + (deviation - sold) x system - (reference x max(0, deviation) if vtp_pays)].
    """
    sold = np.asarray(sold_kwh, dtype=np.float64)
    deviation = np.asarray(baseline_kwh, dtype=np.float64) - metered_kwh
    compensation = _compensation_price(reference, vtp_pays) * np.maximum(0.0, deviation)
    gross = sold * price + (deviation - sold) * system - compensation
    return np.where(sold > 0, (1.0 - np.asarray(share)) * gross / KWH_PER_MWH, 0.0)


def phantom_gbp(
    sold_kwh: Quantity,
    baseline_kwh: Quantity,
    neutral_kwh: Quantity,
    metered_kwh: Quantity,
    price: Quantity,
    system: Quantity,
    reference: Quantity,
    *,
    share: Quantity,
    vtp_pays: Quantity,
) -> np.ndarray:
    """The part of ``flex_gbp`` that no change of behaviour earned, GBP per period (design section 4).

    ``neutral_kwh`` is what the neutral controller would have metered. Energy sold beyond the real reduction counts as
    phantom only where it gained (a shortfall's loss stays real), and so does the baseline's error at system price.
    """
    sold = np.asarray(sold_kwh, dtype=np.float64)
    neutral = np.asarray(neutral_kwh, dtype=np.float64)
    delivered = np.minimum(sold, np.maximum(0.0, neutral - metered_kwh))
    speculation = np.maximum(0.0, (sold - delivered) * (np.asarray(price, dtype=np.float64) - system))
    error = (np.asarray(baseline_kwh) - neutral) * (np.asarray(system) - _compensation_price(reference, vtp_pays))
    return np.where(sold > 0, (1.0 - np.asarray(share)) * (speculation + error) / KWH_PER_MWH, 0.0)


def settle_periods(
    sold_kwh: Quantity,
    baseline_kwh: Quantity,
    neutral_kwh: Quantity,
    metered_kwh: Quantity,
    price: Quantity,
    system: Quantity,
    reference: Quantity,
    rules: MarketRules,
) -> FlexMoney:
    """Flex money of each period under ``rules``, split into real and phantom, and under the other rule."""
    quantities = np.broadcast_arrays(
        sold_kwh, baseline_kwh, neutral_kwh, metered_kwh, price, system, reference
    )  # fmt: skip
    # Few periods are sold, so a year of a thousand sites costs little more than finding them.
    at = quantities[0] > 0
    sold, baseline, neutral, metered, *prices = (quantity[at] for quantity in quantities)
    terms = {"share": rules.aggregator_share, "vtp_pays": rules.vtp_pays}
    flex = flex_gbp(sold, baseline, metered, *prices, **terms)
    phantom = phantom_gbp(sold, baseline, neutral, metered, *prices, **terms)
    other = flex_gbp(sold, baseline, metered, *prices, **{**terms, "vtp_pays": not rules.vtp_pays})
    return FlexMoney(*(_placed(at, part) for part in (flex, flex - phantom, phantom, other)))


def total_gbp(period_gbp: Quantity) -> float:
    """The sum of periods to the penny: the one place where money is rounded."""
    return round(float(np.sum(period_gbp)), 2) + 0.0  # no negative zero


def split_over_steps(period_gbp: Quantity, import_kwh: Quantity) -> np.ndarray:
    """Money per period (..., P) over its two 15-minute rows (..., 2P) by metered import; in halves where that is 0."""
    money = np.asarray(period_gbp, dtype=np.float64)
    energy = np.asarray(import_kwh, dtype=np.float64)
    if energy.shape[-1] != 2 * money.shape[-1]:
        raise ValueError(
            f"import_kwh has {energy.shape[-1]} rows; {money.shape[-1]} periods need {2 * money.shape[-1]}"
        )
    pairs = energy.reshape(*energy.shape[:-1], -1, 2)
    total = pairs.sum(axis=-1)
    first = np.divide(pairs[..., 0], total, out=np.full(total.shape, 0.5), where=total != 0)
    # The second row takes the remainder, so that the two add up to the period to the last bit that matters.
    split = np.stack([money * first, money - money * first], axis=-1)
    return split.reshape(*split.shape[:-2], -1)


def settlement_table(
    start_utc: pd.DatetimeIndex,
    event_id: np.ndarray,
    sold_kwh: np.ndarray,
    baseline_kwh: np.ndarray,
    metered_kwh: np.ndarray,
    price: np.ndarray,
    system: np.ndarray,
    reference: np.ndarray,
    rules: MarketRules,
) -> pd.DataFrame:
    """One site's ``settlement.parquet``: a row per committed period and term; all arguments are (P,).

    ``start_utc`` is the start of each period and ``event_id`` its origin in the ledger. Columns as
    ``SETTLEMENT_COLUMNS``; amount = volume x price, so what is bought has a negative volume: an imbalance short of
    what was sold, and the MWh compensated (there only under ``vtp_pays``). The aggregator's share is a fraction of
    the other terms and has no volume: volume and price are 0. The amounts sum to ``flex_gbp``.
    """
    at = np.flatnonzero(np.asarray(sold_kwh) > 0)
    sold, deviation = np.asarray(sold_kwh)[at], (np.asarray(baseline_kwh) - metered_kwh)[at]
    terms = {
        "sale": (sold, np.asarray(price)[at]),
        "imbalance": (deviation - sold, np.asarray(system)[at]),
    }
    if rules.vtp_pays:
        terms["compensation"] = (-np.maximum(0.0, deviation), np.asarray(reference)[at])
    dates, periods = settlement_index(start_utc[at])
    where = {"settlement_date": dates, "settlement_period": periods, "event_id": np.asarray(event_id, dtype=object)[at]}

    frames = [_term_rows(where, term, kwh / KWH_PER_MWH, unit_price) for term, (kwh, unit_price) in terms.items()]
    gross = np.sum([frame["amount_gbp"].to_numpy() for frame in frames], axis=0)
    frames.append(
        _term_rows(where, "aggregator_share", np.zeros(len(at)), np.zeros(len(at))).assign(
            amount_gbp=-rules.aggregator_share * gross
        )
    )
    # Interleave the terms of a period: a stable sort on the original row number keeps the order of TERMS.
    return pd.concat(frames).sort_index(kind="stable").reset_index(drop=True)


def _term_rows(where: dict[str, np.ndarray], term: str, volume_mwh: np.ndarray, price: np.ndarray) -> pd.DataFrame:
    columns = {**where, "term": term, "volume_mwh": volume_mwh, "price_gbp_per_mwh": price}
    return pd.DataFrame({**columns, "amount_gbp": volume_mwh * price}, columns=list(SETTLEMENT_COLUMNS))


def _placed(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values`` of the periods ``at`` in a full array, 0 elsewhere."""
    full = np.zeros(at.shape)
    full[at] = values
    return full


def _compensation_price(reference: Quantity, vtp_pays: Quantity) -> np.ndarray:
    """GBP/MWh of reduced demand that the trader pays: the reference price, or nothing where it is mutualised."""
    return np.where(vtp_pays, reference, 0.0)
