"""CPU of the default matrix, and how many times faster it is than one by one through PettingZoo. One JSON on stdout.

    python bars/matrix_speed.py [--sample 1]

One by one is what a script around the PettingZoo environment does: for each variant, seed and week make the week, reset
the environment, step it with dictionaries, ask the same controller and supervisor at each step, and settle what the
steps reported into the same result row. ``--sample`` weeks of each variant are run so and scaled to the matrix; their
rows have to equal the matrix's (``largest_difference``, relative; a shuffled supervisor deals other cards to one site
than to eight, so its rows are left out). Both sides have compiled and imported before; the report is in neither.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from configs.load import load_config
from configs.schema import Config
from envs.case import Case
from envs.parallel import SiteParallelEnv
from envs.state import AGENTS, OUTPUTS
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.desk import Desk
from evaluate.matrix import Blocks, run_blocks
from evaluate.matrix_files import evaluate_matrix
from evaluate.orders import directives_of
from evaluate.rollout import Overseer, Rollout
from evaluate.variants import Variant, make_policy, policy_seeds
from evaluate.weeks import spread_weeks
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import HighLevelPolicy
from llm_layer.random_policy import RandomPolicy
from llm_layer.rules import RulesPolicy

MOST_CPU_S, LEAST_RATIO, MOST_DIFFERENCE = 180.0, 20.0, 1e-9
COMPARED = ("objective_gbp", "cost_gbp", "flex_gbp", "flex_phantom_gbp", "carbon_kg", "import_kwh", "penalty_gbp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1, help="weeks of each variant that are run one by one")
    sample = parser.parse_args().sample
    config = load_config(None, ["wandb.mode=disabled"])
    weeks = spread_weeks(config.evaluate.weeks, config.evaluate.period)
    with tempfile.TemporaryDirectory() as folder:
        few = config.evaluate.model_copy(update={"weeks": 2, "seeds": 1})
        run_blocks(config.model_copy(update={"evaluate": few}), Path(folder) / "warm")
        start = time.process_time()
        blocks = run_blocks(config, Path(folder) / "cache")
        blocks.rows()
        rows_s = time.process_time() - start
        start = time.process_time()
        evaluate_matrix(config, Path(folder), Path(folder) / "cache")
        report_s = time.process_time() - start
        _episode(config, Variant("neutral", ""), make_case(config, weeks[0], 7), None)  # it has compiled, too
        alone = {name: _one_by_one(config, name, weeks[:sample], blocks) for name in config.evaluate.variants}
    runs = config.evaluate.seeds * config.evaluate.weeks
    pettingzoo_s = runs * sum(one.cpu_s for one in alone.values())
    difference = max(one.difference for one in alone.values())
    holds = rows_s + report_s < MOST_CPU_S and pettingzoo_s / rows_s >= LEAST_RATIO and difference < MOST_DIFFERENCE
    print(
        json.dumps(
            {
                "claim": f"default matrix under {MOST_CPU_S:g} CPU s, its rows at least {LEAST_RATIO:g} x one by one",
                "holds": holds,
                "variants": len(config.evaluate.variants),
                "seeds": config.evaluate.seeds,
                "weeks": config.evaluate.weeks,
                "matrix_rows_cpu_s": round(rows_s, 1),
                "report_cpu_s": round(report_s, 1),
                "pettingzoo_rows_cpu_s": round(pettingzoo_s, 1),
                "ratio": round(pettingzoo_s / rows_s, 1),
                "largest_difference": difference,
                "pettingzoo_cpu_s_by_week": {name: round(one.cpu_s, 3) for name, one in alone.items()},
            },
            indent=1,
        )
    )


@dataclass(frozen=True)
class OneByOne:
    """cpu_s: a week's mean. difference: largest relative one between its rows and the matrix's."""

    cpu_s: float
    difference: float


def _one_by_one(config: Config, name: str, weeks: list[date], blocks: Blocks) -> OneByOne:
    rows = blocks.rows()
    mine = rows[(rows["variant"] == name) & (rows["seed"] == 0)].set_index("week_start")
    seconds, differences = [], [0.0]
    for position, week in enumerate(weeks):
        variant = Variant.parse(name)
        supervisor = _supervisor(variant, position, blocks)
        start = time.process_time()
        case = make_case(config, week, 7)
        row = _episode(config, variant, case, supervisor)
        seconds.append(time.process_time() - start)
        if variant.supervisor != "random":
            theirs = mine.loc[week.isoformat()]
            differences += [abs(row[n] - theirs[n]) / max(1.0, abs(theirs[n])) for n in COMPARED]
    return OneByOne(sum(seconds) / len(seconds), float(max(differences)))


def _supervisor(variant: Variant, position: int, blocks: Blocks) -> HighLevelPolicy | None:
    """The rules, or their directives dealt out again."""
    if not variant.supervisor:
        return None
    if variant.supervisor != "random":
        return RulesPolicy()
    (key,) = blocks.keys["", f"{variant.base}+rules", 0]
    return RandomPolicy({0: directives_of(blocks.store.orders(key))[position]}, 0)


def _episode(config: Config, variant: Variant, case: Case, supervisor: HighLevelPolicy | None) -> Mapping[str, float]:
    """One week of one variant through PettingZoo -> its totals, in the names of contract 8."""
    policy = make_policy(variant, [case], 0)
    env = SiteParallelEnv(case, information=policy.layout or "grid_aware")
    observations, _ = env.reset(seed=0)
    desk = Desk(env.batch, market_rules(config))
    overseer: Overseer = Alone(policy, desk)
    if supervisor is not None:
        overseer = Orchestrator(supervisor, every_steps=config.supervisor.every_steps, accept=desk.accept)
    overseer.reset(env.batch)
    policy.reset(1, policy_seeds(0, 1))
    outputs, baseline, llm = [], [], []
    while env.agents:
        view, feasible = env.batch.view(), env.batch.feasible()
        bounds = overseer.bounds(view, env.batch, feasible)
        raw = policy.act({agent: vector[None] for agent, vector in observations.items()}, bounds, view)
        for offer in policy.offers(view):
            desk.trade(offer, view.timestamp(0))
        control = overseer.control(view, env.batch, feasible, raw)
        acted = np.clip(raw, control.bounds[..., 0], control.bounds[..., 1])[0]
        observations, _, _, _, infos = env.step({agent: acted[k : k + 1] for k, agent in enumerate(AGENTS)})
        outputs.append([infos[AGENTS[0]]["outputs"][name] for name in OUTPUTS])
        baseline.append(view.baseline_kw[0, 0])
        llm.append(control.llm_kwh[0])
    return _settled(env, desk, np.array(outputs), np.array(baseline), np.array(llm))


def _settled(
    env: SiteParallelEnv, desk: Desk, outputs: np.ndarray, baseline: np.ndarray, llm: np.ndarray
) -> Mapping[str, float]:
    batch, steps = env.batch, len(outputs)
    nothing = np.zeros((steps, 1, len(AGENTS)), dtype=np.float32)
    run = Rollout(
        cases=batch.cases,
        site_case=batch.site_case,
        params=batch.params,
        lengths=batch.length,
        outputs=outputs[:, None],
        raw=nothing,
        executed=nothing,
        causes=nothing.astype(np.uint8),
        baseline_kw=baseline[:, None],
        neutral_kwh=batch.cases[0].neutral_kwh[:steps, None],
        llm_kwh=llm[:, None],
        breach_steps=np.zeros((steps, 1), dtype=bool),
        commitments_kw=batch.commitments_kw,
        own_trade=desk.own(0)[None],
        ledger=desk.ledger(0)[None],
    )
    return keep_books(run).totals(0)


if __name__ == "__main__":
    main()
