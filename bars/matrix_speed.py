"""CPU of the default matrix, and how many times faster it is than one by one through PettingZoo. One JSON on stdout.

    python bars/matrix_speed.py [--sample 1]

One by one is what a script around the PettingZoo environment does: for each variant, seed and week make the week, step
the environment with dictionaries, ask the same controller and supervisor at each step. ``--sample`` weeks of each
variant are run so and scaled to the matrix.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from configs.load import load_config
from configs.schema import Config
from envs.parallel import SiteParallelEnv
from envs.state import AGENTS
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from evaluate.matrix_files import evaluate_matrix
from evaluate.rollout import Overseer
from evaluate.variants import Variant, make_policy
from evaluate.weeks import spread_weeks
from llm_layer.orchestrator import Orchestrator
from llm_layer.rules import RulesPolicy

MOST_CPU_S, LEAST_RATIO = 180.0, 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1, help="weeks of each variant that are run one by one")
    sample = parser.parse_args().sample
    config = load_config(None, ["wandb.mode=disabled"])
    weeks = spread_weeks(config.evaluate.weeks, config.evaluate.period)
    for name in config.evaluate.variants:  # compile and import first, for both
        _one(config, name, weeks[0])
    one_by_one = {
        name: sum(_one(config, name, week) for week in weeks[:sample]) / sample for name in config.evaluate.variants
    }
    runs = config.evaluate.seeds * config.evaluate.weeks
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        evaluate_matrix(config, Path(folder), Path(folder) / ".cache")
    matrix_s = time.process_time() - start
    pettingzoo_s = runs * sum(one_by_one.values())
    print(
        json.dumps(
            {
                "claim": f"default matrix under {MOST_CPU_S:g} CPU s, at least {LEAST_RATIO:g} x one by one",
                "holds": matrix_s < MOST_CPU_S and pettingzoo_s / matrix_s >= LEAST_RATIO,
                "variants": len(config.evaluate.variants),
                "seeds": config.evaluate.seeds,
                "weeks": config.evaluate.weeks,
                "matrix_cpu_s": round(matrix_s, 1),
                "pettingzoo_cpu_s": round(pettingzoo_s, 1),
                "ratio": round(pettingzoo_s / matrix_s, 1),
                "pettingzoo_cpu_s_by_week": {name: round(value, 3) for name, value in one_by_one.items()},
            },
            indent=1,
        )
    )


def _one(config: Config, name: str, week: object) -> float:
    """CPU seconds of one week of one variant through PettingZoo."""
    start = time.process_time()
    case = make_case(config, week, 7)  # type: ignore[arg-type]
    variant = Variant.parse(name)
    policy = make_policy(variant, [case], 0)
    env = SiteParallelEnv(case, information=policy.layout or "grid_aware")
    observations, _ = env.reset(seed=0)
    desk = Desk(env.batch, market_rules(config))
    overseer: Overseer = Alone(policy, desk)
    if variant.supervisor:
        overseer = Orchestrator(RulesPolicy(), every_steps=config.supervisor.every_steps, accept=desk.accept)
    overseer.reset(env.batch)
    policy.reset(1, np.zeros(1, dtype=np.int64))
    while env.agents:
        view, feasible = env.batch.view(), env.batch.feasible()
        bounds = overseer.bounds(view, env.batch, feasible)
        raw = policy.act({agent: vector[None] for agent, vector in observations.items()}, bounds, view)
        for offer in policy.offers(view):
            desk.trade(offer, view.timestamp(0))
        allowed = overseer.control(view, env.batch, feasible, raw).bounds
        acted = np.clip(raw, allowed[..., 0], allowed[..., 1])[0]
        observations, *_ = env.step({agent: acted[k : k + 1] for k, agent in enumerate(AGENTS)})
    return time.process_time() - start


if __name__ == "__main__":
    main()
