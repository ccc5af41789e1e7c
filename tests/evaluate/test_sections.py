"""The other sections of a matrix page: deliveries, learning curves, overrides, probes, frontiers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluate.ablation_curves import LOG, POINTS, curves, draw
from evaluate.ablation_delivery import deliveries
from evaluate.ablation_settings import CARBON_PRICE, Axis, Outcome, frontiers
from evaluate.ablation_supervisor import MOST, measured, overrides_of, supervisions
from evaluate.counterfactual import COLUMNS as EFFECT_COLUMNS
from evaluate.matrix_effects import REPLAYED
from evaluate.matrix_run import marks
from evaluate.sales import COLUMNS as SALE_COLUMNS
from evaluate.statistics import Interval

WEEKS = ("2023-01-02", "2023-01-09", "2023-01-16")


def sale(week: str, sold: float, delivered: float, reduced: float, own: bool = False) -> dict[str, object]:
    row = dict.fromkeys(SALE_COLUMNS, "") | {"variant": "threshold", "seed": 0, "week_start": week, "own": own}
    return row | {
        "sold_kwh": sold, "delivered_kwh": delivered, "reduced_kwh": reduced, "flex_gbp": 10.0, "flex_phantom_gbp": 4.0,
    }  # fmt: skip


def test_deliveries_count_no_more_than_was_sold_and_keep_own_trades_apart() -> None:
    rows = pd.DataFrame({"variant": "threshold", "seed": 0, "week_start": list(WEEKS)})
    sales = pd.DataFrame([
        sale(WEEKS[0], 100.0, 150.0, 50.0), sale(WEEKS[1], 100.0, 40.0, -20.0),
        sale(WEEKS[1], 60.0, 60.0, 0.0, own=True),
    ])  # fmt: skip
    requests, own = deliveries(sales, rows)
    assert (requests.own, own.own) == (False, True)
    assert requests.delivered is not None
    assert requests.reduced is not None
    assert requests.delivered.estimate == pytest.approx(140.0 / 200.0)
    assert requests.reduced.estimate == pytest.approx(50.0 / 200.0)
    assert requests.kept == 0.5
    assert requests.sales == pytest.approx(2 / 3)  # the third week had none
    assert requests.real_gbp_per_mwh == pytest.approx(12.0 / 0.2)
    assert own.reduced is None  # one week alone has no interval


def test_curves_are_by_information_and_algorithm_with_seeds_as_a_band(tmp_path: Path) -> None:
    for seed, level in ((1, 0.04), (2, 0.06)):
        folder = tmp_path / f"run-{seed}" / "policy"
        folder.mkdir(parents=True)
        card = {"information": "grid_aware", "algorithm": "mappo", "seed": seed}
        (folder / "card.json").write_text(json.dumps(card))
        log = pd.DataFrame({"env_steps": np.arange(1, 101) * 1000, "saving_share": level})
        log.to_csv(folder.parent / LOG, index=False)
    (found,) = curves(str(tmp_path))
    assert (found.label, found.seeds, len(found.mean)) == ("grid_aware, mappo", (1, 2), POINTS)
    assert found.mean == pytest.approx(0.05)
    assert (found.low.max(), found.high.min()) == (pytest.approx(0.04), pytest.approx(0.06))
    assert "<path" in draw([found], "curves", narrow=True)
    assert curves(None) == curves(str(tmp_path / "nowhere")) == []


def test_overrides_are_ordered_by_what_they_were_worth() -> None:
    rows = pd.DataFrame(dict.fromkeys(EFFECT_COLUMNS, ""), index=range(20))
    rows["variant"], rows["reason_code"], rows[REPLAYED] = "threshold+rules", "price_high", 0.0
    rows["effect_gbp"] = np.arange(20.0) - 5.0
    (found,) = overrides_of(rows)
    assert [row["effect_gbp"] for row in found.best] == [14.0, 13.0, 12.0, 11.0, 10.0]
    assert [row["effect_gbp"] for row in found.worst] == [-5.0, -4.0, -3.0, -2.0, -1.0]
    assert len(found.best) == MOST
    assert found.helped == pytest.approx(14 / 20)
    assert found.by_reason["price_high"] == (20, pytest.approx(0.7), pytest.approx(4.5))


def test_supervisors_are_those_that_stand_above_somebody() -> None:
    rows = pd.DataFrame({"variant": ["neutral", "threshold+rules"], "decisions": [0, 200], "overrides": [0, 50]})
    (found,) = supervisions(rows)
    assert (found.variant, found.override_share) == ("threshold+rules", 0.25)


def test_every_number_of_a_probe_file_is_shown_and_a_broken_one_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "reader.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"overall": {"kind_right": 0.97}, "answers": [1, 2], "engine": "x", "n": 3}))
    bad.write_text("[1]")
    assert measured([str(good)]) == {"reader": {"overall.kind_right": 0.97, "n": 3.0}}
    for path in (bad, tmp_path / "none.json"):
        with pytest.raises(ValueError, match=r"evaluate\.probes"):
            measured([str(path)])


def test_a_frontier_joins_the_points_of_variants_that_move() -> None:
    def outcome(variant: str, money: float, carbon: float) -> Outcome:
        share = [Interval(value, value, value, 0.0, 0.95, 1, 8) for value in (money, money, carbon)]
        return Outcome(variant, *share, None, 0.0, {})

    settings = (
        ("0", (outcome("mpc", 0.08, 0.03), outcome("site", 0.03, 0.02))),
        ("250", (outcome("mpc", 0.07, 0.05), outcome("site", 0.03, 0.02))),
    )
    (path,) = frontiers([Axis(CARBON_PRICE, settings)])
    assert path.label == "mpc"
    assert [point[2] for point in path.points] == ["£0", "£250"]


def test_a_mark_is_the_least_real_of_what_a_column_rests_on() -> None:
    provenance = {
        "tariff_gbp_per_mwh": "real", "network_gbp_per_mwh": "modelled", "carbon_gco2_per_kwh": "filled",
        "event_gbp_per_mwh": "modelled", "system_gbp_per_mwh": "modelled",
    }  # fmt: skip
    assert marks(provenance, network=False) == {"bill": "real", "carbon": "filled", "flex": "modelled"}
    assert marks(provenance, network=True)["bill"] == "modelled"
