"""What each agent observes, declared as data: name, unit, range, normaliser. One place, three information sets.

``site``          own state, time, weather, workload
``carbon_aware``  plus carbon now and forecast (what SustainDC's agents see)
``grid_aware``    plus prices, requests and what was sold

The own set-point is in every layout. Prices enter as ranks within the next 36 h plus spread features, levels by the
trailing 7-day mean, the queue by age bins: a policy trained on one year's level then reads another's.
"""

from __future__ import annotations

import itertools

import numpy as np

from envs.actions import AGENTS
from envs.exogenous import EXOGENOUS_FEATURES, exogenous_table
from envs.feature import INFORMATION_SETS, Feature
from envs.view import SiteView
from grid.rows import ExogenousRows

QUEUE_BINS_STEPS = (0, 4, 8, 16, 28, 44, 64, 80, 96)


STATE_FEATURES: tuple[Feature, ...] = (
    Feature("soc", "-", 0.0, 1.0, "share of battery energy", "site"),
    Feature("setpoint", "-", -1.0, 1.0, "set-point as an action", "site"),
    Feature("inlet_margin", "-", -1.0, 2.0, "(limit - inlet) / 10 K", "site"),
    Feature("mass_offset", "-", -2.0, 2.0, "(mass - air) / 10 K", "site"),
    Feature("it_load", "-", 0.0, 1.5, "IT power / capacity", "site"),
    Feature("queued", "-", 0.0, 5.0, "queued work / 24 h of full deferrable work x 4", "site"),
    *(
        Feature(
            f"queue_due_{low}_{high}", "-", 0.0, 5.0, "work due in steps [low, high) / 4 h of deferrable work", "site"
        )
        for low, high in itertools.pairwise(QUEUE_BINS_STEPS)
    ),
    Feature("time_to_end", "-", 0.0, 1.0, "min(steps left, 96) / 96", "site"),
    Feature("sold_now", "-", 0.0, 2.0, "kW sold in this period / battery rating", "grid_aware"),
    Feature("sold_next_4h", "-", 0.0, 2.0, "most kW sold in a period of the next 4 h / battery rating", "grid_aware"),
    Feature("period_gap", "-", -3.0, 3.0, "(baseline - sold - last load) / battery rating", "grid_aware"),
)


def layout(information: str) -> tuple[Feature, ...]:
    """Features of an information set, in the order of the observation vector.

    Raises ValueError on an unknown information set.
    """
    if information not in INFORMATION_SETS:
        raise ValueError(f"information set {information!r} unknown; known: {', '.join(INFORMATION_SETS)}")
    level = INFORMATION_SETS.index(information)
    return tuple(
        feature
        for feature in (*STATE_FEATURES, *EXOGENOUS_FEATURES)
        if INFORMATION_SETS.index(feature.information) <= level
    )


def layout_size(information: str) -> int:
    """Length of one agent's observation. All three agents see the same vector: the site's."""
    return len(layout(information))


class Observer:
    """Builds observations of one information set for a batch. Series features are computed once per time row."""

    def __init__(self, information: str, all_rows: list[ExogenousRows], case_index: np.ndarray) -> None:
        names = {feature.name for feature in layout(information)}
        self.information = information
        self._state_columns = [i for i, f in enumerate(STATE_FEATURES) if f.name in names]
        columns = [i for i, f in enumerate(EXOGENOUS_FEATURES) if f.name in names]
        tables = [exogenous_table(rows)[:, columns] for rows in all_rows]
        self._table = np.ascontiguousarray(np.concatenate(tables))
        starts = np.cumsum([0] + [len(table) for table in tables])[:-1]
        self._offset = starts[case_index]
        self._length = np.array([rows.steps for rows in all_rows])[case_index]
        self.size = len(self._state_columns) + len(columns)

    def observe(self, view: SiteView) -> dict[str, np.ndarray]:
        """agent -> float32 (B, d). Every agent gets its own array."""
        at = self._offset + np.minimum(view.step, self._length - 1)
        own = state_features(view, self._length)[:, self._state_columns]
        observation = np.concatenate([own, self._table[at]], axis=1).astype(np.float32)
        return {agent: observation.copy() for agent in AGENTS}


def state_features(view: SiteView, length: np.ndarray) -> np.ndarray:
    """float64 (B, len(STATE_FEATURES)), in the order of ``STATE_FEATURES``. length: control steps of each run."""
    p, s = view.params, view.state
    hourly = np.maximum(p["it_capacity_kw"] * (1.0 - p["idle_share"]) * p["deferrable_share"], 1e-9)
    rating = np.maximum(p["battery_kw"], 1e-9)
    span = p["supply_max_degc"] - p["supply_min_degc"]
    bins = np.add.reduceat(view.queue_kwh, QUEUE_BINS_STEPS[:-1], axis=1)
    period = view.period
    sold = view.commitments_kw[:, period : period + 8]
    sold_now = sold[:, 0] if sold.shape[1] else np.zeros(view.batch_size)
    sold_next = sold.max(axis=1) if sold.shape[1] else sold_now
    gap = np.where(sold_now > 0.0, view.baseline_kw[:, 0] - sold_now - s["load_kw"], 0.0)
    columns = [
        s["soc_kwh"] / np.maximum(p["battery_kwh"], 1e-9),
        2.0 * (s["setpoint_degc"] - p["supply_min_degc"]) / span - 1.0,
        (p["inlet_limit_degc"] - s["inlet_degc"]) / 10.0,
        (s["mass_degc"] - s["air_degc"]) / 10.0,
        s["it_kw"] / p["it_capacity_kw"],
        view.queue_kwh.sum(axis=1) / (6.0 * hourly),
        *(bins / (4.0 * hourly)[:, None]).T,
        np.minimum(length - view.step, 96) / 96.0,
        sold_now / rating,
        sold_next / rating,
        gap / rating,
    ]
    return np.stack(columns, axis=1)
