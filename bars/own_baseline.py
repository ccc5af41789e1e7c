"""What a long run's own baseline changes against one frozen at its start (design section 4). One JSON on stdout.

The same real stretch is run twice under the rules: with BL01 relearnt each day from the site's own meter, as runs over
14 days do, and with the neutral run-in's baseline kept throughout.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from agents import factory
from configs.load import load_config
from envs.batch import SiteBatch
from evaluate.accounting import keep_books
from evaluate.cases import make_case, market_rules
from evaluate.rollout import rollout
from llm_layer.orchestrator import Orchestrator
from llm_layer.rules import RulesPolicy

SHOWN = ("cost_gbp", "flex_gbp", "flex_real_gbp", "flex_phantom_gbp", "objective_gbp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", default="2023-01-02")
    parser.add_argument("--days", type=int, default=182)
    args = parser.parse_args()
    start = time.process_time()
    config = load_config(None, ["signals.source=file", f"run.start={args.start}", f"run.days={args.days}"])
    case = make_case(config)
    totals = {}
    for name, own in (("own", True), ("frozen", False)):
        run = rollout(
            SiteBatch([case]),
            factory.make("carbon_threshold", case),
            market_rules(config),
            lambda agents, desk: Orchestrator(RulesPolicy(), accept=desk.accept),
            seeds=np.zeros(1, dtype=np.int64),
            own_baseline=own,
        )
        books = keep_books(run).totals(0)
        accepted = int(run.counters["events_accepted"][0])
        totals[name] = {key: round(books[key], 2) for key in SHOWN} | {"events_accepted": accepted}
    difference = {key: round(totals["own"][key] - totals["frozen"][key], 2) for key in totals["own"]}
    print(
        json.dumps(
            {
                "claim": "a site that shifts load lowers its own later baseline: phantom money turns against it",
                "holds": difference["flex_phantom_gbp"] < 0.0,
                "start": args.start,
                "days": args.days,
                **totals,
                "own_less_frozen": difference,
                "cpu_s": round(time.process_time() - start, 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
