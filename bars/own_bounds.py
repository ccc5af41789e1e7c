"""Each trained agent by itself against the bound of its own flexibility, day-ahead prices alone. One JSON on stdout.

    python bars/own_bounds.py [--weeks 17] [--seeds 1] [--variants threshold,grid_aware]

A site with one flexibility left, real weeks of 2023 spread over the year. Data pack through DEG_SHARED.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from configs.load import load_config
from evaluate.ablation import CLAIM, NEUTRAL, tables_of
from evaluate.headroom_plan import FLEXIBILITIES, scenarios
from evaluate.matrix import run_blocks
from evaluate.statistics import ratio_of_sums
from evaluate.variants import BOUND


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=17)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--variants", default="threshold,grid_aware")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/.cache"), help="finished blocks, of `deg evaluate` too"
    )
    asked = parser.parse_args()
    names = asked.variants.split(",")
    config = load_config(
        Path("configs/headroom.yaml"),
        [
            f"evaluate.weeks={asked.weeks}",
            f"evaluate.seeds={asked.seeds}",
            f"evaluate.variants=[{','.join((NEUTRAL, *names, BOUND))}]",
        ],
    )
    found = {}
    for scenario in scenarios(config):
        if scenario.key not in FLEXIBILITIES:
            continue
        tables = tables_of(run_blocks(scenario.config, asked.cache).rows())
        most = tables[NEUTRAL][CLAIM] - tables[BOUND][CLAIM]
        found[scenario.key] = {
            "bound_gbp_a_week": float(most.mean()),
            **{
                name: vars(
                    ratio_of_sums(tables[NEUTRAL][CLAIM] - tables[name][CLAIM], most, rng=np.random.default_rng(0))
                )
                for name in names
            },
        }
    claim = "share of the bound of its own flexibility that each agent saves by itself"
    print(json.dumps({"claim": claim, "weeks": asked.weeks, "seeds": asked.seeds, **found}, indent=1))


if __name__ == "__main__":
    main()
