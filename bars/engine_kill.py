"""The engine is killed at random moments of a run: no control step is missed, and it comes back. One JSON on stdout.

The moments are random in the run (which decision) and in time (how long after the engine was asked), so that it dies
while it answers, between two decisions, and while it starts again. Some 15 CPU minutes with the 135M model.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.load import load_config
from envs.batch import SiteBatch
from evaluate.cases import make_case, market_rules
from evaluate.rollout import rollout
from evaluate.variants import Variant, make_policy, policy_seeds
from llm_layer.engine_vllm import VllmEngine
from llm_layer.model_folder import find_model
from llm_layer.model_policy import ModelPolicy
from llm_layer.orchestrator import Orchestrator
from llm_layer.policy import Decision
from llm_layer.situation import Situation

DAYS, LONGEST_DELAY_S = 4, 3.0
TIMEOUT_S = 120.0
PAUSE_S = 2.0
LONGEST_WAIT_S = 60.0  # for an engine to kill


class Killed:
    """A model whose engine is killed after chosen decisions; decisions: source and error of each."""

    def __init__(self, inner: ModelPolicy, engine: VllmEngine, delays_s: dict[int, float]) -> None:
        self.policy_id = inner.policy_id
        self._inner, self._engine, self._delays_s = inner, engine, delays_s
        self.decisions: list[tuple[str, str]] = []
        self.kills = 0
        self._last_killed: int | None = None
        self._one_at_a_time = threading.Lock()

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        timer = None
        if (delay_s := self._delays_s.get(len(self.decisions))) is not None:
            timer = threading.Timer(delay_s, self._kill)
            timer.daemon = True  # one that waits for an engine must not outlast the run
            timer.start()
        found = self._inner.decide(situations, now)
        alive = self._engine.pid not in (None, self._last_killed)
        if timer is not None and alive and len(self.decisions) % 2:
            timer.join()  # every other time before the site goes on, else whenever it comes
        self.decisions += [(decision.source, decision.error) for decision in found]
        if found[-1].source == "fallback":
            time.sleep(PAUSE_S)  # at a site decisions are an hour apart: an engine left alone is asked again by then
        return found

    def _kill(self) -> None:
        """Kill the engine that is there; one that is starting again, as soon as it has a process."""
        with self._one_at_a_time:
            until = time.monotonic() + LONGEST_WAIT_S
            while time.monotonic() < until:
                pid = self._engine.pid
                if pid is not None and pid != self._last_killed:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                        self._last_killed = pid
                        self.kills += 1
                        return
                time.sleep(0.02)


def measure(kills: int, seed: int, model: str) -> dict[str, Any]:
    config = load_config(None, [f"run.days={DAYS}"])
    case = make_case(config)
    rng = np.random.default_rng(seed)
    asked = case.rows.steps // config.supervisor.every_steps
    # The last decisions are left in peace, so that it can be seen to come back.
    moments = rng.choice(asked - 4, size=kills, replace=False)
    delays_s = dict(zip(moments.tolist(), rng.uniform(0.0, LONGEST_DELAY_S, kills).tolist(), strict=True))
    engine = VllmEngine(find_model(model), timeout_s=TIMEOUT_S)
    with contextlib.closing(engine):
        killed = Killed(ModelPolicy(engine, power_w=config.supervisor.power_w), engine, delays_s)
        run = rollout(
            SiteBatch([case]),
            make_policy(Variant("carbon_threshold", ""), [case], 0),
            market_rules(config),
            lambda _, desk: Orchestrator(killed, every_steps=config.supervisor.every_steps, accept=desk.accept),
            seeds=policy_seeds(0, 1),
        )
    sources = [source for source, _ in killed.decisions]
    return {
        "steps": run.steps,
        "missed_steps": case.rows.steps - run.steps,
        "kills": killed.kills,
        "decisions": len(sources),
        "fallbacks": sources.count("fallback"),
        "reasons": sorted({error for _, error in killed.decisions if error}),
        "answers_at_the_end": sources[-1] == "engine",
        "left_running": left_running(),
    }


def left_running() -> int:
    """Engines of this process that are still there."""
    count = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            told = (entry / "cmdline").read_bytes()
            count += b"llm_layer.vllm_host" in told and str(os.getpid()).encode() in told.split(b"\0")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="smollm2-135m")
    options = parser.parse_args()
    found = measure(options.kills, options.seed, options.model)
    holds = (
        found["kills"] == options.kills
        and found["missed_steps"] == 0
        and found["answers_at_the_end"]
        and found["left_running"] == 0
    )
    claim = f"an engine killed at {options.kills} random moments costs no control step and comes back"
    print(json.dumps({"claim": claim, "holds": holds, **found}, indent=1))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
