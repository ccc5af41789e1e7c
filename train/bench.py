"""How fast training is, side by side in one process: the fast path, RLlib as it comes, and a hand-written loop.

All on the real environment with equal networks, epochs and numbers of minibatches; rounds are interleaved, and every
speed is the median over rounds of environment steps per CPU second of this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from configs.schema import Config
from train.algorithm import rllib_config, stock_config
from train.handwritten import HandwrittenPPO
from train.kernel import TERMS
from train.machine import ray_cluster
from train.setup import Setup, setup_of

ROUNDS = 5
MINIBATCHES = 4
LEARN_ITERATIONS = 60
_SPENT = ("energy_gbp", "network_gbp", "wear_gbp", "carbon_cost_gbp", "penalty_gbp", "terminal_gbp")

Progress = Callable[[int, int], None]


def bench(
    config: Config, params: np.ndarray, *, rounds: int = ROUNDS, learn: int = LEARN_ITERATIONS,
    on_progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Speeds by contender (see the module's head), what the fast path learned meanwhile, and where its time goes.

    learned_return, neutral_return: GBP per 7-day episode (minus the objective), mean over the episodes that ended in
    the last fifth of training, actions drawn, and of the neutral site in the same episodes. No sales are drawn.
    """
    t = config.train.model_copy(update={"algorithm": "ippo", "num_env_runners": 0, "num_learners": 0})
    batch = t.sites * t.fragment_steps
    t = t.model_copy(update={"minibatch": batch // MINIBATCHES})
    with ray_cluster(t):
        base = config.model_copy(update={"train": t})
        setup = replace(setup_of(base, params), sale_share=0.0)
        runs = _contenders(setup, t, batch)
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        breakdown: list[dict[str, float]] = []
        for step, _ in runs.values():
            step()  # compiles, and fills caches
        for number in range(rounds):
            for name, (step, steps) in runs.items():
                cpu = time.process_time()
                algorithm = step()
                speeds[name].append(steps * t.hold_steps / (time.process_time() - cpu))
                if name == "fast":
                    breakdown.append(dict(algorithm.breakdown))
            if on_progress is not None:
                on_progress(number + 1, rounds + learn)
        learned, neutral = _learn(runs["fast"][0], learn, rounds, on_progress)
    return {
        **{f"{name}_env_steps_per_s": round(median(values), 1) for name, values in speeds.items()},
        "learned_return": learned,
        "neutral_return": neutral,
        "breakdown": {key: round(median(part[key] for part in breakdown), 4) for key in breakdown[0]},
        "setting": {
            "batch": batch,
            "minibatches": MINIBATCHES,
            "epochs": t.epochs,
            "networks": "2 x 64 tanh, actor and critic for each of 3 agents",
            "information": t.information,
            "levels": setup.levels,
            "hold_steps": t.hold_steps,
            "rounds": rounds,
            "unit": "environment steps (15 min of a site) per CPU second of the process, median of rounds; a row of "
            "the batch is a choice, hold_steps of them, for every contender",
        },
    }


def _contenders(setup: Setup, t: Any, batch: int) -> dict[str, tuple[Callable[[], Any], int]]:
    """name -> one iteration (which returns its algorithm) and the choices in it."""

    def rllib(config: Any) -> Callable[[], Any]:
        algorithm = config.build_algo()

        def step() -> Any:
            algorithm.train()
            return algorithm

        return step

    def stock(sites: int, size: int) -> tuple[Callable[[], Any], int]:
        return rllib(stock_config(setup, t, sites=sites, batch=size, minibatch=size // MINIBATCHES)), size

    plain = HandwrittenPPO(setup, t, batch // MINIBATCHES)
    one_critic = replace(setup, algorithm="mappo")
    return {
        "fast": (rllib(rllib_config(setup, t)), batch),
        "stock_1env": stock(1, 512),
        "stock_16env": stock(16, 2048),
        "stock_equal_batch": stock(16, batch),
        "handwritten": (plain.iterate, batch),
        "mappo_one_critic": (rllib(rllib_config(one_critic, t)), batch),
    }


def _learn(step: Callable[[], Any], iterations: int, done: int, on_progress: Progress | None) -> tuple[float, float]:
    last: list[np.ndarray] = []
    for k in range(iterations):
        algorithm = step()
        if k >= iterations - max(1, iterations // 5):
            last.append(algorithm.finished)
        if on_progress is not None:
            on_progress(done + k + 1, done + iterations)
    terms = dict(zip(TERMS, np.concatenate(last).mean(axis=0).tolist(), strict=True))
    return round(terms["flex_gbp"] - sum(terms[name] for name in _SPENT), 2), round(-terms["neutral_gbp"], 2)
